//! The oracle: what the engine may answer, given its inputs and its acknowledgements.
//!
//! 1. A batch that was acknowledged is there. One that is in flight, failed or was cancelled is *in
//!    doubt*: whole or absent, and the first look settles it.
//! 2. A crash pulls a timeline back to one LSN, D, which decides for all points together: last
//!    acknowledged <= D <= last written, everything at or below D, and nothing above it.
//! 3. An error must be allowed by a fault, which the judge decides. A wrong answer never is.
//! 4. A branch has its ancestor's history up to its point, and retains that point there. What is
//!    below the cutoff and not retained must be refused.
//! 5. A lease that was acknowledged keeps its LSN readable until it is over. Then, and while it is
//!    in doubt, both are right.

mod answers;
mod cutoff;
mod leases;
mod legal;
mod policy;
mod read_points;
mod samples;
mod shards;
mod strategy;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use palimpsest::base::{Key, Lsn};

use crate::label::TimelineLabel;
use crate::model::{self, Change, History};
use crate::verdict::Verdict;

pub use answers::{FinalAnswer, FinalAnswers};
pub use cutoff::Cutoff;
pub use leases::Leases;
pub use legal::{
    Allowed, Certainty, Expectations, Retained, View, all_below, ancestors_first, below, children,
    is_kept, may_be_needed, may_have_children, retained, view,
};
pub use policy::KnownPolicy;
pub use read_points::ReadPoints;
pub use samples::{AgeSamples, Horizon};
pub use shards::{ClosedShard, Shards, SplitRoot};
pub use strategy::KnownStrategy;

/// A history of fewer records is kept whole.
const FORGET_FROM: usize = 20_000;

/// Whether a timeline exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It was never created, or its deletion was acknowledged.
    Absent,
    /// A creation or deletion has begun and has not succeeded.
    InDoubt,
    /// Its creation was acknowledged.
    Exists,
}

/// Where a creation may have started a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its first record is above this LSN.
    pub lsn: Lsn,
    /// Its ancestor, if it is a branch.
    pub ancestor: Option<TimelineLabel>,
}

/// A batch that has begun.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its records.
    pub changes: Vec<(Key, Lsn, Change)>,
    /// The LSN of the last of them.
    pub last: Lsn,
    /// The history with the batch, once it was asked for.
    whole: OnceLock<Arc<History>>,
}

impl Pending {
    fn new(changes: Vec<(Key, Lsn, Change)>) -> Pending {
        let last = changes.last().expect("a batch has records").1;
        Pending {
            changes,
            last,
            whole: OnceLock::new(),
        }
    }

    /// The history before the batch, together with it.
    pub fn whole(&self, history: &History) -> Arc<History> {
        let whole = self.whole.get_or_init(|| {
            let mut whole = history.clone();
            self.add_to(&mut whole);
            Arc::new(whole)
        });
        whole.clone()
    }

    fn add_to(&self, history: &mut History) {
        for (key, lsn, change) in &self.changes {
            // A record that is there already makes the engine refuse the batch.
            if !history.has(*key, *lsn) {
                history.put(*key, *lsn, change.clone());
            }
        }
    }
}

/// The expected state of one timeline.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Whether it exists.
    pub existence: Existence,
    /// Whether the engine could not open it because its index, or an ancestor's, is wrong: then the
    /// points that it retains are unknown.
    pub is_unread: bool,
    /// The starts of creations in doubt.
    pub starts: Vec<Start>,
    /// Its ancestor, and the LSN on it.
    pub ancestor: Option<(TimelineLabel, Lsn)>,
    /// The LSN at which it begins, if it exists and its layers tell.
    pub start: Option<Lsn>,
    /// The ancestor and LSN of a deleted timeline whose index may still be there and say "deleted":
    /// an open that cannot sync that keeps retaining the point.
    pub deleted_point: Option<(TimelineLabel, Lsn)>,
    /// Whether files may be left of it: it is refused as deleted or absent, but no deletion has
    /// succeeded.
    pub may_have_files: bool,
    /// Its cutoff, below which history may be gone.
    pub cutoff: Cutoff,
    /// The LSNs that stay readable below it for a while.
    pub leases: Leases,
    /// How old its history is.
    pub samples: AgeSamples,
    /// The acknowledged records.
    pub history: History,
    /// The last record's LSN.
    pub last: Lsn,
    /// The LSN up to which the engine has acknowledged that all is durable.
    pub acknowledged: Lsn,
    /// Whether a gc compaction may have rewritten its history below the cutoff: then layers have
    /// fewer records there than were written, and values at points.
    pub is_reduced: bool,
    /// By which strategy it compacts.
    pub strategy: KnownStrategy,
    /// Which options it has for itself.
    pub policy: KnownPolicy,
    /// The read points at the begin of the gc compaction through all keys that is under way, or was
    /// last, if they were certain.
    pub run_points: Option<ReadPoints>,
    /// The batch in doubt.
    pub pending: Option<Pending>,
    /// Records of the history that may be absent as well: they were in doubt, and no answer tells.
    pub optional: BTreeSet<(Key, Lsn)>,
    /// No batch may start below this LSN: a freeze or flush has closed it.
    pub closed_below: Lsn,
    /// Whether something may have closed the last record's LSN.
    pub maybe_closed: bool,
    /// How many freezes and flushes are in flight.
    pub closer_count: u32,
    /// How many reads are in flight.
    reader_count: u32,
    /// The history before each batch that shared its first LSN with the batch before it, since
    /// reads are in flight: only then is the state between two batches neither the first nor the
    /// last.
    between: Vec<History>,
    /// The number of records from which on those that no read needs are dropped.
    forget_from: usize,
}

