//! Clocks that jump, and timelines that are shut down while operations run on them.

use std::time::Duration;

use super::author::Author;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::plan::{Closing, Held, How, Jump, Kept, PlanOp, Shutdowns};

/// The lengths of clock jumps, in seconds, each with its weight: a correction, an hour, daylight
/// saving gone wrong, days.
const JUMPS: [(u64, u64); 4] = [(2, 1), (4, 3600), (2, 3 * 3600), (1, 20 * 24 * 3600)];

impl<C: Chance> Author<'_, C> {
    /// Sets the clock forward or back.
    pub(super) fn set_clock(&mut self) {
        let time = Duration::from_secs(self.chance.pick_weighted(&JUMPS));
        let jump = match self.chance.below(2) {
            0 => Jump::Forward(time),
            _ => Jump::Back(time),
        };
        self.push(How::Wait, PlanOp::Clock(jump));
    }

    /// Shuts the timeline down and opens it again, in the same engine: removals of the first
    /// instance may still be in flight.
    pub(super) fn reopen(&mut self, how: How, timeline: usize) {
        let op = PlanOp::Shutdown {
            timeline: self.timelines[timeline].label,
            closing: Closing {
                shutdowns: Shutdowns::One,
                kept: Kept::Nothing,
            },
        };
        self.push(how, op);
        self.timelines[timeline].mark_durable();
    }

    /// Leaves operations running and shuts the timeline down beside them, or once they are done;
    /// then continues with the new instance, and releases the kept handles of the old one.
    pub(super) fn shutdown_beside(&mut self, timeline: usize) {
        if self.is_full() {
            self.join();
        }
        for _ in 0..self.chance.below(4) {
            self.work_beside(timeline);
        }
        let is_under_branch = self.can_branch(timeline) && !self.is_full() && self.chance.one_in(2);
        if is_under_branch {
            let offset = self.old_offset(timeline);
            self.branch(How::Beside, timeline, offset);
        }
        let how = match self.chance.below(8) {
            0..5 => How::Beside,
            5 => How::DropAt(self.chance.between(1, 20) as u32),
            _ => How::Wait,
        };
        let kept = match self.chance.below(3) {
            0 => Kept::Handles,
            _ => Kept::Nothing,
        };
        let shutdowns = match self.chance.below(3) {
            0 => Shutdowns::Two,
            1 if is_under_branch => Shutdowns::Two,
            _ => Shutdowns::One,
        };
        let label = self.timelines[timeline].label;
        let op = PlanOp::Shutdown {
            timeline: label,
            closing: Closing { shutdowns, kept },
        };
        self.push(how, op);
        for _ in 0..self.chance.below(3) {
            self.work_beside(timeline);
        }
        if kept == Kept::Handles {
            self.join();
            self.put(How::Wait, timeline, Spacing::Drawn);
            self.flush(How::Wait, timeline);
            self.push(How::Wait, PlanOp::LetGo(Held::Handles));
        }
    }

    fn work_beside(&mut self, timeline: usize) {
        if self.is_full() {
            return;
        }
        let how = How::Beside;
        match self.chance.below(8) {
            0 | 1 => self.put(how, timeline, Spacing::Drawn),
            2 => self.flush(how, timeline),
            3 => self.compact_once(how, timeline),
            4 => self.images_once(how, timeline),
            5 => self.gc(how, timeline),
            6 => self.scan(how, timeline),
            _ => self.get_old(how, timeline),
        }
    }
}
