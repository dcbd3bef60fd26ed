//! The image layer: the whole values of a range of keys at one LSN.

use bytes::Bytes;

use super::file::{BatchLimits, BlobPlace, ImageIter, LayerContext, LayerFile, Located, below};
use crate::base::{DecodeError, Error, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::{Cursor, IndexLayer};
use crate::io::{Io, Op};

/// A finished image layer.
///
/// # Shape
/// A key of its range that is not in it has no value at its LSN. A layer from a writer removes its
/// file when it is dropped, unless it was published.
pub struct ImageLayer<I: Io> {
    keys: KeyRange,
    lsn: Lsn,
    file: LayerFile<I>,
}

impl<I: Io> ImageLayer<I> {
    /// The layer of an index's entry. The file is not read yet.
    ///
    /// # Panics
    /// If the entry is a delta layer's, or if another layer or a removal has its file's name.
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

    /// Its entry in the timeline's index.
    pub fn entry(&self) -> &IndexLayer {
        self.file.entry()
    }

    /// The keys that it covers.
    pub fn keys(&self) -> KeyRange {
        self.keys
    }

    /// The LSN of its values.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Keeps the file when the layer is dropped. To be called when it is published.
    pub fn keep(&self) {
        self.file.keep();
    }

    /// Its file, for [`ImageLayer::filter`].
    pub(super) fn file(&self) -> &LayerFile<I> {
        &self.file
    }

    /// The `Corrupt` error for its file.
    pub(crate) fn corrupt(&self, cause: DecodeError) -> Error {
        self.file.corrupt(cause)
    }

    /// Removes the file when the layer is dropped, by its last reader at the latest. To be called
    /// once a durable index does not name it any more.
    pub fn remove_on_drop(&self) {
        self.file.remove_on_drop();
    }

    /// Locates the values of `keys`, in the order of the keys: at most `key_count_max` keys, the
    /// lowest ones. No value is read.
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

    /// Reads the value of a key; `None` if it has none at the layer's LSN.
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

    /// Reads located values, in the order of `blobs`, each as it is stored:
    /// [`ImageLayer::value_of`] decodes it.
    ///
    /// # Shape
    /// No value is listed twice. Values near each other share reads of up to `read_len_max` bytes.
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn read(&self, op: Op, blobs: &[BlobPlace], read_len_max: u64) -> Result<Vec<Bytes>> {
        self.file.read_raw(op, blobs, read_len_max).await
    }

    /// The value of which `stored` was read at this offset.
    ///
    /// # Errors
    /// `Corrupt` if it does not decode.
    pub fn value_of(&self, offset: u64, stored: Bytes) -> Result<Bytes> {
        self.file.value_of(offset, stored)
    }

    /// All values of the layer, by key.
    pub fn iter(&self, op: Op, limits: BatchLimits) -> ImageIter<'_, I> {
        ImageIter::new(&self.file, op, limits)
    }
}