/// The outcome of a batch in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// All of it is there.
    There,
    /// None of it is there.
    Absent,
    /// No answer depends on it, now or later.
    Either,
}

impl Expected {
    /// A timeline that is not there.
    pub fn absent() -> Expected {
        Expected {
            existence: Existence::Absent,
            is_unread: false,
            starts: Vec::new(),
            ancestor: None,
            start: None,
            deleted_point: None,
            may_have_files: false,
            cutoff: Cutoff::default(),
            leases: Leases::default(),
            samples: AgeSamples::default(),
            history: History::default(),
            last: Lsn::ZERO,
            acknowledged: Lsn::ZERO,
            is_reduced: false,
            strategy: KnownStrategy::default(),
            policy: KnownPolicy::default(),
            run_points: None,
            pending: None,
            optional: BTreeSet::new(),
            closed_below: Lsn::ZERO,
            maybe_closed: false,
            closer_count: 0,
            reader_count: 0,
            between: Vec::new(),
            forget_from: FORGET_FROM,
        }
    }

    /// Notes that an open or a creation was told that it does not exist or was deleted.
    pub fn refused(&mut self) {
        *self = Expected {
            deleted_point: self.ancestor.or(self.deleted_point),
            may_have_files: true,
            ..Expected::absent()
        };
    }

    /// Notes that it was created, and is empty.
    pub fn created(&mut self, start: Lsn) {
        // While the creation was in doubt, an open may have found it and come to no end.
        let samples = match self.existence {
            Existence::InDoubt => std::mem::take(&mut self.samples),
            _ => AgeSamples::default(),
        };
        *self = Expected {
            existence: Existence::Exists,
            samples,
            start: Some(start),
            last: start,
            acknowledged: start,
            closed_below: start.visible_end(),
            ..Expected::absent()
        };
    }

    /// Notes that it was created as a branch, with the history of `below` up to an LSN.
    pub fn branched(&mut self, (ancestor, lsn): (TimelineLabel, Lsn), below: &Expected) {
        self.created(lsn);
        self.ancestor = Some((ancestor, lsn));
        self.history = below.history.up_to(lsn);
        let is_inherited = |(key, at): &&(Key, Lsn)| *at <= lsn && model::is_inherited(*key);
        self.optional = below
            .optional
            .iter()
            .filter(is_inherited)
            .copied()
            .collect();
    }

    /// Begins a creation, in doubt until it ends. Returns what was known before.
    pub fn begin_creation(&mut self, start: Start) -> Existence {
        let before = self.existence;
        if before != Existence::Exists {
            self.existence = Existence::InDoubt;
            self.starts.push(start);
        }
        before
    }

    /// Takes back a creation that was refused: it has made nothing. What is there comes from
    /// before, or from an earlier creation that is still in doubt.
    pub fn refused_creation(&mut self, start: &Start) {
        if let Some(index) = self.starts.iter().rposition(|begun| begun == start) {
            self.starts.remove(index);
        }
    }

    /// Ends a creation that has made nothing, of a timeline that was not there.
    pub fn end_creation(&mut self) {
        self.existence = Existence::Absent;
        self.starts.clear();
    }

    /// Whether a record at the LSN is its own, and not its ancestor's.
    pub fn is_own(&self, lsn: Lsn) -> bool {
        self.ancestor.is_none_or(|(_, at)| at < lsn)
    }

