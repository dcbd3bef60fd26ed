//! Policies: the options that a timeline has for itself, set while it runs.
//!
//! 1. The state has the options of the engine with those of the policy in their place, and each job
//!    takes them from there when it decides: so what it decides next goes by what was set last.
//! 2. What was collected stays so. A longer distance or age keeps what is there from now on, and a
//!    cutoff that was published goes on standing where it is: law 8.
//! 3. A policy is in a section of the index that need not be known. The options are checked with it
//!    when it is set, and again at each open, since those of the engine may differ then.

use super::Timeline;
use super::applied::{Applied, checked};
use super::shared::TimelineState;
use super::time_to_lsn::TimeToLsn;
use crate::base::{Policy, Result, Time};
use crate::io::{Io, Job};
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// The options that the timeline has for itself. What is told may not be durable yet.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// assert_eq!(timeline.policy(), Policy::default());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn policy(&self) -> Policy {
        self.shared.state().applied.policy
    }

    /// Gives the timeline options of its own, in place of those that it had. It is durable when
    /// this returns; a branch that is made later has the engine's.
    ///
    /// Puts, reads and jobs run concurrently. What a job has decided before, it carries out; what
    /// it decides next goes by the policy. What is collected already does not come back.
    ///
    /// # Errors
    /// `Refused` if the options are refused as [`Engine::open`](crate::Engine::open) would refuse
    /// them, alone or against the engine's. `Io` if the device refused: the policy holds, and is
    /// durable with the next index; retry. `Latched` if a sync has failed, `Closed` if the timeline
    /// was shut down.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let policy = Policy { gc_distance: Some(1 << 30), ..timeline.policy() };
    /// timeline.set_policy(policy).await?;
    /// assert_eq!(timeline.policy(), policy);
    /// let wrong = Policy { l0_count_trigger: Some(0), ..policy };
    /// let refused = timeline.set_policy(wrong).await;
    /// assert!(matches!(refused, Err(Error::Refused { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn set_policy(&self, policy: Policy) -> Result<()> {
        let shared = &self.shared;
        checked(&shared.options, &policy)?;
        let applied = Applied::new(&shared.options, &policy);
        // A lease says as well what a collection has to keep.
        let _job_lock = shared.job_locks.lease.take().await;
        let look = shared.op(Job::Lease, 0);
        shared.io().interleave(look).await;
        let now = shared.io().now();
        let publication = {
            let mut state = shared.state();
            state.check_writable()?;
            match state.applied.policy == policy {
                // A call before may have failed to write the index.
                true => state.publication(),
                false => {
                    state.apply(applied, now);
                    state.publish_lsns()
                }
            }
        };
        // A batch that waits may wait no longer, and a job be due.
        shared.changed.notify(usize::MAX);
        shared.upkeep.wake_all();
        shared.save_index(look, publication).await
    }
}

impl<I: Io> TimelineState<I> {
    fn apply(&mut self, applied: Applied, now: Time) {
        let last = self.last_record_lsn;
        let known = TimeToLsn::to_keep([&self.time_to_lsn, &self.image_time_to_lsn], last);
        [self.time_to_lsn, self.image_time_to_lsn] =
            TimeToLsn::both(&applied.options, &known, (now, last));
        self.applied = applied;
    }
}
