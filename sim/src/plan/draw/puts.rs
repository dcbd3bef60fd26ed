//! Batches: which keys, at which LSNs, and what is done to their pages.

use super::author::Author;
use super::swarm::{DrawStep, EditKind, EditSize, PlanScale};
use crate::dice::Chance;
use crate::plan::{EditPlan, Entry, How, KeyIndex, PlanOp};

/// The edit that deletes a sparse key.
const DELETION: EditPlan = EditPlan::Image { len: 0, seed: 0 };
/// One edit in this many of a sparse key deletes it.
const DELETED_ONE_IN: u64 = 3;
/// One record in this many ignores what the author remembers.
const CARELESS_ONE_IN: u64 = 64;
/// One batch in this many repeats a key at its last LSN, behind another key.
const DOUBLED_ONE_IN: u64 = 24;
/// Lengths in bytes at which the encoding of a length changes, and their neighbours.
const SMALL_EDGES: [u64; 9] = [0, 1, 100, 127, 128, 129, 255, 256, 257];
/// Lengths in bytes around that of a block.
const BLOCK_EDGES: [u64; 5] = [8190, 8191, 8192, 8193, 8194];
/// After this many edits, even a large plan writes small batches.
const LARGE_EDITS_MAX: u64 = 900;

/// The distance between the LSNs of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spacing {
    /// As drawn.
    Drawn,
    /// Zero, also from the batch before, while there are keys that the LSN does not have yet.
    Same,
}

