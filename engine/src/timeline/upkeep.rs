//! The signals between a timeline and its maintenance task.

use super::job_lock::JobLock;
use crate::sync::Event;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The part of a timeline that its maintenance task holds while it sleeps, without holding the
/// timeline.
#[derive(Default)]
pub(crate) struct Upkeep {
    /// Notified when there may be work.
    pub(crate) work: Event,
    /// Held during a round of maintenance, and by a shutdown while it closes the timeline.
    pub(crate) job_lock: JobLock,
    is_closed: AtomicBool,
}

impl Upkeep {
    /// Marks the timeline as shut down: the maintenance task does not touch it any more, and ends
    /// now, not when its period does. The caller holds `job_lock`.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.work.notify(usize::MAX);
    }

    /// Whether the timeline was shut down.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}
