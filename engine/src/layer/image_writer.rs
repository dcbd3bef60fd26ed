//! Writing an image layer.

use super::file::{IndexedWriter, LayerContext};
use super::image::ImageLayer;
use crate::base::{Error, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::{BlobEncoder, Compression};
use crate::io::{Io, Op};

/// The parameters of a new image layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageFilePlan {
    /// The keys that it will cover; `finish` may lower the end.
    pub keys: KeyRange,
    /// The LSN of its values.
    pub lsn: Lsn,
    /// The compression of its values.
    pub compression: Compression,
    /// A number that is unique in the generation, as part of the file's scratch name.
    pub attempt: u32,
}

/// Writes an image layer. No reader sees it before it is finished, and dropping the writer removes
/// the file.
pub struct ImageWriter<I: Io> {
    file: IndexedWriter<I, { Key::LEN }>,
    encoder: BlobEncoder,
}

impl ImageFilePlan {
    fn layer_name(&self) -> LayerName {
        LayerName::Image {
            keys: self.keys,
            lsn: self.lsn,
        }
    }
}

impl<I: Io> ImageWriter<I> {
    /// Creates the file, under a scratch name.
    ///
    /// # Errors
    /// `Io` if the device refuses.
    pub async fn create(
        context: &LayerContext<I>,
        op: Op,
        plan: ImageFilePlan,
    ) -> Result<ImageWriter<I>> {
        assert!(plan.lsn < Lsn::MAX);
        let file = IndexedWriter::create(context, op, (plan.layer_name(), plan.attempt)).await?;
        Ok(ImageWriter {
            file,
            encoder: BlobEncoder::new(plan.compression),
        })
    }

    /// The length of all values so far, as they are stored, in bytes.
    pub fn blobs_len(&self) -> u64 {
        self.file.blobs_len()
    }

    /// Adds the value of a key; keys ascend.
    ///
    /// # Errors
    /// `Io` if the device refuses, `Refused` if the value is longer than a blob can be, or if the
    /// file would become too long.
    pub async fn push(&mut self, key: Key, value: &[u8]) -> Result<()> {
        let offset = self.file.offset();
        let encoded = self.encoder.encode(self.file.buffer(), value);
        encoded.map_err(|error| {
            let why = format!("key {key}: {error}");
            Error::Refused { why }
        })?;
        self.file.index(key, (key.to_bytes(), offset)).await
    }

    /// Adds a blob as another layer stores it, header included. The caller has checked it.
    pub(crate) async fn push_raw(&mut self, key: Key, blob: &[u8]) -> Result<()> {
        let offset = self.file.offset();
        self.file.buffer().extend_from_slice(blob);
        self.file.index(key, (key.to_bytes(), offset)).await
    }

    /// Ends the file as a layer of the planned keys before `keys_end`, and gives it its lasting
    /// name. The bytes are durable; the name is durable when the directory is synced. If the layer
    /// is dropped before it is kept, it removes its file.
    ///
    /// # Errors
    /// `Latched` if the file's sync fails, `Io` if the device refuses.
    pub async fn finish(self, keys_end: Key) -> Result<ImageLayer<I>> {
        Ok(ImageLayer::of_file(self.file.finish(keys_end).await?))
    }
}
