//! A lock for jobs, held across awaits. A waiter whose future is cancelled loses no wake-up of
//! others.

use crate::sync::Event;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The locks that allow one job of each kind at a time, and one index writer. Lock order, so that
/// they cannot deadlock: maintenance, then a job's, then the index's; a job takes no other job's
/// lock, but for a lease, which flushes, and a compaction that makes images.
#[derive(Default)]
pub(crate) struct JobLocks {
    pub(crate) flush: JobLock,
    pub(crate) compact: JobLock,
    pub(crate) image: JobLock,
    /// Held by gc and by gc compaction: what one of them keeps, the other must find.
    pub(crate) gc: JobLock,
    pub(crate) lease: JobLock,
    pub(crate) index: JobLock,
}

/// A lock that one job at a time holds.
#[derive(Default)]
pub(crate) struct JobLock {
    is_taken: AtomicBool,
    released: Event,
}

/// The right to run, which is released when this is dropped.
pub(crate) struct JobLockGuard<'a> {
    job_lock: &'a JobLock,
}

impl JobLock {
    /// Waits until the lock is free, and takes it.
    pub(crate) async fn take(&self) -> JobLockGuard<'_> {
        loop {
            if let Some(guard) = self.try_take() {
                return guard;
            }
            let listener = self.released.listen();
            // The lock may have been released between the attempt and `listen`: without a second
            // attempt that wake-up is lost.
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
        assert!(
            was_taken,
            "one holder at a time, which releases the lock once"
        );
        self.job_lock.released.notify(1);
    }
}

#[cfg(test)]
mod tests;
