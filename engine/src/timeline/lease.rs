//! Leases: an LSN stays readable until a time, wherever the cutoff goes.
//!
//! 1. A lease is granted as a branch is: the LSN is retained from the first step on, then compared
//!    with the cutoff, then made durable, then acknowledged. Both happen under the state's lock, as
//!    does the look of a collection at what it must retain; so one of the two sees the other.
//! 2. It stands in the index, so that a restart keeps it. A lease above what is durable is in no
//!    index, since after a crash there would be nothing to read.
//! 3. A collection drops those that are over, in the look at which it decides what goes. From then
//!    on the LSN is readable no more, even if the clock steps back. Nothing else drops one, and no
//!    index is written for it: until the next one, a crash brings the lease back with its layers.
//! 4. A lease never shortens: granted again, it lasts until the later of the two times.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Timeline;
use super::shared::Shared;
use super::upkeep::Lane;
use crate::base::{Error, Lsn, Result, Time};
use crate::io::{Io, Job, Op};
use crate::store::Store;

/// An LSN that can be read until a time, wherever the cutoff goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// The LSN.
    pub lsn: Lsn,
    /// The last time at which the LSN is certainly readable, by the clock of `Io`.
    pub valid_until: Time,
}

impl<S: Store> Timeline<S> {
    /// Leases `lsn` for at least `length` from now on: it can be read, and branched off, even when
    /// the cutoff has passed it. A crash or a restart does not end a lease.
    ///
    /// A lease that stands is prolonged, and never shortened; returns the time until which it is
    /// valid. The first collection after that drops it. Records up to `lsn` are flushed first.
    ///
    /// # Errors
    /// `NotYet` or `BelowCutoff` if the timeline cannot be read at `lsn`. `Refused` if `lsn` is
    /// below the branch point: lease it on the ancestor. `Io` if the device refused: retry; until
    /// then the lease may or may not stand. `Latched` if a sync has failed, `Closed` if the
    /// timeline was shut down.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # use std::time::Duration;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let options = Options { gc_distance: 0, gc_age: Duration::ZERO, ..Options::default() };
    /// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let mut writer = timeline.writer()?;
    /// for (lsn, page) in [(10, "first"), (20, "second")] {
    ///     let mut batch = Batch::new();
    ///     batch.push(Key::MIN, Lsn(lsn), &Value::Image(page.into()))?;
    ///     writer.put_batch(&batch).await?;
    ///     timeline.flush().await?;
    ///     timeline.create_images(Mode::Forced).await?;
    /// }
    /// timeline.lease(Lsn(10), Duration::from_secs(60)).await?;
    /// assert_eq!(timeline.gc().await?.cutoff, Lsn(20));
    /// assert_eq!(timeline.get(Key::MIN, Lsn(10)).await?, Some(b"first".to_vec()));
    /// assert!(timeline.get(Key::MIN, Lsn(15)).await.is_err());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn lease(&self, lsn: Lsn, length: Duration) -> Result<Lease> {
        let shared = &*self.shared;
        let _job_lock = shared.job_locks.lease.take().await;
        shared.check_running()?;
        shared.io().interleave(shared.op(Job::Lease, 0)).await;
        let (op, lease) = shared.grant(lsn, length)?;
        // It will be over, also if this call is dropped.
        shared.upkeep.wake(Lane::Collect);
        shared.io().interleave(op).await;
        if self.disk_consistent_lsn() < lsn {
            shared
                .io()
                .probe("a lease flushes what it is to keep readable");
            self.flush().await?;
        }
        assert!(
            lsn <= self.disk_consistent_lsn(),
            "law 4: an index keeps no lease above what is durable"
        );
        let publication = shared.state().publish_lsns();
        shared.save_index(op, publication).await?;
        Ok(lease)
    }

    /// The leases that stand, in the order of their LSNs. One that is over stands until a
    /// collection drops it; one that is being granted may stand already.
    pub fn leases(&self) -> Vec<Lease> {
        let state = self.shared.state();
        let leases = state.leases.iter();
        leases
            .map(|(&lsn, &valid_until)| Lease { lsn, valid_until })
            .collect()
    }
}

impl<S: Store> Shared<S> {
    /// Retains `lsn`, if it can be read: facts 1 and 4.
    fn grant(&self, lsn: Lsn, length: Duration) -> Result<(Op, Lease)> {
        let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let until = Time(self.io().now().0.saturating_add(length));
        let mut state = self.state();
        state.check_writable()?;
        let last_record_lsn = state.last_record_lsn;
        if last_record_lsn < lsn {
            return Err(Error::NotYet {
                lsn,
                last_record_lsn,
            });
        }
        if let Some(ancestor) = self.ancestor
            && lsn < ancestor.lsn
        {
            let (at, on) = (ancestor.lsn, ancestor.timeline);
            let why = format!("LSN {lsn} is below the branch point {at}: lease it on {on}");
            return Err(Error::Refused { why });
        }
        if !state.is_leased(lsn) {
            let cutoff = state.gc_cutoff;
            let is_point = || self.branch_tree.is_readable(self.id, lsn);
            if lsn < cutoff && !(state.is_kept(lsn) && is_point()) {
                return Err(Error::BelowCutoff { lsn, cutoff });
            }
        } else if state.leases[&lsn] < self.io().now() {
            self.io()
                .probe("a lease that is over is prolonged before a collection drops it");
        }
        let valid_until = state.leases.entry(lsn).or_insert(until);
        *valid_until = until.max(*valid_until);
        let valid_until = *valid_until;
        let op = self.next_op(&mut state, Job::Lease);
        Ok((op, Lease { lsn, valid_until }))
    }

    /// The LSNs that stay readable below the cutoff: branch points and leases. Drops the leases
    /// that are over, since the caller takes their history away: fact 3.
    pub(crate) fn retained(&self) -> BTreeSet<Lsn> {
        let now = self.io().now();
        let mut state = self.state();
        let lease_count = state.leases.len();
        state.leases.retain(|_, valid_until| now <= *valid_until);
        if state.leases.len() < lease_count {
            self.io().probe("a collection drops a lease that is over");
        }
        let mut retained = self.branch_tree.retained(self.id);
        retained.extend(state.leases.keys());
        state.keep_only(&retained);
        retained
    }

    /// The branch points, and the leases that are not over: what `retained` returns, for a caller
    /// that changes nothing.
    pub(crate) fn retained_now(&self) -> BTreeSet<Lsn> {
        let now = self.io().now();
        let state = self.state();
        let leases = state.leases.iter();
        let valid = leases.filter(|(_, valid_until)| now <= **valid_until);
        let mut retained = self.branch_tree.retained(self.id);
        retained.extend(valid.map(|(lsn, _)| lsn));
        retained
    }
}
