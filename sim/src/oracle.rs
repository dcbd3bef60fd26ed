//! The oracle: what the engine may answer, given what it was told and what it acknowledged.
//!
//! 1. A batch that was acknowledged is there. One that is in flight, failed or was dropped is *in
//!    doubt*: whole or absent, and the first look settles it.
//! 2. A crash pulls a timeline back to one LSN, D, and D decides, not each point by itself:
//!    last acknowledged <= D <= last written, everything at or below D, and nothing above it.
//! 3. A refusal needs an excuse, which the caller looks for. A wrong answer has none.
//! 4. A branch has its ancestor's history up to its point, and keeps that point readable there.
//!    What is below the cutoff and not kept for anybody must be refused.

mod answers;
mod cutoff;
mod legal;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use palimpsest::base::{Key, Lsn};

use crate::label::TimelineLabel;
use crate::model::{Change, History};
use crate::verdict::Verdict;

pub use answers::{FinalAnswer, FinalAnswers};
pub use cutoff::Cutoff;
pub use legal::{
    Allowed, Certainty, Expectations, Retained, View, all_below, ancestors_first, below, children,
    is_kept, may_be_needed, may_have_children, retained, view,
};
pub use samples::{AgeSamples, Horizon};

/// A history of so many records is small: all of it is remembered.
const FORGET_FROM: usize = 20_000;

/// Whether a timeline is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It was never created, or its deletion was acknowledged.
    Absent,
    /// A creation or deletion was begun and did not end.
    InDoubt,
    /// Its creation was acknowledged.
    Exists,
}

/// How a creation may have started a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its first record stands above.
    pub lsn: Lsn,
    /// What it stands on, if it is a branch.
    pub ancestor: Option<TimelineLabel>,
}

/// A batch that was begun.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its records.
    pub changes: Vec<(Key, Lsn, Change)>,
    /// The LSN of the last of them.
    pub last: Lsn,
    /// The history with it, once somebody has asked.
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

    /// The history on which it was begun, with it.
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
            // One that stands there already makes the batch one that must be refused.
            if !history.has(*key, *lsn) {
                history.put(*key, *lsn, change.clone());
            }
        }
    }
}

/// What is known of one timeline.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Whether it is there.
    pub existence: Existence,
    /// Whether the engine could not open it, for its index or one below it is wrong: then nobody
    /// knows which points it retains.
    pub is_unread: bool,
    /// How a creation in doubt may have started it.
    pub starts: Vec<Start>,
    /// What it stands on, and at which LSN.
    pub ancestor: Option<(TimelineLabel, Lsn)>,
    /// What it stood on and where, if it is not there and its index may be, which says that it was
    /// deleted: an open that cannot sync that goes on keeping the point.
    pub crash_point: Option<(TimelineLabel, Lsn)>,
    /// Whether it is refused as deleted or as not there, and no deletion has said that it is gone.
    pub may_have_files: bool,
    /// Up to where its history may be gone.
    pub cutoff: Cutoff,
    /// How old it is.
    pub samples: AgeSamples,
    /// What was acknowledged.
    pub history: History,
    /// The last record's LSN.
    pub last: Lsn,
    /// Up to where the engine said that everything is durable.
    pub acknowledged: Lsn,
    /// The batch in doubt.
    pub pending: Option<Pending>,
    /// Records of the history that may be absent as well: they were in doubt, and no answer tells.
    pub optional: BTreeSet<(Key, Lsn)>,
    /// No batch may start below it: a freeze or flush that has ended closed it.
    pub closed_below: Lsn,
    /// Whether something may have closed the last record's LSN.
    pub maybe_closed: bool,
    /// How many freezes and flushes are under way.
    pub closer_count: u32,
    /// How many reads are under way.
    reader_count: u32,
    /// What the history was, since there were reads, before each batch that shared its LSN with the
    /// one before it: only of such a batch is the state in between neither the first nor the last.
    between: Vec<History>,
    /// From so many records on, what no read needs is forgotten.
    forget_from: usize,
}

