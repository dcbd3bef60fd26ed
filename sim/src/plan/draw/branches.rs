//! Branches and garbage collection: which history may go, and what another timeline still needs.

use std::time::Duration;

use super::author::Author;
use super::history::DrawnTimeline;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::plan::{How, Mode, PlanOp};

/// The most timelines that exist at a time.
const TIMELINE_COUNT_MAX: usize = 4;
/// The longest chain of ancestors below a timeline.
const DEPTH_MAX: u32 = 3;

/// One branch in this many that is waited for begins as a root with initial data does.
const INITIAL_ONE_IN: u64 = 10;

impl<C: Chance> Author<'_, C> {
    /// Collects garbage.
    pub(super) fn gc(&mut self, how: How, timeline: usize) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Gc { timeline });
    }

    /// Whether this timeline may get a branch.
    pub(super) fn can_branch(&self, ancestor: usize) -> bool {
        self.has_room() && self.timelines[ancestor].depth < DEPTH_MAX
    }

    /// Whether one more timeline may be created.
    pub(super) fn has_room(&self) -> bool {
        self.timelines.len() < TIMELINE_COUNT_MAX && self.has_label()
    }

    /// Creates a branch and returns the index at which it is remembered.
    pub(super) fn branch(&mut self, how: How, ancestor: usize, offset: i64) -> usize {
        let label = self.next_label();
        let effort = self.effort();
        let below = &mut self.timelines[ancestor];
        let branch = below.branch(label, offset);
        let op = PlanOp::Branch {
            timeline: label,
            ancestor: below.label,
            offset,
            effort,
        };
        self.push(how, op);
        self.timelines.push(branch);
        let branch = self.timelines.len() - 1;
        if how == How::Wait && self.chance.one_in(INITIAL_ONE_IN) {
            self.put_initial(branch);
        }
        branch
    }

    /// Deletes a timeline.
    pub(super) fn delete(&mut self, how: How, timeline: TimelineLabel) {
        let effort = self.effort();
        self.push(how, PlanOp::Delete { timeline, effort });
    }

    /// Draws a branch point: mostly the last record, or an older one.
    fn branch_offset(&mut self, ancestor: usize) -> i64 {
        match self.chance.below(16) {
            0..6 => 0,
            6..14 => self.old_offset(ancestor),
            14 => 1,
            _ => self.offset(ancestor),
        }
    }

    /// Creates a branch, or deletes one to make room, and writes to it.
    pub(super) fn branch_once(&mut self, ancestor: usize) {
        if !self.can_branch(ancestor) {
            return self.delete_branch();
        }
        let offset = self.branch_offset(ancestor);
        let how = match self.chance.below(8) {
            7 => How::DropAt(self.chance.between(1, 25) as u32),
            5 | 6 => How::Beside,
            _ => How::Wait,
        };
        let branch = self.branch(how, ancestor, offset);
        if how == How::Beside {
            self.work_on(ancestor);
            self.join();
        }
        self.read_old(How::Wait, branch);
        self.put(How::Wait, branch, Spacing::Drawn);
        if self.chance.one_in(2) {
            self.put(How::Wait, ancestor, Spacing::Drawn);
        }
    }

    /// Draws an operation that may run on the ancestor while a branch of it is created or deleted.
    fn work_on(&mut self, ancestor: usize) {
        for _ in 0..self.chance.between(1, 3) {
            let how = self.how();
            match self.chance.below(6) {
                0 => self.put(how, ancestor, Spacing::Drawn),
                1 => self.flush(how, ancestor),
                2 => self.compact(how, ancestor, Mode::Forced),
                3 => self.images(how, ancestor, Mode::Forced),
                4 => self.gc(how, ancestor),
                _ => self.read_old(how, ancestor),
            }
        }
    }

    /// Creates branches on top of each other.
    pub(super) fn branch_deep(&mut self, ancestor: usize) {
        let mut top = ancestor;
        while self.can_branch(top) {
            let offset = self.branch_offset(top);
            top = self.branch(How::Wait, top, offset);
            self.put(How::Wait, top, Spacing::Drawn);
            if self.chance.one_in(2) {
                self.flush(How::Wait, top);
            }
        }
        self.read(How::Wait, top);
        self.read_old(How::Wait, top);
    }

    /// Deletes a timeline without branches, or tries to delete one that has some.
    pub(super) fn delete_branch(&mut self) {
        let has_branch = |index: &usize| {
            let label = Some(self.timelines[*index].label);
            self.timelines.iter().any(|other| other.ancestor == label)
        };
        // The first timeline stays, so that there is always one.
        let (parents, leaves): (Vec<usize>, Vec<usize>) =
            (1..self.timelines.len()).partition(has_branch);
        if !parents.is_empty() && self.chance.one_in(4) {
            let index = *self.chance.pick(&parents);
            let timeline = self.timelines[index].label;
            let how = self.wait_or_drop();
            self.delete(how, timeline);
        } else if !leaves.is_empty() {
            let index = *self.chance.pick(&leaves);
            if self.chance.one_in(3) {
                // So that there are layers to remove.
                self.stack(index, 1);
            }
            let deleted = self.timelines.remove(index);
            let timeline = deleted.label;
            let is_ancestor = |other: &DrawnTimeline| Some(other.label) == deleted.ancestor;
            let ancestor = self.timelines.iter().position(is_ancestor);
            match ancestor.filter(|_| self.chance.one_in(3)) {
                Some(ancestor) => {
                    self.delete(How::Beside, timeline);
                    self.work_on(ancestor);
                    self.join();
                }
                None => {
                    let how = self.wait_or_drop();
                    self.delete(how, timeline);
                }
            }
            self.free(timeline);
            if let Some(ancestor) = ancestor
                && self.chance.ratio(2, 3)
            {
                self.read_at_a_fork(ancestor);
            }
        }
    }

    /// Reads at a branch point, once all history that no branch needs may be gone.
    fn read_at_a_fork(&mut self, ancestor: usize) {
        self.gc(How::Wait, ancestor);
        let forks = &self.timelines[ancestor].forks;
        if forks.is_empty() {
            return;
        }
        let fork = *self.chance.pick(forks);
        let offset = self.timelines[ancestor].offset_of(fork);
        self.scan_at(How::Wait, ancestor, offset);
        if self.chance.ratio(2, 3) {
            // The next opening may not know any more which branch was durably deleted.
            self.restart();
            self.scan_at(How::Wait, ancestor, offset);
        }
    }

    /// Writes twice in a short time, and returns when the first batch is old enough to be collected
    /// and the second is not.
    fn age(&mut self, timeline: usize) {
        let short = self.gc_age / self.chance.between(33, 100) as u32;
        self.put(How::Wait, timeline, Spacing::Drawn);
        self.wait_for(short);
        self.put(How::Wait, timeline, Spacing::Drawn);
        self.flush(How::Wait, timeline);
        let rest = self.gc_age.saturating_sub(short);
        let late = short / self.chance.between(1, 4) as u32;
        self.wait_for(rest + late);
    }

    /// Collects garbage, then reads around the cutoff.
    pub(super) fn gc_then_reads(&mut self, timeline: usize) {
        if !self.gc_age.is_zero() && self.chance.one_in(2) {
            self.age(timeline);
        }
        if self.chance.one_in(2) {
            self.stack(timeline, 1);
            self.images(How::Wait, timeline, Mode::Forced);
        }
        let how = self.how();
        self.gc(how, timeline);
        for _ in 0..self.chance.between(2, 4) {
            let how = self.how();
            self.read_old(how, timeline);
        }
    }

    /// Writes what an image is to replace, and returns the offset at which it can be read. It is
    /// compacted first: no image covers an L0.
    pub(super) fn put_under_image(&mut self, timeline: usize) -> i64 {
        self.stack(timeline, 2);
        self.compact(How::Wait, timeline, Mode::Forced);
        self.images(How::Wait, timeline, Mode::Forced);
        self.stack(timeline, 1);
        self.offset_before_last(timeline, 2)
    }

    /// Readers from before a cancelled collection, from after it, and from after the next one.
    fn gc_between_reads(&mut self, timeline: usize) {
        self.join();
        self.stack(timeline, 1);
        self.read_at(How::Beside, timeline, 0);
        let given_up = How::DropAt(self.chance.between(3, 6) as u32);
        self.gc(given_up, timeline);
        if self.chance.one_in(2) {
            // Where readers are slow, the first ones end before those that come now.
            self.wait_for(Duration::from_secs(1));
        }
        self.read_at(How::Beside, timeline, 0);
        self.stack(timeline, 2);
        self.compact(How::Wait, timeline, Mode::Forced);
        self.images(How::Wait, timeline, Mode::Forced);
        self.gc(How::Beside, timeline);
        self.read(How::Beside, timeline);
        self.join();
    }

    /// A collection that must wait for readers.
    pub(super) fn gc_beside_reads(&mut self, timeline: usize) {
        if self.chance.one_in(3) {
            return self.gc_between_reads(timeline);
        }
        let is_under_image = self.chance.ratio(2, 3);
        let under_image = match is_under_image {
            true => self.put_under_image(timeline),
            false => 0,
        };
        for _ in 0..self.chance.between(2, 4) {
            if is_under_image && self.chance.ratio(2, 3) {
                let offset = under_image;
                self.read_at(How::Beside, timeline, offset);
            } else {
                self.read_old(How::Beside, timeline);
            }
        }
        let how = self.how();
        self.gc(how, timeline);
        match self.chance.below(4) {
            0 => self.gc(How::Beside, timeline),
            1 => self.put(How::Beside, timeline, Spacing::Drawn),
            2 => self.read_old(How::Beside, timeline),
            _ => {}
        }
        if self.chance.one_in(2) {
            self.join();
        }
    }

    /// A collection concurrent with a branch that may need what the collection removes.
    pub(super) fn gc_beside_branch(&mut self, timeline: usize) {
        if !self.can_branch(timeline) {
            self.delete_branch();
        }
        if self.timelines.len() <= timeline || !self.can_branch(timeline) {
            return self.gc_beside_reads(0);
        }
        let offset = match self.chance.ratio(3, 4) {
            true => self.put_under_image(timeline),
            false => {
                self.stack(timeline, 2);
                self.old_offset(timeline)
            }
        };
        let branch = if self.chance.one_in(2) {
            self.gc(How::Beside, timeline);
            self.branch(How::Wait, timeline, offset)
        } else {
            let branch = self.branch(How::Beside, timeline, offset);
            if self.chance.ratio(3, 4) {
                // By then the branch has claimed its point.
                self.read(How::Wait, timeline);
            }
            self.gc(How::Wait, timeline);
            self.join();
            branch
        };
        self.scan_at(How::Wait, branch, 0);
        self.put(How::Wait, branch, Spacing::Drawn);
    }

    /// A cancelled collection, and another one that finds what it left.
    pub(super) fn gc_dropped(&mut self, timeline: usize) {
        self.stack(timeline, 1);
        self.images(How::Wait, timeline, Mode::Forced);
        let how = self.drop_in_job();
        self.gc(how, timeline);
        if self.chance.one_in(3) {
            self.crash();
        }
        self.read_old(How::Wait, timeline);
        self.gc(How::Wait, timeline);
        self.read_old(How::Wait, timeline);
    }

    /// Neither the cutoff nor what was collected may come back after a crash.
    pub(super) fn gc_then_crash(&mut self, timeline: usize) {
        self.put(How::Wait, timeline, Spacing::Drawn);
        self.flush(How::Wait, timeline);
        let how = self.how();
        self.gc(how, timeline);
        self.crash();
        self.read_old(How::Wait, timeline);
        self.read(How::Wait, timeline);
    }

    /// A collection that removes an L0 from the middle: what is older stays for a branch.
    pub(super) fn gc_gap(&mut self, timeline: usize) {
        if !self.can_branch(timeline) {
            return self.gc_dropped(timeline);
        }
        self.stack(timeline, 1);
        let branch = self.branch(How::Wait, timeline, 0);
        self.stack(timeline, 1);
        self.images(How::Wait, timeline, Mode::Forced);
        self.gc(How::Wait, timeline);
        self.stack(timeline, 1);
        self.compact(How::Wait, timeline, Mode::Forced);
        self.scan_at(How::Wait, branch, 0);
        self.read_old(How::Wait, timeline);
    }
}