impl<C: Chance> Author<'_, C> {
    /// Writes a batch.
    pub(super) fn put(&mut self, how: How, timeline: usize, spacing: Spacing) {
        // A layer's index gets a second level from some 260 records on: a few large batches
        // suffice.
        let is_large = self.swarm.scale == PlanScale::Large && self.edit_count < LARGE_EDITS_MAX;
        let (least, most) = if is_large { (50, 200) } else { (1, 6) };
        let count = self.chance.between(least, most);
        if self.log.is_some() {
            return self.put_log(how, timeline, count);
        }
        let first = self.key();
        let is_in_order = is_large && self.chance.one_in(2);
        let mut entries = Vec::with_capacity(count as usize);
        for index in 0..count {
            if 0 < index && self.is_spent() {
                break;
            }
            let key = if is_in_order {
                KeyIndex((u64::from(first.0) + index) as u16 % self.key_count)
            } else {
                self.key()
            };
            let lsn_step = match spacing {
                Spacing::Drawn => self.lsn_step(),
                Spacing::Same => 0,
            };
            entries.push(self.entry(timeline, key, lsn_step));
        }
        if self.chance.one_in(DOUBLED_ONE_IN)
            && let Some(last) = entries.last().cloned()
            && let Some(len_left) = self.len_left.checked_sub(last.edit.total_len())
        {
            self.len_left = len_left;
            let key = self.key();
            entries.push(self.entry(timeline, key, 0));
            entries.push(Entry {
                lsn_step: 0,
                ..last
            });
        }
        self.push_put(how, timeline, entries);
    }

    /// Writes a batch whose records stand all at one LSN, the timeline's first.
    pub(super) fn put_first(&mut self, timeline: usize) {
        let count = self.chance.between(1, 8);
        if self.log.is_some() {
            return self.put_log(How::Wait, timeline, 1);
        }
        let mut entries = Vec::new();
        for index in 0..count {
            let key = self.key();
            entries.push(self.entry(timeline, key, u64::from(index == 0)));
        }
        self.push_put(How::Wait, timeline, entries);
    }

    /// Writes a batch with many records of one key.
    pub(super) fn put_on_key(&mut self, timeline: usize, key: KeyIndex) {
        let count = self.chance.between(8, 40);
        if self.log.is_some() {
            return self.put_log(How::Wait, timeline, count);
        }
        let mut entries = Vec::with_capacity(count as usize);
        for index in 0..count {
            if 0 < index && self.is_spent() {
                break;
            }
            let lsn_step = self.chance.between(1, 4);
            entries.push(self.entry(timeline, key, lsn_step));
        }
        self.push_put(How::Wait, timeline, entries);
    }

    /// Writes one record, `lsn_step` above the last one.
    pub(super) fn put_far(&mut self, timeline: usize, lsn_step: u64) {
        if self.log.is_some() {
            return self.put_log(How::Wait, timeline, 1);
        }
        let key = self.key();
        let entry = self.entry(timeline, key, lsn_step);
        self.push_put(How::Wait, timeline, vec![entry]);
    }

    /// Writes a change without a base, if some key has no page: that key can then neither be read
    /// nor imaged. Half of the time the keys behind it get one as well.
    pub(super) fn put_without_base(&mut self, timeline: usize) {
        if self.log.is_some() {
            return self.put_log(How::Wait, timeline, 1);
        }
        let key = self.key();
        let Some(key) = self.timelines[timeline].without_page(key) else {
            return;
        };
        let key_count = match self.chance.one_in(2) {
            true => self.chance.between(2, 4) as u16,
            false => 1,
        };
        let mut entries = Vec::new();
        for key in key.0..key.0.saturating_add(key_count).min(self.key_count) {
            if self.timelines[timeline].without_page(KeyIndex(key)) == Some(KeyIndex(key)) {
                entries.push(self.entry_without_base(timeline, KeyIndex(key)));
            }
        }
        self.push_put(How::Wait, timeline, entries);
    }

    fn entry_without_base(&mut self, timeline: usize, key: KeyIndex) -> Entry {
        let lsn_step = self.chance.between(1, 8);
        self.timelines[timeline].add(key, lsn_step);
        let (len, seed) = (self.len(), self.seed());
        Entry {
            lsn_step,
            key,
            edit: EditPlan::Append { len, seed },
        }
    }

    pub(super) fn push_put(&mut self, how: How, index: usize, entries: Vec<Entry>) {
        self.timelines[index].end_batch();
        let timeline = self.timelines[index].label;
        self.push(how, PlanOp::Put { timeline, entries });
    }

    fn entry(&mut self, index: usize, key: KeyIndex, lsn_step: u64) -> Entry {
        let is_careless = self.chance.one_in(CARELESS_ONE_IN);
        let timeline = &mut self.timelines[index];
        let (key, lsn_step) = if lsn_step == 0 && !is_careless {
            timeline.place_at_newest(key)
        } else {
            (key, lsn_step)
        };
        let needs_base = !timeline.add(key, lsn_step) && !is_careless;
        if needs_base {
            timeline.make_base(key);
        }
        let is_sparse = self.is_sparse(key);
        let edit = if is_sparse && self.chance.one_in(DELETED_ONE_IN) {
            DELETION
        } else if needs_base && !(is_sparse && self.chance.one_in(2)) {
            self.base_edit()
        } else {
            self.edit()
        };
        Entry {
            lsn_step,
            key,
            edit,
        }
    }

    /// Writes a value of a sparse key, or deletes the key.
    pub(super) fn put_sparse(&mut self, timeline: usize, key: KeyIndex, is_there: bool) {
        let lsn_step = self.chance.between(1, 8);
        self.timelines[timeline].add(key, lsn_step);
        let edit = match is_there {
            true => self.base_edit(),
            false => DELETION,
        };
        let entry = Entry {
            lsn_step,
            key,
            edit,
        };
        self.push_put(How::Wait, timeline, vec![entry]);
    }

    fn lsn_step(&mut self) -> u64 {
        match self.chance.pick_weighted(&self.swarm.steps) {
            DrawStep::Same => 0,
            DrawStep::One => 1,
            DrawStep::Eight => 8,
            DrawStep::Small => self.chance.between(2, 40),
            DrawStep::Large => self.chance.between(100, 5000),
            DrawStep::Huge => self.chance.between(1 << 20, 1 << 33),
        }
    }

    /// Draws a record that needs nothing below it.
    fn base_edit(&mut self) -> EditPlan {
        let (len, seed) = (self.len(), self.seed());
        if self.chance.one_in(3) {
            EditPlan::Init { len, seed }
        } else {
            EditPlan::Image { len, seed }
        }
    }

    fn edit(&mut self) -> EditPlan {
        let kind = self.chance.pick_weighted(&self.swarm.edits);
        if kind == EditKind::Clear {
            return EditPlan::Clear;
        }
        let (len, seed) = (self.len(), self.seed());
        match kind {
            EditKind::Image => EditPlan::Image { len, seed },
            EditKind::Init => EditPlan::Init { len, seed },
            EditKind::Set => EditPlan::Set { len, seed },
            EditKind::Append => EditPlan::Append { len, seed },
            EditKind::AppendIf => EditPlan::AppendIf { len, seed },
            EditKind::Patch | EditKind::Clear => {
                let offset = self.len();
                EditPlan::Patch { offset, len, seed }
            }
        }
    }

    fn len(&mut self) -> u32 {
        let len = match self.chance.pick_weighted(&self.swarm.sizes) {
            EditSize::Tiny => self.chance.between(1, 20),
            EditSize::SmallEdge => *self.chance.pick(&SMALL_EDGES),
            EditSize::Medium => self.chance.between(200, 2000),
            EditSize::BlockEdge => *self.chance.pick(&BLOCK_EDGES),
            EditSize::Blocks => self.chance.between(8000, 70_000),
        };
        let len = len.min(self.len_left);
        self.len_left -= len;
        len as u32
    }

    /// A seed of its own for each edit: a value in the wrong place is then a wrong value.
    pub(super) fn seed(&mut self) -> u64 {
        self.edit_count += 1;
        self.edit_count
    }
}
