//! The memory layer: where records arrive, readable while it is written.
//!
//! ```text
//!  open ──freeze()──▶ frozen ──flush──▶ (an L0 delta takes its place) ──last reader──▶ gone
//! ```
//!
//! 1. Values stand in an ephemeral file, in the order in which they came. The index is a list in
//!    the same order; each entry points to the key's previous entry, and a hash map to the key's
//!    newest one. So a record costs an append and a hash, and a read descends its own key only. A
//!    flush sorts the keys once and distributes the entries, which are in the order of their LSNs
//!    already, to them.
//! 2. A batch's entries are added under one lock. A reader's snapshot is a count of entries: it
//!    ignores later entries, so it sees each batch whole or not at all.
//! 3. A batch's bytes are in the ephemeral file before its entries are in the list. A cancelled put
//!    leaves bytes without entries, which are never read.

use std::path::PathBuf;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::batch::{Batch, BatchRecord};
use super::ephemeral::Ephemeral;
use super::file::{BlobPlace, Located, plan_reads};
use crate::base::{DecodeError, Error, IoFailure, Key, KeyRange, Lsn, LsnRange, Result, Time};
use crate::io::{Io, Op, OpenFiles};
use crate::sync::{Mutex, MutexGuard, OnceLock};

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
    list: Vec<MemoryEntry>,
    /// The keys that have records, in the order in which they came.
    keys: Vec<Key>,
    newest: FxHashMap<Key, Newest>,
    /// A sorted prefix of `keys`. Reads of ranges bring it up to date.
    sorted_keys: Vec<Key>,
}

/// A key's index in `keys`, and the index of its newest entry in `list`.
#[derive(Clone, Copy)]
struct Newest {
    key_index: u32,
    entry_index: u32,
}

/// A record: its key's index, its LSN, and the position of its value.
#[derive(Clone, Copy)]
struct MemoryEntry {
    key_index: u32,
    lsn: Lsn,
    position: u64,
    len: u32,
    will_init: bool,
    /// The index of the key's previous entry, or `NONE`.
    previous: u32,
}

const NONE: u32 = u32::MAX;

/// A record of a frozen layer, for the flush.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryRecord {
    pub(crate) key: Key,
    pub(crate) lsn: Lsn,
    pub(crate) will_init: bool,
    /// The position of its value, in bytes from the start of the layer's values.
    pub(super) position: u64,
    /// The length of its value in bytes.
    pub(super) len: u32,
}

impl<I: Io> MemoryLayer<I> {
    /// Creates an empty open layer for records from `start` on.
    pub(crate) async fn create(
        (io, open_files): (&I, &OpenFiles<I>),
        op: Op,
        path: PathBuf,
        start: Lsn,
        buffer_len: usize,
    ) -> Result<MemoryLayer<I>> {
        let create = || Ephemeral::create(io, op, path.clone(), buffer_len);
        let ephemeral = open_files.retry(io, create).await;
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

    /// The lowest LSN that its records can have.
    pub fn start(&self) -> Lsn {
        self.start
    }

    /// The time at which it was created.
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

    /// The LSNs that it covers, once it is frozen.
    pub fn lsns(&self) -> Option<LsnRange> {
        self.end.get().map(|&end| LsnRange::new(self.start, end))
    }

    /// What stands in the layer, as text: whether it is open, its LSNs, and a line for each record
    /// in the order in which they came, with key, LSN, what it is, and its length in bytes. No
    /// value is read.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(16), &Value::Image(b"page".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// let layers = timeline.layers();
    /// let dump = layers.open().unwrap().dump();
    /// assert!(dump.starts_with("open from 0/1, 1 records of 16 bytes\n"));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn dump(&self) -> String {
        let entries = self.entries();
        let state = match self.lsns() {
            None => format!("open from {}", self.start),
            Some(lsns) => format!("frozen {}..{}", lsns.start, lsns.end),
        };
        let (count, len) = (entries.list.len(), self.byte_len());
        let records = entries.list.iter().map(|entry| {
            let kind = if entry.will_init { "base" } else { "record" };
            let key = entries.keys[entry.key_index as usize];
            format!("{key} {} {kind} {}\n", entry.lsn, entry.len)
        });
        format!(
            "{state}, {count} records of {len} bytes\n{}",
            records.collect::<String>()
        )
    }

