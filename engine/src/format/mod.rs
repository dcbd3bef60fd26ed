//! Floor 2: bytes and their meaning. No paths, no caches, no I/O: what needs a block asks for it.
//!
//! A layer file, from its first byte to its last:
//!
//! ```text
//! block 0                    summary, zeros, and at the very end the checksum marker
//! blocks 1..index_start      blobs, one behind the other; zeros fill up the last block
//! blocks index_start..=root  the index, a B-tree; its root is the last block
//! behind the root            the checksum section, not a whole number of blocks
//! ```

mod blob;
mod btree;
mod checksum;
mod delta_key;
mod dump;
mod index;
mod record;
mod record_ref;
mod redo;
mod summary;
mod take;
mod value;

pub use blob::{BlobHeader, BlobTooLarge, Compression, decode_blob, encode_blob};
pub use btree::{Cursor, Node, Step, Tree, TreeBuilder, TreeError};
pub use checksum::{ChecksumMarker, ChecksumSection};
pub use delta_key::{BlobRef, DeltaKey};
pub use dump::dump_index;
pub use index::{
    Ancestor, GcCompaction, GcCompactionRun, Index, IndexLayer, IndexSection, IndexShard,
    ShardOrigin,
};
pub use record::{MultixactMember, Record};
pub use record_ref::RecordRef;
pub use redo::{Edit, Edits, PAGE_LEN_MAX, Redo, RedoError};
pub use summary::{DeltaSummary, ImageSummary};
pub use value::{IMAGE_LEN_MAX, Value};

pub(crate) use blob::{BLOB_LEN_MAX, BlobDecoder, BlobEncoder};
pub(crate) use value::ValueRef;

/// The length of a block: the summary of a layer file and each node of its index fill one.
///
/// # Units
/// Bytes.
pub const BLOCK_LEN: usize = 8192;
