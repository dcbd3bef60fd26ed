//! The entries of a delta layer's index: key and LSN of a record, and where its value is.
//!
//! ```text
//! offset  size  field
//!      0    18  key       in the tree, one key
//!     18     8  lsn
//!
//!  bit  bits  field
//!    0     1  will_init   in the tree, one value
//!    1    38  offset      where in the file the blob starts
//! ```

use super::btree::VALUE_MAX;
use crate::base::{Key, Lsn};

/// A key at an LSN: by key first, then by LSN, as its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeltaKey {
    /// The key of the record.
    pub key: Key,
    /// The LSN of the record.
    pub lsn: Lsn,
}

impl DeltaKey {
    /// The length of its bytes.
    pub const LEN: usize = Key::LEN + 8;

    /// The bytes that stand for it in the index.
    pub fn to_bytes(self) -> [u8; DeltaKey::LEN] {
        let mut bytes = [0; DeltaKey::LEN];
        bytes[..Key::LEN].copy_from_slice(&self.key.to_bytes());
        bytes[Key::LEN..].copy_from_slice(&self.lsn.0.to_be_bytes());
        bytes
    }

    /// The key and LSN that `bytes` stand for; any bytes stand for some.
    pub fn from_bytes(bytes: [u8; DeltaKey::LEN]) -> DeltaKey {
        let mut key = [0; Key::LEN];
        let mut lsn = [0; 8];
        key.copy_from_slice(&bytes[..Key::LEN]);
        lsn.copy_from_slice(&bytes[Key::LEN..]);
        DeltaKey {
            key: Key::from_bytes(key),
            lsn: Lsn(u64::from_be_bytes(lsn)),
        }
    }
}

/// The place of a delta layer's value, and whether it is a base, which needs nothing below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobRef(u64);

impl BlobRef {
    /// The highest offset that fits, in bytes: 2^38 - 1.
    pub const OFFSET_MAX: u64 = VALUE_MAX >> 1;

    /// The value at `offset` bytes of the file.
    ///
    /// # Panics
    /// If the offset is above `OFFSET_MAX`; a layer file ends far below.
    pub fn new(offset: u64, will_init: bool) -> BlobRef {
        assert!(offset <= BlobRef::OFFSET_MAX);
        BlobRef((offset << 1) | u64::from(will_init))
    }

    /// Decodes a value of the tree.
    pub fn from_value(value: u64) -> BlobRef {
        BlobRef(value)
    }

    /// Encodes it as a value of the tree.
    pub fn to_value(self) -> u64 {
        self.0
    }

    /// The blob's offset in the file, in bytes.
    pub fn offset(self) -> u64 {
        self.0 >> 1
    }

    /// Whether the value is a base, which needs nothing below it.
    pub fn will_init(self) -> bool {
        self.0 & 1 == 1
    }
}

#[cfg(test)]
mod tests;
