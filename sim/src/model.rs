//! The reference model: the expected answers, simple enough to be checked by reading.
//!
//! A timeline is a map from key and LSN to a change. A value results from the changes up to its
//! LSN, from the last one that stands on its own. A sparse key is empty before its first change and
//! absent wherever it is empty. There are no layers, no files and no jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use palimpsest::base::{Key, Lsn};
use palimpsest::format::{Edit, Value};

/// The sections of the keys that are sparse or not inherited: sparse and not inherited, sparse,
/// sparse, not inherited.
pub const SECTIONS: [u8; 4] = [0x40, 0x41, 0x41, 0x42];

/// The section of the key with this number, if it is one of them.
pub fn section(number: u16) -> u8 {
    SECTIONS[usize::from(number) % SECTIONS.len()]
}

/// The initial capacity for a value's changes: most values have no more.
const CHAIN_LEN: usize = 16;

/// The effect of a record on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Replaces the page: an image.
    Image(Vec<u8>),
    /// Replaces the page: a record that needs nothing below it.
    Init(Vec<u8>),
    /// Replaces the page: a record that needs a page below it.
    Set(Vec<u8>),
    /// Writes bytes at an offset.
    Patch(u32, Vec<u8>),
    /// Appends bytes.
    Append(Vec<u8>),
    /// Appends the second bytes, if the page equals the first.
    AppendIf(Vec<u8>, Vec<u8>),
    /// Empties the page.
    Clear,
}

/// The expected answer of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The key has no history.
    Absent,
    /// The key has this value.
    Value(Vec<u8>),
    /// There are changes, but none of them stands on its own.
    NoBase,
    /// A change cannot be applied, because it was made for another page.
    NoRedo,
}

/// The expected history of a timeline.
#[derive(Clone, Debug, Default)]
pub struct History {
    changes: BTreeMap<(Key, Lsn), Change>,
    /// The LSN below which only the records that [`History::forget`] kept are remembered.
    remembered_from: Lsn,
    /// The highest LSN of a record. In this epoch no record is added below it.
    newest: Lsn,
    epoch: Epoch,
}

/// An interval in which a history only grows at its end. Equal epochs are the same interval.
#[derive(Clone, Debug, Default)]
pub struct Epoch(Arc<()>);

impl PartialEq for Epoch {
    fn eq(&self, other: &Epoch) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Whether a key without a record has an empty value, which reads take for none.
pub fn is_sparse(key: Key) -> bool {
    matches!(key.field1, 0x40 | 0x41)
}

/// Whether a branch has what its ancestor has of a key.
pub fn is_inherited(key: Key) -> bool {
    !matches!(key.field1, 0x40 | 0x42)
}

/// The answer that a value is.
pub fn answer_of(key: Key, page: Vec<u8>) -> Answer {
    match page.is_empty() && is_sparse(key) {
        true => Answer::Absent,
        false => Answer::Value(page),
    }
}

impl Change {
    /// The value that a writer passes to the engine for this change.
    pub fn to_value(&self) -> Value {
        let edit = match self.clone() {
            Change::Image(page) => return Value::Image(page),
            Change::Init(content) => {
                return Value::Record(Edit::Set { content }.into_init_record());
            }
            Change::Set(content) => Edit::Set { content },
            Change::Patch(offset, bytes) => Edit::Patch { offset, bytes },
            Change::Append(suffix) => Edit::Append { suffix },
            Change::AppendIf(only_if, suffix) => Edit::AppendIf { only_if, suffix },
            Change::Clear => Edit::Clear,
        };
        Value::Record(edit.into_record())
    }

    fn stands_alone(&self) -> bool {
        matches!(self, Change::Image(_) | Change::Init(_))
    }

    /// Applies the change to a page, and returns whether it could be applied.
    fn apply(&self, page: &mut Vec<u8>) -> bool {
        match self {
            Change::Image(new) | Change::Init(new) | Change::Set(new) => *page = new.clone(),
            Change::Patch(offset, bytes) => {
                let start = *offset as usize;
                let end = start + bytes.len();
                if page.len() < end {
                    page.resize(end, 0);
                }
                page[start..end].copy_from_slice(bytes);
            }
            Change::Append(suffix) => page.extend_from_slice(suffix),
            Change::AppendIf(only_if, suffix) => {
                if page != only_if {
                    return false;
                }
                page.extend_from_slice(suffix);
            }
            Change::Clear => page.clear(),
        }
        true
    }
}

impl History {
    /// Adds a change.
    pub fn put(&mut self, key: Key, lsn: Lsn, change: Change) {
        let before = self.changes.insert((key, lsn), change);
        assert!(before.is_none(), "a key has one change at an LSN");
        if lsn < self.newest {
            self.epoch = Epoch::default();
        }
        self.newest = self.newest.max(lsn);
    }

