//! A layer's file by its bytes alone: no index of a timeline is needed, and none is asked.
//!
//! 1. `summary` decodes block 0, which says what the file is.
//! 2. `reader` checks that the parts fill the file, and reads blocks and nodes of the index.
//! 3. `entries` walks over the index in order; `blob` reads what an entry points to.
//!
//! A walk holds one path of the index, one value and the checksum section in memory: 4 bytes for
//! each block of a file, whose length is bounded.

mod blob;
mod entries;
mod reader;
mod summary;

pub use entries::{Entries, Entry};
pub use reader::{LayerReader, NodeView};
pub use summary::Summary;
