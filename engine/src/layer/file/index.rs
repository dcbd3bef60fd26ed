//! The index of a layer's file, of either kind: its nodes come from the cache or from the file.

use std::ops::RangeInclusive;

use super::cache::IndexNode;
use super::layer_file::LayerFile;
use crate::base::{DecodeError, Error, Key, LayerName, Lsn, Result};
use crate::format::{BLOCK_LEN, BlobRef, Cursor, DeltaKey, Node, Step, ValueRef};
use crate::io::{Io, Op};

/// An entry of an index: the key and LSN of a value, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The key of the value.
    pub key: Key,
    /// The LSN of the value.
    pub lsn: Lsn,
    /// Whether the value is a base, which needs nothing below it.
    pub is_base: bool,
    /// The place of the value in the file.
    pub blob: BlobPlace,
}

/// The place of a blob in a layer's file.
///
/// # Units
/// Bytes from the start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobPlace {
    /// The offset of its first byte.
    pub offset: u64,
    /// The offset of the next blob, if that is known.
    pub end: Option<u64>,
}

impl Located {
    /// Decodes the value of a delta layer at this place.
    ///
    /// # Errors
    /// If the bytes are no value, or if the index is wrong about `will_init`.
    pub(crate) fn decode<'a>(&self, bytes: &'a [u8]) -> Result<ValueRef<'a>, DecodeError> {
        let value = ValueRef::decode(bytes).map_err(|error| error.at(self.blob.offset))?;
        if value.will_init() == self.is_base {
            return Ok(value);
        }
        let problem = "the index and the value differ in will_init";
        Err(DecodeError::malformed("value", self.blob.offset, problem))
    }
}

impl<I: Io> LayerFile<I> {
    /// Whether the cached root shows, as a leaf, that the index has none of `keys`: most layers
    /// that a read visits have none.
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

    /// The next entry of a cursor. If the future is cancelled, a later call continues where the
    /// cursor was.
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

    /// Decodes an entry of the index; the next entry's value gives the end of its blob.
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

    /// Reads a node of the index, from the cache or the file, after [`LayerFile::root`].
    async fn node<const L: usize>(&self, op: Op, block_index: u32) -> Result<Node<L>>
    where
        Node<L>: IndexNode,
    {
        let root = self.opened_root().expect("the caller has called root()");
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

/// `bytes` minus one, as one number.
///
/// # Panics
/// If all bytes are zero.
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
