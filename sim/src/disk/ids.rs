//! The names that all parts of the disk share: nodes, sectors, and ranges that are wrong.

use std::ops::Range;

use crate::faults::Fault;

/// The unit that a device writes atomically, in bytes.
pub const SECTOR_LEN: usize = 512;

/// The number of a file or directory; no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// The directory `/`.
pub(super) const ROOT: NodeId = NodeId(0);

/// The ranges of a file that are wrong, in bytes, each with the fault that caused it.
pub type Wrongs = Vec<(Range<u64>, Fault)>;
