//! Tiered compaction: levels upon levels, and changes between the strategies.

use palimpsest::Strategy;

use super::author::Author;
use super::themes::Move;
use crate::dice::Chance;
use crate::plan::{How, Mode, PlanOp};

/// How many times a move makes a level at most.
const LEVEL_COUNT_MAX: u64 = 3;

impl<C: Chance> Author<'_, C> {
    /// Writes a move that is about what a timeline decides for itself, or about tiers.
    pub(super) fn tier(&mut self, next: Move, (how, timeline): (How, usize)) {
        match next {
            Move::Strategy => self.strategy(timeline),
            Move::CompactTiers => self.compact_tiers(timeline),
            Move::Policy => self.keep_other(timeline),
            _ => self.shard(next, (how, timeline)),
        }
    }

    /// Makes compactions go by a strategy from now on, a tiered one mostly.
    fn strategy(&mut self, timeline: usize) {
        let strategy = self
            .chance
            .pick_weighted(&[(2, Strategy::Tiered), (1, Strategy::L0ToL1)]);
        let how = match self.chance.one_in(4) {
            true => How::DropAt(self.chance.between(1, 8) as u32),
            false => How::Wait,
        };
        self.set_strategy(how, (timeline, strategy));
        if self.chance.one_in(4) {
            self.crash();
        }
    }

    fn set_strategy(&mut self, how: How, (timeline, strategy): (usize, Strategy)) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Strategy { timeline, strategy });
    }

    /// Compacts tiers until several levels are there, or are merged.
    fn compact_tiers(&mut self, timeline: usize) {
        if self.chance.one_in(2) {
            self.set_strategy(How::Wait, (timeline, Strategy::Tiered));
        }
        if self.chance.one_in(3) {
            self.declare(timeline);
        }
        for _ in 0..self.chance.between(2, LEVEL_COUNT_MAX) {
            self.stack(timeline, self.l0_count_trigger.min(2));
            let mode = *self
                .chance
                .pick(&[Mode::ByNeed, Mode::ByNeed, Mode::Forced]);
            let how = self.how();
            self.compact(how, timeline, mode);
            match self.chance.below(10) {
                0 => self.images(How::Wait, timeline, Mode::Forced),
                1 => self.gc(How::Wait, timeline),
                2 => self.read_old(How::Beside, timeline),
                _ => {}
            }
        }
        let how = match self.chance.one_in(4) {
            true => self.drop_in_job(),
            false => self.how(),
        };
        self.compact(how, timeline, Mode::ByNeed);
        match self.chance.below(6) {
            0 => self.crash(),
            1 => self.set_strategy(How::Wait, (timeline, Strategy::L0ToL1)),
            2 => self.gc(How::Wait, timeline),
            _ => {}
        }
        self.compact(How::Wait, timeline, Mode::ByNeed);
        self.read_old(How::Wait, timeline);
        self.scan_at(How::Wait, timeline, 0);
    }
}
