//! Maintenance: a background task that runs all jobs by need.
//!
//! ```text
//!  sleep ─ period over, or something changed
//!    ─▶ freeze ─▶ flush ─▶ compact ─▶ images ─▶ shed ─▶ gc ─▶ gc compaction ─▶ sleep …
//! ```
//!
//! The task holds a strong reference to the timeline only during a round, so that it ends when the
//! last handle is dropped. A round runs under the maintenance lock, and a shutdown takes that lock:
//! so after a shutdown the task holds neither the timeline nor the engine's directory. After an
//! error the next round retries, since the failed job is still due. A failed sync ends the task, as
//! it ends all writing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::Timeline;
use super::job::{Mode, Progress};
use super::shared::Shared;
use super::upkeep::Upkeep;
use crate::base::{Result, Strategy};
use crate::io::{Io, Job};
use crate::store::Store;
use crate::sync::EventListener;

impl<S: Store> Timeline<S> {
    /// Starts the maintenance task, if `maintenance_period` is set.
    pub(crate) fn start_maintenance(&self) {
        let shared = &self.shared;
        let Some(period) = shared.options.maintenance_period else {
            return;
        };
        let (io, op) = (shared.io().clone(), shared.op(Job::Keep, 1));
        let upkeep = shared.upkeep.clone();
        // From here on no wake-up is lost, also before the task runs for the first time.
        let work = upkeep.work.listen();
        let task = run_maintenance((Arc::downgrade(shared), upkeep), work, io.clone(), period);
        io.spawn(op, task);
    }

    /// Runs one round of maintenance: freezes the open layer if it is too old or must make room for
    /// others, flushes what is frozen, compacts, creates images, sheds what a split has left,
    /// collects garbage and gc-compacts, each if it is due. Otherwise the open layer is left to
    /// [`Timeline::flush`], and where compaction is tiered, images are left to it.
    ///
    /// # Errors
    /// The first job's error; the other jobs run all the same.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.freeze().await?;
    /// timeline.maintain().await?; // With `maintenance_period` set, a task does so by itself.
    /// assert_eq!(timeline.disk_consistent_lsn(), Lsn(20));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn maintain(&self) -> Result<()> {
        let frozen = self.shared.freeze_due().await;
        let flushed = self.flush_frozen().await;
        let compacted = self.compact_all().await;
        let imaged = self.create_images_by_need().await;
        let shed = self.shed_inherited().await;
        let collected = self.gc().await.map(|_| ());
        let reduced = self.gc_compact_all(Mode::ByNeed).await.map(|_| ());
        frozen
            .and(flushed)
            .and(compacted)
            .and(imaged)
            .and(shed)
            .and(collected)
            .and(reduced)
    }

    /// Creates images where they are due, but not where compaction makes them.
    async fn create_images_by_need(&self) -> Result<()> {
        match self.strategy() {
            Strategy::L0ToL1 => self.create_images(Mode::ByNeed).await.map(|_| ()),
            Strategy::Tiered => Ok(()),
        }
    }

    /// Sheds what a split has left, if there was one.
    async fn shed_inherited(&self) -> Result<()> {
        match self.shared.shard.origins.is_empty() {
            true => Ok(()),
            false => self.shed().await.map(|_| ()),
        }
    }

    async fn compact_all(&self) -> Result<()> {
        while self.compact(Mode::ByNeed).await? == Progress::Done {}
        Ok(())
    }
}

async fn run_maintenance<S: Store>(
    (shared, upkeep): (Weak<Shared<S>>, Arc<Upkeep>),
    mut work: EventListener,
    io: S::Io,
    period: Duration,
) {
    while 0 < shared.strong_count() {
        first_of(work, io.sleep(period)).await;
        let _job_lock = upkeep.job_lock.take().await;
        // Before the round looks: what comes while it runs is due in the next one, at once.
        work = upkeep.work.listen();
        if upkeep.is_closed() {
            return;
        }
        // Declared after the lock's guard, and so dropped before it.
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let timeline = Timeline { shared };
        if timeline.shared.state().is_closed_or_latched() {
            return;
        }
        // A job that fails is still due in the next round, which retries it.
        let _ = timeline.maintain().await;
    }
}

/// Waits until one of two futures is ready.
async fn first_of(left: impl Future, right: impl Future) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        let is_left = left.as_mut().poll(context).is_ready();
        match is_left || right.as_mut().poll(context).is_ready() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}
