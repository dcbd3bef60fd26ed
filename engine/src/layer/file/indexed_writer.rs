//! Writing a layer's file with its index, for layers of both kinds.

use super::context::LayerContext;
use super::layer_file::LayerFile;
use super::writer::FileWriter;
use crate::base::{FileName, Key, LayerName, Result};
use crate::format::{BLOCK_LEN, DeltaSummary, ImageSummary, TreeBuilder};
use crate::io::{Io, Op};

/// Writes blobs and an index of them, whose keys are `L` bytes long. Dropping the writer removes
/// the file.
pub(crate) struct IndexedWriter<I: Io, const L: usize> {
    name: LayerName,
    file: FileWriter<I>,
    tree: TreeBuilder<L>,
    last_key: Option<Key>,
}

impl<I: Io, const L: usize> IndexedWriter<I, L> {
    /// Creates the file of the layer `name`, under a scratch name with `attempt` in it.
    pub(crate) async fn create(
        context: &LayerContext<I>,
        op: Op,
        (name, attempt): (LayerName, u32),
    ) -> Result<IndexedWriter<I, L>> {
        assert!(!name.keys().is_empty());
        assert!(!name.lsns().is_empty());
        let temp = FileName::LayerTemp {
            name,
            generation: context.generation,
            attempt,
        };
        Ok(IndexedWriter {
            name,
            file: FileWriter::create(context, op, temp).await?,
            tree: TreeBuilder::new(),
            last_key: None,
        })
    }

    /// The length of all blobs so far, as they are stored, in bytes.
    pub(crate) fn blobs_len(&self) -> u64 {
        self.file.offset() - BLOCK_LEN as u64
    }

    /// The offset of the next blob, in bytes from the start of the file.
    pub(crate) fn offset(&self) -> u64 {
        self.file.offset()
    }

    /// The buffer to append a blob to. Call [`IndexedWriter::index`] after each.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.file.buffer()
    }

    /// Skips `len` bytes, which stay a hole in the file.
    #[cfg(test)]
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.file.skip_to(offset);
    }

    /// Adds an index entry for the last blob, which is `key`'s: `entry` is its key in the tree,
    /// which ascends, and `value` says where the blob is.
    pub(crate) async fn index(&mut self, key: Key, (entry, value): ([u8; L], u64)) -> Result<()> {
        assert!(self.name.keys().contains(key));
        self.tree
            .push(&entry, value)
            .expect("keys ascend, and the file's length is bounded");
        self.last_key = Some(key);
        self.file.drain().await
    }

    /// Ends the file as a layer of the planned keys before `keys_end`, and gives it its lasting
    /// name. The bytes are durable; the name is durable when the directory is synced.
    pub(crate) async fn finish(mut self, keys_end: Key) -> Result<LayerFile<I>> {
        let (LayerName::Delta { keys, .. } | LayerName::Image { keys, .. }) = &mut self.name;
        assert!(keys.start < keys_end);
        assert!(keys_end <= keys.end);
        assert!(self.last_key.is_none_or(|last| last < keys_end));
        keys.end = keys_end;
        let index_start_block = self.file.end_blobs();
        let tree = self.tree.finish();
        let root = (index_start_block, tree.root_block);
        let summary = summary(self.file.context(), self.name, root);
        self.file.finish(&tree, &summary, self.name).await
    }
}

/// Encodes block 0 of a layer's file. [`Root::read`] is its counterpart.
///
/// [`Root::read`]: super::root::Root::read
fn summary<I: Io>(
    context: &LayerContext<I>,
    name: LayerName,
    (index_start_block, index_root_block): (u32, u32),
) -> Vec<u8> {
    let (tenant, timeline) = (context.tenant, context.timeline);
    match name {
        LayerName::Delta { keys, lsns } => DeltaSummary {
            tenant,
            timeline,
            keys,
            lsns,
            index_start_block,
            index_root_block,
        }
        .encode()
        .to_vec(),
        LayerName::Image { keys, lsn } => ImageSummary {
            tenant,
            timeline,
            keys,
            lsn,
            index_start_block,
            index_root_block,
        }
        .encode()
        .to_vec(),
    }
}
