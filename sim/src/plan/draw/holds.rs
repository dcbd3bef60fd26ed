//! Scans that outlive their lines, across what takes their layers or their timeline away.

use super::author::Author;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::plan::{Held, How, Mode, PlanOp, Slot};

/// The most scans that an author holds at a time.
const HELD_COUNT_MAX: u8 = 3;

impl<C: Chance> Author<'_, C> {
    /// Begins a scan, or goes on with one that is held, or lets one go.
    pub(super) fn hold_or_go_on(&mut self, timeline: usize) {
        match self.free_slot() {
            Some(slot) if self.held.is_empty() || self.chance.one_in(2) => {
                let offset = self.offset(timeline);
                let how = self.wait_or_drop();
                self.hold(how, slot, (timeline, offset));
            }
            _ => self.go_on(),
        }
    }

    /// Holds a scan, perhaps of a branch at its point, while something takes its layers or its
    /// timeline away; then reads what is left of it.
    pub(super) fn hold_across(&mut self, timeline: usize) {
        let Some(slot) = self.free_slot() else {
            return self.go_on();
        };
        let offset = match self.chance.ratio(2, 3) {
            true => self.put_under_image(timeline),
            false => {
                self.stack(timeline, 2);
                self.old_offset(timeline)
            }
        };
        if self.can_branch(timeline) && self.chance.ratio(2, 3) {
            self.hold_on_branch(slot, timeline, offset);
        } else {
            self.hold(How::Wait, slot, (timeline, offset));
            self.begin_to_read(slot);
            self.take_away(timeline);
        }
        for _ in 0..self.chance.between(1, 3) {
            self.next(slot);
        }
        if self.chance.one_in(2) {
            self.let_go(slot);
        }
        self.join();
    }

    /// Holds a scan of a new branch, which is then deleted or shut down, or loses what it reads on
    /// its ancestor.
    fn hold_on_branch(&mut self, slot: Slot, timeline: usize, offset: i64) {
        let branch = self.branch(How::Wait, timeline, offset);
        if self.chance.ratio(3, 4) {
            self.put(How::Wait, branch, Spacing::Drawn);
            if self.chance.ratio(2, 3) {
                self.flush(How::Wait, branch);
            }
        }
        self.hold(How::Wait, slot, (branch, 0));
        self.begin_to_read(slot);
        let how = self.how();
        match self.chance.below(5) {
            0..3 => {
                let timeline = self.timelines.remove(branch).label;
                self.delete(how, timeline);
                self.free(timeline);
            }
            3 => self.reopen(how, branch),
            _ => {}
        }
        if self.chance.one_in(2) && !self.is_full() {
            // All history that no other branch needs.
            self.gc(How::Beside, timeline);
        } else {
            self.take_away(timeline);
        }
    }

    /// Takes away layers that a scan held on a timeline may read, or the timeline's instance.
    fn take_away(&mut self, timeline: usize) {
        if self.chance.one_in(2) {
            self.compact(How::Wait, timeline, Mode::Forced);
        }
        if self.chance.one_in(2) {
            self.images(How::Wait, timeline, Mode::Forced);
        }
        if self.is_full() {
            self.join();
        }
        match self.chance.below(5) {
            0 | 1 => self.gc(How::Beside, timeline),
            2 => {
                let how = self.drop_in_job();
                self.gc(how, timeline);
            }
            _ => {
                let how = self.how();
                self.reopen(how, timeline);
            }
        }
    }

    /// Reads the next batch of the scans that are held.
    pub(super) fn go_on_with_all(&mut self) {
        for slot in self.held.clone() {
            self.push(How::Wait, PlanOp::Next(slot));
        }
    }

    /// Goes on with a scan that is held, or lets it go.
    fn go_on(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let slot = *self.chance.pick(&self.held);
        match self.chance.below(4) {
            0 => self.let_go(slot),
            _ => self.next(slot),
        }
    }

    fn hold(&mut self, how: How, slot: Slot, (timeline, offset): (usize, i64)) {
        let timeline = self.timelines[timeline].label;
        self.held.push(slot);
        self.push(
            how,
            PlanOp::Hold {
                slot,
                timeline,
                offset,
            },
        );
    }

    fn next(&mut self, slot: Slot) {
        let how = self.how();
        let how = self.how_to_read(how);
        self.push(how, PlanOp::Next(slot));
    }

    /// Reads a first batch, or cancels that: the scan then has its snapshot, and has not opened the
    /// layers in it.
    fn begin_to_read(&mut self, slot: Slot) {
        match self.chance.below(4) {
            0 => {}
            1 => self.next(slot),
            _ => {
                let count = self.chance.pick_weighted(&[(1, 1), (4, 2), (2, 3)]);
                self.push(How::DropAt(count), PlanOp::Next(slot));
            }
        }
    }

    fn let_go(&mut self, slot: Slot) {
        self.held.retain(|held| *held != slot);
        self.push(How::Wait, PlanOp::LetGo(Held::Scan(slot)));
    }

    fn free_slot(&self) -> Option<Slot> {
        let mut slots = (1..=HELD_COUNT_MAX).map(Slot);
        slots.find(|slot| !self.held.contains(slot))
    }
}
