//! What an author remembers of a timeline: which keys have a page since when, which keys the newest
//! LSN has, and at which LSNs a read may be worth while.

use crate::plan::KeyIndex;

use crate::label::TimelineLabel;

/// What is remembered of one timeline.
pub(super) struct DrawnTimeline {
    pub label: TimelineLabel,
    /// The label of its ancestor.
    pub ancestor: Option<TimelineLabel>,
    /// The number of its ancestors.
    pub depth: u32,
    /// The LSNs at which batches ended, including its ancestors' up to its branch point.
    pub points: Vec<u64>,
    /// The LSNs at which it was branched.
    pub forks: Vec<u64>,
    last: u64,
    /// The last LSN when everything was last made durable.
    durable_last: u64,
    /// For each key, the LSN from which on it has a page.
    based: Vec<Option<u64>>,
    /// The value of `based` when everything was last made durable.
    durable: Vec<Option<u64>>,
    /// The record of the log that comes next, by its index.
    pub next: usize,
    /// The value of `next` when everything was last made durable.
    durable_next: usize,
    /// The keys that the newest LSN has: all of them at the start LSN, where no record can be put.
    newest: Vec<KeyIndex>,
}

impl DrawnTimeline {
    /// A timeline without records.
    pub fn new(label: TimelineLabel, start_lsn: u64, key_count: u16) -> DrawnTimeline {
        DrawnTimeline {
            label,
            ancestor: None,
            depth: 0,
            points: Vec::new(),
            forks: Vec::new(),
            last: start_lsn,
            durable_last: start_lsn,
            based: vec![None; key_count.into()],
            durable: vec![None; key_count.into()],
            next: 0,
            durable_next: 0,
            newest: (0..key_count).map(KeyIndex).collect(),
        }
    }

    /// A timeline that takes the records of a log from this one on.
    pub fn reading_from(self, next: usize) -> DrawnTimeline {
        DrawnTimeline {
            next,
            durable_next: next,
            ..self
        }
    }

    /// Branches this timeline.
    pub fn branch(&mut self, label: TimelineLabel, offset: i64) -> DrawnTimeline {
        let start = self.last.saturating_add_signed(offset).min(self.last);
        self.forks.push(start);
        let is_below = |lsn: &u64| *lsn <= start;
        let based: Vec<Option<u64>> = self.based.iter().map(|at| at.filter(is_below)).collect();
        DrawnTimeline {
            label,
            ancestor: Some(self.label),
            depth: self.depth + 1,
            points: self.points.iter().copied().filter(is_below).collect(),
            forks: Vec::new(),
            last: start,
            durable_last: start,
            durable: based.clone(),
            next: self.next,
            durable_next: self.next,
            newest: (0..based.len() as u16).map(KeyIndex).collect(),
            based,
        }
    }

    /// Adds a record; returns whether its key had a page.
    pub fn add(&mut self, key: KeyIndex, lsn_step: u64) -> bool {
        if 0 < lsn_step {
            self.newest.clear();
        }
        self.newest.push(key);
        self.last = self.last.saturating_add(lsn_step);
        self.based[usize::from(key.0)].is_some()
    }

    /// Notes that the last added record made a page for its key.
    pub fn make_base(&mut self, key: KeyIndex) {
        self.based[usize::from(key.0)] = Some(self.last);
    }

    /// Whether a key has a page.
    pub fn has_page(&self, key: KeyIndex) -> bool {
        self.based[usize::from(key.0)].is_some()
    }

    /// Notes the end of a batch.
    pub fn end_batch(&mut self) {
        self.points.push(self.last);
    }

    /// Notes that everything is durable.
    pub fn mark_durable(&mut self) {
        self.durable.clone_from(&self.based);
        self.durable_last = self.last;
        self.durable_next = self.next;
    }

    /// Forgets what was not made durable.
    pub fn forget_unsynced(&mut self) {
        let kept = self.durable_last;
        self.based.clone_from(&self.durable);
        self.next = self.durable_next;
        self.points.retain(|point| *point <= kept);
        self.last = kept;
    }

    /// This key if it has no page, or else the next key that has none.
    pub fn without_page(&self, key: KeyIndex) -> Option<KeyIndex> {
        let count = self.based.len() as u16;
        let mut keys = (0..count).map(|step| KeyIndex((key.0 + step) % count));
        keys.find(|key| self.based[usize::from(key.0)].is_none())
    }

    /// The newest LSN with this key, or with the next key that it does not have; or else the next
    /// LSN.
    pub fn place_at_newest(&self, key: KeyIndex) -> (KeyIndex, u64) {
        let count = self.based.len() as u16;
        (0..count)
            .map(|step| KeyIndex((key.0 + step) % count))
            .find(|key| !self.newest.contains(key))
            .map_or((key, 1), |free| (free, 0))
    }

    /// The offset of an LSN from the newest one.
    pub fn offset_of(&self, lsn: u64) -> i64 {
        let distance = self.last.saturating_sub(lsn);
        i64::try_from(distance).map_or(0, |distance| -distance)
    }
}
