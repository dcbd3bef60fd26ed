//! Writes operations one after another, and remembers the state that they lead to as far as the
//! next one needs it: which keys have a page to change, and which keys the newest LSN has already.
//!
//! What it remembers is a guess: faults and races may prove it wrong. A record then has no base, or
//! a batch is rejected, which is legal and rare, and the model accounts for it.

use std::time::Duration;

use palimpsest::base::Key;

use super::history::DrawnTimeline;
use super::kinds::draw_crash;
use super::log::Log;
use super::swarm::Swarm;
use super::times::draw_duration;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::model;
use crate::plan::{Effort, How, KeyIndex, Knobs, Line, PlanOp, Setting, Slot, Workload};

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
/// Before one end of a life in this many, options are set for the next life.
const SETTING_ONE_IN: u64 = 6;
/// The most options that are set at once.
const SETTING_COUNT_MAX: u64 = 3;
/// One restart in this many opens the engine as another tenant first.
const INTRUDING_ONE_IN: u64 = 8;

/// What the batches of a plan are made of.
#[derive(Clone, Copy)]
pub struct Material<'w> {
    /// The limit on the sum of the lengths of all edits, in bytes.
    pub total_len_max: u64,
    /// The log whose records they are; without it they are drawn.
    pub workload: Option<&'w Workload>,
}

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
    pub(super) ops: Vec<Line>,
    created_count: u8,
    beside_count: u32,
    pub(super) edit_count: u64,
    pub(super) len_left: u64,
    /// The log whose records are written; without it they are drawn.
    pub(super) log: Option<Log<'d>>,
    /// Labels of deleted timelines, to be used again.
    free_labels: Vec<TimelineLabel>,
    /// The slots in which scans are held.
    pub(super) held: Vec<Slot>,
    /// The timeline that is to end near the last LSN that there is.
    highest: Option<TimelineLabel>,
}

impl<'d, C: Chance> Author<'d, C> {
    /// Begins with one timeline.
    pub fn new(
        chance: &'d mut C,
        swarm: &'d Swarm,
        knobs: &Knobs,
        material: Material<'d>,
    ) -> Author<'d, C> {
        let log = material.workload.map(Log::new);
        let mut author = Author {
            chance,
            swarm,
            timelines: Vec::new(),
            key_count: if log.is_some() { 1 } else { knobs.key_count },
            l0_count_trigger: knobs.l0_count_trigger,
            gc_distance: knobs.gc_distance,
            gc_age: knobs.gc_age,
            knobs: knobs.clone(),
            ops: Vec::new(),
            created_count: 0,
            beside_count: 0,
            edit_count: 0,
            len_left: material.total_len_max,
            log,
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

    /// The number of keys that the operations name, as far as they are written.
    pub fn key_count(&self) -> u16 {
        self.key_count
    }

    /// Whether the source of random choices is used up.
    pub(super) fn is_spent(&self) -> bool {
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
        self.sort_pages();
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
                *start_lsn = u64::MAX - 1 - steps.max(1);
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
        let created = self.drawn_timeline(timeline, start_lsn);
        self.timelines.push(created);
        if how == How::Wait && self.chance.one_in(INITIAL_ONE_IN) {
            self.put_initial(self.timelines.len() - 1);
        }
    }

    /// Declares some keys, and writes what the timeline begins with, all at its first LSN.
    pub(super) fn put_initial(&mut self, timeline: usize) {
        self.declare(timeline);
        self.put_first(timeline);
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
}
