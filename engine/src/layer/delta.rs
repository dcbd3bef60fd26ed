//! The delta layer: records of a range of keys over a range of LSNs.

use std::path::Path;
use std::sync::OnceLock;

use super::file::{LayerFile, Root};
use super::file_writer::FileWriter;
use super::gathered::Gathered;
use crate::base::{
    DecodeError, Error, FileName, Generation, Key, KeyRange, LayerName, Lsn, LsnRange, Result,
    TenantId, TimelineId,
};
use crate::format::{
    BLOCK_LEN, BlobRef, Compression, DeltaKey, DeltaSummary, IndexLayer, Node, Step, TreeBuilder,
    Value, Walk, encode_blob,
};
use crate::io::{Io, Op};

/// A finished delta layer.
pub struct DeltaLayer<I: Io> {
    tenant: TenantId,
    keys: KeyRange,
    lsns: LsnRange,
    file: LayerFile<I>,
    root_node: OnceLock<DeltaNode>,
}

type DeltaKeyBytes = [u8; DeltaKey::LEN];
type DeltaNode = Node<{ DeltaKey::LEN }>;

/// One record of a delta layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaRecord {
    /// Whose it is.
    pub key: Key,
    /// Since when.
    pub lsn: Lsn,
    /// What it does.
    pub value: Value,
}

impl<I: Io> DeltaLayer<I> {
    /// The layer of `entry` in `dir`; nothing is read yet.
    ///
    /// # Panics
    /// If the entry is an image layer's.
    pub fn new(io: I, dir: &Path, tenant: TenantId, entry: IndexLayer) -> DeltaLayer<I> {
        let LayerName::Delta { keys, lsns } = entry.name else {
            panic!("{} is no delta layer", entry.name);
        };
        DeltaLayer {
            tenant,
            keys,
            lsns,
            file: LayerFile::new(io, dir, entry),
            root_node: OnceLock::new(),
        }
    }

    /// What the index says of it.
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

    /// Gathers the key's records up to `lsn`, newest first, down to one that needs nothing below.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read.
    pub async fn gather(
        &self,
        op: Op,
        (key, lsn): (Key, Lsn),
        gathered: &mut Gathered,
    ) -> Result<()> {
        if !self.keys.contains(key) || lsn < self.lsns.start {
            return Ok(());
        }
        let first = DeltaKey {
            key,
            lsn: Lsn::ZERO,
        }
        .to_bytes();
        let last = DeltaKey { key, lsn }.to_bytes();
        if self.is_surely_without(&first, &last) {
            return Ok(());
        }
        let root = self.root(op).await?;
        let mut walk = Walk::backward(root.root_block, first..=last);
        while let Some((found, blob)) = self.next(op, root, &mut walk).await? {
            let bytes = self.file.blob(op, blob.offset()).await?;
            let pushed = gathered.push(found.lsn, &bytes);
            pushed.map_err(|error| self.file.corrupt(error.at(blob.offset())))?;
            if gathered.is_complete() != blob.will_init() {
                return Err(self.malformed(blob, "the index and the value differ in will_init"));
            }
            if gathered.is_complete() {
                break;
            }
        }
        Ok(())
    }

    /// All records of the layer, by key and LSN, one at a time.
    pub async fn iter(&self, op: Op) -> Result<DeltaIter<'_, I>> {
        let root = self.root(op).await?;
        let all = [0; DeltaKey::LEN]..=[u8::MAX; DeltaKey::LEN];
        Ok(DeltaIter {
            layer: self,
            op,
            root,
            walk: Walk::forward(root.root_block, all),
        })
    }

    async fn root(&self, op: Op) -> Result<Root> {
        self.file.root(op, |block| self.read_summary(block)).await
    }

    /// Block 0, held against the name. Its timeline may be another one's.
    fn read_summary(&self, block: &[u8]) -> Result<Root, DecodeError> {
        let summary = DeltaSummary::decode(block)?;
        if (summary.keys, summary.lsns) != (self.keys, self.lsns) {
            let found = format!(
                "expected the name's ranges, found {} {}",
                summary.keys, summary.lsns
            );
            return Err(DecodeError::malformed("summary", 0, found));
        }
        if summary.tenant != self.tenant {
            let found = format!("expected tenant {}, found {}", self.tenant, summary.tenant);
            return Err(DecodeError::malformed("summary", 0, found));
        }
        Ok(Root {
            start_block: summary.index_start_block,
            root_block: summary.index_root_block,
            block_count: summary.block_count(),
        })
    }

    async fn next(
        &self,
        op: Op,
        root: Root,
        walk: &mut Walk<{ DeltaKey::LEN }>,
    ) -> Result<Option<(DeltaKey, BlobRef)>> {
        let index_offset = u64::from(root.start_block) * BLOCK_LEN as u64;
        let corrupt = |error: DecodeError| self.file.corrupt(error.at(index_offset));
        loop {
            match walk.next().map_err(corrupt)? {
                Step::End => return Ok(None),
                Step::Entry(key, value) => {
                    let found = DeltaKey::from_bytes(key);
                    if !self.keys.contains(found.key) || !self.lsns.contains(found.lsn) {
                        let problem = format!("{found:?} is outside of the layer");
                        return Err(corrupt(DecodeError::malformed("record", 0, problem)));
                    }
                    return Ok(Some((found, BlobRef::from_value(value))));
                }
                Step::Need(block_index) => {
                    let node = self.node(op, root, block_index).await?;
                    walk.feed_node(block_index, node).map_err(corrupt)?;
                }
            }
        }
    }

    /// Whether a look at the root, if that is a leaf and was read before, finds nothing: most
    /// layers of a read have nothing of its key.
    fn is_surely_without(&self, first: &DeltaKeyBytes, last: &DeltaKeyBytes) -> bool {
        let leaf = self.root_node.get().filter(|node| node.is_leaf());
        leaf.is_some_and(|leaf| leaf.count_up_to(last) == leaf.count_below(first))
    }

    /// A node of the index. The root is kept: most layers of a read end there.
    async fn node(&self, op: Op, root: Root, block_index: u32) -> Result<DeltaNode> {
        if block_index == root.root_block
            && let Some(node) = self.root_node.get()
        {
            return Ok(node.clone());
        }
        let index = u64::from(root.start_block) + u64::from(block_index);
        let block = self.file.block(op, index).await?;
        let node = DeltaNode::decode(block);
        let node = node.map_err(|error| self.file.corrupt(error.at(index * BLOCK_LEN as u64)))?;
        if block_index == root.root_block {
            return Ok(self.root_node.get_or_init(|| node).clone());
        }
        self.file
            .io()
            .reached("a read descends in an index of several levels");
        Ok(node)
    }

    fn malformed(&self, blob: BlobRef, problem: &str) -> Error {
        self.file
            .corrupt(DecodeError::malformed("value", blob.offset(), problem))
    }
}