    /// Appends a batch's bytes and returns their position. Readers do not see them before
    /// [`MemoryLayer::publish`].
    pub(crate) async fn append(&self, op: Op, batch: &Batch) -> Result<u64> {
        let appended = self.ephemeral.append(op, batch.raw()).await;
        appended.map_err(|error| Error::Io(IoFailure::new("write", &self.path, error)))
    }

    /// The first key and LSN of the batch that the layer has already.
    pub(crate) fn first_duplicate(&self, batch: &Batch) -> Option<(Key, Lsn)> {
        let entries = self.entries();
        let last = entries.list.last().map(|entry| entry.lsn);
        // The batch starts at or above the last LSN here, so only that LSN can have a duplicate.
        let shared = batch
            .records()
            .iter()
            .take_while(|record| Some(record.lsn) == last);
        let mut shared = shared.map(|record| (record.key, record.lsn));
        shared.find(|&(key, lsn)| {
            let newest = entries.newest.get(&key);
            newest.is_some_and(|newest| entries.list[newest.entry_index as usize].lsn == lsn)
        })
    }

    /// Makes the batch whose bytes are at `position` visible to readers.
    pub(crate) fn publish(&self, batch: &Batch, position: u64) {
        assert!(self.is_open());
        assert!(batch.first_lsn().is_none_or(|first| self.start <= first));
        assert!(self.first_duplicate(batch).is_none());
        let mut entries = self.entries();
        let entry_count = entries.list.len() + batch.record_count();
        for record in batch.records() {
            entries.push(record, position);
        }
        assert!(entries.list.len() == entry_count);
    }

    /// Freezes the layer: its records are below `end`.
    pub(crate) fn freeze(&self, end: Lsn) {
        assert!(self.is_open());
        assert!(self.start < end);
        assert!(self.entries().list.last().is_none_or(|last| last.lsn < end));
        self.end.set(end).expect("it is open");
    }

    /// Locates the records of `keys` at `lsns` among the first `entry_count`. Keys ascend, and each
    /// key's records descend to a base; of at most `key_count_max` keys.
    pub(crate) fn locate(
        &self,
        (keys, lsns): (KeyRange, LsnRange),
        entry_count: usize,
        key_count_max: usize,
    ) -> Vec<Located> {
        let mut entries = self.entries();
        let mut located = Vec::new();
        let mut key_count = 0;
        let single = [keys.start];
        let keys = if keys.start.checked_next() == Some(keys.end) {
            &single[..]
        } else {
            entries.sort_keys();
            entries.keys_in(keys)
        };
        for &key in keys {
            let before = located.len();
            entries.collect_chain((key, lsns), entry_count, &mut located);
            key_count += usize::from(before < located.len());
            if key_count == key_count_max {
                break;
            }
        }
        located
    }

    /// Reads located values, in any order. Adjacent values share one read.
    pub(crate) async fn read(
        &self,
        op: Op,
        places: &[BlobPlace],
        read_len_max: u64,
    ) -> Result<Vec<Bytes>> {
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_unstable_by_key(|&index| places[index].offset);
        let span = |&index: &usize| {
            let end = places[index]
                .end
                .expect("a memory layer knows the end of each value");
            (places[index].offset, end)
        };
        let spans: Vec<(u64, u64)> = order.iter().map(span).collect();
        let mut values = vec![Bytes::new(); places.len()];
        for planned in plan_reads(&spans, read_len_max) {
            let (start, end) = (spans[planned.blobs.start].0, spans[planned.blobs.end - 1].1);
            let len = usize::try_from(end - start).expect("it was appended from memory");
            let bytes = Bytes::from(self.span(op, start, len).await?);
            for index in planned.blobs {
                let (from, to) = (spans[index].0 - start, spans[index].1 - start);
                values[order[index]] = bytes.slice(from as usize..to as usize);
            }
        }
        Ok(values)
    }

    /// The `Corrupt` error for a value.
    pub(crate) fn corrupt(&self, error: DecodeError) -> Error {
        error.of_path(&self.path)
    }

    /// The numbers of a frozen layer's records, in the order of keys, then LSNs.
    pub(super) fn sorted_numbers(&self) -> Vec<u32> {
        assert!(!self.is_open());
        self.entries().sorted_numbers()
    }

