//! The memory layer: where records arrive, readable while it is written.
//!
//! ```text
//!  open ──freeze()──▶ frozen ──flush──▶ (an L0 delta takes its place) ──last reader──▶ gone
//! ```
//!
//! 1. Values stand in an ephemeral file, in the order in which they came. The index is a list in
//!    the same order; each entry knows the key's entry before it, and a hash map the key's newest
//!    one. So a record costs an append and a hash, a read walks down its own key only, and nothing
//!    is sorted before the layer is written out, once.
//! 2. Entries come batch by batch under one lock. A reader's snapshot is a count of entries: what
//!    came later is invisible to it, so it sees each batch whole or not at all.
//! 3. A batch's bytes are in the ephemeral file before its entries are in the list. Bytes without
//!    entries are those of a batch that was given up: nobody reads them.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock};

use rustc_hash::FxHashMap;

use super::batch::{Batch, BatchRecord};
use super::ephemeral::Ephemeral;
use super::gathered::Gathered;
use crate::base::{Error, IoFailure, Key, Lsn, LsnRange, Result, Time};
use crate::io::{Io, Op};

/// A layer in memory, open or frozen.
pub struct MemoryLayer<I: Io> {
    start: Lsn,
    opened_at: Time,
    path: PathBuf,
    ephemeral: Ephemeral<I>,
    entries: Mutex<Entries>,
    /// The exclusive end, once the layer is frozen.
    end: OnceLock<Lsn>,
}

#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    newest: FxHashMap<Key, u32>,
}

/// One record: whose, since when, and where its value stands.
#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    lsn: Lsn,
    position: u64,
    len: u32,
    will_init: bool,
    /// The key's entry before this one, or `NONE`.
    previous: u32,
}

const NONE: u32 = u32::MAX;

