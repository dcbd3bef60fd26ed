//! Sparse keys: deletions, and what takes the records away that say so.

use super::author::Author;
use super::puts::Spacing;
use crate::dice::Chance;
use crate::plan::{How, KeyIndex, Mode};

impl<C: Chance> Author<'_, C> {
    /// Deletes a sparse key, on a branch or on the timeline that the branch is of, and puts images
    /// over it that lack it. Then the records below go, and history is reduced around the point.
    pub(super) fn delete_under_images(&mut self, ancestor: usize) {
        let keys = self.sparse_keys();
        if keys.len() < 2 {
            return self.put(How::Wait, ancestor, Spacing::Drawn);
        }
        let first = self.chance.below(keys.len() as u64) as usize;
        let (key, other) = (keys[first], keys[(first + 1) % keys.len()]);
        self.put_sparse(ancestor, key, true);
        self.put_sparse(ancestor, other, true);
        if self.chance.one_in(2) {
            self.flush(How::Wait, ancestor);
        }
        let timeline = match self.can_branch(ancestor) && !self.chance.one_in(3) {
            true => {
                let branch = self.branch(How::Wait, ancestor, 0);
                *self.chance.pick(&[ancestor, branch])
            }
            false => ancestor,
        };
        self.delete_on(timeline, (key, other));
        for timeline in [timeline, ancestor] {
            self.scan_at(How::Wait, timeline, 0);
            self.read_old(How::Wait, timeline);
        }
    }

    fn delete_on(&mut self, timeline: usize, (key, other): (KeyIndex, KeyIndex)) {
        if self.chance.one_in(2) {
            self.put_sparse(timeline, other, true);
        }
        self.put_sparse(timeline, key, false);
        self.flush(How::Wait, timeline);
        if self.chance.one_in(3) {
            self.compact(How::Wait, timeline, Mode::Forced);
        }
        if !self.chance.one_in(4) {
            self.images(How::Wait, timeline, Mode::Forced);
        }
        self.gc(How::Wait, timeline);
        if !self.chance.one_in(3) {
            match self.chance.one_in(3) {
                true => self.put_on_key(timeline, key),
                false => {
                    let how = self.how();
                    self.put(how, timeline, Spacing::Drawn);
                }
            }
            self.flush(How::Wait, timeline);
            self.gc(How::Wait, timeline);
        }
        if !self.chance.one_in(4) {
            self.gc_compact_once(How::Wait, timeline);
        }
        if self.chance.one_in(4) {
            self.put_sparse(timeline, key, true);
        }
    }
}
