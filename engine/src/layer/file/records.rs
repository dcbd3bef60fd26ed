//! Streaming all records of a layer's file, in the order of its index, read in batches.
//!
//! 1. Entries stay in the iterator until their values are read: a call that is cancelled at any
//!    await can be made again, and skips no record.
//! 2. After an error every call returns that error, and never the end: a caller could take that for
//!    the end of the layer.

use std::collections::VecDeque;

use bytes::Bytes;

use super::super::merge::Source;
use super::super::raw_record::{RawEntry, RawRecord, RecordKind};
use super::cache::IndexNode;
use super::index::{BlobPlace, Located};
use super::layer_file::LayerFile;
use super::read_plan::StreamPlanner;
use crate::base::{Error, Key, KeyRange, Lsn, Result};
use crate::format::{Cursor, DeltaKey, Node, Value};
use crate::io::{Io, Op, Pace};

/// The limits of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// A batch ends with the value that makes it this long or longer, in bytes.
    pub len_max: u64,
    /// The highest number of values in a batch.
    pub count_max: usize,
}

/// Iterates over the entries of a file's index, in order, each with the end of its blob.
pub(crate) struct FileEntries<'a, I: Io, const L: usize> {
    file: &'a LayerFile<I>,
    op: Op,
    /// The keys of the entries, if not all.
    keys: Option<KeyRange>,
    /// The cursor; `None` before the first call.
    cursor: Option<Cursor<L>>,
    /// The entry to return next. It is held back until the start of the following blob, its end, is
    /// known.
    next: Option<Located>,
    batch: Vec<Located>,
    /// Decides when a batch is enough for one read; `None` before the first batch.
    planner: Option<StreamPlanner>,
    /// The end of the last blob of the batch, in bytes from the start of the file.
    blobs_end: u64,
    failure: Option<Error>,
}

impl<'a, I: Io, const L: usize> FileEntries<'a, I, L>
where
    Node<L>: IndexNode,
{
    pub(crate) fn new(file: &'a LayerFile<I>, op: Op) -> FileEntries<'a, I, L> {
        FileEntries {
            file,
            op,
            keys: None,
            cursor: None,
            next: None,
            batch: Vec::new(),
            planner: None,
            blobs_end: 0,
            failure: None,
        }
    }

    /// The iterator over the entries of these keys only.
    pub(crate) fn within(mut self, keys: KeyRange) -> FileEntries<'a, I, L> {
        assert!(self.cursor.is_none(), "before the first call");
        self.keys = Some(keys);
        self
    }

    /// A lower bound for the keys of the entries.
    fn first_key(&self) -> Key {
        let start = self.file.entry().name.keys().start;
        self.keys.map_or(start, |keys| start.max(keys.start))
    }

    /// The next entry; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Located>> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let next = self.advance().await;
        self.failure = next.as_ref().err().cloned();
        next
    }

    async fn advance(&mut self) -> Result<Option<Located>> {
        let root = self.file.root(self.op).await?;
        if self.cursor.is_none() {
            let first = self.keys.map_or([0; L], |keys| lowest_of(keys.start));
            let mut cursor = Cursor::forward(root.root_block, first..=[u8::MAX; L]);
            self.next = self.file.next_entry(self.op, &mut cursor).await?;
            self.cursor = Some(cursor);
        }
        let Some(cursor) = &mut self.cursor else {
            unreachable!("the cursor was set above");
        };
        // The entry behind the last one of these keys says where that one's blob ends.
        let is_wanted = |entry: &Located| self.keys.is_none_or(|keys| entry.key < keys.end);
        let Some(mut entry) = self.next.filter(is_wanted) else {
            return Ok(None);
        };
        let behind = self.file.next_entry(self.op, cursor).await?;
        self.next = behind;
        entry.blob.end = Some(behind.map_or(root.start(), |behind| behind.blob.offset));
        Ok(Some(entry))
    }

    /// The next wanted entries, as many as make a batch; empty after the last.
    pub(crate) async fn next_batch(
        &mut self,
        limits: BatchLimits,
        is_wanted: impl Fn(&Located) -> bool,
    ) -> Result<Vec<Located>> {
        while let Some(entry) = self.next().await? {
            if is_wanted(&entry) && self.closes_batch(entry, limits)? {
                break;
            }
        }
        if let Some(planner) = &mut self.planner {
            planner.finish();
        }
        Ok(std::mem::take(&mut self.batch))
    }

    /// Adds an entry to the batch, and returns whether it closes the batch.
    fn closes_batch(&mut self, entry: Located, limits: BatchLimits) -> Result<bool> {
        let BlobPlace { offset, end } = entry.blob;
        let end = end.expect("an iterator sets the end of each entry");
        if end < offset || offset < self.blobs_end {
            let problem = "stands before the one of the record before it";
            return Err(self.file.malformed("blob", offset, problem));
        }
        let new = || StreamPlanner::new(limits.len_max, limits.count_max);
        let planner = self.planner.get_or_insert_with(new);
        self.blobs_end = end;
        self.batch.push(entry);
        Ok(planner.push(offset, end).is_some())
    }
}

