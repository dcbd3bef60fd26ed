//! Operations that are given up, and what is done instead.

use super::author::Author;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::plan::{Effort, How, PlanOp};

/// The calls at which a creation or a deletion is given up at the latest.
const DROPPED_AT_MAX: u64 = 24;
/// One time in this many, the life ends in peace behind what is done instead; twice as often in a
/// crash.
const END_ONE_IN: u64 = 6;

/// A timeline of which a creation or a deletion was given up.
#[derive(Clone, Copy)]
struct Doubtful {
    label: TimelineLabel,
    /// Where it stands on its ancestor, if it is a branch.
    on: Option<(TimelineLabel, i64)>,
    start_lsn: u64,
}

impl<C: Chance> Author<'_, C> {
    /// Gives up a creation, a branch or a deletion, and goes on with what is in doubt.
    pub(super) fn give_up(&mut self, timeline: usize) {
        let doubtful = match self.chance.below(4) {
            0 => self.give_up_deletion(),
            1 if self.has_room() => Some(self.doubtful(None)),
            _ if self.can_branch(timeline) => {
                let offset = self.old_offset(timeline);
                let ancestor = self.timelines[timeline].label;
                Some(self.doubtful(Some((ancestor, offset))))
            }
            _ => self.give_up_deletion(),
        };
        let Some(doubtful) = doubtful else {
            return self.delete_branch();
        };
        for _ in 0..self.chance.between(1, 3) {
            self.go_on_instead(doubtful, timeline);
        }
        // An answer to what is in doubt may be taken back by a crash.
        match self.chance.below(END_ONE_IN) {
            0 | 1 => self.crash(),
            2 => self.end_life_in_doubt(),
            _ => {}
        }
        // Whether it is there is not known: it is gone, or it is no timeline that more is put to.
        if self.chance.ratio(2, 3) {
            self.delete(How::Wait, doubtful.label);
            self.free(doubtful.label);
        }
    }

    /// Begins to create a timeline or a branch, once.
    fn doubtful(&mut self, on: Option<(TimelineLabel, i64)>) -> Doubtful {
        let doubtful = Doubtful {
            label: self.next_label(),
            on,
            start_lsn: self.start_lsn(),
        };
        let how = self.given_up();
        self.make(how, doubtful);
        doubtful
    }

    fn make(&mut self, how: How, doubtful: Doubtful) {
        let Doubtful {
            label: timeline,
            on,
            start_lsn,
        } = doubtful;
        let effort = Effort::Once;
        let op = match on {
            Some((ancestor, offset)) => PlanOp::Branch {
                timeline,
                ancestor,
                offset,
                effort,
            },
            None => PlanOp::Create {
                timeline,
                start_lsn,
                effort,
            },
        };
        self.push(how, op);
    }

    /// Begins to delete a timeline without branches, once.
    fn give_up_deletion(&mut self) -> Option<Doubtful> {
        let is_leaf = |index: &usize| {
            let label = Some(self.timelines[*index].label);
            !self.timelines.iter().any(|other| other.ancestor == label)
        };
        let leaves = Vec::from_iter((1..self.timelines.len()).filter(is_leaf));
        if leaves.is_empty() {
            return None;
        }
        let index = *self.chance.pick(&leaves);
        let timeline = self.timelines.remove(index).label;
        let how = self.given_up();
        let effort = Effort::Once;
        self.push(how, PlanOp::Delete { timeline, effort });
        Some(Doubtful {
            label: timeline,
            on: None,
            start_lsn: self.start_lsn(),
        })
    }

    /// Draws whether an operation is cancelled, or fails by the rules of the plan if at all.
    fn given_up(&mut self) -> How {
        match self.chance.one_in(2) {
            true => How::DropAt(self.chance.between(1, DROPPED_AT_MAX) as u32),
            false => How::Wait,
        }
    }

    fn go_on_instead(&mut self, doubtful: Doubtful, timeline: usize) {
        let timeline = timeline.min(self.timelines.len() - 1);
        let (label, effort) = (doubtful.label, self.effort());
        match self.chance.below(9) {
            0 | 1 => {
                let how = self.wait_or_drop();
                let op = PlanOp::Open {
                    timeline: label,
                    effort,
                };
                self.push(how, op);
            }
            2 => self.delete(How::Wait, label),
            3 | 8 => self.make(How::Wait, doubtful),
            4 | 5 => {
                self.put(How::Wait, timeline, Spacing::Drawn);
                self.flush(How::Wait, timeline);
                self.gc(How::Wait, timeline);
            }
            6 => self.read_old(How::Wait, timeline),
            _ => self.delete_branch(),
        }
    }
}
