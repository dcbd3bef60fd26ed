//! A record as it is stored, on its way from one layer into another.

use crate::base::{Key, Lsn};

/// Which kind of layer a record comes from.
///
/// # Shape
/// The image of a key at an LSN stands before its delta there: what needs nothing below it first.
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
    /// Whose it is.
    pub key: Key,
    /// Since when.
    pub lsn: Lsn,
    /// Which kind of layer it comes from.
    pub kind: RecordKind,
    /// Whether a read needs nothing below it.
    pub is_base: bool,
    /// The value, as the layer stores it.
    pub bytes: Vec<u8>,
}

/// One record without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawEntry {
    /// Whose it is.
    pub key: Key,
    /// Since when.
    pub lsn: Lsn,
    /// Which kind of layer it comes from.
    pub kind: RecordKind,
    /// How much of the layer's file its value takes, in bytes.
    pub len: u64,
}

/// What has its place among the records of a layer, no two of which stand at one place.
pub trait Placed: Ord + Send {
    /// Where it stands. What is ordered by its place first is ordered by it.
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
