//! The image layer: the whole values of a range of keys at one LSN.

use super::context::LayerContext;
use super::file::LayerFile;
use super::file_index::{BlobPlace, Located, below};
use super::image_writer::{ImagePlan, ImageWriter};
use super::records::{BatchLimits, FileEntries, ImageIter};
use crate::base::{DecodeError, Error, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::{Compression, IndexLayer, Walk};
use crate::io::{Io, Op};

/// How much of a layer is copied at a time, in bytes, and how many values.
const COPY_LIMITS: BatchLimits = BatchLimits {
    len_max: 1 << 20,
    count_max: 4096,
};

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
        let mut walk = Walk::forward(root.root_block, wanted);
        let mut located: Vec<Located> = Vec::new();
        while let Some(found) = self.file.next_entry(op, &mut walk).await? {
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
        let mut walk = Walk::forward(root.root_block, wanted);
        match self.file.next_entry(op, &mut walk).await? {
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

    /// Writes a layer of the same range with only those keys for which `is_wanted` says so; nothing
    /// if it says so for none. Values are copied as they are stored.
    ///
    /// # Shape
    /// The new layer is one of `context`, whose generation is another one, or whose directory is:
    /// in one place the two would have the same name.
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Latched` if the new file's sync fails, `Io`
    /// if the device refuses.
    pub async fn filter(
        &self,
        op: Op,
        (context, attempt): (&LayerContext<I>, u32),
        is_wanted: impl Fn(Key) -> bool + Send + Sync,
    ) -> Result<Option<ImageLayer<I>>> {
        let is_elsewhere = context.dir != self.file.context().dir;
        assert!(is_elsewhere || context.generation != self.entry().generation);
        let plan = ImagePlan {
            keys: self.keys,
            lsn: self.lsn,
            compression: Compression::None,
            attempt,
        };
        let mut writer = None;
        let mut entries = FileEntries::<'_, I, { Key::LEN }>::new(&self.file, op);
        loop {
            let batch = entries
                .next_batch(COPY_LIMITS, |entry| is_wanted(entry.key))
                .await?;
            if batch.is_empty() {
                break;
            }
            if writer.is_none() {
                writer = Some(ImageWriter::create(context, op, plan).await?);
            }
            let writer = writer.as_mut().expect("it was made");
            self.copy(op, &batch, writer).await?;
        }
        match writer {
            Some(writer) => Ok(Some(writer.finish(self.keys.end).await?)),
            None => Ok(None),
        }
    }

    async fn copy(&self, op: Op, batch: &[Located], writer: &mut ImageWriter<I>) -> Result<()> {
        let blobs: Vec<BlobPlace> = batch.iter().map(|entry| entry.blob).collect();
        let blobs = self.file.read_raw(op, &blobs, COPY_LIMITS.len_max).await?;
        for (entry, blob) in batch.iter().zip(&blobs) {
            writer.push_raw(entry.key, blob).await?;
        }
        Ok(())
    }
}
