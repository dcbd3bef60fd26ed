//! Building a tree from its leaves up.
//!
//! An entry goes into the open node of its level. When that is full, it is compressed once: the
//! bytes that its first and its last key share, and so all between them, become its prefix. A node
//! that is full all the same is written out, and its first key goes into the level above.

use std::fmt;

use super::super::BLOCK_LEN;
use super::{CHILD_FLAG, HEADER_LEN, VALUE_LEN, VALUE_MAX};

/// A finished tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The nodes, one in each `BLOCK_LEN` bytes.
    pub blocks: Vec<u8>,
    /// The block of the root, which is the last one.
    pub root_block: u32,
}

/// An entry that no tree can take. The builder is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The key does not stand above the one before.
    UnsortedInput {
        /// The key.
        key: Vec<u8>,
        /// The key before it.
        last: Vec<u8>,
    },
    /// The value is above `VALUE_MAX`.
    AppendOverflow {
        /// The value.
        value: u64,
    },
}

/// Builds a tree from entries in ascending order.
#[derive(Clone, Debug)]
pub struct TreeBuilder<const L: usize> {
    blocks: Vec<u8>,
    /// The open node of each level, leaf first.
    levels: Vec<OpenNode<L>>,
    last_key: Option<[u8; L]>,
}

impl<const L: usize> Default for TreeBuilder<L> {
    fn default() -> TreeBuilder<L> {
        TreeBuilder::new()
    }
}

impl<const L: usize> TreeBuilder<L> {
    /// A tree without entries.
    pub fn new() -> TreeBuilder<L> {
        TreeBuilder {
            blocks: Vec::new(),
            levels: vec![OpenNode::new(0)],
            last_key: None,
        }
    }

    /// Adds an entry behind all others.
    ///
    /// # Errors
    /// If it does not stand behind them, or if the value is above `VALUE_MAX`.
    pub fn push(&mut self, key: &[u8; L], value: u64) -> Result<(), TreeError> {
        if let Some(last) = &self.last_key
            && key <= last
        {
            return Err(TreeError::UnsortedInput {
                key: key.to_vec(),
                last: last.to_vec(),
            });
        }
        if VALUE_MAX < value {
            return Err(TreeError::AppendOverflow { value });
        }
        self.append(0, key, value);
        self.last_key = Some(*key);
        Ok(())
    }

    /// The number of finished nodes: the tree will have these and a few more.
    pub fn block_count(&self) -> usize {
        self.blocks.len() / BLOCK_LEN
    }

    /// Ends the tree.
    pub fn finish(mut self) -> Tree {
        // Writing a node may add a level, which has to be written too.
        let mut level = 0;
        while level + 1 < self.levels.len() {
            self.write_out(level);
            level += 1;
        }
        let root_block = self.write_block(level);
        assert!(self.blocks.len() == (root_block as usize + 1) * BLOCK_LEN);
        Tree {
            blocks: self.blocks,
            root_block,
        }
    }

    fn append(&mut self, level: usize, key: &[u8; L], value: u64) {
        let node = &mut self.levels[level];
        if node.push(key, value) || (node.compress() && node.push(key, value)) {
            return;
        }
        self.write_out(level);
        self.levels[level] = OpenNode::new(level);
        let is_pushed = self.levels[level].push(key, value);
        assert!(is_pushed);
    }

    /// Writes the open node of `level`, and adds it to the level above.
    fn write_out(&mut self, level: usize) {
        let first_key = self.levels[level].first_key();
        let block = self.write_block(level);
        let above = level + 1;
        if above == self.levels.len() {
            self.levels.push(OpenNode::new(above));
        }
        self.append(above, &first_key, CHILD_FLAG | u64::from(block));
    }

    fn write_block(&mut self, level: usize) -> u32 {
        let block = u32::try_from(self.block_count()).expect("no memory holds 2^32 blocks");
        self.levels[level].encode(&mut self.blocks);
        block
    }
}

/// A node that still takes entries.
#[derive(Clone, Debug)]
struct OpenNode<const L: usize> {
    level: u8,
    count: u16,
    prefix: Vec<u8>,
    suffixes: Vec<u8>,
    values: Vec<u8>,
}

impl<const L: usize> OpenNode<L> {
    fn new(level: usize) -> OpenNode<L> {
        const { assert!(0 < L && L <= u8::MAX as usize) }
        OpenNode {
            level: u8::try_from(level).expect("each level has hundreds of times more below it"),
            count: 0,
            prefix: Vec::new(),
            suffixes: Vec::new(),
            values: Vec::new(),
        }
    }

    fn suffix_len(&self) -> usize {
        L - self.prefix.len()
    }

    fn len(&self) -> usize {
        HEADER_LEN + self.prefix.len() + self.suffixes.len() + self.values.len()
    }

    /// Adds the entry if it fits, and returns whether it did.
    fn push(&mut self, key: &[u8; L], value: u64) -> bool {
        let Some(suffix) = key.strip_prefix(self.prefix.as_slice()) else {
            return false;
        };
        if BLOCK_LEN <= self.len() + suffix.len() + VALUE_LEN {
            return false;
        }
        self.count += 1;
        self.suffixes.extend_from_slice(suffix);
        self.values
            .extend_from_slice(&value.to_be_bytes()[8 - VALUE_LEN..]);
        true
    }

    /// Makes the prefix longer if the keys share more bytes, and returns whether they do.
    fn compress(&mut self) -> bool {
        let suffix_len = self.suffix_len();
        let first = &self.suffixes[..suffix_len];
        let last = &self.suffixes[self.suffixes.len() - suffix_len..];
        let same_len = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        if same_len == 0 {
            return false;
        }
        // Only one key could be all prefix, and a node of one key is not full.
        assert!(same_len < suffix_len);
        self.prefix.extend_from_slice(&first[..same_len]);
        self.suffixes = self
            .suffixes
            .chunks_exact(suffix_len)
            .flat_map(|suffix| &suffix[same_len..])
            .copied()
            .collect();
        true
    }

    fn first_key(&self) -> [u8; L] {
        assert!(0 < self.count);
        let mut key = [0; L];
        let (prefix, suffix) = key.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(&self.prefix);
        suffix.copy_from_slice(&self.suffixes[..self.suffix_len()]);
        key
    }

    /// Appends the node to `out` as one block.
    fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.count.to_be_bytes());
        // The lengths are at most `L`, which has one byte.
        out.extend_from_slice(&[self.level, self.prefix.len() as u8, self.suffix_len() as u8]);
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.suffixes);
        out.extend_from_slice(&self.values);
        assert!(out.len() - start == self.len());
        assert!(self.len() < BLOCK_LEN);
        out.resize(start + BLOCK_LEN, 0);
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeError::UnsortedInput { key, last } => {
                write!(f, "key {key:02x?} does not stand above {last:02x?}")
            }
            TreeError::AppendOverflow { value } => {
                write!(f, "value {value:#x} is above {VALUE_MAX:#x}")
            }
        }
    }
}

impl std::error::Error for TreeError {}
