//! Compaction and images: alone, and concurrent with the operations that are known to be hard for
//! them.

use super::author::Author;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::plan::{How, KeyIndex, Mode, PlanOp};

/// The most L0s that one move makes: no move may be much longer than another.
const STACK_COUNT_MAX: u64 = 4;

impl<C: Chance> Author<'_, C> {
    /// Compacts L0s in this mode.
    pub(super) fn compact(&mut self, how: How, timeline: usize, mode: Mode) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Compact { timeline, mode });
    }

    /// Creates images in this mode.
    pub(super) fn images(&mut self, how: How, timeline: usize, mode: Mode) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Images { timeline, mode });
    }

    /// Declares which keys there are, rightly or not.
    pub(super) fn declare(&mut self, timeline: usize) {
        let first = KeyIndex(self.chance.below(self.key_count.into()) as u16);
        let count = self.chance.between(1, self.key_count.into()) as u16;
        self.declare_keys(timeline, (first, count));
    }

    fn declare_keys(&mut self, timeline: usize, (first, count): (KeyIndex, u16)) {
        let timeline = self.timelines[timeline].label;
        self.push(
            How::Wait,
            PlanOp::Declare {
                timeline,
                first,
                count,
            },
        );
    }

    fn mode(&mut self) -> Mode {
        *self.chance.pick(&[Mode::Forced, Mode::ByNeed])
    }

    /// Compacts L0s, by need or not.
    pub(super) fn compact_once(&mut self, how: How, timeline: usize) {
        let mode = self.mode();
        self.compact(how, timeline, mode);
    }

    /// Creates images, by need or not.
    pub(super) fn images_once(&mut self, how: How, timeline: usize) {
        let mode = self.mode();
        self.images(how, timeline, mode);
    }

    /// Draws a cancellation within a job: at its first steps, or somewhere.
    pub(super) fn drop_in_job(&mut self) -> How {
        let last = *self.chance.pick(&[8, 25, 60]);
        How::DropAt(self.chance.between(1, last) as u32)
    }

    /// Writes and flushes `count` times: that makes as many L0s.
    pub(super) fn stack(&mut self, timeline: usize, count: u64) {
        for _ in 0..count.min(STACK_COUNT_MAX) {
            self.put(How::Wait, timeline, Spacing::Drawn);
            self.flush(How::Wait, timeline);
        }
    }

    /// Makes as many L0s as make a compaction due, and compacts them.
    pub(super) fn compact_stack(&mut self, timeline: usize) {
        self.stack(timeline, self.l0_count_trigger);
        let how = self.how();
        self.compact(how, timeline, Mode::ByNeed);
        match self.chance.below(6) {
            0 => self.compact(How::Wait, timeline, Mode::Forced),
            1 => self.crash(),
            2 => self.read_old(How::Wait, timeline),
            _ => self.read(How::Wait, timeline),
        }
    }

    /// A compaction concurrent with everything that may run at the same time.
    pub(super) fn compact_beside(&mut self, timeline: usize) {
        self.stack(timeline, 2);
        if self.chance.one_in(2) {
            // It takes layers that readers hold already.
            for _ in 0..self.chance.between(1, 2) {
                self.read_old(How::Beside, timeline);
            }
        }
        self.compact(How::Beside, timeline, Mode::Forced);
        for _ in 0..self.chance.between(1, 3) {
            let how = self.how();
            match self.chance.below(8) {
                0 | 1 => self.put(how, timeline, Spacing::Drawn),
                2 | 3 => self.read_old(How::Beside, timeline),
                4 => self.flush(how, timeline),
                5 => self.images(How::Beside, timeline, Mode::Forced),
                6 => self.gc(How::Beside, timeline),
                _ => self.compact(How::Beside, timeline, Mode::Forced),
            }
        }
        if self.chance.one_in(2) {
            self.join();
        }
    }

    /// Concurrent jobs that each write an index, so that what one has decided waits for the index
    /// of another.
    pub(super) fn jobs_beside(&mut self, timeline: usize) {
        if self.chance.one_in(2) {
            // So that a collection has something to remove: no image covers an L0.
            self.stack(timeline, 2);
            self.compact(How::Wait, timeline, Mode::Forced);
            self.images(How::Wait, timeline, Mode::Forced);
        }
        let count = self.chance.between(1, 2);
        self.stack(timeline, count);
        self.put(How::Wait, timeline, Spacing::Drawn);
        let first = self.chance.below(4);
        for job in first..first + self.chance.between(2, 4) {
            match job % 4 {
                0 => self.compact_once(How::Beside, timeline),
                1 => self.flush(How::Beside, timeline),
                2 => self.images(How::Beside, timeline, Mode::Forced),
                _ => self.gc(How::Beside, timeline),
            }
        }
        self.join();
    }

    /// A cancelled compaction, and another one that finds what it left.
    pub(super) fn compact_dropped(&mut self, timeline: usize) {
        self.stack(timeline, 2);
        let how = self.drop_in_job();
        self.compact(how, timeline, Mode::Forced);
        match self.chance.below(4) {
            0 => self.crash(),
            1 => self.put(How::Wait, timeline, Spacing::Drawn),
            2 => self.reopen(How::Wait, timeline),
            _ => {}
        }
        self.compact(How::Wait, timeline, Mode::Forced);
        self.read(How::Wait, timeline);
        self.read_old(How::Wait, timeline);
    }

    /// One key with so many records that a compaction must cut them by LSN.
    pub(super) fn compact_fat_key(&mut self, timeline: usize) {
        let key = self.key();
        for _ in 0..self.chance.between(1, 3) {
            self.put_on_key(timeline, key);
            self.flush(How::Wait, timeline);
        }
        self.compact(How::Wait, timeline, Mode::Forced);
        self.read_old(How::Wait, timeline);
        self.scan_at(How::Wait, timeline, 0);
    }

    /// An image that comes to lie within the LSNs of a compacted layer: over all of its keys, or
    /// over those around a key for which no image can be made.
    pub(super) fn images_under(&mut self, timeline: usize) {
        if self.chance.one_in(3) {
            self.put_without_base(timeline);
        }
        self.stack(timeline, 1);
        self.images(How::Wait, timeline, Mode::Forced);
        let count = self.chance.between(1, 2);
        self.stack(timeline, count);
        self.compact(How::Wait, timeline, Mode::Forced);
        self.read_old(How::Wait, timeline);
        self.read(How::Wait, timeline);
    }

    /// Images concurrent with everything that may run at the same time.
    pub(super) fn images_beside(&mut self, timeline: usize) {
        self.stack(timeline, 1);
        self.images(How::Beside, timeline, Mode::Forced);
        for _ in 0..self.chance.between(1, 4) {
            let how = self.how();
            match self.chance.below(8) {
                0 | 1 => self.put(how, timeline, Spacing::Drawn),
                2 | 3 => self.read_old(How::Beside, timeline),
                4 => self.flush(how, timeline),
                5 => self.compact(How::Beside, timeline, Mode::Forced),
                6 => self.gc(How::Beside, timeline),
                _ => self.images(How::Beside, timeline, Mode::Forced),
            }
        }
        if self.chance.one_in(2) {
            self.join();
        }
    }

    /// A cancelled image creation, and another one that finds what it left.
    pub(super) fn images_dropped(&mut self, timeline: usize) {
        self.stack(timeline, 1);
        let how = self.drop_in_job();
        self.images(how, timeline, Mode::Forced);
        if self.chance.one_in(3) {
            return self.flush_dropped_as_well(timeline);
        }
        match self.chance.below(4) {
            0 => self.crash(),
            1 => self.stack(timeline, 1),
            2 => self.reopen(How::Wait, timeline),
            _ => {}
        }
        self.images(How::Wait, timeline, Mode::Forced);
        self.read(How::Wait, timeline);
        self.read_old(How::Wait, timeline);
    }

    /// A flush cancelled after a cancelled image creation, and then both again, concurrently: what
    /// the first two left has the names that the others need.
    fn flush_dropped_as_well(&mut self, timeline: usize) {
        self.put(How::Wait, timeline, Spacing::Drawn);
        let how = self.drop_in_job();
        self.flush(how, timeline);
        if self.is_full() {
            self.join();
        }
        self.images(How::Beside, timeline, Mode::Forced);
        self.flush(How::Beside, timeline);
        self.join();
        self.read(How::Wait, timeline);
    }

    /// Images of many parts, and a collection that passes their LSN before the last part is
    /// written.
    pub(super) fn images_overtaken(&mut self, timeline: usize) {
        self.declare_keys(timeline, (KeyIndex(0), self.key_count));
        self.stack(timeline, 1);
        self.images(How::Beside, timeline, Mode::Forced);
        self.stack(timeline, 1);
        self.gc(How::Wait, timeline);
        self.join();
        self.read(How::Wait, timeline);
    }

    /// An image creation that stops for a compaction, and one that continues after it.
    pub(super) fn images_preempted(&mut self, timeline: usize) {
        // Many parts, of which some are done; then a few that are cut elsewhere.
        let is_cut_anew = self.chance.one_in(2);
        if is_cut_anew {
            self.declare_keys(timeline, (KeyIndex(0), self.key_count));
        }
        let count = self.chance.between(2, 3);
        self.stack(timeline, count);
        let mode = self.mode();
        self.images(How::Wait, timeline, mode);
        if is_cut_anew {
            let key = self.key();
            self.declare_keys(timeline, (key, 1));
        }
        self.images(How::Wait, timeline, mode);
        self.compact(How::Wait, timeline, Mode::Forced);
        if self.chance.one_in(3) {
            self.declare(timeline);
        }
        self.images(How::Wait, timeline, mode);
        self.read(How::Wait, timeline);
    }
}
