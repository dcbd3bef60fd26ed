//! What all parts of the disk name: its nodes, its sectors, and where it is wrong.

use std::ops::Range;

use crate::faults::Fault;

/// What a device promises to write whole, in bytes.
pub const SECTOR_LEN: usize = 512;

/// A file or directory, by number; numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// The directory `/`.
pub(super) const ROOT: NodeId = NodeId(0);

/// Where a file is wrong, in bytes, and by what.
pub type Wrongs = Vec<(Range<u64>, Fault)>;
