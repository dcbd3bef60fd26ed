//! Batches of a log's records: which come next on a timeline, and which key is which page.
//!
//! 1. A timeline begins at a drawn record, and goes on with those that follow. A branch goes on
//!    where its ancestor is. After a crash a timeline reads the log again from what was durable.
//! 2. Pages get numbers as they come; at the end these are sorted, so that keys stand in the order
//!    of the pages' own keys.

use std::collections::BTreeMap;

use palimpsest::Key;

use super::author::Author;
use super::history::DrawnTimeline;
use crate::dice::Chance;
use crate::label::TimelineLabel;
use crate::plan::limits::KEY_COUNT_MAX;
use crate::plan::workload::{Change, LogRecord, PageChange};
use crate::plan::{EditPlan, Entry, How, KeyIndex, Workload};

/// The length of a page, in bytes.
const PAGE_LEN: u32 = 8192;

/// The length of what an edit has besides its bytes, in bytes.
const PATCH_HEAD_LEN: u32 = 5;

/// A batch takes no further record from this many entries on.
const ENTRY_COUNT_MIN: usize = 1000;

/// A log, and the pages that have come so far.
pub(super) struct Log<'w> {
    workload: &'w Workload,
    /// The number of each page. Pages behind the most that a plan may have share numbers.
    numbers: BTreeMap<Key, u16>,
}

impl<'w> Log<'w> {
    /// A log of which no page has come.
    pub fn new(workload: &'w Workload) -> Log<'w> {
        Log {
            workload,
            numbers: BTreeMap::new(),
        }
    }

    fn number(&mut self, page: Key) -> KeyIndex {
        let next = (self.numbers.len() % usize::from(KEY_COUNT_MAX)) as u16;
        KeyIndex(*self.numbers.entry(page).or_insert(next))
    }

    /// The number of keys for the pages that have come, at least 1.
    fn key_count(&self) -> u16 {
        self.numbers.len().clamp(1, KEY_COUNT_MAX.into()) as u16
    }

    /// For each number, that of its page in the order of the pages.
    fn ranks(&self) -> Vec<u16> {
        let mut ranks: Vec<Option<u16>> = vec![None; self.key_count().into()];
        let mut next = 0;
        for number in self.numbers.values() {
            let rank = &mut ranks[usize::from(*number)];
            if rank.is_none() {
                *rank = Some(next);
                next += 1;
            }
        }
        // Before the first page came, a key may have been named all the same.
        ranks.into_iter().map(Option::unwrap_or_default).collect()
    }
}

impl<C: Chance> Author<'_, C> {
    /// A timeline without records; of a log, it begins at a drawn record.
    pub(super) fn drawn_timeline(&mut self, label: TimelineLabel, start_lsn: u64) -> DrawnTimeline {
        let Some(log) = &self.log else {
            return DrawnTimeline::new(label, start_lsn, self.key_count);
        };
        let next = self.chance.below(log.workload.record_count() as u64);
        DrawnTimeline::new(label, start_lsn, KEY_COUNT_MAX).reading_from(next as usize)
    }

    /// Writes the next records of the log in one batch, about as many.
    pub(super) fn put_log(&mut self, how: How, timeline: usize, record_count: u64) {
        let mut entries = Vec::new();
        for index in 0..record_count {
            if 0 < index && ENTRY_COUNT_MIN <= entries.len() {
                break;
            }
            let Some(workload) = self.log.as_ref().map(|log| log.workload) else {
                break;
            };
            let record = workload.record(self.timelines[timeline].next);
            self.timelines[timeline].next += 1;
            self.push_record(timeline, record, &mut entries);
        }
        self.push_put(how, timeline, entries);
    }

    /// Adds what a record does to its pages, behind a base of each page that needs one.
    fn push_record(&mut self, timeline: usize, record: &LogRecord, entries: &mut Vec<Entry>) {
        let keys: Vec<KeyIndex> = record
            .pages
            .iter()
            .map(|page| self.number(page.key))
            .collect();
        let needs_base = |page: &PageChange, key| {
            page.change == Change::Record && !self.timelines[timeline].has_page(key)
        };
        let pages = record.pages.iter().zip(&keys);
        let baseless = pages.filter(|(page, key)| needs_base(page, **key));
        let baseless: Vec<KeyIndex> = baseless.map(|(_, key)| *key).collect();
        let mut lsn_step = record.gap;
        if !baseless.is_empty() {
            let base = EditPlan::Image { len: 0, seed: 0 };
            lsn_step = record.gap.max(2) - 1;
            for key in baseless {
                self.push_page(timeline, (key, lsn_step, base), entries);
                lsn_step = 0;
            }
            lsn_step = 1;
        }
        for (page, key) in record.pages.iter().zip(&keys) {
            let edit = self.edit_of(page, record.len);
            self.push_page(timeline, (*key, lsn_step, edit), entries);
            lsn_step = 0;
        }
    }

    fn push_page(
        &mut self,
        timeline: usize,
        (key, lsn_step, edit): (KeyIndex, u64, EditPlan),
        entries: &mut Vec<Entry>,
    ) {
        let timeline = &mut self.timelines[timeline];
        // Two pages may share a number.
        let (key, lsn_step) = match lsn_step {
            0 => timeline.place_at_newest(key),
            _ => (key, lsn_step),
        };
        let has_page = timeline.add(key, lsn_step);
        if !has_page && !matches!(edit, EditPlan::Patch { .. }) {
            timeline.make_base(key);
        }
        entries.push(Entry {
            lsn_step,
            key,
            edit,
        });
    }

    fn number(&mut self, page: Key) -> KeyIndex {
        let Some(log) = &mut self.log else {
            return KeyIndex(0);
        };
        let number = log.number(page);
        self.key_count = log.key_count();
        number
    }

    fn edit_of(&mut self, page: &PageChange, record_len: u32) -> EditPlan {
        let seed = self.seed();
        let record_len = record_len.saturating_sub(PATCH_HEAD_LEN).min(PAGE_LEN);
        let len = match page.change {
            Change::Image => PAGE_LEN,
            Change::Init | Change::Record => record_len,
        };
        let len = self.take_len(len);
        match page.change {
            Change::Image => EditPlan::Image { len, seed },
            Change::Init => EditPlan::Init { len, seed },
            Change::Record => {
                let offset = self.chance.below(u64::from(PAGE_LEN - len) + 1) as u32;
                let offset = self.take_len(offset);
                EditPlan::Patch { offset, len, seed }
            }
        }
    }

    /// Takes a length off what is left for the edits of the plan.
    fn take_len(&mut self, len: u32) -> u32 {
        let taken = u64::from(len).min(self.len_left);
        self.len_left -= taken;
        taken as u32
    }

    /// Gives keys the order of their pages.
    pub(super) fn sort_pages(&mut self) {
        let Some(log) = &self.log else {
            return;
        };
        let ranks = log.ranks();
        let keys = self.ops.iter_mut().flat_map(|line| line.op.keys_mut());
        for key in keys {
            key.0 = ranks[usize::from(key.0)];
        }
    }
}
