//! One node, read in place: a search compares the block's own bytes.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::super::BLOCK_LEN;
use super::super::take::Take;
use super::{CHILD_FLAG, CHILD_MARK, HEADER_LEN, VALUE_LEN};
use crate::base::DecodeError;

/// A node of a tree whose keys have `L` bytes.
///
/// # Shape
/// It is checked in full when it is decoded, and a clone shares the block: so nodes can be cached.
#[derive(Clone)]
pub struct Node<const L: usize> {
    block: Arc<Vec<u8>>,
    count: usize,
    level: u8,
    prefix_len: usize,
}

impl<const L: usize> Node<L> {
    /// Reads a node, which is all of `block`.
    ///
    /// # Errors
    /// If a field cannot be what it is, if the keys do not ascend, or if a value is one of another
    /// level. The offset is one in the block.
    pub fn decode(block: impl Into<Vec<u8>>) -> Result<Node<L>, DecodeError> {
        let block = Arc::new(block.into());
        if block.len() != BLOCK_LEN {
            let problem = format!("expected {BLOCK_LEN} bytes, found {}", block.len());
            return Err(DecodeError::malformed("node", 0, problem));
        }
        let mut take = Take::new(&block);
        let count = usize::from(take.take_u16("count")?);
        let level = take.take_u8("level")?;
        let prefix_len = usize::from(take.take_u8("prefix length")?);
        let suffix_len = usize::from(take.take_u8("suffix length")?);
        if prefix_len + suffix_len != L {
            let problem = format!("expected {prefix_len} + {suffix_len} to be {L}");
            return Err(DecodeError::malformed("suffix length", 3, problem));
        }
        // With 16 bits of count and 8 bits of each length, no sum can overflow.
        if BLOCK_LEN < HEADER_LEN + prefix_len + count * (suffix_len + VALUE_LEN) {
            let problem = format!("{count} keys of {L} bytes do not fit into a block");
            return Err(DecodeError::malformed("count", 0, problem));
        }
        if count == 0 && 0 < level {
            let problem = format!("expected children of level {level}, found none");
            return Err(DecodeError::malformed("count", 0, problem));
        }
        let node = Node {
            block,
            count,
            level,
            prefix_len,
        };
        node.check_keys()?;
        node.check_values()?;
        Ok(node)
    }

    /// The number of entries, or of children.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of levels below it; 0 for a leaf.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Whether it is a leaf, which has entries and no children.
    pub fn is_leaf(&self) -> bool {
        self.level == 0
    }

    /// The bytes that are stored once because all keys start with them.
    pub fn prefix(&self) -> &[u8] {
        &self.block[HEADER_LEN..HEADER_LEN + self.prefix_len]
    }

    /// The key of an entry or a child.
    ///
    /// # Panics
    /// If the index is not below `count`.
    pub fn key(&self, entry_index: usize) -> [u8; L] {
        let mut key = [0; L];
        let (prefix, suffix) = key.split_at_mut(self.prefix_len);
        prefix.copy_from_slice(self.prefix());
        suffix.copy_from_slice(self.suffix(entry_index));
        key
    }

    /// The value of an entry of a leaf.
    ///
    /// # Panics
    /// If the index is not below `count`.
    pub fn value(&self, entry_index: usize) -> u64 {
        assert!(self.is_leaf());
        self.raw_value(entry_index)
    }

    /// The block of a child of an inner node, counted from the index's start.
    ///
    /// # Panics
    /// If the index is not below `count`.
    pub fn child_block(&self, child_index: usize) -> u32 {
        assert!(!self.is_leaf());
        u32::try_from(self.raw_value(child_index) & !CHILD_FLAG).expect("decode checked the value")
    }

    /// The number of keys below `key`.
    pub fn count_below(&self, key: &[u8; L]) -> usize {
        self.partition_point(key, |suffix, wanted| suffix < wanted)
    }

    /// The number of keys below `key` or equal to it.
    pub fn count_up_to(&self, key: &[u8; L]) -> usize {
        self.partition_point(key, |suffix, wanted| suffix <= wanted)
    }

    /// The number of keys for which `is_left` holds; they must be the first ones.
    fn partition_point(&self, key: &[u8; L], is_left: impl Fn(&[u8], &[u8]) -> bool) -> usize {
        let (key_prefix, wanted) = key.split_at(self.prefix_len);
        match self.prefix().cmp(key_prefix) {
            Ordering::Less => return self.count,
            Ordering::Greater => return 0,
            Ordering::Equal => {}
        }
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_left(self.suffix(middle), wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn suffixes(&self) -> Range<usize> {
        let start = HEADER_LEN + self.prefix_len;
        start..start + self.count * (L - self.prefix_len)
    }

    fn suffix(&self, entry_index: usize) -> &[u8] {
        assert!(entry_index < self.count);
        let suffix_len = L - self.prefix_len;
        &self.block[self.suffixes().start + entry_index * suffix_len..][..suffix_len]
    }

    fn raw_value(&self, entry_index: usize) -> u64 {
        assert!(entry_index < self.count);
        let mut bytes = [0; 8];
        let start = self.suffixes().end + entry_index * VALUE_LEN;
        bytes[8 - VALUE_LEN..].copy_from_slice(&self.block[start..start + VALUE_LEN]);
        u64::from_be_bytes(bytes)
    }

    fn check_keys(&self) -> Result<(), DecodeError> {
        let suffix_len = L - self.prefix_len;
        let suffixes = &self.block[self.suffixes()];
        let is_sorted = suffixes
            .chunks_exact(suffix_len.max(1))
            .is_sorted_by(|a, b| a < b);
        if !is_sorted || (suffix_len == 0 && 1 < self.count) {
            let problem = format!("expected {} in strictly ascending order", self.count);
            return Err(DecodeError::malformed(
                "keys",
                self.suffixes().start as u64,
                problem,
            ));
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), DecodeError> {
        let values = &self.block[self.suffixes().end..][..self.count * VALUE_LEN];
        let is_right = |value: &[u8]| match self.level {
            0 => value[0] < CHILD_MARK,
            _ => value[0] == CHILD_MARK,
        };
        if !values.chunks_exact(VALUE_LEN).all(is_right) {
            let problem = format!(
                "expected {} as there are at level {}",
                self.count, self.level
            );
            return Err(DecodeError::malformed(
                "values",
                self.suffixes().end as u64,
                problem,
            ));
        }
        Ok(())
    }
}

impl<const L: usize> fmt::Debug for Node<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("count", &self.count)
            .field("level", &self.level)
            .field("prefix", &self.prefix())
            .finish_non_exhaustive()
    }
}
