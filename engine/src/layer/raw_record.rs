//! Records as they are stored, copied from one layer to another.

use bytes::Bytes;

use crate::base::{Key, Lsn};

/// The kind of layer that a record comes from.
///
/// # Shape
/// At equal key and LSN the image is ordered before the delta, since it needs nothing below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// An image layer.
    Image,
    /// A delta layer.
    Delta,
}

/// One record, its value still serialised.
///
/// # Shape
/// Ordered by key, then LSN, the image before the delta, and then by its content, so that records
/// which differ in anything have one order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawRecord {
    /// The key of the record.
    pub key: Key,
    /// The LSN of the record.
    pub lsn: Lsn,
    /// The kind of layer that it comes from.
    pub kind: RecordKind,
    /// Whether a read needs nothing below it.
    pub is_base: bool,
    /// The value, as the layer stores it.
    pub bytes: Bytes,
}

/// One record without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawEntry {
    /// The key of the record.
    pub key: Key,
    /// The LSN of the record.
    pub lsn: Lsn,
    /// The kind of layer that it comes from.
    pub kind: RecordKind,
    /// The length of its value in the layer's file, in bytes.
    pub len: u64,
}

/// A record with a place among the records of a layer, which has at most one record at each place.
pub trait Placed: Ord + Send {
    /// The place of the record. The order of records is by place first.
    fn place(&self) -> (Key, Lsn, RecordKind);
}

impl Placed for RawRecord {
    fn place(&self) -> (Key, Lsn, RecordKind) {
        (self.key, self.lsn, self.kind)
    }
}

impl Placed for RawEntry {
    fn place(&self) -> (Key, Lsn, RecordKind) {
        (self.key, self.lsn, self.kind)
    }
}
