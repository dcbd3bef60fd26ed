//! An image layer as it is written.

use super::context::LayerContext;
use super::file_writer::FileWriter;
use super::image::ImageLayer;
use crate::base::{Error, FileName, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::{BLOCK_LEN, BlobEncoder, Compression, ImageSummary, TreeBuilder};
use crate::io::{Io, Op};

/// What a new image layer will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImagePlan {
    /// The keys that it will cover; its end may come down when it is finished.
    pub keys: KeyRange,
    /// When its values are true.
    pub lsn: Lsn,
    /// How they are stored.
    pub compression: Compression,
    /// Never the same twice in a generation: part of the file's scratch name.
    pub attempt: u32,
}

/// Writes an image layer. Nobody sees it before it is finished, and dropping it removes its file.
pub struct ImageWriter<I: Io> {
    plan: ImagePlan,
    file: FileWriter<I>,
    encoder: BlobEncoder,
    tree: TreeBuilder<{ Key::LEN }>,
    last_key: Option<Key>,
}

impl ImagePlan {
    fn layer_name(&self) -> LayerName {
        LayerName::Image {
            keys: self.keys,
            lsn: self.lsn,
        }
    }
}

impl<I: Io> ImageWriter<I> {
    /// Starts the file, under a scratch name.
    ///
    /// # Errors
    /// `Io` if the device refuses.
    pub async fn create(
        context: &LayerContext<I>,
        op: Op,
        plan: ImagePlan,
    ) -> Result<ImageWriter<I>> {
        assert!(!plan.keys.is_empty());
        assert!(plan.lsn < Lsn::MAX);
        let temp = FileName::LayerTemp {
            name: plan.layer_name(),
            generation: context.generation,
            attempt: plan.attempt,
        };
        Ok(ImageWriter {
            plan,
            encoder: BlobEncoder::new(plan.compression),
            file: FileWriter::create(context, op, temp).await?,
            tree: TreeBuilder::new(),
            last_key: None,
        })
    }

    /// How long the values are together, as they are stored, in bytes.
    pub fn blobs_len(&self) -> u64 {
        self.file.offset() - BLOCK_LEN as u64
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
        self.index(key, offset);
        self.file.drain().await
    }

    /// Adds a blob as another layer stores it, header and all, which the caller has checked.
    pub(crate) async fn push_raw(&mut self, key: Key, blob: &[u8]) -> Result<()> {
        let offset = self.file.offset();
        self.file.buffer().extend_from_slice(blob);
        self.index(key, offset);
        self.file.drain().await
    }

    fn index(&mut self, key: Key, offset: u64) {
        assert!(self.plan.keys.contains(key));
        self.tree
            .push(&key.to_bytes(), offset)
            .expect("keys ascend, and the file's length is bounded");
        self.last_key = Some(key);
    }

    /// Ends the file, as a layer of the planned keys before `keys_end`, and gives it its lasting
    /// name. Its bytes are durable; its name is when its directory is synced. Dropped before it is
    /// kept, the layer takes its file along.
    ///
    /// # Errors
    /// `Latched` if the file's sync fails, `Io` if the device refuses.
    pub async fn finish(mut self, keys_end: Key) -> Result<ImageLayer<I>> {
        assert!(self.plan.keys.start < keys_end);
        assert!(keys_end <= self.plan.keys.end);
        assert!(self.last_key.is_none_or(|last| last < keys_end));
        self.plan.keys.end = keys_end;
        let start_block = self.file.end_blobs();
        let tree = self.tree.finish();
        let context = self.file.context();
        let summary = ImageSummary {
            tenant: context.tenant,
            timeline: context.timeline,
            keys: self.plan.keys,
            lsn: self.plan.lsn,
            index_start_block: start_block,
            index_root_block: tree.root_block,
        };
        let name = self.plan.layer_name();
        let file = self.file.finish(&tree, &summary.encode(), name).await?;
        Ok(ImageLayer::of_file(file))
    }
}