    /// The records with these numbers, in their order.
    pub(super) fn records(&self, numbers: &[u32]) -> Vec<MemoryRecord> {
        let entries = self.entries();
        let records = numbers.iter().map(|&number| entries.record(number));
        records.collect()
    }

    /// Reads `len` bytes of the values from `position` on.
    pub(super) async fn span(&self, op: Op, position: u64, len: usize) -> Result<Vec<u8>> {
        let read = self.ephemeral.read(op, position, len).await;
        read.map_err(|error| Error::Io(IoFailure::new("read", &self.path, error)))
    }
}

impl Entries {
    fn push(&mut self, record: &BatchRecord, position: u64) {
        assert!(self.list.last().is_none_or(|last| last.lsn <= record.lsn));
        let entry_index = u32::try_from(self.list.len())
            .expect("a layer is frozen long before it has 2^32 entries");
        assert!(entry_index < NONE);
        let unseen = Newest {
            key_index: self.keys.len() as u32,
            entry_index: NONE,
        };
        let newest = self.newest.entry(record.key).or_insert(unseen);
        let (key_index, previous) = (newest.key_index, newest.entry_index);
        newest.entry_index = entry_index;
        if previous == NONE {
            self.keys.push(record.key);
        }
        self.list.push(MemoryEntry {
            key_index,
            lsn: record.lsn,
            position: position + record.offset,
            len: record.len,
            will_init: record.will_init,
            previous,
        });
    }

    /// Brings `sorted_keys` up to date.
    fn sort_keys(&mut self) {
        let new = &self.keys[self.sorted_keys.len()..];
        if !new.is_empty() {
            // The sort is fast on a list that is mostly sorted.
            self.sorted_keys.extend(new);
            self.sorted_keys.sort();
        }
    }

    /// The numbers of all records in the order of keys, then LSNs, by a counting sort by key.
    fn sorted_numbers(&self) -> Vec<u32> {
        // First the number of records of each key, then the index of its next record.
        let mut places = vec![0_u32; self.keys.len()];
        for entry in &self.list {
            places[entry.key_index as usize] += 1;
        }
        let mut keys: Vec<(Key, u32)> = self.keys.iter().copied().zip(0..).collect();
        keys.sort_unstable();
        let mut start = 0;
        for (_, key_index) in keys {
            start += std::mem::replace(&mut places[key_index as usize], start);
        }
        let mut numbers = vec![NONE; self.list.len()];
        for (entry, number) in self.list.iter().zip(0..) {
            let place = &mut places[entry.key_index as usize];
            numbers[*place as usize] = number;
            *place += 1;
        }
        numbers
    }

    fn record(&self, number: u32) -> MemoryRecord {
        let entry = &self.list[number as usize];
        MemoryRecord {
            key: self.keys[entry.key_index as usize],
            lsn: entry.lsn,
            will_init: entry.will_init,
            position: entry.position,
            len: entry.len,
        }
    }

    /// The keys of a range that have records, in order. `sorted_keys` must be up to date.
    fn keys_in(&self, keys: KeyRange) -> &[Key] {
        let start = self.sorted_keys.partition_point(|key| *key < keys.start);
        let end = self.sorted_keys.partition_point(|key| *key < keys.end);
        &self.sorted_keys[start..end.max(start)]
    }

    /// Adds the key's entries at `lsns`, newest first, down to a base.
    fn collect_chain(
        &self,
        (key, lsns): (Key, LsnRange),
        entry_count: usize,
        located: &mut Vec<Located>,
    ) {
        let mut next = self
            .newest
            .get(&key)
            .map_or(NONE, |newest| newest.entry_index);
        while next != NONE {
            let entry = self.list[next as usize];
            let is_visible = (next as usize) < entry_count && entry.lsn < lsns.end;
            next = entry.previous;
            if entry.lsn < lsns.start {
                break;
            }
            if !is_visible {
                continue;
            }
            located.push(Located {
                key,
                lsn: entry.lsn,
                is_base: entry.will_init,
                blob: BlobPlace {
                    offset: entry.position,
                    end: Some(entry.position + u64::from(entry.len)),
                },
            });
            if entry.will_init {
                break;
            }
        }
    }
}
