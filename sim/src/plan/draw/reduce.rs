//! Gc compaction: alone, and concurrent with the operations that are known to be hard for it.

use super::author::Author;
use super::puts::Spacing;
use super::themes::Move;
use crate::dice::Chance;
use crate::plan::{HistoryPlan, How, KeyIndex, Mode, PlanOp, Try};

impl<C: Chance> Author<'_, C> {
    fn gc_compact(&mut self, how: How, timeline: usize, past: HistoryPlan) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::GcCompact { timeline, past });
    }

    /// Writes a move that reduces history.
    pub(super) fn reduce(&mut self, next: Move, (how, timeline): (How, usize)) {
        match next {
            Move::GcCompact => self.gc_compact_once(how, timeline),
            Move::GcCompactThenReads => self.gc_compact_then_reads(timeline),
            Move::GcCompactBeside => self.gc_compact_beside(timeline),
            Move::GcCompactDropped => self.gc_compact_dropped(timeline),
            Move::GcCompactFatKey => self.gc_compact_fat_key(timeline),
            Move::GcCompactBranch => self.gc_compact_branch(timeline),
            Move::GcCompactAll => self.gc_compact_all(timeline),
            _ => unreachable!("the caller has made all others"),
        }
    }

    /// Draws a part of the history: mostly all of it.
    fn past(&mut self, timeline: usize) -> HistoryPlan {
        let mut past = HistoryPlan::ALL;
        if self.chance.one_in(3) {
            let first = KeyIndex(self.chance.below(self.key_count.into()) as u16);
            let count = self.chance.between(1, self.key_count.into()) as u16;
            past.keys = Some((first, count));
        }
        if self.chance.one_in(4) {
            past.from = Some(self.old_offset(timeline));
        }
        if self.chance.one_in(6) {
            past.to = Some(self.old_offset(timeline));
        }
        past
    }

    /// Reduces history, or says what that would do.
    pub(super) fn gc_compact_once(&mut self, how: How, timeline: usize) {
        let mut past = self.past(timeline);
        if self.chance.one_in(6) {
            past.attempt = Try::Dry;
        }
        self.gc_compact(how, timeline, past);
    }

    /// Dry, for real, and again, with reads around the cutoff.
    fn gc_compact_then_reads(&mut self, timeline: usize) {
        let count = self.chance.between(1, 2);
        self.stack(timeline, count);
        if self.chance.one_in(3) {
            self.compact(How::Wait, timeline, Mode::Forced);
        }
        if self.chance.one_in(4) {
            self.images(How::Wait, timeline, Mode::Forced);
        }
        self.gc(How::Wait, timeline);
        let past = self.past(timeline);
        if self.chance.one_in(3) {
            let attempt = Try::Dry;
            self.gc_compact(How::Wait, timeline, HistoryPlan { attempt, ..past });
        }
        let how = self.how();
        self.gc_compact(how, timeline, past);
        if self.chance.one_in(3) {
            self.gc_compact(How::Wait, timeline, past);
        }
        match self.chance.below(6) {
            0 => self.crash(),
            1 => self.restart(),
            _ => {}
        }
        self.read_old(How::Wait, timeline);
        self.scan_at(How::Wait, timeline, 0);
    }

    /// A gc compaction concurrent with everything that may run at the same time.
    fn gc_compact_beside(&mut self, timeline: usize) {
        self.stack(timeline, 2);
        self.gc(How::Wait, timeline);
        if self.chance.one_in(2) {
            // It takes layers that readers hold already.
            for _ in 0..self.chance.between(1, 2) {
                self.read_old(How::Beside, timeline);
            }
        }
        let past = self.past(timeline);
        self.gc_compact(How::Beside, timeline, past);
        for _ in 0..self.chance.between(1, 4) {
            let how = self.how();
            match self.chance.below(10) {
                0 | 1 => self.put(how, timeline, Spacing::Drawn),
                2 | 3 => self.read_old(How::Beside, timeline),
                4 => self.flush(how, timeline),
                5 => self.images(How::Beside, timeline, Mode::Forced),
                6 => self.gc(How::Beside, timeline),
                7 if self.can_branch(timeline) => {
                    let offset = self.old_offset(timeline);
                    self.branch(how, timeline, offset.min(0));
                }
                7 | 8 => self.gc_compact(How::Beside, timeline, past),
                _ => self.compact(How::Beside, timeline, Mode::Forced),
            }
            if self.is_full() {
                self.join();
            }
        }
        if self.chance.one_in(2) {
            self.join();
        }
    }

    /// A cancelled gc compaction, and another one that finds what it left.
    fn gc_compact_dropped(&mut self, timeline: usize) {
        self.stack(timeline, 2);
        self.gc(How::Wait, timeline);
        let past = self.past(timeline);
        let how = self.drop_in_job();
        self.gc_compact(how, timeline, past);
        match self.chance.below(5) {
            0 => self.crash(),
            1 => self.put(How::Wait, timeline, Spacing::Drawn),
            2 => self.reopen(How::Wait, timeline),
            3 => self.flush(How::Wait, timeline),
            _ => {}
        }
        self.gc_compact(How::Wait, timeline, past);
        self.read_old(How::Wait, timeline);
        self.read(How::Wait, timeline);
    }

    /// One key with so many records that what stays of them must be cut by LSN.
    fn gc_compact_fat_key(&mut self, timeline: usize) {
        let key = self.key();
        for _ in 0..self.chance.between(2, 3) {
            self.put_on_key(timeline, key);
            self.flush(How::Wait, timeline);
        }
        self.gc(How::Wait, timeline);
        let past = self.past(timeline);
        self.gc_compact(How::Wait, timeline, past);
        self.read_old(How::Wait, timeline);
        self.scan_at(How::Wait, timeline, 0);
    }

    /// A run through all keys that is interrupted by what may come between two sub-jobs, and goes
    /// on.
    fn gc_compact_all(&mut self, timeline: usize) {
        for _ in 0..self.chance.between(1, 2) {
            self.stack(timeline, 2);
            self.compact(How::Wait, timeline, Mode::Forced);
        }
        self.gc(How::Wait, timeline);
        if self.chance.one_in(2) {
            // L0s above the horizon, for which it stops between two sub-jobs.
            self.stack(timeline, 2);
        }
        for _ in 0..self.chance.between(2, 4) {
            let how = match self.chance.below(4) {
                0 => self.drop_in_job(),
                1 => How::Beside,
                _ => How::Wait,
            };
            let mode = match self.chance.one_in(4) {
                true => Mode::ByNeed,
                false => Mode::Forced,
            };
            let label = self.timelines[timeline].label;
            self.push(
                how,
                PlanOp::GcCompactAll {
                    timeline: label,
                    mode,
                },
            );
            match self.chance.below(8) {
                0 => self.crash(),
                1 => self.restart(),
                2 => self.gc(How::Wait, timeline),
                3 => self.compact(How::Beside, timeline, Mode::Forced),
                4 => self.put(How::Wait, timeline, Spacing::Drawn),
                5 => {
                    self.stack(timeline, 1);
                    // A run that is under way goes on up to the cutoff at its begin.
                    self.gc(How::Wait, timeline);
                }
                _ => {}
            }
        }
        self.read_old(How::Wait, timeline);
        self.scan_at(How::Wait, timeline, 0);
    }

    /// What a branch reads stays, on both sides of its point; and what stands on the branch has its
    /// base below it.
    fn gc_compact_branch(&mut self, ancestor: usize) {
        self.stack(ancestor, 1);
        if !self.can_branch(ancestor) {
            return self.gc_compact_then_reads(ancestor);
        }
        let offset = self.old_offset(ancestor);
        let branch = self.branch(How::Wait, ancestor, offset.min(0));
        self.stack(branch, 2);
        self.stack(ancestor, 1);
        for timeline in [ancestor, branch] {
            self.gc(How::Wait, timeline);
            let past = self.past(timeline);
            let how = self.how();
            self.gc_compact(how, timeline, past);
        }
        self.scan_at(How::Wait, branch, 0);
        self.read_old(How::Wait, branch);
        self.read(How::Wait, ancestor);
    }
}
