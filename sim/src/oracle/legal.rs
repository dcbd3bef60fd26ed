//! Which reads are legal on a timeline and its ancestors.
//!
//! 1. An LSN is legal on a timeline if it is at or below the last record, and at or above the
//! 1. An LSN is legal on a timeline if it is at or below the last record, and at or above the
//!    cutoff or retained for a child; and `min(LSN, branch point)` is legal on the ancestor, and so
//!    on down.
//! 2. What is retained on a child is retained below it as well, at `min(LSN, branch point)`: for a
//!    at 30 with a branch b at 20 and, on b, a branch c at 25, b keeps 25 and a keeps 20.
//! 3. Where something is not known, both a value and a refusal are allowed: [`Certainty::Perhaps`].
//!    A point is perhaps retained for a child in doubt, for a child whose index could not be
//!    read, with all that it retains, and for a deleted one whose index may remain.
//! 4. A cutoff that cannot be looked at may have moved: what lies below its highest possible value,
//!    and is not retained, is perhaps kept.
//! 5. A read takes its snapshot at some moment from its start to its end. It may give what either
//!    end allows, or a state in between ([`View::with`]); it must give what both ends demand.
//! 6. A batch in doubt allows the answer with it and the answer without it, and at an LSN above the
//!    last record also that it is too early.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::Lsn;

use super::{Existence, Expected, Leases};
use crate::label::TimelineLabel;
use crate::model::History;

/// The expected state of each timeline.
pub type Expectations = BTreeMap<TimelineLabel, Expected>;

/// How sure something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It is not so.
    No,
    /// It is not known.
    Perhaps,
    /// It is so.
    Yes,
}

/// What a read may answer at one moment.
#[derive(Clone, Debug)]
pub struct View<T> {
    answers: Vec<T>,
    not_yet: bool,
    is_kept: Certainty,
}

/// What a read may answer.
#[derive(Clone, Debug)]
pub struct Allowed<T> {
    /// One of these answers.
    pub answers: Vec<T>,
    /// A refusal as too early.
    pub not_yet: bool,
    /// A refusal as too late.
    pub below: bool,
}

impl<T> Allowed<T> {
    /// What the begin of such a read may come to, before it has answered.
    pub fn begun(&self) -> Allowed<()> {
        Allowed {
            answers: self.answers.iter().take(1).map(|_| ()).collect(),
            not_yet: self.not_yet,
            below: self.below,
        }
    }
}

/// What a read may answer now, where `ask` gets its answer from a history.
pub fn view<T>(
    expectations: &Expectations,
    (label, lsn): (TimelineLabel, Lsn),
    ask: impl Fn(&History) -> T,
) -> View<T> {
    let expected = &expectations[&label];
    let mut answers = Vec::new();
    if lsn <= expected.last {
        answers.push(ask(&expected.history));
    }
    if let Some(pending) = &expected.pending
        && lsn <= pending.last
    {
        answers.push(ask(&pending.whole(&expected.history)));
    }
    View {
        answers,
        not_yet: expected.last < lsn,
        is_kept: is_kept(expectations, label, lsn),
    }
}

impl<T> View<T> {
    /// Adds answers that were true at earlier moments.
    #[must_use]
    pub fn with(mut self, answers: Vec<T>) -> View<T> {
        self.answers.extend(answers);
        self
    }

    /// All answers, whether or not they may be read.
    pub fn all(self) -> Vec<T> {
        self.answers
    }

    /// What a read may answer whose snapshot is taken at this moment.
    pub fn now(self) -> Allowed<T> {
        let may_answer = self.is_kept != Certainty::No;
        Allowed {
            answers: if may_answer { self.answers } else { Vec::new() },
            not_yet: self.not_yet,
            below: self.is_kept != Certainty::Yes,
        }
    }

    /// What a read may answer whose snapshot is taken at some moment from this one to `end`.
    pub fn until(self, end: View<T>) -> Allowed<T> {
        let mut answers = self.answers;
        answers.extend(end.answers);
        View {
            answers,
            not_yet: self.not_yet || end.not_yet,
            is_kept: match self.is_kept == end.is_kept {
                true => self.is_kept,
                false => Certainty::Perhaps,
            },
        }
        .now()
    }
}

/// Whether everything that a read at the LSN needs must still be there.
pub fn is_kept(expectations: &Expectations, label: TimelineLabel, lsn: Lsn) -> Certainty {
    let expected = &expectations[&label];
    let here = match expected.cutoff.seen() <= lsn {
        true if expected.cutoff.may_hide(lsn) => {
            Certainty::Perhaps.max(retained(expectations, label).certainty(lsn))
        }
        true => Certainty::Yes,
        false => retained(expectations, label).certainty(lsn),
    };
    match expected.ancestor {
        Some((ancestor, at)) => here.min(is_kept(expectations, ancestor, lsn.min(at))),
        None => here,
    }
}

/// The points of a timeline that are retained for its leases and its children.
#[derive(Clone, Debug, Default)]
pub struct Retained {
    /// For children that exist, and leases that were acknowledged.
    pub surely: BTreeSet<Lsn>,
    /// For children that may exist, and leases in doubt or over.
    pub perhaps: BTreeSet<Lsn>,
}

impl Retained {
    fn certainty(&self, lsn: Lsn) -> Certainty {
        match (self.surely.contains(&lsn), self.perhaps.contains(&lsn)) {
            (true, _) => Certainty::Yes,
            (false, true) => Certainty::Perhaps,
            (false, false) => Certainty::No,
        }
    }

