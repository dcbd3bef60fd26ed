//! Filtering: a new image layer with some of another one's keys.

use super::file::{BatchLimits, BlobPlace, FileEntries, LayerContext, Located};
use super::image::ImageLayer;
use super::image_writer::{ImageFilePlan, ImageWriter};
use crate::base::{Key, Result};
use crate::format::Compression;
use crate::io::{Io, Op};

/// The limits of a batch that is copied.
const COPY_LIMITS: BatchLimits = BatchLimits {
    len_max: 1 << 20,
    count_max: 4096,
};

impl<I: Io> ImageLayer<I> {
    /// Writes a layer of the same range with only the keys for which `is_wanted` holds, and returns
    /// it with their number; `None` if it holds for no key. Values are copied as they are stored.
    ///
    /// # Shape
    /// The new layer belongs to `context`, which has another generation or another directory:
    /// otherwise the two layers would have the same name.
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Latched` if the new file's sync fails, `Io`
    /// if the device refuses.
    pub async fn filter(
        &self,
        op: Op,
        (context, attempt): (&LayerContext<I>, u32),
        is_wanted: impl Fn(Key) -> bool + Send + Sync,
    ) -> Result<Option<(ImageLayer<I>, u64)>> {
        let is_elsewhere = context.dir != self.file().context().dir;
        assert!(is_elsewhere || context.generation != self.entry().generation);
        let plan = ImageFilePlan {
            keys: self.keys(),
            lsn: self.lsn(),
            compression: Compression::None,
            attempt,
        };
        let mut writer = None;
        let mut key_count = 0;
        let mut entries = FileEntries::<'_, I, { Key::LEN }>::new(self.file(), op);
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
            let writer = writer.as_mut().expect("the writer was created above");
            key_count += batch.len() as u64;
            self.copy(op, &batch, writer).await?;
        }
        match writer {
            Some(writer) => Ok(Some((writer.finish(self.keys().end).await?, key_count))),
            None => Ok(None),
        }
    }

    async fn copy(&self, op: Op, batch: &[Located], writer: &mut ImageWriter<I>) -> Result<()> {
        let blobs: Vec<BlobPlace> = batch.iter().map(|entry| entry.blob).collect();
        let blobs = self
            .file()
            .read_raw(op, &blobs, COPY_LIMITS.len_max)
            .await?;
        for (entry, blob) in batch.iter().zip(&blobs) {
            writer.push_raw(entry.key, blob).await?;
        }
        Ok(())
    }
}
