//! Shards: a split, what the jobs make of what it has left, and going from one shard to another.

use super::author::Author;
use super::puts::Spacing;
use super::themes::Move;
use crate::dice::Chance;
use crate::plan::{Effort, How, Mode, OtherShard, PlanOp, SplitPlan, Taking};

impl<C: Chance> Author<'_, C> {
    /// Writes a move that is about shards.
    pub(super) fn shard(&mut self, next: Move, (how, timeline): (How, usize)) {
        match next {
            Move::Split => self.split_once(),
            Move::SplitThenJobs => self.split_then_jobs(timeline),
            Move::SplitThenCrash => self.split_then_crash(timeline),
            Move::Switch => self.switch(),
            Move::Shed => {
                let how = self.how_to_read(how);
                self.shed(how, timeline);
            }
            _ => self.reduce(next, (how, timeline)),
        }
    }

    fn shed(&mut self, how: How, timeline: usize) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Shed { timeline });
    }

    fn switch(&mut self) {
        let other = OtherShard(self.chance.below(4) as u8);
        self.push(How::Wait, PlanOp::Switch(other));
    }

    /// Splits the directory: by links mostly, perhaps cancelled, perhaps given up.
    fn split_once(&mut self) {
        let child_count = self.chance.pick_weighted(&[(5, 2), (2, 3), (1, 4)]);
        let into = SplitPlan {
            child_count,
            stripe: self.chance.between(1, 3) as u16,
            keep: self.chance.below(child_count.into()) as u8,
            taking: match self.chance.one_in(5) {
                true => Taking::Copying,
                false => Taking::Linking,
            },
            effort: match self.chance.one_in(2) {
                true => Effort::Once,
                false => Effort::UntilDone,
            },
        };
        let how = match self.chance.one_in(6) {
            true => How::DropAt(self.chance.between(1, 60) as u32),
            false => How::Wait,
        };
        self.push(how, PlanOp::Split(into));
    }

    /// Makes layers of several kinds, splits, and lets the jobs of a shard meet them.
    fn split_then_jobs(&mut self, timeline: usize) {
        let count = self.chance.between(1, 3);
        self.stack(timeline, count);
        if self.chance.one_in(2) {
            self.compact(How::Wait, timeline, Mode::Forced);
        }
        if self.chance.one_in(2) {
            self.images(How::Wait, timeline, Mode::Forced);
            self.put(How::Wait, timeline, Spacing::Drawn);
            self.flush(How::Wait, timeline);
        }
        self.split_once();
        for _ in 0..self.chance.between(2, 5) {
            let how = self.how();
            match self.chance.below(8) {
                0 => self.compact(how, timeline, Mode::Forced),
                1 => self.images(how, timeline, Mode::Forced),
                2 => self.gc(how, timeline),
                3 => self.put(how, timeline, Spacing::Drawn),
                4 => self.reduce(Move::GcCompact, (how, timeline)),
                5 => self.scan_at(How::Wait, timeline, 0),
                _ => self.shed(how, timeline),
            }
        }
        if self.chance.one_in(2) {
            self.join();
            self.switch();
            self.scan_at(How::Wait, timeline, 0);
        }
    }

    /// Splits, and crashes soon after: what was acknowledged must be there.
    fn split_then_crash(&mut self, timeline: usize) {
        self.stack(timeline, 1);
        self.split_once();
        if self.chance.one_in(3) {
            self.put(How::Wait, timeline, Spacing::Drawn);
        }
        self.crash();
        if self.chance.one_in(2) {
            self.switch();
        }
        self.scan_at(How::Wait, timeline, 0);
    }
}
