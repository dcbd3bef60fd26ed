//! Maintenance: background tasks that run all jobs by need.
//!
//! ```text
//!  lane      its jobs, one after the other    its round begins
//!  flush     freeze ─▶ flush                  at once
//!  compact   compact                          at once
//!  image     create images                    a period after the first change
//!  collect   gc ─▶ gc compaction              a period after the first change
//!  shed      shed, behind a split             a period after the first change
//! ```
//!
//! 1. A lane sleeps until something changes, or until something falls due by time: an open layer
//!    grows old, a lease ends, a record comes of age, a job that has failed is tried again. Where
//!    nothing changes and nothing grows old, it costs nothing but [`IDLE_MAX`].
//! 2. Lanes wait for each other only where their jobs do: for the index, and for a job of the kind
//!    that a caller runs. So a slow job, or a full disk under one, does not hold up the others.
//! 3. A task holds a strong reference to the timeline only during a round, so that it ends when the
//!    last handle is dropped. A round runs under the lane's lock, and a shutdown takes all of them:
//!    so after a shutdown no task holds the timeline or the engine's directory.
//! 4. A failure is noted for [`Timeline::health`] and for the writer, and the job is tried again
//!    later. A failed sync ends the tasks, as it ends all writing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::Timeline;
use super::imaged::{Imaged, WhyLeftOut};
use super::job::{Mode, Progress};
use super::shared::Shared;
use super::upkeep::{Lane, Upkeep};
use crate::base::{Result, Strategy, Time};
use crate::io::{Io, Job};
use crate::store::Store;
use crate::sync::EventListener;

/// How long a lane sleeps at most: a clock that is set forward makes things due that no timer has
/// waited for.
const IDLE_MAX: Duration = Duration::from_secs(60 * 60);

impl<S: Store> Timeline<S> {
    /// Starts the maintenance tasks, if `maintenance_period` is set.
    pub(crate) fn start_maintenance(&self) {
        let shared = &self.shared;
        let Some(period) = shared.options.maintenance_period else {
            return;
        };
        for (lane, number) in Lane::ALL.into_iter().zip(1..) {
            if lane == Lane::Shed && shared.shard.origins.is_empty() {
                continue;
            }
            let op = shared.op(Job::Keep, number);
            let task = LaneTask {
                lane,
                shared: Arc::downgrade(shared),
                upkeep: shared.upkeep.clone(),
                io: shared.io().clone(),
                period,
            };
            // From here on no wake-up is lost, also before the task runs for the first time.
            let work = shared.upkeep.listen(lane);
            shared.io().spawn(op, task.run(work));
        }
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
    /// timeline.maintain().await?; // With `maintenance_period` set, tasks do so by themselves.
    /// assert_eq!(timeline.disk_consistent_lsn(), Lsn(20));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn maintain(&self) -> Result<()> {
        let flushed = self.flush_due().await;
        let compacted = self.compact_all().await;
        let imaged = self.create_images_by_need().await.map(|_| ());
        let shed = self.shed_inherited().await;
        let collected = self.gc().await.map(|_| ());
        let reduced = self.gc_compact_by_need().await;
        flushed
            .and(compacted)
            .and(imaged)
            .and(shed)
            .and(collected)
            .and(reduced)
    }

    async fn flush_due(&self) -> Result<()> {
        let frozen = self.shared.freeze_due().await;
        let flushed = self.flush_frozen().await;
        frozen.and(flushed)
    }

    async fn compact_all(&self) -> Result<()> {
        while self.compact(Mode::ByNeed).await? == Progress::Done {}
        Ok(())
    }

    /// Creates images where they are due, but not where compaction makes them.
    async fn create_images_by_need(&self) -> Result<Option<Imaged>> {
        match self.strategy() {
            Strategy::L0ToL1 => self.create_images(Mode::ByNeed).await.map(Some),
            Strategy::Tiered => Ok(None),
        }
    }

    /// Sheds what a split has left, if there was one.
    async fn shed_inherited(&self) -> Result<()> {
        match self.shared.shard.origins.is_empty() {
            true => Ok(()),
            false => self.shed().await.map(|_| ()),
        }
    }

    async fn gc_compact_by_need(&self) -> Result<()> {
        self.gc_compact_all(Mode::ByNeed).await.map(|_| ())
    }

    /// Runs the jobs of a lane, but for those that have failed and are to be tried again later;
    /// returns when the next round falls due though nothing changes, if one does.
    async fn run_lane(&self, lane: Lane, period: Duration) -> Option<Time> {
        let mut next = None;
        for &job in lane.jobs() {
            let now = self.shared.io().now();
            let next_try = self.shared.upkeep.failures().next_try(job, now);
            if next_try.is_none() {
                let ended = self.run_job(job).await;
                let look_again = matches!(ended, Ok(true)).then(|| now.saturating_add(period));
                next = earlier(next, look_again);
                let ended = (self.shared.io().now(), period, ended.map(|_| ()));
                self.shared.note_end(job, ended);
            }
            let now = self.shared.io().now();
            let next_try = self.shared.upkeep.failures().next_try(job, now);
            next = earlier(next, next_try);
        }
        let now = self.shared.io().now();
        earlier(next, self.shared.falls_due(lane, now))
    }

