//! What a read has gathered on its way down, until it stands on a base.

use crate::base::{DecodeError, Lsn};
use crate::format::{Record, Value};

/// The records of one key, newest first, and the image below them.
#[derive(Debug, Default)]
pub struct Gathered {
    records: Vec<(Lsn, Record)>,
    base: Option<Vec<u8>>,
    is_complete: bool,
}

impl Gathered {
    /// Nothing yet.
    pub fn new() -> Gathered {
        Gathered::default()
    }

    /// Whether nothing below what was gathered can matter.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether there is no record and no base: the key has no history.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.base.is_none()
    }

    /// Takes the next older value, as it is stored.
    ///
    /// # Errors
    /// If the bytes are no value.
    pub fn push(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<(), DecodeError> {
        assert!(!self.is_complete);
        assert!(self.records.last().is_none_or(|(newer, _)| lsn < *newer));
        match Value::decode(bytes)? {
            Value::Image(image) => {
                self.base = Some(image);
                self.is_complete = true;
            }
            Value::Record(record) => {
                self.is_complete = record.will_init();
                self.records.push((lsn, record));
            }
        }
        Ok(())
    }

    /// The image, and the records above it from the oldest on.
    pub fn into_parts(self) -> (Option<Vec<u8>>, Vec<(Lsn, Record)>) {
        let mut records = self.records;
        records.reverse();
        (self.base, records)
    }
}