    /// The current epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }

    /// The highest LSN of a record; no record is added below it in this epoch.
    pub fn newest(&self) -> Lsn {
        self.newest
    }

    /// Whether the key has a change at the LSN.
    pub fn has(&self, key: Key, lsn: Lsn) -> bool {
        self.changes.contains_key(&(key, lsn))
    }

    /// The change of a key at an LSN.
    pub fn change(&self, key: Key, lsn: Lsn) -> Option<&Change> {
        self.changes.get(&(key, lsn))
    }

    /// Every key and LSN with a change.
    pub fn points(&self) -> impl Iterator<Item = (Key, Lsn)> {
        self.changes.keys().copied()
    }

    /// The remembered changes of a key up to an LSN, oldest first.
    pub fn past(&self, key: Key, lsn: Lsn) -> Vec<(Lsn, Change)> {
        let past = self.changes.range((key, Lsn::ZERO)..=(key, lsn));
        past.map(|((_, at), change)| (*at, change.clone()))
            .collect()
    }

    /// Removes all changes above an LSN.
    pub fn cut(&mut self, lsn: Lsn) {
        self.changes.retain(|(_, at), _| *at <= lsn);
        self.newest = self.newest.min(lsn);
        self.epoch = Epoch::default();
    }

    /// The number of records that are remembered.
    pub fn record_count(&self) -> usize {
        self.changes.len()
    }

    /// The LSN from which on every record is remembered.
    pub fn remembered_from(&self) -> Lsn {
        self.remembered_from
    }

    /// The history that a branch at an LSN inherits.
    pub fn up_to(&self, lsn: Lsn) -> History {
        let mut inherited = self.clone();
        inherited.cut(lsn);
        inherited.changes.retain(|(key, _), _| is_inherited(*key));
        inherited.remembered_from = inherited.remembered_from.min(lsn);
        inherited
    }

    /// The LSN of the key's first record above an LSN that needs nothing below it.
    pub fn next_base(&self, key: Key, lsn: Lsn) -> Option<Lsn> {
        let above = (
            Bound::Excluded((key, lsn)),
            Bound::Included((key, Lsn::MAX)),
        );
        let mut above = self.changes.range(above);
        above
            .find(|(_, change)| change.stands_alone())
            .map(|((_, at), _)| *at)
    }

    /// Forgets every record that no read at or above the cutoff, or at a retained LSN, needs: a
    /// read needs a record unless a later record that stands on its own hides it.
    pub fn forget(&mut self, cutoff: Lsn, retained: &BTreeSet<Lsn>) {
        let mut bases: BTreeMap<Key, Lsn> = BTreeMap::new();
        let mut hidden = Vec::new();
        for ((key, lsn), change) in self.changes.range(..).rev() {
            if let Some(&base) = bases.get(key)
                && base <= cutoff
                && retained.range(*lsn..base).next().is_none()
            {
                hidden.push((*key, *lsn));
            }
            if change.stands_alone() {
                bases.insert(*key, *lsn);
            }
        }
        for point in hidden {
            self.changes.remove(&point);
        }
        self.epoch = Epoch::default();
        self.remembered_from = self.remembered_from.max(cutoff);
    }

    /// The keys that have changes, sorted.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for (key, _) in self.changes.keys() {
            if keys.last() != Some(key) {
                keys.push(*key);
            }
        }
        keys
    }

    /// The expected answer of a read of a key at an LSN.
    pub fn answer(&self, key: Key, lsn: Lsn) -> Answer {
        self.answer_with(&[], key, lsn)
    }

    /// The expected answer of a read of a key at an LSN, with a batch applied on top of the
    /// history.
    pub fn answer_with(&self, batch: &[(Key, Lsn, Change)], key: Key, lsn: Lsn) -> Answer {
        let on_top = batch
            .iter()
            .filter(|(at_key, at, _)| *at_key == key && *at <= lsn);
        // A chain is short, so that reading to its end is cheaper than a lookup of its base.
        let below = self.changes.range(..=(key, lsn)).rev();
        let below = below.take_while(|((at_key, _), _)| *at_key == key);
        let below = below.map(|(_, change)| change);
        let newest_first = on_top.rev().map(|(_, _, change)| change).chain(below);
        let mut changes: Vec<&Change> = Vec::with_capacity(CHAIN_LEN);
        for change in newest_first {
            changes.push(change);
            if change.stands_alone() {
                break;
            }
        }
        let Some(base) = changes.last() else {
            return Answer::Absent;
        };
        if !base.stands_alone() && !is_sparse(key) {
            return Answer::NoBase;
        }
        let mut page = Vec::new();
        for change in changes.iter().rev() {
            if !change.apply(&mut page) {
                return Answer::NoRedo;
            }
        }
        answer_of(key, page)
    }
}

#[cfg(test)]
mod tests;
