//! A delta layer as it is written.

use super::context::LayerContext;
use super::delta::DeltaLayer;
use super::file_writer::FileWriter;
use crate::base::{FileName, Key, KeyRange, LayerName, Lsn, LsnRange, Result};
use crate::format::{
    BLOCK_LEN, BlobRef, Compression, DeltaKey, DeltaSummary, TreeBuilder, encode_blob,
};
use crate::io::{Io, Op};

/// What a new delta layer will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaPlan {
    /// The keys that it will cover.
    pub keys: KeyRange,
    /// The LSNs that it will cover.
    pub lsns: LsnRange,
    /// Never the same twice in a generation: part of the file's scratch name.
    pub attempt: u32,
}

/// Writes a delta layer. Nobody sees it before it is finished, and dropping it removes its file.
pub struct DeltaWriter<I: Io> {
    plan: DeltaPlan,
    file: FileWriter<I>,
    tree: TreeBuilder<{ DeltaKey::LEN }>,
    last_key: Option<Key>,
}

impl DeltaPlan {
    fn layer_name(&self) -> LayerName {
        LayerName::Delta {
            keys: self.keys,
            lsns: self.lsns,
        }
    }
}

impl<I: Io> DeltaWriter<I> {
    /// Starts the file, under a scratch name.
    ///
    /// # Errors
    /// `Io` if the device refuses.
    pub async fn create(
        context: &LayerContext<I>,
        op: Op,
        plan: DeltaPlan,
    ) -> Result<DeltaWriter<I>> {
        assert!(!plan.keys.is_empty());
        assert!(!plan.lsns.is_empty());
        let temp = FileName::LayerTemp {
            name: plan.layer_name(),
            generation: context.generation,
            attempt: plan.attempt,
        };
        Ok(DeltaWriter {
            plan,
            file: FileWriter::create(context, op, temp).await?,
            tree: TreeBuilder::new(),
            last_key: None,
        })
    }

    /// How long the values are together, as they are stored, in bytes.
    pub fn blobs_len(&self) -> u64 {
        self.file.offset() - BLOCK_LEN as u64
    }

    /// Goes on behind so many bytes, which stay a hole.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.file.skip_to(offset);
    }

    /// Adds a record, as it is serialised; keys, then LSNs, ascend.
    ///
    /// # Errors
    /// `Io` if the device refuses, `Refused` if the file would become too long.
    pub async fn push(
        &mut self,
        (key, lsn): (Key, Lsn),
        value: &[u8],
        will_init: bool,
    ) -> Result<()> {
        assert!(self.plan.keys.contains(key));
        assert!(self.plan.lsns.contains(lsn));
        let blob = BlobRef::new(self.file.offset(), will_init);
        encode_blob(self.file.buffer(), value, Compression::None)
            .expect("a batch refuses what is longer than a blob");
        let bytes = DeltaKey { key, lsn }.to_bytes();
        self.tree
            .push(&bytes, blob.to_value())
            .expect("keys ascend, and the file's length is bounded");
        self.last_key = Some(key);
        self.file.drain().await
    }

    /// Ends the file and gives it its lasting name. Its bytes are durable; its name is when its
    /// directory is synced. Dropped before it is kept, the layer takes its file along.
    ///
    /// # Errors
    /// `Latched` if the file's sync fails, `Io` if the device refuses.
    pub async fn finish(self) -> Result<DeltaLayer<I>> {
        let keys_end = self.plan.keys.end;
        self.finish_before(keys_end).await
    }

    /// Ends the file as [`DeltaWriter::finish`] does, as a layer of the planned keys before
    /// `keys_end`.
    ///
    /// # Errors
    /// As [`DeltaWriter::finish`].
    pub async fn finish_before(mut self, keys_end: Key) -> Result<DeltaLayer<I>> {
        assert!(self.plan.keys.start < keys_end);
        assert!(keys_end <= self.plan.keys.end);
        assert!(self.last_key.is_none_or(|last| last < keys_end));
        self.plan.keys.end = keys_end;
        let start_block = self.file.end_blobs();
        let tree = self.tree.finish();
        let context = self.file.context();
        let summary = DeltaSummary {
            tenant: context.tenant,
            timeline: context.timeline,
            keys: self.plan.keys,
            lsns: self.plan.lsns,
            index_start_block: start_block,
            index_root_block: tree.root_block,
        };
        let name = self.plan.layer_name();
        let file = self.file.finish(&tree, &summary.encode(), name).await?;
        Ok(DeltaLayer::of_file(file))
    }
}
