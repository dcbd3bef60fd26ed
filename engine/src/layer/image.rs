//! The image layer: the whole values of a range of keys at one LSN.

use super::file::{BatchLimits, BlobPlace, ImageIter, LayerContext, LayerFile, Located, below};
use crate::base::{DecodeError, Error, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::{Cursor, IndexLayer};
use crate::io::{Io, Op};

/// A finished image layer.
///
/// # Shape
/// A key of its range that is not in it has no value at its LSN. One that a writer made is removed
/// with its file when it is dropped, until it is published.
pub struct ImageLayer<I: Io> {
    keys: KeyRange,
    lsn: Lsn,
    file: LayerFile<I>,
}

impl<I: Io> ImageLayer<I> {
    /// The layer of an index's entry; nothing is read yet.
    ///
    /// # Panics
    /// If the entry is a delta layer's, or if somebody has its file's name.
    pub fn new(context: &LayerContext<I>, entry: IndexLayer) -> ImageLayer<I> {
        ImageLayer::of_file(LayerFile::new(context, entry))
    }

    pub(crate) fn of_file(file: LayerFile<I>) -> ImageLayer<I> {
        let name = file.entry().name;
        let LayerName::Image { keys, lsn } = name else {
            panic!("{name} is no image layer");
        };
        ImageLayer { keys, lsn, file }
    }

    /// What the index says of it.
    pub fn entry(&self) -> &IndexLayer {
        self.file.entry()
    }

    /// The keys that it covers.
    pub fn keys(&self) -> KeyRange {
        self.keys
    }

    /// When its values were true.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Lets its file outlive it: it is published.
    pub fn keep(&self) {
        self.file.keep();
    }

    /// Its file, for those who copy it.
    pub(super) fn file(&self) -> &LayerFile<I> {
        &self.file
    }

    /// What is wrong with its file.
    pub(crate) fn corrupt(&self, cause: DecodeError) -> Error {
        self.file.corrupt(cause)
    }

    /// Lets its file go with it, now or whenever the last reader lets go: a durable index does not
    /// name it any more.
    pub fn remove_on_drop(&self) {
        self.file.remove_on_drop();
    }

    /// Where the values of some keys stand, in the order of the keys: of `key_count_max` keys at
    /// most, the lowest. No value is read.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn locate(
        &self,
        op: Op,
        keys: KeyRange,
        key_count_max: usize,
    ) -> Result<Vec<Located>> {
        assert!(0 < key_count_max);
        let start = keys.start.max(self.keys.start);
        let keys = KeyRange::new(start, keys.end.min(self.keys.end));
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = keys.start.to_bytes()..=below(keys.end.to_bytes());
        if self.file.is_surely_without(&wanted) {
            return Ok(Vec::new());
        }
        let root = self.file.root(op).await?;
        let mut cursor = Cursor::forward(root.root_block, wanted);
        let mut located: Vec<Located> = Vec::new();
        while let Some(found) = self.file.next_entry(op, &mut cursor).await? {
            if let Some(last) = located.last_mut() {
                last.blob.end.get_or_insert(found.blob.offset);
            }
            if located.len() == key_count_max {
                break;
            }
            located.push(found);
        }
        Ok(located)
    }

    /// The value of a key; nothing if it has none at the layer's LSN.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn get(&self, op: Op, key: Key) -> Result<Option<Vec<u8>>> {
        assert!(self.keys.contains(key));
        let wanted = key.to_bytes()..=key.to_bytes();
        if self.file.is_surely_without(&wanted) {
            return Ok(None);
        }
        let root = self.file.root(op).await?;
        let mut cursor = Cursor::forward(root.root_block, wanted);
        match self.file.next_entry(op, &mut cursor).await? {
            Some(found) => self.file.read_one(op, found.blob).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads values that were located in it, in the order in which they are asked for.
    ///
    /// # Shape
    /// None is asked for twice. Those that stand near each other share reads of up to
    /// `read_len_max` bytes.
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn read(
        &self,
        op: Op,
        blobs: &[BlobPlace],
        read_len_max: u64,
    ) -> Result<Vec<Vec<u8>>> {
        self.file.read(op, blobs, read_len_max).await
    }

    /// All values of the layer, by key.
    pub fn iter(&self, op: Op, limits: BatchLimits) -> ImageIter<'_, I> {
        ImageIter::new(&self.file, op, limits)
    }
}
