//! The index of a layer's file, of either kind: its nodes come from the cache or from the file.

use std::ops::RangeInclusive;

use super::cache::IndexNode;
use super::layer_file::LayerFile;
use crate::base::{DecodeError, Error, Key, LayerName, Lsn, Result};
use crate::format::{BLOCK_LEN, BlobRef, Cursor, DeltaKey, Node, Step, Value};
use crate::io::{Io, Op};

/// A value that an index has: whose, since when, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// Whose it is.
    pub key: Key,
    /// Since when.
    pub lsn: Lsn,
    /// Whether it needs nothing below it.
    pub is_base: bool,
    /// Where it stands.
    pub blob: BlobPlace,
}

/// Where a blob stands in a layer's file.
///
/// # Units
/// Bytes from the start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobPlace {
    /// Where it starts.
    pub offset: u64,
    /// Where the next one starts, if that is known.
    pub end: Option<u64>,
}

impl Located {
    /// The value that a layer of records has here.
    ///
    /// # Errors
    /// If the bytes are none, or if the index says of it what it is not.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        let value = Value::decode(bytes).map_err(|error| error.at(self.blob.offset))?;
        if value.will_init() == self.is_base {
            return Ok(value);
        }
        let problem = "the index and the value differ in will_init";
        Err(DecodeError::malformed("value", self.blob.offset, problem))
    }
}

impl<I: Io> LayerFile<I> {
    /// Whether a look at the root, if that is a leaf and is in the cache, finds nothing: most
    /// layers of a read have nothing of its keys.
    pub(crate) fn is_surely_without<const L: usize>(&self, keys: &RangeInclusive<[u8; L]>) -> bool
    where
        Node<L>: IndexNode,
    {
        let Some(root) = self.opened_root() else {
            return false;
        };
        let kept: Option<Node<L>> = self.context().cache.get(self.number(), root.root_block);
        let leaf = kept.filter(Node::is_leaf);
        leaf.is_some_and(|leaf| leaf.count_up_to(keys.end()) == leaf.count_below(keys.start()))
    }

    /// The next entry of a cursor. A cursor that is dropped here goes on where it was.
    pub(crate) async fn next_entry<const L: usize>(
        &self,
        op: Op,
        cursor: &mut Cursor<L>,
    ) -> Result<Option<Located>>
    where
        Node<L>: IndexNode,
    {
        loop {
            match cursor.next().map_err(|error| self.index_corrupt(error))? {
                Step::End => return Ok(None),
                Step::Entry(key, value) => {
                    return self.entry_of(&key, (value, cursor.value_behind()));
                }
                Step::Need(block_index) => {
                    let node = self.node(op, block_index).await?;
                    let fed = cursor.feed_node(block_index, node);
                    fed.map_err(|error| self.index_corrupt(error))?;
                }
            }
        }
    }

    fn index_corrupt(&self, error: DecodeError) -> Error {
        let start = self.opened_root().map_or(0, |root| root.start());
        self.corrupt(error.at(start))
    }

    /// What an entry of the index says, with the value of the one behind it.
    fn entry_of(&self, key: &[u8], (value, behind): (u64, Option<u64>)) -> Result<Option<Located>> {
        const WIDTH: &str = "the index has keys of the layer's kind";
        let name = self.entry().name;
        let (key, lsn) = match name {
            LayerName::Delta { .. } => {
                let found = DeltaKey::from_bytes(key.try_into().expect(WIDTH));
                (found.key, found.lsn)
            }
            LayerName::Image { lsn, .. } => (Key::from_bytes(key.try_into().expect(WIDTH)), lsn),
        };
        let is_inside = name.keys().contains(key) && (name.is_image() || name.lsns().contains(lsn));
        if !is_inside {
            let problem = format!("key {key} at LSN {lsn} is outside of the layer");
            return Err(self.index_corrupt(DecodeError::malformed("record", 0, problem)));
        }
        let offset_of = |value: u64| match name {
            LayerName::Delta { .. } => BlobRef::from_value(value).offset(),
            LayerName::Image { .. } => value,
        };
        Ok(Some(Located {
            key,
            lsn,
            is_base: name.is_image() || BlobRef::from_value(value).will_init(),
            blob: BlobPlace {
                offset: offset_of(value),
                end: behind.map(offset_of),
            },
        }))
    }

    /// A node of the index, after [`LayerFile::root`].
    async fn node<const L: usize>(&self, op: Op, block_index: u32) -> Result<Node<L>>
    where
        Node<L>: IndexNode,
    {
        let root = self.opened_root().expect("root() was asked for before");
        let cache = &self.context().cache;
        if let Some(node) = cache.get(self.number(), block_index) {
            return Ok(node);
        }
        if block_index != root.root_block {
            let io = &self.context().io;
            io.probe("a read descends in an index of several levels");
        }
        let start = root.start() + u64::from(block_index) * BLOCK_LEN as u64;
        let block = self.span(op, start, start + BLOCK_LEN as u64).await?;
        let node: Node<L> = Node::decode(block).map_err(|error| self.corrupt(error.at(start)))?;
        cache.insert(self.number(), block_index, node.clone());
        Ok(node)
    }
}

/// The bytes right below `bytes`, as one number.
///
/// # Panics
/// If nothing is below them.
pub(crate) fn below<const L: usize>(mut bytes: [u8; L]) -> [u8; L] {
    for byte in bytes.iter_mut().rev() {
        let (lower, borrows) = byte.overflowing_sub(1);
        *byte = lower;
        if !borrows {
            return bytes;
        }
    }
    panic!("nothing is below zero");
}
