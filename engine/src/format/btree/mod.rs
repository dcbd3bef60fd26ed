//! The index of a layer file: a B-tree that is built once, in key order, and read many times.
//!
//! Each node is one block. `L` is the length of every key.
//!
//! ```text
//! offset  size  field
//!      0     2  count        children of an inner node, entries of a leaf
//!      2     1  level        0 is a leaf
//!      3     1  prefix_len   p
//!      4     1  suffix_len   s, and p + s = L
//!      5     p  prefix       what all keys start with
//!    5+p  s*n  suffixes      the keys' other bytes, in strictly ascending order
//!      +  5*n  values        in the order of the keys
//!      +     …  zeros
//!
//! value in a leaf         40 bits, the highest of them 0
//! value in an inner node  0x80, then 4 bytes: the child's block, counted from the index's start
//! ```
//!
//! 1. The key of a child in its parent is the first key in the child.
//! 2. A child is one level below its parent, and stands in a lower block.
//! 3. The root is the last block. A tree without entries is a leaf with a count of 0.
//! 4. A node never fills its block to the last byte: a writer stops where the entry would.

mod build;
mod cursor;
mod node;

pub use build::{Tree, TreeBuilder, TreeError};
pub use cursor::{Cursor, Step};
pub use node::Node;

/// The highest value that a tree holds: 39 bits.
pub const VALUE_MAX: u64 = 0x7F_FFFF_FFFF;

const HEADER_LEN: usize = 5;
const VALUE_LEN: usize = 5;

/// The highest of a value's 40 bits, which is set for a child.
const CHILD_FLAG: u64 = 0x80_0000_0000;

/// The first byte of a value that is a child; other values have a lower one.
const CHILD_MARK: u8 = 0x80;

const _: () = assert!(CHILD_FLAG == VALUE_MAX + 1);
const _: () = assert!(CHILD_FLAG == (CHILD_MARK as u64) << 32);

#[cfg(test)]
mod tests;