    /// The points that these, of a child that branches off at an LSN, need of its ancestor: only
    /// perhaps, if it is not sure that the child is there.
    fn through(mut self, at: Lsn, is_sure: bool) -> Retained {
        self.surely.insert(at);
        if !is_sure {
            self.perhaps.append(&mut self.surely);
        }
        let here = |lsns: BTreeSet<Lsn>| lsns.into_iter().map(|lsn| at.min(lsn)).collect();
        Retained {
            surely: here(self.surely),
            perhaps: here(self.perhaps),
        }
    }

    fn add(&mut self, mut other: Retained) {
        self.surely.append(&mut other.surely);
        self.perhaps.append(&mut other.perhaps);
    }

    /// All points.
    pub fn all(&self) -> BTreeSet<Lsn> {
        self.surely.union(&self.perhaps).copied().collect()
    }
}

/// The points that must be retained on a timeline for its leases, for its children, their
/// children, and so on.
pub fn retained(expectations: &Expectations, label: TimelineLabel) -> Retained {
    // What is in doubt may seem to stand on itself; no chain is longer than all timelines.
    retained_within(expectations, label, expectations.len())
}

fn retained_within(expectations: &Expectations, label: TimelineLabel, depth: usize) -> Retained {
    let leases = expectations.get(&label).map(|expected| &expected.leases);
    let mut found = Retained {
        surely: leases.into_iter().flat_map(Leases::promised).collect(),
        perhaps: leases.into_iter().flat_map(Leases::perhaps).collect(),
    };
    if depth == 0 {
        return found;
    }
    for (&child, expected) in expectations {
        let (points, is_sure): (Vec<Lsn>, bool) = match expected.existence {
            Existence::Absent => {
                let point = expected.deleted_point.filter(|(on, _)| *on == label);
                (Vec::from_iter(point.map(|(_, at)| at)), false)
            }
            Existence::Exists => {
                let point = expected.ancestor.filter(|(on, _)| *on == label);
                (Vec::from_iter(point.map(|(_, at)| at)), !expected.is_unread)
            }
            Existence::InDoubt => (expected.possible_points(label).collect(), false),
        };
        if points.is_empty() {
            continue;
        }
        let below = retained_within(expectations, child, depth - 1);
        for at in points {
            found.add(below.clone().through(at, is_sure));
        }
    }
    found
}

/// The timelines that surely branch off this one.
pub fn children(expectations: &Expectations, label: TimelineLabel) -> Vec<TimelineLabel> {
    let is_child = |expected: &Expected| {
        let stands_on = expected.ancestor.is_some_and(|(on, _)| on == label);
        stands_on && expected.existence == Existence::Exists
    };
    let children = expectations
        .iter()
        .filter(|(_, expected)| is_child(expected));
    children.map(|(child, _)| *child).collect()
}

/// Whether a timeline has children, or may have.
pub fn may_have_children(expectations: &Expectations, label: TimelineLabel) -> bool {
    let mut expectations = expectations.values();
    expectations.any(|expected| {
        let is_there = expected.existence != Existence::Absent;
        let on = expected.ancestor.map(|(on, _)| on);
        let begun = expected
            .starts
            .iter()
            .any(|start| start.ancestor == Some(label));
        is_there && (on == Some(label) || begun)
    })
}

/// Whether a branch in doubt may need a timeline, or the index of a deleted branch of it may still
/// be there.
pub fn may_be_needed(expectations: &Expectations, label: TimelineLabel) -> bool {
    let may_need = |expected: &Expected| {
        let has_deleted_point = expected.deleted_point.is_some_and(|(on, _)| on == label);
        let is_in_doubt = expected.existence == Existence::InDoubt;
        has_deleted_point || (is_in_doubt && expected.possible_ancestors().any(|on| on == label))
    };
    expectations.values().any(may_need)
}

/// All timelines that may exist, each after its ancestor.
pub fn ancestors_first(expectations: &Expectations) -> Vec<TimelineLabel> {
    let mut order = Vec::new();
    for &label in expectations.keys() {
        add_behind_ancestors(expectations, label, &mut order);
    }
    order
}

/// The ancestors of a timeline, and those that it may have, nearest last.
pub fn below(expectations: &Expectations, label: TimelineLabel) -> Vec<TimelineLabel> {
    let mut order = Vec::new();
    add_behind_ancestors(expectations, label, &mut order);
    order.retain(|other| *other != label);
    order
}

/// The ancestors of a timeline, and those that it may have, including deleted ones.
pub fn all_below(expectations: &Expectations, label: TimelineLabel) -> BTreeSet<TimelineLabel> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![label];
    while let Some(label) = waiting.pop() {
        let ancestors = expectations.get(&label).into_iter();
        let ancestors = ancestors.flat_map(Expected::possible_ancestors);
        waiting.extend(ancestors.filter(|on| found.insert(*on)));
    }
    found
}

fn add_behind_ancestors(
    expectations: &Expectations,
    label: TimelineLabel,
    order: &mut Vec<TimelineLabel>,
) {
    let Some(expected) = expectations.get(&label) else {
        return;
    };
    if order.contains(&label) || expected.existence == Existence::Absent {
        return;
    }
    for ancestor in expected.possible_ancestors() {
        if ancestor != label {
            add_behind_ancestors(expectations, ancestor, order);
        }
    }
    order.push(label);
}