    /// Runs a job by need; returns whether it waits for something that wakes no lane.
    async fn run_job(&self, job: Job) -> Result<bool> {
        use WhyLeftOut::{DoneBefore, Overtaken, Preempted};
        match job {
            Job::Flush => self.flush_due().await?,
            Job::Compact => self.compact_all().await?,
            Job::Shed => self.shed_inherited().await?,
            Job::Image => {
                let imaged = self.create_images_by_need().await?;
                // A reader of the image that stands in the way may end at any time. A run that was
                // stopped goes on in the next round, also where no L0 goes and nothing wakes it;
                // and then it has not looked at the keys before.
                let unfinished = [Overtaken, Preempted, DoneBefore];
                return Ok(imaged.is_some_and(|it| unfinished.iter().any(|why| it.has(*why))));
            }
            Job::Gc => self.gc().await.map(|_| ())?,
            Job::GcCompact => self.gc_compact_by_need().await?,
            _ => unreachable!("no lane has it"),
        }
        Ok(false)
    }
}

/// Has the collections of a timeline and of its ancestors look again when it is dropped: a branch
/// may retain less than before.
pub(crate) struct CollectAfterwards<'a, S: Store> {
    timeline: &'a Timeline<S>,
}

impl<S: Store> Timeline<S> {
    pub(crate) fn collect_afterwards(&self) -> CollectAfterwards<'_, S> {
        CollectAfterwards { timeline: self }
    }
}

impl<S: Store> Drop for CollectAfterwards<'_, S> {
    fn drop(&mut self) {
        let mut next = Some(&self.timeline.shared);
        while let Some(shared) = next {
            shared.upkeep.wake(Lane::Collect);
            next = shared.parent.as_ref();
        }
    }
}

impl Lane {
    /// Its jobs, in the order in which they run.
    fn jobs(self) -> &'static [Job] {
        match self {
            Lane::Flush => &[Job::Flush],
            Lane::Compact => &[Job::Compact],
            Lane::Image => &[Job::Image],
            Lane::Collect => &[Job::Gc, Job::GcCompact],
            Lane::Shed => &[Job::Shed],
        }
    }

    /// Whether a change is followed by a round at once. Where each flush would be followed by a
    /// collection of its own, several share one.
    fn is_prompt(self) -> bool {
        matches!(self, Lane::Flush | Lane::Compact)
    }
}

impl<S: Store> Shared<S> {
    fn note_end(&self, job: Job, (now, period, ended): (Time, Duration, Result<()>)) {
        let has_failed = ended.is_err();
        self.upkeep.failures().note(job, (now, period), ended);
        if has_failed {
            self.io().probe("a job of maintenance fails");
            // A writer that waits for the job must not wait for ever.
            self.changed.notify(usize::MAX);
        }
    }

    /// When a job of the lane falls due although nothing changes, if one does.
    fn falls_due(&self, lane: Lane, now: Time) -> Option<Time> {
        let state = self.state();
        let options = &state.applied.options;
        match lane {
            Lane::Flush => {
                let open = state.map.open().filter(|open| 0 < open.entry_count());
                open.map(|open| open.opened_at().saturating_add(options.freeze_age_max))
            }
            Lane::Compact | Lane::Shed => None,
            Lane::Image => {
                let looked = match (options.image_look_distance, state.image_look) {
                    (1.., Some((_, looked))) => Some(looked.saturating_add(options.image_look_age)),
                    _ => None,
                };
                let times = options.image_age_max.map(|_| &state.image_time_to_lsn);
                let aged = times.and_then(|it| it.next_change(now, state.last_record_lsn));
                // What is due by age is found by the next look.
                looked.or(aged)
            }
            Lane::Collect => {
                let leases = state.leases.values();
                let over = leases
                    .min()
                    .map(|until| until.saturating_add(Duration::from_nanos(1)));
                let times = (!options.gc_age.is_zero()).then_some(&state.time_to_lsn);
                let aged = times.and_then(|it| it.next_change(now, state.last_record_lsn));
                earlier(over, aged)
            }
        }
    }
}

/// The task of one lane.
struct LaneTask<S: Store> {
    lane: Lane,
    shared: Weak<Shared<S>>,
    upkeep: Arc<Upkeep>,
    io: S::Io,
    period: Duration,
}

impl<S: Store> LaneTask<S> {
    /// Runs round after round, until the timeline is closed, latched or gone.
    async fn run(self, mut work: EventListener) {
        let mut next = Some(self.io.now().saturating_add(self.period));
        loop {
            let now = self.io.now();
            let sleep = next.map_or(IDLE_MAX, |next| next.saturating_since(now).min(IDLE_MAX));
            first_of(work, self.io.sleep(sleep)).await;
            if !self.lane.is_prompt() || self.is_ending() {
                self.pause().await;
            }
            let _job_lock = self.upkeep.job_lock(self.lane).take().await;
            // Before the round looks: what comes while it runs is due in the next one.
            work = self.upkeep.listen(self.lane);
            if self.upkeep.is_closed() {
                return;
            }
            // Declared after the lock's guard, and so dropped before it.
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            let timeline = Timeline { shared };
            if timeline.shared.state().is_closed_or_latched() {
                return;
            }
            next = timeline.run_lane(self.lane, self.period).await;
        }
    }

    /// Whether the timeline is being shut down: a round would be cut short again and again, and
    /// take the lock that the shutdown waits for.
    fn is_ending(&self) -> bool {
        let shared = self.shared.upgrade();
        shared.is_some_and(|shared| 0 < shared.state().ending_count)
    }

    /// Waits for a period, or until the timeline is closed.
    async fn pause(&self) {
        let closing = self.upkeep.listen_for_close();
        if !self.upkeep.is_closed() {
            first_of(closing, self.io.sleep(self.period)).await;
        }
    }
}

fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
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
