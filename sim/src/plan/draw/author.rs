//! Writes operations one after another, and remembers the state that they lead to as far as the
//! next one needs it: which keys have a page to change, and which keys the newest LSN has already.
//!
//! What it remembers is a guess: faults and races may prove it wrong. A record then has no base, or
//! a batch is rejected, which is legal and rare, and the model accounts for it.

use std::time::Duration;

use palimpsest::base::Key;

use super::history::DrawnTimeline;
use super::kinds::draw_crash;
use super::swarm::{DrawStep, EditKind, EditSize, PlanScale, Swarm};
use super::times::draw_duration;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::model;
use crate::plan::{EditPlan, Effort, Entry, How, KeyIndex, Knobs, Line, PlanOp, Setting, Slot};

/// The edit that deletes a sparse key.
const DELETION: EditPlan = EditPlan::Image { len: 0, seed: 0 };
/// One edit in this many of a sparse key deletes it.
const DELETED_ONE_IN: u64 = 3;
/// One timeline in this many that is waited for begins with initial data.
const INITIAL_ONE_IN: u64 = 5;
/// With this many operations in flight, the author joins them.
const BESIDE_COUNT_MAX: u32 = 6;
/// The most timelines that a plan creates.
const CREATED_COUNT_MAX: u8 = 10;
/// One in this many of the later timelines is created while other operations run.
const CREATED_BESIDE_ONE_IN: u64 = 4;
/// One timeline in this many ends near the last LSN that there is.
const HIGHEST_ONE_IN: u64 = 24;
/// One record in this many ignores what the author remembers.
const CARELESS_ONE_IN: u64 = 64;
/// One batch in this many repeats a key at its last LSN, behind another key.
const DOUBLED_ONE_IN: u64 = 24;
/// Before one end of a life in this many, options are set for the next life.
const SETTING_ONE_IN: u64 = 6;
/// The most options that are set at once.
const SETTING_COUNT_MAX: u64 = 3;
/// One restart in this many opens the engine as another tenant first.
const INTRUDING_ONE_IN: u64 = 8;
/// Lengths in bytes at which the encoding of a length changes, and their neighbours.
const SMALL_EDGES: [u64; 9] = [0, 1, 100, 127, 128, 129, 255, 256, 257];
/// Lengths in bytes around that of a block.
const BLOCK_EDGES: [u64; 5] = [8190, 8191, 8192, 8193, 8194];

/// Writes operations.
pub struct Author<'d, C> {
    pub(super) chance: &'d mut C,
    pub(super) swarm: &'d Swarm,
    pub(super) timelines: Vec<DrawnTimeline>,
    pub(super) key_count: u16,
    pub(super) l0_count_trigger: u64,
    pub(super) gc_distance: u64,
    pub(super) gc_age: Duration,
    /// The knobs, as they are set so far.
    knobs: Knobs,
    ops: Vec<Line>,
    created_count: u8,
    beside_count: u32,
    edit_count: u64,
    len_left: u64,
    /// Labels of deleted timelines, to be used again.
    free_labels: Vec<TimelineLabel>,
    /// The slots in which scans are held.
    pub(super) held: Vec<Slot>,
    /// The timeline that is to end near the last LSN that there is.
    highest: Option<TimelineLabel>,
}

/// The distance between the LSNs of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spacing {
    /// As drawn.
    Drawn,
    /// Zero, also from the batch before, while there are keys that the LSN does not have yet.
    Same,
}

/// After this many edits, even a large plan writes small batches.
const LARGE_EDITS_MAX: u64 = 900;

