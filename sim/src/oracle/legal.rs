//! Which reads are legal, over a timeline and everything that it stands on.
//!
//! 1. An LSN is legal on a timeline if it is at or below the last record, and at or above the
//!    cutoff or retained for a child; and `min(LSN, branch point)` is legal on the ancestor, and so
//!    on down.
//! 2. What is retained on a child is retained below it as well, at `min(LSN, branch point)`: for a
//!    at 30 with a branch b at 20 and, on b, a branch c at 25, b keeps 25 and a keeps 20.
//! 3. Where something is not known, both a value and a refusal are allowed: [`Certainty::Perhaps`].
//!    A point is retained perhaps for a child in doubt, for one whose index could not be read and
//!    so for all that it retains, and for one that is deleted and whose index may remain.
//! 4. A cutoff that cannot be looked at may have moved: what lies below where it may be, and is not
//!    retained, is kept perhaps.
//! 5. A read takes its snapshot at some moment from its start to its end. It may give what either
//!    end allows, or a state in between ([`View::with`]); it must give what both ends demand.
//! 6. A batch in doubt allows the answer with it and the answer without it, and at an LSN above the
//!    last record also that it is too early.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::Lsn;

use super::{Existence, Truth};
use crate::label::Letter;
use crate::model::History;

/// Everything that is known, by timeline.
pub type Truths = BTreeMap<Letter, Truth>;

/// How sure something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It is not so.
    No,
    /// Nobody can say.
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
    /// These answers.
    pub answers: Vec<T>,
    /// That it is too early.
    pub not_yet: bool,
    /// That it is too late.
    pub below: bool,
}

/// What a read may answer at this moment, if `ask` gets its answer from a history.
pub fn view<T>(
    truths: &Truths,
    (letter, lsn): (Letter, Lsn),
    ask: impl Fn(&History) -> T,
) -> View<T> {
    let truth = &truths[&letter];
    let mut answers = Vec::new();
    if lsn <= truth.last {
        answers.push(ask(&truth.history));
    }
    if let Some(pending) = &truth.pending
        && lsn <= pending.last
    {
        answers.push(ask(&pending.whole(&truth.history)));
    }
    View {
        answers,
        not_yet: truth.last < lsn,
        is_kept: is_kept(truths, letter, lsn),
    }
}

impl<T> View<T> {
    /// The same, with answers of moments before it.
    #[must_use]
    pub fn with(mut self, answers: Vec<T>) -> View<T> {
        self.answers.extend(answers);
        self
    }

    /// What may be said by a read that was let in at this very moment.
    pub fn now(self) -> Allowed<T> {
        let may_answer = self.is_kept != Certainty::No;
        Allowed {
            answers: if may_answer { self.answers } else { Vec::new() },
            not_yet: self.not_yet,
            below: self.is_kept != Certainty::Yes,
        }
    }

    /// What may be said by a read that was let in at some moment from this one to `end`.
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
pub fn is_kept(truths: &Truths, letter: Letter, lsn: Lsn) -> Certainty {
    let truth = &truths[&letter];
    let here = match truth.cutoff.seen() <= lsn {
        true if truth.cutoff.may_hide(lsn) => {
            Certainty::Perhaps.max(retained(truths, letter).certainty(lsn))
        }
        true => Certainty::Yes,
        false => retained(truths, letter).certainty(lsn),
    };
    match truth.ancestor {
        Some((ancestor, at)) => here.min(is_kept(truths, ancestor, lsn.min(at))),
        None => here,
    }
}

/// The points of a timeline that are kept for those that stand on it.
#[derive(Clone, Debug, Default)]
pub struct Retained {
    /// For timelines that are there.
    pub surely: BTreeSet<Lsn>,
    /// For those that may be there.
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

    fn add(&mut self, mut other: Retained) {
        self.surely.append(&mut other.surely);
        self.perhaps.append(&mut other.perhaps);
    }

