//! Taking turns: one at a time, and a waiter that leaves takes nobody's turn with it.

use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::Event;

/// A place where one job at a time may be.
#[derive(Default)]
pub(crate) struct JobLock {
    is_taken: AtomicBool,
    released: Event,
}

/// Whoever holds it is the one whose turn it is.
pub(crate) struct JobLockGuard<'a> {
    job_lock: &'a JobLock,
}

impl JobLock {
    /// Waits for its turn.
    pub(crate) async fn take(&self) -> JobLockGuard<'_> {
        loop {
            if let Some(guard) = self.try_take() {
                return guard;
            }
            let listener = self.released.listen();
            // Between the look and the listening it may have been released.
            if let Some(guard) = self.try_take() {
                return guard;
            }
            listener.await;
        }
    }

    fn try_take(&self) -> Option<JobLockGuard<'_>> {
        let is_mine = !self.is_taken.swap(true, Ordering::AcqRel);
        is_mine.then(|| JobLockGuard { job_lock: self })
    }
}

impl Drop for JobLockGuard<'_> {
    fn drop(&mut self) {
        let was_taken = self.job_lock.is_taken.swap(false, Ordering::Release);
        assert!(was_taken, "one holder at a time, and it lets go once");
        self.job_lock.released.notify(1);
    }
}

#[cfg(test)]
mod tests;
