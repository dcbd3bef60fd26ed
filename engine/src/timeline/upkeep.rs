//! What a timeline and its housekeeper tell each other.

use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::Event;

use super::job_lock::JobLock;

/// What the housekeeper has of a timeline that it does not hold.
#[derive(Default)]
pub(crate) struct Upkeep {
    /// There may be work.
    pub(crate) work: Event,
    /// A round, or the end of a shutdown.
    pub(crate) job_lock: JobLock,
    is_closed: AtomicBool,
}

impl Upkeep {
    /// The timeline was shut down: from now on the housekeeper does not touch it. The caller has
    /// the turn.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Whether the timeline was shut down.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}
