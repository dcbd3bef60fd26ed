//! The reference model: what is true, right by looking at it.
//!
//! A timeline is a map from key and LSN to a change. A value is what the changes up to its LSN
//! make, from the last one that stands on its own. There are no layers, no files and no jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use palimpsest::base::{Key, Lsn};
use palimpsest::format::{Edit, Value};

/// So many changes a value is made of, most often, or fewer.
const CHAIN_LEN: usize = 16;

/// What a record does to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is this: an image.
    Image(Vec<u8>),
    /// It is this: a record that needs nothing below.
    Init(Vec<u8>),
    /// It is this: a record that has something below.
    Set(Vec<u8>),
    /// These bytes stand at an offset.
    Patch(u32, Vec<u8>),
    /// These bytes come to the end.
    Append(Vec<u8>),
    /// If it is the first, the second comes to the end.
    AppendIf(Vec<u8>, Vec<u8>),
    /// It is empty.
    Clear,
}

/// What a read is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The key has no history.
    Absent,
    /// This value.
    Value(Vec<u8>),
    /// There are changes, and none of them stands on its own.
    NoBase,
    /// A change that was made for another page.
    NoRedo,
}

/// A timeline as it should be.
#[derive(Clone, Debug, Default)]
pub struct History {
    changes: BTreeMap<(Key, Lsn), Change>,
    /// Below it, only what [`History::forget`] was told to keep is remembered.
    remembered_from: Lsn,
    /// In this epoch nothing stands above it, and nothing comes below it.
    newest: Lsn,
    epoch: Epoch,
}

/// A time in which a history only grows at its end. Equal epochs are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Epoch(Arc<()>);

impl PartialEq for Epoch {
    fn eq(&self, other: &Epoch) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Change {
    /// The value that a writer hands over for it.
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

    /// Makes the change; says whether it could be made.
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
        assert!(before.is_none(), "a key stands once at an LSN");
        if lsn < self.newest {
            self.epoch = Epoch::default();
        }
        self.newest = self.newest.max(lsn);
    }

    /// The epoch that it is in.
    pub fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }

    /// Nothing comes below it in this epoch.
    pub fn newest(&self) -> Lsn {
        self.newest
    }

    /// Whether the key stands at the LSN.
    pub fn has(&self, key: Key, lsn: Lsn) -> bool {
        self.changes.contains_key(&(key, lsn))
    }

    /// The change of a key at an LSN.
    pub fn change(&self, key: Key, lsn: Lsn) -> Option<&Change> {
        self.changes.get(&(key, lsn))
    }

    /// Every point at which something changes.
    pub fn points(&self) -> impl Iterator<Item = (Key, Lsn)> {
        self.changes.keys().copied()
    }

    /// What made a key what it is at an LSN, from the first change on that is remembered.
    pub fn past(&self, key: Key, lsn: Lsn) -> Vec<(Lsn, Change)> {
        let past = self.changes.range((key, Lsn::ZERO)..=(key, lsn));
        past.map(|((_, at), change)| (*at, change.clone()))
            .collect()
    }

    /// Forgets what stands above an LSN.
    pub fn cut(&mut self, lsn: Lsn) {
        self.changes.retain(|(_, at), _| *at <= lsn);
        self.newest = self.newest.min(lsn);
        self.epoch = Epoch::default();
    }

    /// How many records are remembered.
    pub fn record_count(&self) -> usize {
        self.changes.len()
    }

    /// From which LSN on every record is remembered.
    pub fn remembered_from(&self) -> Lsn {
        self.remembered_from
    }

    /// What a branch at an LSN inherits.
    pub fn up_to(&self, lsn: Lsn) -> History {
        let mut inherited = self.clone();
        inherited.cut(lsn);
        inherited.remembered_from = inherited.remembered_from.min(lsn);
        inherited
    }

    /// The LSN of the next record of the key above an LSN that needs nothing below it.
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

    /// Forgets every record that no read needs, at the cutoff or above it or at a retained point: a
    /// read needs a record unless one that stands alone hides it.
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

    /// The keys that stand in it, in order.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for (key, _) in self.changes.keys() {
            if keys.last() != Some(key) {
                keys.push(*key);
            }
        }
        keys
    }

    /// What a read of the key at the LSN is to answer.
    pub fn answer(&self, key: Key, lsn: Lsn) -> Answer {
        self.answer_with(&[], key, lsn)
    }

    /// The same, with a batch on top.
    pub fn answer_with(&self, batch: &[(Key, Lsn, Change)], key: Key, lsn: Lsn) -> Answer {
        let on_top = batch
            .iter()
            .filter(|(at_key, at, _)| *at_key == key && *at <= lsn);
        // A chain is short: its end is cheaper to meet than to look up.
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
        if !base.stands_alone() {
            return Answer::NoBase;
        }
        let mut page = Vec::new();
        for change in changes.iter().rev() {
            if !change.apply(&mut page) {
                return Answer::NoRedo;
            }
        }
        Answer::Value(page)
    }
}

#[cfg(test)]
mod tests;
