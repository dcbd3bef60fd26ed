//! Timelines that are deleted soon after they were created, and what comes right behind that: an
//! end of the life, another tenant, an open, a second deletion.

use super::author::Author;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::plan::{How, PlanOp};

/// One short life in this many is not ended at once: several timelines are then there together.
const KEPT_ONE_IN: u64 = 4;
/// One restart in this many behind an unfinished deletion opens the engine as another tenant first.
const INTRUDING_ONE_IN: u64 = 2;

impl<C: Chance> Author<'_, C> {
    /// Creates a timeline or a branch, mostly with a layer, and deletes it.
    pub(super) fn short_life(&mut self, ancestor: usize) {
        let index = if self.can_branch(ancestor) && self.chance.one_in(3) {
            let offset = self.old_offset(ancestor);
            self.branch(How::Wait, ancestor, offset)
        } else if self.has_room() {
            self.create();
            self.join();
            self.timelines.len() - 1
        } else {
            return self.delete_branch();
        };
        if self.chance.ratio(3, 4) {
            self.put(How::Wait, index, Spacing::Drawn);
            if self.chance.ratio(3, 4) {
                self.flush(How::Wait, index);
            }
        }
        if self.chance.one_in(KEPT_ONE_IN) {
            return;
        }
        let label = self.timelines.remove(index).label;
        let how = match self.chance.below(8) {
            0 => How::Beside,
            1 | 2 => How::DropAt(self.chance.between(1, 24) as u32),
            _ => How::Wait,
        };
        self.delete(how, label);
        if self.chance.one_in(2) {
            self.follow_a_deletion(label);
        }
        self.free(label);
    }

    /// What shows whether a deletion is over: perhaps it is not, or not durably.
    fn follow_a_deletion(&mut self, label: TimelineLabel) {
        match self.chance.below(6) {
            0 => self.crash(),
            1 => self.end_life_in_doubt(),
            2 => {
                let (how, effort) = (self.wait_or_drop(), self.effort());
                let op = PlanOp::Open {
                    timeline: label,
                    effort,
                };
                self.push(how, op);
            }
            3 => self.delete(How::Wait, label),
            4 => self.gc(How::Wait, 0),
            _ => {}
        }
    }

    /// Ends the life without a crash; another tenant may open the directory before the next one
    /// begins.
    pub(super) fn end_life_in_doubt(&mut self) {
        match self.chance.one_in(INTRUDING_ONE_IN) {
            true => self.push(How::Wait, PlanOp::Intrude),
            false => self.restart(),
        }
    }
}