/// What became of a batch in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// All of it is there.
    There,
    /// Nothing of it is.
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
            crash_point: None,
            may_have_files: false,
            cutoff: Cutoff::default(),
            samples: AgeSamples::default(),
            history: History::default(),
            last: Lsn::ZERO,
            acknowledged: Lsn::ZERO,
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

    /// An open said that it is not there, or whoever would come in its place was told that it was
    /// deleted.
    pub fn refused(&mut self) {
        *self = Expected {
            crash_point: self.ancestor.or(self.crash_point),
            may_have_files: true,
            ..Expected::absent()
        };
    }

    /// It is there, and empty.
    pub fn created(&mut self, start: Lsn) {
        *self = Expected {
            existence: Existence::Exists,
            last: start,
            acknowledged: start,
            closed_below: start.visible_end(),
            ..Expected::absent()
        };
    }

    /// It is there, and has what a timeline below it has up to an LSN.
    pub fn branched(&mut self, (ancestor, lsn): (TimelineLabel, Lsn), below: &Expected) {
        self.created(lsn);
        self.ancestor = Some((ancestor, lsn));
        self.history = below.history.up_to(lsn);
        let inherited = below.optional.iter().filter(|(_, at)| *at <= lsn);
        self.optional = inherited.copied().collect();
    }

    /// A creation begins, and is in doubt until it ends. Returns what was known before.
    pub fn begin_creation(&mut self, start: Start) -> Existence {
        let before = self.existence;
        if before != Existence::Exists {
            self.existence = Existence::InDoubt;
            self.starts.push(start);
        }
        before
    }

    /// Whether a record at the LSN is its own, and none of its ancestor's.
    pub fn is_own(&self, lsn: Lsn) -> bool {
        self.ancestor.is_none_or(|(_, at)| at < lsn)
    }

    /// What it stands on, or may stand on.
    fn possible_ancestors(&self) -> impl Iterator<Item = TimelineLabel> {
        let started = self.starts.iter().filter_map(|start| start.ancestor);
        let known = self.ancestor.map(|(ancestor, _)| ancestor);
        known.into_iter().chain(started)
    }

    /// Where it may stand on a timeline.
    fn possible_points(&self, on: TimelineLabel) -> impl Iterator<Item = Lsn> {
        let starts = self.starts.iter();
        let started = starts.filter(move |start| start.ancestor == Some(on));
        let known = self.ancestor.filter(|(ancestor, _)| *ancestor == on);
        known
            .map(|(_, lsn)| lsn)
            .into_iter()
            .chain(started.map(|start| start.lsn))
    }

    /// The highest cutoff that a collection can make of it now.
    pub fn highest_cutoff(&self, horizon: &Horizon) -> Lsn {
        let by_distance = Lsn(self.last_possible().0.saturating_sub(horizon.distance));
        by_distance.min(self.samples.highest(horizon))
    }

    /// The highest LSN that a record may stand at.
    pub fn last_possible(&self) -> Lsn {
        self.pending
            .as_ref()
            .map_or(self.last, |pending| pending.last.max(self.last))
    }

    /// Whether a batch is in doubt: it is in flight, or what could tell is wrong.
    pub fn is_in_doubt(&self) -> bool {
        self.pending.is_some()
    }

    /// A batch begins.
    pub fn begin_put(&mut self, changes: Vec<(Key, Lsn, Change)>) {
        assert!(self.pending.is_none(), "one batch at a time");
        self.pending = Some(Pending::new(changes));
    }

    /// The batch in flight was acknowledged.
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

    /// A read begins. Returns what its end is to be told.
    pub fn begin_read(&mut self) -> usize {
        self.reader_count += 1;
        self.between.len()
    }

    /// A read has ended: what it may have seen between its start and its end.
    pub fn end_read<T>(&mut self, begun: usize, ask: impl Fn(&History) -> T) -> Vec<T> {
        let seen = self.between[begun..].iter().map(ask).collect();
        self.reader_count -= 1;
        if self.reader_count == 0 {
            self.between.clear();
        }
        seen
    }

    /// The batch in flight was refused: it is not there.
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

    /// A freeze or flush begins; returns the last record's LSN, which it will close.
    pub fn begin_close(&mut self) -> Lsn {
        self.closer_count += 1;
        self.maybe_closed = true;
        self.last
    }

    /// A freeze or flush has ended, and closed this LSN or not.
    pub fn end_close(&mut self, closed: Option<Lsn>) {
        self.closer_count -= 1;
        if let Some(lsn) = closed {
            self.closed_below = self.closed_below.max(lsn.visible_end());
        }
    }

    /// The engine says that everything up to an LSN is durable.
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

    /// The timeline was opened again, and says that it goes up to `lsn`. Afterwards only a batch
    /// in doubt that may be whole or absent at that LSN is left to be settled.
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
        self.reader_count = 0;
        self.between.clear();
        Ok(())
    }

    /// What a branch finds that starts here. Of a timeline that its own open could not read, as the
    /// device gave it back wrong just then, the branch says as much as if that were open.
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

    /// A branch in doubt turns out to be there.
    #[must_use]
    pub fn found_branch(mut self, at: (TimelineLabel, Lsn), below: &Expected) -> Expected {
        self.branched(at, below);
        self
    }

    /// The timeline was opened again, and says that this is its cutoff.
    pub fn recover_cutoff(&mut self, found: Lsn, horizon: &Horizon) -> Result<(), Verdict> {
        let highest = self.highest_cutoff(horizon);
        self.cutoff.may_reach(highest);
        self.cutoff.recover(found)
    }

    /// Forgets what no read needs, at the cutoff or above it or at a retained point, once there is
    /// much more of it than there was after the last time.
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

    /// A creation in doubt turns out to have started the timeline here.
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

    /// The batch in doubt is there, or not, or both look the same.
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