    /// All of them.
    pub fn all(&self) -> BTreeSet<Lsn> {
        self.surely.union(&self.perhaps).copied().collect()
    }
}

/// The points that must be kept below a child that stands at an LSN.
fn retained_by(truths: &Truths, (child, at): (Letter, Lsn)) -> Retained {
    let mut below = retained(truths, child);
    below.surely.insert(at);
    if truths[&child].is_unread {
        below.perhaps.append(&mut below.surely);
    }
    let here = |lsns: BTreeSet<Lsn>| lsns.into_iter().map(|lsn| at.min(lsn)).collect();
    Retained {
        surely: here(below.surely),
        perhaps: here(below.perhaps),
    }
}

/// The points that must be kept on a timeline for its children, their children, and so on.
pub fn retained(truths: &Truths, letter: Letter) -> Retained {
    let mut found = Retained::default();
    for (&child, truth) in truths {
        match truth.existence {
            Existence::Absent => {
                let point = truth.remains.filter(|(on, _)| *on == letter);
                found.perhaps.extend(point.map(|(_, at)| at));
            }
            Existence::Exists => {
                if let Some((_, at)) = truth.ancestor.filter(|(on, _)| *on == letter) {
                    found.add(retained_by(truths, (child, at)));
                }
            }
            Existence::InDoubt => {
                let points = truth.possible_points(letter);
                found.perhaps.extend(points);
            }
        }
    }
    found
}

/// The timelines that surely stand on this one.
pub fn children(truths: &Truths, letter: Letter) -> Vec<Letter> {
    let is_child = |truth: &Truth| {
        let stands_on = truth.ancestor.is_some_and(|(on, _)| on == letter);
        stands_on && truth.existence == Existence::Exists
    };
    let children = truths.iter().filter(|(_, truth)| is_child(truth));
    children.map(|(child, _)| *child).collect()
}

/// Whether something stands on a timeline, or may.
pub fn may_have_children(truths: &Truths, letter: Letter) -> bool {
    let mut truths = truths.values();
    truths.any(|truth| {
        let is_there = truth.existence != Existence::Absent;
        let on = truth.ancestor.map(|(on, _)| on);
        let begun = truth
            .starts
            .iter()
            .any(|start| start.ancestor == Some(letter));
        is_there && (on == Some(letter) || begun)
    })
}

/// Whether a branch that is in doubt may stand on a timeline, or the index of one that did may be
/// there still, and say it was deleted.
pub fn may_be_needed(truths: &Truths, letter: Letter) -> bool {
    let may_need = |truth: &Truth| {
        let has_remains = truth.remains.is_some_and(|(on, _)| on == letter);
        let is_in_doubt = truth.existence == Existence::InDoubt;
        has_remains || (is_in_doubt && truth.possible_ancestors().any(|on| on == letter))
    };
    truths.values().any(may_need)
}

/// All timelines that may be there, each behind what it stands on.
pub fn ancestors_first(truths: &Truths) -> Vec<Letter> {
    let mut order = Vec::new();
    for &letter in truths.keys() {
        add_behind_ancestors(truths, letter, &mut order);
    }
    order
}

/// What a timeline stands on, or may stand on, and what that does, and so on.
pub fn below(truths: &Truths, letter: Letter) -> Vec<Letter> {
    let mut order = Vec::new();
    add_behind_ancestors(truths, letter, &mut order);
    order.retain(|other| *other != letter);
    order
}

/// The same, with what is there no more.
pub fn all_below(truths: &Truths, letter: Letter) -> BTreeSet<Letter> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![letter];
    while let Some(letter) = waiting.pop() {
        let ancestors = truths.get(&letter).into_iter();
        let ancestors = ancestors.flat_map(Truth::possible_ancestors);
        waiting.extend(ancestors.filter(|on| found.insert(*on)));
    }
    found
}

fn add_behind_ancestors(truths: &Truths, letter: Letter, order: &mut Vec<Letter>) {
    let Some(truth) = truths.get(&letter) else {
        return;
    };
    if order.contains(&letter) || truth.existence == Existence::Absent {
        return;
    }
    for ancestor in truth.possible_ancestors() {
        if ancestor != letter {
            add_behind_ancestors(truths, ancestor, order);
        }
    }
    order.push(letter);
}