/// A record of a frozen layer, as it is written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryRecord {
    pub(crate) key: Key,
    pub(crate) lsn: Lsn,
    pub(crate) will_init: bool,
    /// Where the value stands in what [`MemoryLayer::load`] returns.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl<I: Io> MemoryLayer<I> {
    /// Opens an empty layer for records from `start` on.
    pub(crate) async fn create(
        io: &I,
        op: Op,
        path: PathBuf,
        start: Lsn,
        buffer_len: usize,
    ) -> Result<MemoryLayer<I>> {
        let ephemeral = Ephemeral::create(io, op, path.clone(), buffer_len).await;
        let failed = |error| Error::Io(IoFailure::new("create", &path, error));
        Ok(MemoryLayer {
            start,
            opened_at: io.now(),
            ephemeral: ephemeral.map_err(failed)?,
            path,
            entries: Mutex::default(),
            end: OnceLock::new(),
        })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries
            .lock()
            .expect("nothing panics while it is held")
    }

    /// The lowest LSN that a record of it can have.
    pub fn start(&self) -> Lsn {
        self.start
    }

    /// When it was opened.
    pub fn opened_at(&self) -> Time {
        self.opened_at
    }

    /// The length of its values in bytes.
    pub fn byte_len(&self) -> u64 {
        self.ephemeral.byte_len()
    }

    /// The number of its records so far.
    pub fn entry_count(&self) -> usize {
        self.entries().list.len()
    }

    /// Whether it still takes records.
    pub fn is_open(&self) -> bool {
        self.end.get().is_none()
    }

    /// The LSNs of its records, once it is frozen.
    pub fn lsns(&self) -> Option<LsnRange> {
        self.end.get().map(|&end| LsnRange::new(self.start, end))
    }

    /// Brings a batch's bytes to where they can be read, and returns where they start. Nobody sees
    /// them before [`MemoryLayer::publish`].
    pub(crate) async fn append(&self, op: Op, batch: &Batch) -> Result<u64> {
        let appended = self.ephemeral.append(op, batch.raw()).await;
        appended.map_err(|error| Error::Io(IoFailure::new("write", &self.path, error)))
    }

    /// Whether a record of the batch is here already: its key at its LSN.
    pub(crate) fn first_duplicate(&self, batch: &Batch) -> Option<(Key, Lsn)> {
        let entries = self.entries();
        let last = entries.list.last().map(|entry| entry.lsn);
        // Only the LSN of the last record here can stand in a batch that comes after it.
        let shared = batch
            .records()
            .iter()
            .take_while(|record| Some(record.lsn) == last);
        let mut shared = shared.map(|record| (record.key, record.lsn));
        shared.find(|&(key, lsn)| {
            let newest = entries.newest.get(&key);
            newest.is_some_and(|&index| entries.list[index as usize].lsn == lsn)
        })
    }

    /// Makes a batch visible, whose bytes stand at `position`.
    pub(crate) fn publish(&self, batch: &Batch, position: u64) {
        assert!(self.is_open());
        assert!(batch.first_lsn().is_none_or(|first| self.start <= first));
        assert!(self.first_duplicate(batch).is_none());
        let mut entries = self.entries();
        for record in batch.records() {
            entries.push(record, position);
        }
    }

    /// Closes the layer: its records end before `end`.
    pub(crate) fn freeze(&self, end: Lsn) {
        assert!(self.is_open());
        assert!(self.start < end);
        assert!(self.entries().list.last().is_none_or(|last| last.lsn < end));
        self.end.set(end).expect("it is open");
    }

    /// Gathers the key's records up to `lsn`, newest first, among the first `entry_count`.
    pub(crate) async fn gather(
        &self,
        op: Op,
        point: (Key, Lsn),
        entry_count: usize,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let history = self.entries().history(point, entry_count);
        for entry in history {
            let read = self
                .ephemeral
                .read(op, entry.position, entry.len as usize)
                .await;
            let bytes =
                read.map_err(|error| Error::Io(IoFailure::new("read", &self.path, error)))?;
            let pushed = gathered.push(entry.lsn, &bytes);
            pushed.map_err(|error| error.at(entry.position).of_path(&self.path))?;
        }
        Ok(())
    }

    /// The records of a frozen layer in the order of keys, then LSNs.
    pub(crate) fn sorted_records(&self) -> Vec<MemoryRecord> {
        assert!(!self.is_open());
        let entries = self.entries();
        let mut records: Vec<MemoryRecord> = entries.list.iter().map(Entry::record).collect();
        drop(entries);
        records.sort_unstable_by_key(|record| (record.key, record.lsn));
        assert!(records.is_sorted_by(|a, b| (a.key, a.lsn) < (b.key, b.lsn)));
        records
    }

    /// All values of a frozen layer, as they were appended.
    pub(crate) async fn load(&self, op: Op) -> Result<Vec<u8>> {
        assert!(!self.is_open());
        let len = usize::try_from(self.byte_len()).expect("it was appended from memory");
        let loaded = self.ephemeral.read(op, 0, len).await;
        loaded.map_err(|error| Error::Io(IoFailure::new("read", &self.path, error)))
    }
}

impl Entries {
    fn push(&mut self, record: &BatchRecord, position: u64) {
        assert!(self.list.last().is_none_or(|last| last.lsn <= record.lsn));
        let index = u32::try_from(self.list.len()).expect("a layer is frozen long before");
        assert!(index < NONE);
        let previous = self.newest.insert(record.key, index).unwrap_or(NONE);
        self.list.push(Entry {
            key: record.key,
            lsn: record.lsn,
            position: position + record.offset,
            len: record.len,
            will_init: record.will_init,
            previous,
        });
    }

    /// The key's entries that a read at the point needs, newest first: down to one that needs
    /// nothing below it.
    fn history(&self, (key, lsn): (Key, Lsn), entry_count: usize) -> Vec<Entry> {
        let mut found = Vec::new();
        let mut next = self.newest.get(&key).copied().unwrap_or(NONE);
        while next != NONE {
            let entry = self.list[next as usize];
            let is_visible = (next as usize) < entry_count && entry.lsn <= lsn;
            next = entry.previous;
            if is_visible {
                found.push(entry);
                if entry.will_init {
                    break;
                }
            }
        }
        found
    }
}

impl Entry {
    fn record(&self) -> MemoryRecord {
        let start = usize::try_from(self.position).expect("it was appended from memory");
        MemoryRecord {
            key: self.key,
            lsn: self.lsn,
            will_init: self.will_init,
            start,
            end: start + self.len as usize,
        }
    }
}
