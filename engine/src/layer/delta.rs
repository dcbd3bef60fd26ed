//! The delta layer: records of a range of keys over a range of LSNs.

use bytes::Bytes;

use super::file::{
    BatchLimits, BlobPlace, DeltaEntries, DeltaIter, LayerContext, LayerFile, Located, below,
};
use crate::base::{DecodeError, Error, Key, KeyRange, LayerName, Lsn, LsnRange, Result};
use crate::format::{Cursor, DeltaKey, IndexLayer};
use crate::io::{Io, Op};

/// A finished delta layer.
///
/// # Shape
/// A layer from a writer removes its file when it is dropped, unless it was published.
pub struct DeltaLayer<I: Io> {
    keys: KeyRange,
    lsns: LsnRange,
    file: LayerFile<I>,
}

/// Encodes a record's key and LSN.
fn bytes_of(key: Key, lsn: Lsn) -> [u8; DeltaKey::LEN] {
    DeltaKey { key, lsn }.to_bytes()
}

impl<I: Io> DeltaLayer<I> {
    /// The layer of an index's entry. The file is not read yet.
    ///
    /// # Panics
    /// If the entry is an image layer's, or if another layer or a removal has its file's name.
    pub fn new(context: &LayerContext<I>, entry: IndexLayer) -> DeltaLayer<I> {
        DeltaLayer::of_file(LayerFile::new(context, entry))
    }

    pub(crate) fn of_file(file: LayerFile<I>) -> DeltaLayer<I> {
        let name = file.entry().name;
        let LayerName::Delta { keys, lsns } = name else {
            panic!("{name} is no delta layer");
        };
        DeltaLayer { keys, lsns, file }
    }

    /// Its entry in the timeline's index.
    pub fn entry(&self) -> &IndexLayer {
        self.file.entry()
    }

    /// The keys that it covers.
    pub fn keys(&self) -> KeyRange {
        self.keys
    }

    /// The LSNs that it covers.
    pub fn lsns(&self) -> LsnRange {
        self.lsns
    }

    /// Keeps the file when the layer is dropped. To be called when it is published.
    pub fn keep(&self) {
        self.file.keep();
    }

    /// Removes the file when the layer is dropped, by its last reader at the latest. To be called
    /// once a durable index does not name it any more.
    pub fn remove_on_drop(&self) {
        self.file.remove_on_drop();
    }

    /// The `Corrupt` error for its file.
    pub(crate) fn corrupt(&self, cause: DecodeError) -> Error {
        self.file.corrupt(cause)
    }

    /// Locates the records of `keys` at `lsns`, in the order of the keys, newest first within a
    /// key; below a base it locates nothing.
    ///
    /// # Shape
    /// At most `key_count_max` keys, the lowest ones. No value is read.
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn locate(
        &self,
        op: Op,
        keys: KeyRange,
        lsns: LsnRange,
        key_count_max: usize,
    ) -> Result<Vec<Located>> {
        assert!(0 < key_count_max);
        let start = keys.start.max(self.keys.start);
        let keys = KeyRange::new(start, keys.end.min(self.keys.end));
        // `lsns` is not cut to the layer's own: a record outside of these must be found, as
        // corrupt.
        if keys.is_empty() || lsns.is_empty() || !lsns.overlaps(&self.lsns) {
            return Ok(Vec::new());
        }
        if keys == KeyRange::single(keys.start) {
            return self.locate_key(op, keys.start, lsns).await;
        }
        self.locate_keys(op, (keys, lsns), key_count_max).await
    }

    /// Locates one key's records. It descends, since a key may have many records below its base.
    async fn locate_key(&self, op: Op, key: Key, lsns: LsnRange) -> Result<Vec<Located>> {
        let last = Lsn(lsns.end.0 - 1);
        let wanted = bytes_of(key, lsns.start)..=bytes_of(key, last);
        if self.file.is_surely_without(&wanted) {
            return Ok(Vec::new());
        }
        let root = self.file.root(op).await?;
        let mut cursor = Cursor::backward(root.root_block, wanted);
        let mut located: Vec<Located> = Vec::new();
        while let Some(mut found) = self.file.next_entry(op, &mut cursor).await? {
            let behind = located.last().map(|newer| newer.blob.offset);
            found.blob.end = found.blob.end.or(behind);
            located.push(found);
            if found.is_base {
                break;
            }
        }
        Ok(located)
    }

    /// Locates the records of a range of keys. It ascends over all records between the wanted ones.
    async fn locate_keys(
        &self,
        op: Op,
        (keys, lsns): (KeyRange, LsnRange),
        key_count_max: usize,
    ) -> Result<Vec<Located>> {
        let last = below(bytes_of(keys.end, Lsn::ZERO));
        let wanted = bytes_of(keys.start, Lsn::ZERO)..=last;
        if self.file.is_surely_without(&wanted) {
            return Ok(Vec::new());
        }
        let root = self.file.root(op).await?;
        let mut cursor = Cursor::forward(root.root_block, wanted);
        let mut located = NewestFirst::default();
        while let Some(found) = self.file.next_entry(op, &mut cursor).await? {
            located.end_last_at(found.blob.offset);
            if !located.is_of_last_key(found.key) && located.key_count == key_count_max {
                break;
            }
            if lsns.contains(found.lsn) {
                located.push(found);
            }
        }
        Ok(located.finish())
    }

    /// Reads located values, in the order of `blobs`, as they are serialised.
    ///
    /// # Shape
    /// No value is listed twice. Values near each other share reads of up to `read_len_max` bytes.
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn read(&self, op: Op, blobs: &[BlobPlace], read_len_max: u64) -> Result<Vec<Bytes>> {
        self.file.read(op, blobs, read_len_max).await
    }

    /// All records of the layer, by key and LSN.
    pub fn iter(&self, op: Op, limits: BatchLimits) -> DeltaIter<'_, I> {
        DeltaIter::new(&self.file, op, limits)
    }

    /// All entries of the layer's index, by key and LSN; no value is read.
    pub fn entries(&self, op: Op) -> DeltaEntries<'_, I> {
        DeltaEntries::new(&self.file, op)
    }
}

/// Turns records in the order of keys and LSNs into newest first within a key.
#[derive(Default)]
struct NewestFirst {
    located: Vec<Located>,
    /// The index of the last key's first record; the last key's records are still in the order of
    /// LSNs.
    key_start: usize,
    key_count: usize,
}

impl NewestFirst {
    fn is_of_last_key(&self, key: Key) -> bool {
        self.located.last().is_some_and(|last| last.key == key)
    }

    /// Sets the end of the last record's blob, which is where the next entry's blob starts. It is
    /// unknown only for the last record of a node.
    fn end_last_at(&mut self, offset: u64) {
        if let Some(last) = self.located.last_mut() {
            last.blob.end.get_or_insert(offset);
        }
    }

    fn push(&mut self, found: Located) {
        if !self.is_of_last_key(found.key) {
            self.reverse_last_key();
            self.key_start = self.located.len();
            self.key_count += 1;
        }
        if found.is_base {
            self.located.truncate(self.key_start);
        }
        self.located.push(found);
    }

    /// Reverses the records of the last key.
    fn reverse_last_key(&mut self) {
        self.located[self.key_start..].reverse();
    }

    fn finish(mut self) -> Vec<Located> {
        self.reverse_last_key();
        self.located
    }
}