/// The lowest entry that a key can have in an index.
fn lowest_of<const L: usize>(key: Key) -> [u8; L] {
    let mut bytes = [0; L];
    bytes[..Key::LEN].copy_from_slice(&key.to_bytes());
    bytes
}

/// Iterates over the records of a file, in order.
struct Records<'a, I: Io, const L: usize> {
    entries: FileEntries<'a, I, L>,
    limits: BatchLimits,
    /// The entries whose values will be read next.
    batch: Vec<Located>,
    /// The values that were read and not returned yet, as they are stored: decompressed they may be
    /// many times as long together.
    ready: VecDeque<(Located, Bytes)>,
    failure: Option<Error>,
    pace: Pace,
}

impl<'a, I: Io, const L: usize> Records<'a, I, L>
where
    Node<L>: IndexNode,
{
    fn new(file: &'a LayerFile<I>, op: Op, limits: BatchLimits) -> Records<'a, I, L> {
        Records {
            entries: FileEntries::new(file, op),
            limits,
            batch: Vec::new(),
            ready: VecDeque::new(),
            failure: None,
            pace: Pace::default(),
        }
    }

    fn within(mut self, keys: KeyRange) -> Records<'a, I, L> {
        self.entries = self.entries.within(keys);
        self
    }

    async fn next(&mut self) -> Result<Option<RawRecord>> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let next = self.advance().await;
        self.failure = next.as_ref().err().cloned();
        next
    }

    async fn advance(&mut self) -> Result<Option<RawRecord>> {
        if self.ready.is_empty() {
            self.fill().await?;
        }
        let Some((entry, stored)) = self.ready.pop_front() else {
            return Ok(None);
        };
        let file = self.entries.file;
        let bytes = file.value_of(entry.blob.offset, stored)?;
        let kind = match file.entry().name.is_delta() {
            true => RecordKind::Delta,
            false => RecordKind::Image,
        };
        check_base(file, &entry, (kind, &bytes))?;
        Ok(Some(RawRecord {
            key: entry.key,
            lsn: entry.lsn,
            is_base: entry.is_base,
            kind,
            bytes,
        }))
    }

    async fn fill(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            self.batch = self.entries.next_batch(self.limits, |_| true).await?;
        }
        let (file, op) = (self.entries.file, self.entries.op);
        let blobs: Vec<BlobPlace> = self.batch.iter().map(|entry| entry.blob).collect();
        let stored = file.read_raw(op, &blobs, self.limits.len_max).await?;
        let len = stored.iter().map(|bytes| bytes.len() as u64).sum();
        self.pace
            .handled(&file.context().io, (stored.len(), len))
            .await;
        self.ready.extend(self.batch.drain(..).zip(stored));
        Ok(())
    }
}

/// Checks a delta's value against its index entry.
fn check_base<I: Io>(
    file: &LayerFile<I>,
    entry: &Located,
    (kind, bytes): (RecordKind, &[u8]),
) -> Result<()> {
    if kind == RecordKind::Image {
        return Ok(());
    }
    let offset = entry.blob.offset;
    let will_init = Value::will_init_of(bytes);
    let will_init = will_init.map_err(|error| file.corrupt(error.at(offset)))?;
    if will_init != entry.is_base {
        let problem = "the index and the value differ in will_init";
        return Err(file.malformed("value", offset, problem));
    }
    Ok(())
}