    /// Notes a split: of the layers that would tell where a root begins a child may have none.
    pub fn forget_start(&mut self) {
        self.start = self.ancestor.map(|(_, at)| at);
    }

    /// Its ancestor, and those that it may have.
    fn possible_ancestors(&self) -> impl Iterator<Item = TimelineLabel> {
        let started = self.starts.iter().filter_map(|start| start.ancestor);
        let known = self.ancestor.map(|(ancestor, _)| ancestor);
        known.into_iter().chain(started)
    }

    /// The LSNs at which it may branch off a timeline.
    fn possible_points(&self, on: TimelineLabel) -> impl Iterator<Item = Lsn> {
        let starts = self.starts.iter();
        let started = starts.filter(move |start| start.ancestor == Some(on));
        let known = self.ancestor.filter(|(ancestor, _)| *ancestor == on);
        known
            .map(|(_, lsn)| lsn)
            .into_iter()
            .chain(started.map(|start| start.lsn))
    }

    /// The highest cutoff that a collection may make now, where the engine's options let one go as
    /// far as `engine`.
    pub fn highest_cutoff(&self, engine: &Horizon) -> Lsn {
        let horizon = &self.policy.widest(engine);
        let by_distance = Lsn(self.last_possible().0.saturating_sub(horizon.distance));
        by_distance.min(self.samples.highest(horizon))
    }

    /// The highest LSN that a record may have.
    pub fn last_possible(&self) -> Lsn {
        self.pending
            .as_ref()
            .map_or(self.last, |pending| pending.last.max(self.last))
    }

    /// The highest LSN at which the timeline may end, also if a creation of it is in doubt.
    pub fn end_possible(&self) -> Lsn {
        let starts = self.starts.iter().map(|start| start.lsn);
        starts.fold(self.last_possible(), Lsn::max)
    }

    /// Whether a batch is in doubt: it is in flight, or what could tell is wrong.
    pub fn is_in_doubt(&self) -> bool {
        self.pending.is_some()
    }

    /// Begins a batch.
    pub fn begin_put(&mut self, changes: Vec<(Key, Lsn, Change)>) {
        assert!(self.pending.is_none(), "one batch at a time");
        self.pending = Some(Pending::new(changes));
    }

    /// Ends the batch in flight as acknowledged.
    pub fn end_put(&mut self) {
        let pending = self.pending.take().expect("it was begun");
        self.keep_state_before(&pending);
        for (key, lsn, change) in pending.changes {
            self.history.put(key, lsn, change);
        }
        self.last = pending.last;
        self.maybe_closed = 0 < self.closer_count;
    }

    fn keep_state_before(&mut self, pending: &Pending) {
        let shares = pending.changes[0].1 <= self.last;
        if shares && 0 < self.reader_count {
            self.between.push(self.history.clone());
        }
    }

    /// Begins a read. Returns what `end_read` needs.
    pub fn begin_read(&mut self) -> usize {
        self.reader_count += 1;
        self.between.len()
    }

    /// Ends a read. Returns what it may have answered between its start and its end.
    pub fn end_read<T>(&mut self, begun: usize, ask: impl Fn(&History) -> T) -> Vec<T> {
        let seen = self.between[begun..].iter().map(ask).collect();
        self.reader_count -= 1;
        if self.reader_count == 0 {
            self.between.clear();
        }
        seen
    }

    /// Ends the batch in flight as refused.
    pub fn refuse_put(&mut self) {
        self.pending = None;
    }

    /// Whether the engine must refuse the batch in flight, and whether it may.
    pub fn put_refusal(&self) -> (bool, bool) {
        let pending = self.pending.as_ref().expect("it was begun");
        let first = pending.changes[0].1;
        let has = |(key, lsn, _): &(Key, Lsn, Change)| self.history.has(*key, *lsn);
        let must = first < self.closed_below || pending.changes.iter().any(has);
        (must, must || (first <= self.last && self.maybe_closed))
    }

    /// Begins a freeze or flush. Returns the last record's LSN, which it will close.
    pub fn begin_close(&mut self) -> Lsn {
        self.closer_count += 1;
        self.maybe_closed = true;
        self.last
    }

    /// Ends a freeze or flush, which has closed this LSN or failed.
    pub fn end_close(&mut self, closed: Option<Lsn>) {
        self.closer_count -= 1;
        if let Some(lsn) = closed {
            self.closed_below = self.closed_below.max(lsn.visible_end());
        }
    }

