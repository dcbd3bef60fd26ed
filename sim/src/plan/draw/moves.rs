//! What an author does next: one operation, or several that are known to find bugs together.

use super::author::Author;
use super::puts::Spacing;
use super::themes::Move;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::plan::{How, Mode};

/// One batch in this many is begun and cancelled.
const DROPPED_PUT_ONE_IN: u64 = 40;
/// One read in this many is begun and cancelled.
const DROPPED_READ_ONE_IN: u64 = 16;
/// One creation or deletion in this many is begun and cancelled.
const DROPPED_CHANGE_ONE_IN: u64 = 6;

impl<C: Chance> Author<'_, C> {
    /// Writes the next move.
    pub fn make_move(&mut self) {
        if self.is_full() {
            self.join();
        }
        let next = self.chance.pick_weighted(&self.swarm.moves);
        let timeline = self.timeline();
        let how = self.how();
        match next {
            Move::Put => self.put_once(how, timeline),
            Move::PutAtOneLsn => self.put_at_one_lsn(timeline),
            Move::Get => self.get(how, timeline),
            Move::GetOld => {
                let how = self.how_to_read(how);
                self.get_old(how, timeline);
            }
            Move::GetMany => self.get_many_once(how, timeline),
            Move::Scan => {
                let how = self.how_to_read(how);
                self.scan(how, timeline);
            }
            Move::Freeze => self.freeze_once(how, timeline),
            Move::Flush => self.flush(how, timeline),
            Move::FlushBeside => self.flush_beside(timeline),
            Move::FlushDropped => self.flush_dropped(timeline),
            Move::FlushThenCrash => self.flush_then_crash(how, timeline),
            Move::ManyInFlight => self.leave_many_in_flight(),
            Move::Join => self.join(),
            Move::Wait => self.wait(),
            Move::Restart => self.restart(),
            Move::Crash => self.crash(),
            Move::CrashTwice => self.crash_twice(timeline),
            Move::Second => self.create_or_delete(),
            Move::CreateAgain => self.create_again(),
            Move::ShortLife => self.short_life(timeline),
            Move::Compact => self.compact_once(how, timeline),
            Move::CompactStack => self.compact_stack(timeline),
            Move::CompactBeside => self.compact_beside(timeline),
            Move::JobsBeside => self.jobs_beside(timeline),
            Move::CompactDropped => self.compact_dropped(timeline),
            Move::CompactFatKey => self.compact_fat_key(timeline),
            Move::Images => self.images_once(how, timeline),
            Move::ImagesUnder => self.images_under(timeline),
            Move::ImagesBeside => self.images_beside(timeline),
            Move::ImagesDropped => self.images_dropped(timeline),
            Move::ImagesPreempted => self.images_preempted(timeline),
            Move::ImagesOvertaken => self.images_overtaken(timeline),
            Move::Declare => self.declare(timeline),
            Move::Branch => self.branch_once(timeline),
            Move::BranchDeep => self.branch_deep(timeline),
            Move::DeleteBranch => self.delete_branch(),
            Move::Gc => self.gc(how, timeline),
            Move::GcThenReads => self.gc_then_reads(timeline),
            Move::GcBesideReads => self.gc_beside_reads(timeline),
            Move::GcBesideBranch => self.gc_beside_branch(timeline),
            Move::GcDropped => self.gc_dropped(timeline),
            Move::GcThenCrash => self.gc_then_crash(timeline),
            Move::GcGap => self.gc_gap(timeline),
            Move::DeleteUnderImages => self.delete_under_images(timeline),
            Move::Lease => self.lease_once(how, timeline),
            Move::LeaseUnderGc => self.lease_under_gc(timeline),
            Move::Clock => self.set_clock(),
            Move::Shutdown => self.shutdown_beside(timeline),
            Move::GiveUp => self.give_up(timeline),
            Move::Hold => self.hold_or_go_on(timeline),
            Move::HoldAcross => self.hold_across(timeline),
            _ => self.tier(next, (how, timeline)),
        }
    }

    fn freeze_once(&mut self, how: How, timeline: usize) {
        let how = self.how_to_read(how);
        self.freeze(how, timeline);
    }

    fn get_many_once(&mut self, how: How, timeline: usize) {
        let how = self.how_to_read(how);
        self.get_many(how, timeline);
    }

    /// Leaves at least three operations in flight, with none between them that is waited for.
    pub fn leave_many_in_flight(&mut self) {
        if self.is_full() {
            self.join();
        }
        for _ in 0..self.chance.between(3, 5) {
            let timeline = self.timeline();
            match self.chance.below(8) {
                0..3 => self.put(How::Beside, timeline, Spacing::Drawn),
                3 | 4 => self.flush(How::Beside, timeline),
                5 => self.freeze(How::Beside, timeline),
                6 => self.get_old(How::Beside, timeline),
                _ => self.read(How::Beside, timeline),
            }
        }
    }

    fn put_once(&mut self, how: How, timeline: usize) {
        if self.chance.one_in(DROPPED_PUT_ONE_IN) {
            let count = self.chance.between(1, 8) as u32;
            self.put(How::DropAt(count), timeline, Spacing::Drawn);
        } else {
            self.put(how, timeline, Spacing::Drawn);
        }
    }

    fn put_at_one_lsn(&mut self, timeline: usize) {
        self.put(How::Wait, timeline, Spacing::Drawn);
        for _ in 0..self.chance.between(1, 3) {
            if self.chance.one_in(3) {
                let how = self.how();
                self.freeze(how, timeline);
            }
            if self.chance.one_in(3) && !self.is_full() {
                self.scan_at(How::Beside, timeline, 0);
            }
            let how = self.how();
            self.put(how, timeline, Spacing::Same);
        }
    }

    fn flush_beside(&mut self, timeline: usize) {
        self.flush(How::Beside, timeline);
        for _ in 0..self.chance.between(1, 4) {
            let how = self.how();
            match self.chance.below(5) {
                0..3 => self.put(how, timeline, Spacing::Drawn),
                3 => self.get(how, timeline),
                _ => self.flush(how, timeline),
            }
        }
        if self.chance.one_in(2) {
            self.join();
        }
    }

    fn flush_dropped(&mut self, timeline: usize) {
        let last = if self.chance.one_in(2) { 8 } else { 40 };
        let count = self.chance.between(1, last) as u32;
        self.flush(How::DropAt(count), timeline);
        if self.chance.one_in(2) {
            self.put(How::Wait, timeline, Spacing::Drawn);
        }
        if self.chance.one_in(2) {
            self.flush(How::Wait, timeline);
        }
        if self.chance.one_in(4) {
            self.crash();
        }
    }

    fn flush_then_crash(&mut self, how: How, timeline: usize) {
        self.put(How::Wait, timeline, Spacing::Drawn);
        self.flush(how, timeline);
        self.crash();
    }

    fn crash_twice(&mut self, timeline: usize) {
        self.crash();
        match self.chance.below(4) {
            0 => self.read(How::Wait, timeline),
            1 => self.put(How::Wait, timeline, Spacing::Drawn),
            2 => self.flush(How::Beside, timeline),
            _ => {}
        }
        self.crash();
    }

    fn create_or_delete(&mut self) {
        if self.can_create() {
            self.create();
        } else if 1 < self.timelines.len() && self.chance.one_in(3) {
            self.delete_branch();
        } else {
            self.scan(How::Wait, 0);
        }
    }

    /// Replaces a timeline's layers, deletes it and creates it again, with a layer of a name that
    /// one of the first had: the removal of that file may still be in flight.
    fn create_again(&mut self) {
        if !self.has_room() {
            return self.delete_branch();
        }
        let label = self.next_label();
        let start_lsn = self.start_lsn();
        let first_len = self.chance.between(1, 40);
        self.create_with_layer(label, start_lsn, first_len);
        let index = self.timelines.len() - 1;
        self.stack(index, 1);
        let how = self.how();
        self.compact(how, index, Mode::Forced);
        if how == How::Beside {
            self.join();
        }
        self.timelines.remove(index);
        self.delete(How::Wait, label);
        if self.chance.one_in(2) {
            // The next engine knows nothing of the first timeline.
            self.restart();
        }
        self.create_with_layer(label, start_lsn, first_len);
        self.scan_at(How::Wait, index, 0);
    }

    /// Creates a timeline with one layer of `len` LSNs.
    fn create_with_layer(&mut self, label: TimelineLabel, start_lsn: u64, len: u64) {
        self.create_as(How::Wait, label, start_lsn);
        let index = self.timelines.len() - 1;
        self.put_far(index, len);
        self.flush(How::Wait, index);
    }

    /// Draws a timeline: the first one half of the time.
    fn timeline(&mut self) -> usize {
        let last = self.timelines.len() as u64 - 1;
        if last == 0 || self.chance.one_in(2) {
            return 0;
        }
        self.chance.between(1, last) as usize
    }

    /// Draws how to start a read: as given, or cancelled. A cancelled read must block nothing.
    pub(super) fn how_to_read(&mut self, how: How) -> How {
        match self.chance.one_in(DROPPED_READ_ONE_IN) {
            true => How::DropAt(self.chance.between(1, 12) as u32),
            false => how,
        }
    }

    /// Draws whether a creation or a deletion is waited for or cancelled.
    pub(super) fn wait_or_drop(&mut self) -> How {
        match self.chance.one_in(DROPPED_CHANGE_ONE_IN) {
            true => How::DropAt(self.chance.between(1, 20) as u32),
            false => How::Wait,
        }
    }

    /// Draws whether to wait for an operation that can be left running.
    pub(super) fn how(&mut self) -> How {
        if self.chance.ratio(self.swarm.beside, 8) && !self.is_full() {
            How::Beside
        } else {
            How::Wait
        }
    }
}