/// Iterates over the records of a delta layer, by key and LSN. Holds one path of the index and one
/// batch in memory.
pub struct DeltaIter<'a, I: Io> {
    records: Records<'a, I, { DeltaKey::LEN }>,
}

impl<'a, I: Io> DeltaIter<'a, I> {
    pub(crate) fn new(file: &'a LayerFile<I>, op: Op, limits: BatchLimits) -> DeltaIter<'a, I> {
        DeltaIter {
            records: Records::new(file, op, limits),
        }
    }

    /// The iterator over these keys only.
    pub(crate) fn within(self, keys: KeyRange) -> DeltaIter<'a, I> {
        DeltaIter {
            records: self.records.within(keys),
        }
    }

    /// The next record; `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read; from then on
    /// every call returns that error.
    pub async fn next(&mut self) -> Result<Option<RawRecord>> {
        self.records.next().await
    }
}

/// Iterates over the values of an image layer, by key. Holds one path of the index and one batch in
/// memory.
pub struct ImageIter<'a, I: Io> {
    records: Records<'a, I, { Key::LEN }>,
}

impl<'a, I: Io> ImageIter<'a, I> {
    pub(crate) fn new(file: &'a LayerFile<I>, op: Op, limits: BatchLimits) -> ImageIter<'a, I> {
        ImageIter {
            records: Records::new(file, op, limits),
        }
    }

    /// The iterator over these keys only.
    pub(crate) fn within(self, keys: KeyRange) -> ImageIter<'a, I> {
        ImageIter {
            records: self.records.within(keys),
        }
    }

    /// The next value; `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read; from then on
    /// every call returns that error.
    pub async fn next(&mut self) -> Result<Option<RawRecord>> {
        self.records.next().await
    }
}

/// Iterates over the index of a delta layer, by key and LSN, without reading values.
pub struct DeltaEntries<'a, I: Io> {
    entries: FileEntries<'a, I, { DeltaKey::LEN }>,
}

impl<'a, I: Io> DeltaEntries<'a, I> {
    pub(crate) fn new(file: &'a LayerFile<I>, op: Op) -> DeltaEntries<'a, I> {
        DeltaEntries {
            entries: FileEntries::new(file, op),
        }
    }

    /// The next record's key and LSN, and the length of its blob in bytes; `None` after the last.
    /// The length of the last blob includes the padding of its block.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read; from then on
    /// every call returns that error.
    pub async fn next(&mut self) -> Result<Option<(Key, Lsn, u64)>> {
        let Some(entry) = self.entries.next().await? else {
            return Ok(None);
        };
        let file = self.entries.file;
        let BlobPlace { offset, end } = entry.blob;
        let len = end.and_then(|end| end.checked_sub(offset));
        match len.filter(|len| 0 < *len) {
            Some(len) => Ok(Some((entry.key, entry.lsn, len))),
            None => Err(file.malformed("blob", offset, "stands behind the next one")),
        }
    }
}

impl<I: Io> Source for DeltaIter<'_, I> {
    type Item = RawRecord;

    fn first_key(&self) -> Key {
        self.records.entries.first_key()
    }

    async fn next(&mut self) -> Result<Option<RawRecord>> {
        self.records.next().await
    }
}

impl<I: Io> Source for ImageIter<'_, I> {
    type Item = RawRecord;

    fn first_key(&self) -> Key {
        self.records.entries.first_key()
    }

    async fn next(&mut self) -> Result<Option<RawRecord>> {
        self.records.next().await
    }
}

impl<I: Io> Source for DeltaEntries<'_, I> {
    type Item = RawEntry;

    fn first_key(&self) -> Key {
        self.entries.file.entry().name.keys().start
    }

    async fn next(&mut self) -> Result<Option<RawEntry>> {
        let entry = DeltaEntries::next(self).await?;
        Ok(entry.map(|(key, lsn, len)| RawEntry {
            key,
            lsn,
            kind: RecordKind::Delta,
            len,
        }))
    }
}