impl<'d, C: Chance> Author<'d, C> {
    /// Begins with one timeline; the sum of the lengths of all edits stays within `total_len_max`
    /// bytes.
    pub fn new(
        chance: &'d mut C,
        swarm: &'d Swarm,
        knobs: &Knobs,
        total_len_max: u64,
    ) -> Author<'d, C> {
        let mut author = Author {
            chance,
            swarm,
            timelines: Vec::new(),
            key_count: knobs.key_count,
            l0_count_trigger: knobs.l0_count_trigger,
            gc_distance: knobs.gc_distance,
            gc_age: knobs.gc_age,
            knobs: knobs.clone(),
            ops: Vec::new(),
            created_count: 0,
            beside_count: 0,
            edit_count: 0,
            len_left: total_len_max,
            free_labels: Vec::new(),
            held: Vec::new(),
            highest: None,
        };
        author.create();
        author
    }

    /// The number of operations so far.
    pub fn op_count(&self) -> u64 {
        self.ops.len() as u64
    }

    /// The source of random choices.
    pub fn chance(&mut self) -> &mut C {
        self.chance
    }

    /// Whether the source of random choices is used up.
    fn is_spent(&self) -> bool {
        self.chance.is_spent()
    }

    /// Joins what is in flight, reads everything once more, and returns the operations.
    pub fn finish(mut self) -> Vec<Line> {
        self.go_on_with_all();
        self.join();
        for index in 0..self.timelines.len() {
            self.scan_at(How::Wait, index, 0);
            if !self.timelines[index].points.is_empty() {
                let offset = self.old_offset(index);
                self.scan_at(How::Wait, index, offset);
            }
        }
        if let Some(label) = self.highest {
            self.lift(label);
        }
        self.ops
    }

    /// Starts a timeline so high that the LSN steps of all batches together end right below the
    /// last LSN that a record may have.
    fn lift(&mut self, label: TimelineLabel) {
        let entries = self.ops.iter().flat_map(|line| match &line.op {
            PlanOp::Put { entries, .. } => entries.as_slice(),
            _ => &[],
        });
        let steps: u64 = entries.map(|entry| entry.lsn_step).sum();
        for line in &mut self.ops {
            if let PlanOp::Create {
                timeline,
                start_lsn,
                ..
            } = &mut line.op
                && *timeline == label
            {
                *start_lsn = u64::MAX - 1 - steps;
            }
        }
    }

    /// Ends the process: the author forgets what was not durable.
    pub fn crash(&mut self) {
        self.set_options();
        let kind = self.chance.pick_weighted(&self.swarm.crashes);
        let crash = draw_crash(self.chance, kind);
        self.push(How::Wait, PlanOp::Crash(crash));
        self.timelines
            .iter_mut()
            .for_each(DrawnTimeline::forget_unsynced);
    }

    pub(super) fn restart(&mut self) {
        self.set_options();
        if self.chance.one_in(INTRUDING_ONE_IN) {
            self.push(How::Wait, PlanOp::Intrude);
        } else {
            let how = self.wait_or_drop();
            self.push(how, PlanOp::Restart);
        }
        self.timelines
            .iter_mut()
            .for_each(DrawnTimeline::mark_durable);
    }

    /// Sets options for the next opening of the engine, before some of the ends of a life.
    fn set_options(&mut self) {
        if !self.chance.one_in(SETTING_ONE_IN) {
            return;
        }
        for _ in 0..self.chance.between(1, SETTING_COUNT_MAX) {
            let setting = Setting::draw(self.chance, self.swarm, &self.knobs);
            let mut next = self.knobs.clone();
            setting.apply(&mut next);
            // Some options exclude each other.
            if next.check().is_ok() {
                self.knobs = next;
                self.push(How::Wait, PlanOp::Set(setting));
            }
        }
        self.l0_count_trigger = self.knobs.l0_count_trigger;
        self.gc_distance = self.knobs.gc_distance;
        self.gc_age = self.knobs.gc_age;
    }

    /// Creates the timeline of the next label.
    pub(super) fn create(&mut self) {
        let timeline = self.next_label();
        let start_lsn = self.start_lsn();
        if self.highest.is_none() && self.chance.one_in(HIGHEST_ONE_IN) {
            self.highest = Some(timeline);
        }
        // The first timeline must exist before anything else runs.
        let how = match self.timelines.is_empty() {
            true => How::Wait,
            false if self.chance.one_in(CREATED_BESIDE_ONE_IN) && !self.is_full() => How::Beside,
            false => self.wait_or_drop(),
        };
        self.create_as(how, timeline, start_lsn);
    }

    /// Creates a timeline of this label, whose records stand above an LSN.
    pub(super) fn create_as(&mut self, how: How, timeline: TimelineLabel, start_lsn: u64) {
        // The first timeline must exist before anything else runs.
        let effort = match self.timelines.is_empty() {
            true => Effort::UntilDone,
            false => self.effort(),
        };
        let create = PlanOp::Create {
            timeline,
            start_lsn,
            effort,
        };
        self.push(how, create);
        let created = DrawnTimeline::new(timeline, start_lsn, self.key_count);
        self.timelines.push(created);
        if how == How::Wait && self.chance.one_in(INITIAL_ONE_IN) {
            self.put_initial(self.timelines.len() - 1);
        }
    }

    /// Declares some keys, and writes what the timeline begins with, all at its first LSN.
    pub(super) fn put_initial(&mut self, timeline: usize) {
        self.declare(timeline);
        let count = self.chance.between(1, 8);
        let mut entries = Vec::new();
        for index in 0..count {
            let key = self.key();
            entries.push(self.entry(timeline, key, u64::from(index == 0)));
        }
        self.push_put(How::Wait, timeline, entries);
        match self.chance.below(4) {
            0 => self.flush(How::Beside, timeline),
            1 => self.freeze(How::Wait, timeline),
            _ => self.flush(How::Wait, timeline),
        }
    }

    /// Draws whether an operation that fails is made again.
    pub(super) fn effort(&mut self) -> Effort {
        match self.chance.ratio(self.swarm.once, 8) {
            true => Effort::Once,
            false => Effort::UntilDone,
        }
    }

    /// The label of the next timeline: that of a deleted one, or a new one.
    pub(super) fn next_label(&mut self) -> TimelineLabel {
        if !self.free_labels.is_empty() && self.chance.one_in(2) {
            return self.free_labels.remove(0);
        }
        assert!(self.has_label());
        self.created_count += 1;
        TimelineLabel(b'a' + self.created_count - 1)
    }

    /// Frees the label of a deleted timeline for a later one.
    pub(super) fn free(&mut self, label: TimelineLabel) {
        self.free_labels.push(label);
    }

    /// Whether there is a label for another timeline.
    pub(super) fn has_label(&self) -> bool {
        self.created_count < CREATED_COUNT_MAX
    }

    /// Writes a batch.
    pub(super) fn put(&mut self, how: How, timeline: usize, spacing: Spacing) {
        // A layer's index gets a second level from some 260 records on: a few large batches
        // suffice.
        let is_large = self.swarm.scale == PlanScale::Large && self.edit_count < LARGE_EDITS_MAX;
        let (least, most) = if is_large { (50, 200) } else { (1, 6) };
        let count = self.chance.between(least, most);
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

    /// Writes a batch with many records of one key.
    pub(super) fn put_on_key(&mut self, timeline: usize, key: KeyIndex) {
        let count = self.chance.between(8, 40);
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
        let key = self.key();
        let entry = self.entry(timeline, key, lsn_step);
        self.push_put(How::Wait, timeline, vec![entry]);
    }

    /// Writes a change without a base, if some key has no page: that key can then neither be read
    /// nor imaged. Half of the time the keys behind it get one as well.
    pub(super) fn put_without_base(&mut self, timeline: usize) {
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

    fn push_put(&mut self, how: How, index: usize, entries: Vec<Entry>) {
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

    /// Whether a key is sparse: it needs no base, and can be deleted.
    pub(super) fn is_sparse(&self, key: KeyIndex) -> bool {
        let named = Key {
            field1: model::section(key.0),
            ..Key::MIN
        };
        key.0 < self.knobs.sparse_count && model::is_sparse(named)
    }

    /// The sparse keys, if the plan has any.
    pub(super) fn sparse_keys(&self) -> Vec<KeyIndex> {
        let all = (0..self.knobs.sparse_count.min(self.key_count)).map(KeyIndex);
        all.filter(|key| self.is_sparse(*key)).collect()
    }

    /// Closes the open layer.
    pub(super) fn freeze(&mut self, how: How, timeline: usize) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Freeze { timeline });
    }

    /// Makes all that was written durable.
    pub(super) fn flush(&mut self, how: How, timeline: usize) {
        let flushed = &mut self.timelines[timeline];
        if how == How::Wait {
            flushed.mark_durable();
        }
        let timeline = flushed.label;
        self.push(how, PlanOp::Flush { timeline });
    }

    /// Joins what is in flight, if anything is.
    pub(super) fn join(&mut self) {
        if 0 < self.beside_count {
            self.push(How::Wait, PlanOp::Join);
        }
    }

    /// Advances the clock by a drawn duration.
    pub(super) fn wait(&mut self) {
        let duration = draw_duration(self.chance);
        self.wait_for(duration);
    }

    /// Advances the clock by `duration`.
    pub(super) fn wait_for(&mut self, duration: Duration) {
        self.push(How::Wait, PlanOp::Wait { duration });
    }

    pub(super) fn push(&mut self, how: How, op: PlanOp) {
        if matches!(op, PlanOp::Restart | PlanOp::Crash(_)) {
            self.held.clear();
        }
        match op {
            PlanOp::Join | PlanOp::Restart | PlanOp::Crash(_) => self.beside_count = 0,
            _ if how == How::Beside => self.beside_count += 1,
            _ => {}
        }
        self.ops.push(Line { how, op });
    }

    /// Whether as many operations are in flight as may be.
    pub(super) fn is_full(&self) -> bool {
        BESIDE_COUNT_MAX <= self.beside_count
    }

    /// Whether another timeline may be created.
    pub(super) fn can_create(&self) -> bool {
        self.timelines.len() < 2 && self.has_label()
    }

    pub(super) fn start_lsn(&mut self) -> u64 {
        match self.chance.below(8) {
            0 => 0,
            1..5 => self.chance.between(1, 100),
            5 => (1 << 32) - 1 - self.chance.below(40),
            6 => 1 << 40,
            _ => (1 << 63) - self.chance.below(200),
        }
    }

    pub(super) fn key(&mut self) -> KeyIndex {
        let count = u64::from(self.key_count);
        let is_hot = self.chance.ratio(self.swarm.hot, 8);
        let index = self.chance.below(if is_hot { count.min(2) } else { count });
        KeyIndex(index as u16)
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
    fn seed(&mut self) -> u64 {
        self.edit_count += 1;
        self.edit_count
    }
}
