//! The oracle: what the engine may answer, given what it was told and what it acknowledged.
//!
//! 1. A batch that was acknowledged is there. One that is in flight, failed or was dropped is *in
//!    doubt*: whole or absent, and the first look settles it.
//! 2. A crash pulls a timeline back to one LSN, D, and D decides, not each point by itself:
//!    last acknowledged <= D <= last written, everything at or below D, and nothing above it.
//! 3. A refusal needs an excuse, which the caller looks for. A wrong answer has none.

use std::collections::BTreeSet;

use palimpsest::base::{Key, Lsn};

use crate::model::{Answer, Change, History};
use crate::verdict::Verdict;

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

/// A batch that was begun.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its records.
    pub changes: Vec<(Key, Lsn, Change)>,
    /// The LSN of the last of them.
    pub last: Lsn,
}

/// What is known of one timeline.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Whether it is there.
    pub existence: Existence,
    /// The LSNs at which a creation in doubt may have started it.
    pub starts: Vec<Lsn>,
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

/// What a read may answer.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// These answers.
    pub answers: Vec<Answer>,
    /// That it is too early.
    pub not_yet: bool,
}

impl Truth {
    /// A timeline that is not there.
    pub fn absent() -> Truth {
        Truth {
            existence: Existence::Absent,
            starts: Vec::new(),
            history: History::default(),
            last: Lsn::ZERO,
            acknowledged: Lsn::ZERO,
            pending: None,
            optional: BTreeSet::new(),
            closed_below: Lsn::ZERO,
            maybe_closed: false,
            closer_count: 0,
        }
    }

    /// It is there, and empty.
    pub fn created(&mut self, start: Lsn) {
        *self = Truth {
            existence: Existence::Exists,
            last: start,
            acknowledged: start,
            closed_below: start.visible_end(),
            ..Truth::absent()
        };
    }

    /// The highest LSN that a record may stand at.
    pub fn last_possible(&self) -> Lsn {
        self.pending
            .as_ref()
            .map_or(self.last, |pending| pending.last.max(self.last))
    }

    /// What a read may answer at this moment.
    pub fn allowed(&self, key: Key, lsn: Lsn) -> Allowed {
        let mut allowed = Allowed::default();
        if lsn <= self.last {
            allowed.answers.push(self.history.answer(key, lsn));
        } else {
            allowed.not_yet = true;
        }
        if let Some(pending) = &self.pending
            && lsn <= pending.last
        {
            allowed
                .answers
                .push(with(&self.history, pending).answer(key, lsn));
        }
        allowed
    }

    /// A batch begins.
    pub fn begin_put(&mut self, changes: Vec<(Key, Lsn, Change)>) {
        assert!(self.pending.is_none(), "one batch at a time");
        let last = changes.last().expect("a batch has records").1;
        self.pending = Some(Pending { changes, last });
    }

    /// The batch in flight was acknowledged.
    pub fn end_put(&mut self) {
        let pending = self.pending.take().expect("it was begun");
        for (key, lsn, change) in pending.changes {
            self.history.put(key, lsn, change);
        }
        self.last = pending.last;
        self.maybe_closed = 0 < self.closer_count;
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
        self.history.cut(lsn);
        self.last = lsn;
        self.acknowledged = lsn;
        self.closed_below = lsn.visible_end();
        self.maybe_closed = false;
        self.closer_count = 0;
        Ok(())
    }

    /// A creation in doubt turns out to have started the timeline here.
    fn acknowledge_start(&mut self, lsn: Lsn) {
        if self.existence == Existence::InDoubt && self.starts.contains(&lsn) {
            self.last = lsn;
            self.acknowledged = lsn;
            self.starts.clear();
        }
    }

    fn recover_pending(&mut self, pending: Pending, lsn: Lsn) -> Result<(), Verdict> {
        if pending.last == self.last && pending.last <= lsn {
            // All its records share the LSN of the last one before it: both are possible.
            self.pending = Some(pending);
        } else if pending.last <= lsn {
            self.history = with(&self.history, &pending);
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
        self.history = with(&self.history, &pending);
        self.last = pending.last.max(self.last);
        if settled == Settled::Either {
            let points = pending.changes.iter().map(|(key, lsn, _)| (*key, *lsn));
            self.optional.extend(points);
        }
    }
}

/// The history with a batch.
pub fn with(history: &History, pending: &Pending) -> History {
    let mut history = history.clone();
    for (key, lsn, change) in &pending.changes {
        // One that stands there already makes the batch one that must be refused.
        if !history.has(*key, *lsn) {
            history.put(*key, *lsn, change.clone());
        }
    }
    history
}
