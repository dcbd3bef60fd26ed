//! The signals between a timeline and its maintenance tasks.

use super::failures::Failures;
use super::job_lock::JobLock;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Event, EventListener, Mutex, MutexGuard, PoisonError};

/// One of the tasks that maintain a timeline: its jobs run one after the other, and beside those of
/// the other lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Freezes and flushes.
    Flush,
    /// Compacts.
    Compact,
    /// Creates images.
    Image,
    /// Collects garbage, and gc-compacts.
    Collect,
    /// Sheds what a split has left.
    Shed,
}

/// The part of a timeline that its maintenance tasks hold while they sleep, without holding the
/// timeline.
#[derive(Default)]
pub(crate) struct Upkeep {
    lanes: [LaneSignals; Lane::ALL.len()],
    closing: Event,
    is_closed: AtomicBool,
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct LaneSignals {
    /// Notified when there may be work.
    work: Event,
    /// Held during a round of the lane, and by a shutdown while it closes the timeline.
    job_lock: JobLock,
}

impl Lane {
    pub(crate) const ALL: [Lane; 5] = [
        Lane::Flush,
        Lane::Compact,
        Lane::Image,
        Lane::Collect,
        Lane::Shed,
    ];

    fn index(self) -> usize {
        self as usize
    }
}

impl Upkeep {
    /// Tells a lane that there may be work.
    pub(crate) fn wake(&self, lane: Lane) {
        self.lanes[lane.index()].work.notify(usize::MAX);
    }

    /// Tells the lanes that the layers, or what is kept of them, have changed.
    pub(crate) fn wake_all(&self) {
        Lane::ALL.into_iter().for_each(|lane| self.wake(lane));
    }

    /// Listens for the next [`Upkeep::wake`] of the lane.
    pub(crate) fn listen(&self, lane: Lane) -> EventListener {
        self.lanes[lane.index()].work.listen()
    }

    /// Listens for the next [`Upkeep::close`].
    pub(crate) fn listen_for_close(&self) -> EventListener {
        self.closing.listen()
    }

    /// The lock of a lane's round.
    pub(crate) fn job_lock(&self, lane: Lane) -> &JobLock {
        &self.lanes[lane.index()].job_lock
    }

    /// Marks the timeline as shut down, or as gone: no maintenance task touches it any more, and
    /// all of them end now. A shutdown holds the locks of all lanes.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.closing.notify(usize::MAX);
        self.wake_all();
    }

    /// Whether the timeline was shut down, or is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// What fails, and what has failed.
    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        // Nothing in it is half done while a panic unwinds.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