/// The records of a delta layer, in order; holds one path of its index and one value.
pub struct DeltaIter<'a, I: Io> {
    layer: &'a DeltaLayer<I>,
    op: Op,
    root: Root,
    walk: Walk<{ DeltaKey::LEN }>,
}

impl<I: Io> DeltaIter<'_, I> {
    /// The next record; nothing after the last.
    ///
    /// # Errors
    /// `Corrupt` if the file is not what was written, `Io` if it cannot be read: then the same
    /// record can be asked for again only by a new iterator.
    pub async fn next(&mut self) -> Result<Option<DeltaRecord>> {
        let next = self.layer.next(self.op, self.root, &mut self.walk).await?;
        let Some((DeltaKey { key, lsn }, blob)) = next else {
            return Ok(None);
        };
        let bytes = self.layer.file.blob(self.op, blob.offset()).await?;
        let value = Value::decode(&bytes);
        let value = value.map_err(|error| self.layer.file.corrupt(error.at(blob.offset())))?;
        if value.will_init() != blob.will_init() {
            return Err(self
                .layer
                .malformed(blob, "the index and the value differ in will_init"));
        }
        Ok(Some(DeltaRecord { key, lsn, value }))
    }
}

/// What a new delta layer will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaPlan {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which timeline's it is.
    pub timeline: TimelineId,
    /// The keys that it will cover.
    pub keys: KeyRange,
    /// The LSNs that it will cover.
    pub lsns: LsnRange,
    /// Who writes it.
    pub generation: Generation,
    /// Never the same twice in a generation: part of the file's scratch name.
    pub attempt: u32,
}

/// Writes a delta layer. Nobody sees it before it is finished, and dropping it removes its file.
pub struct DeltaWriter<I: Io> {
    plan: DeltaPlan,
    file: FileWriter<I>,
    tree: TreeBuilder<{ DeltaKey::LEN }>,
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
    /// Starts the file in `dir`, under a scratch name.
    ///
    /// # Errors
    /// `Io` if the device refuses.
    pub async fn create(io: &I, op: Op, dir: &Path, plan: DeltaPlan) -> Result<DeltaWriter<I>> {
        assert!(!plan.keys.is_empty());
        assert!(!plan.lsns.is_empty());
        let temp = FileName::LayerTemp {
            name: plan.layer_name(),
            generation: plan.generation,
            attempt: plan.attempt,
        };
        Ok(DeltaWriter {
            plan,
            file: FileWriter::create(io, op, dir, temp).await?,
            tree: TreeBuilder::new(),
        })
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
        let key = DeltaKey { key, lsn }.to_bytes();
        self.tree
            .push(&key, blob.to_value())
            .expect("keys ascend, and the file's length is bounded");
        self.file.drain().await
    }

    /// Ends the file and gives it its lasting name. Its bytes are durable; its name is when its
    /// directory is synced.
    ///
    /// # Errors
    /// `Latched` if the file's sync fails, `Io` if the device refuses.
    pub async fn finish(mut self) -> Result<IndexLayer> {
        let start_block = self.file.end_blobs();
        let tree = self.tree.finish();
        let summary = DeltaSummary {
            tenant: self.plan.tenant,
            timeline: self.plan.timeline,
            keys: self.plan.keys,
            lsns: self.plan.lsns,
            index_start_block: start_block,
            index_root_block: tree.root_block,
        };
        let name = FileName::Layer {
            name: self.plan.layer_name(),
            generation: self.plan.generation,
        };
        let finished = self.file.finish(&tree, &summary.encode(), name).await?;
        Ok(finished.entry(name))
    }
}