    /// Notes that the engine acknowledges all up to an LSN as durable.
    pub fn acknowledge(&mut self, lsn: Lsn) -> Result<(), Verdict> {
        if lsn < self.acknowledged || self.last_possible() < lsn {
            let law = format!(
                "{} <= disk_consistent_lsn <= {}: it never goes back, nor above what is written",
                self.acknowledged,
                self.last_possible()
            );
            return Err(Verdict::law(law, format!("{lsn}")));
        }
        self.acknowledged = lsn;
        Ok(())
    }

    /// Pulls the state back to a reopened timeline's end, `lsn`. Only a batch in doubt that may be
    /// whole or absent at that LSN stays unsettled.
    pub fn recover(&mut self, lsn: Lsn) -> Result<(), Verdict> {
        self.acknowledge_start(lsn);
        self.acknowledge(lsn)?;
        if let Some(pending) = self.pending.take() {
            self.recover_pending(pending, lsn)?;
        }
        if self.last < lsn {
            let law = format!("disk_consistent_lsn <= {}, the last record", self.last);
            return Err(Verdict::law(law, format!("{lsn}")));
        }
        self.existence = Existence::Exists;
        self.is_unread = false;
        self.history.cut(lsn);
        self.last = lsn;
        self.acknowledged = lsn;
        self.closed_below = lsn.visible_end();
        self.maybe_closed = false;
        self.closer_count = 0;
        self.leases.recover();
        self.reader_count = 0;
        self.between.clear();
        Ok(())
    }

    /// The expected state as a branch at `lsn` finds it. If the timeline's own open could not read
    /// it, because the device returned it wrong just then, the branch shows as much as that open
    /// would.
    ///
    /// # Errors
    /// A broken law, if it cannot reach so far.
    pub fn seen_from(&self, lsn: Lsn) -> Result<Expected, Verdict> {
        let mut seen = self.clone();
        if self.is_unread && self.existence != Existence::Absent {
            seen.recover(lsn.max(self.acknowledged))?;
            if seen.pending.is_some() {
                seen.settle(Settled::Either);
            }
        }
        Ok(seen)
    }

    /// Notes that a branch in doubt exists.
    #[must_use]
    pub fn found_branch(mut self, at: (TimelineLabel, Lsn), below: &Expected) -> Expected {
        self.branched(at, below);
        self
    }

    /// Pulls the cutoff to that of a reopened timeline.
    pub fn recover_cutoff(&mut self, found: Lsn, horizon: &Horizon) -> Result<(), Verdict> {
        let highest = self.highest_cutoff(horizon);
        self.cutoff.may_reach(highest);
        self.cutoff.recover(found)
    }

    /// Drops the records that no read needs, at the cutoff or above it or at a retained point, once
    /// there are many more than after the last time.
    pub fn forget(&mut self, retained: &BTreeSet<Lsn>) {
        if self.history.record_count() < self.forget_from {
            return;
        }
        self.history.forget(self.cutoff.durable(), retained);
        if let Some(pending) = &mut self.pending {
            pending.whole.take();
        }
        let history = &self.history;
        self.optional.retain(|(key, lsn)| history.has(*key, *lsn));
        self.forget_from = FORGET_FROM.max(2 * self.history.record_count());
    }

    /// Settles which of the starts in doubt made the timeline.
    fn acknowledge_start(&mut self, lsn: Lsn) {
        let start = Start {
            lsn,
            ancestor: None,
        };
        if self.existence == Existence::InDoubt && self.starts.contains(&start) {
            self.created(lsn);
        }
    }

    fn recover_pending(&mut self, pending: Pending, lsn: Lsn) -> Result<(), Verdict> {
        if pending.last == self.last && pending.last <= lsn {
            // All its records share the LSN of the last one before it: both are possible.
            self.pending = Some(pending);
        } else if pending.last <= lsn {
            pending.add_to(&mut self.history);
            self.last = pending.last;
        } else if self.last < lsn {
            let law = format!("a batch up to {} is whole or absent", pending.last);
            return Err(Verdict::law(
                law,
                format!("disk_consistent_lsn {lsn}, in the midst of it"),
            ));
        }
        Ok(())
    }

    /// Settles the batch in doubt.
    pub fn settle(&mut self, settled: Settled) {
        let pending = self.pending.take().expect("it is in doubt");
        if settled == Settled::Absent {
            return;
        }
        self.keep_state_before(&pending);
        pending.add_to(&mut self.history);
        self.last = pending.last.max(self.last);
        if settled == Settled::Either {
            let points = pending.changes.iter().map(|(key, lsn, _)| (*key, *lsn));
            self.optional.extend(points);
        }
    }
}
