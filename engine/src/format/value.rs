//! Values as delta layers hold them: a whole image, or a record that changes one.
//!
//! ```text
//! offset  size  field
//!      0     4  0            image
//!      4     8  length
//!     12     l  image
//!
//!      0     4  1            record
//!      4     …  record       drawn at the head of `record.rs`
//! ```

use super::blob::BLOB_LEN_MAX;
use super::record::{self, Record};
use super::record_ref::RecordRef;
use super::take::Take;
use crate::base::DecodeError;

const IMAGE: u32 = 0;
const RECORD: u32 = 1;
const IMAGE_HEADER_LEN: usize = 4 + 8;

/// The longest image that a layer can hold, a delta layer too.
///
/// # Units
/// Bytes.
pub const IMAGE_LEN_MAX: usize = BLOB_LEN_MAX - IMAGE_HEADER_LEN;

/// A value of a key at an LSN: a whole image, or a record that changes the value below.
///
/// # Examples
/// ```
/// use palimpsest::{Edit, Value};
///
/// let whole = Value::Image(vec![0; 8192]);
/// let patch = Edit::Patch { offset: 100, bytes: b"new".to_vec() };
/// let change = Value::Record(patch.into_record());
/// assert!(whole.will_init());
/// assert!(!change.will_init()); // It needs a value below it.
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole value, whatever the value below it.
    Image(Vec<u8>),
    /// A change to the value below it.
    Record(Record),
}

/// A value that borrows the bytes that it was decoded from.
pub(crate) enum ValueRef<'a> {
    Image(&'a [u8]),
    Record(RecordRef<'a>),
}

impl<'a> ValueRef<'a> {
    /// Decodes a value, which is all of `bytes`.
    ///
    /// # Errors
    /// If `encode` does not make these bytes from any value.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<ValueRef<'a>, DecodeError> {
        let mut take = Take::new(bytes);
        let value = match take_kind(&mut take)? {
            Kind::Image => ValueRef::Image(take.take_counted("image")?),
            Kind::Record => ValueRef::Record(RecordRef::decode(&mut take)?),
        };
        take.finish("value")?;
        Ok(value)
    }

    /// Whether it needs nothing below it.
    pub(crate) fn will_init(&self) -> bool {
        match self {
            ValueRef::Image(_) => true,
            ValueRef::Record(record) => record.will_init(),
        }
    }
}

impl Value {
    /// Whether it needs nothing below it.
    pub fn will_init(&self) -> bool {
        match self {
            Value::Image(_) => true,
            Value::Record(record) => record.will_init(),
        }
    }

    /// The length of the encoded value, in bytes.
    pub fn encoded_len(&self) -> usize {
        match self {
            Value::Image(image) => IMAGE_HEADER_LEN + image.len(),
            Value::Record(record) => 4 + record.encoded_len(),
        }
    }

    /// Appends the encoded value to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        match self {
            Value::Image(image) => {
                out.extend_from_slice(&IMAGE.to_be_bytes());
                record::put_counted(out, image);
            }
            Value::Record(record) => {
                out.extend_from_slice(&RECORD.to_be_bytes());
                record.encode(out);
            }
        }
        assert!(out.len() - start == self.encoded_len());
    }

    /// Decodes a value, which is all of `bytes`.
    ///
    /// # Errors
    /// If `encode` does not make these bytes from any value.
    pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
        Ok(match ValueRef::decode(bytes)? {
            ValueRef::Image(image) => Value::Image(image.to_vec()),
            ValueRef::Record(record) => Value::Record(record.into_record()),
        })
    }

    /// Reads `will_init` of an encoded value, and decodes no more than that takes.
    ///
    /// # Shape
    /// Right for every value that `decode` accepts. A peer's inspector answers `false` for a `Test`
    /// record with the flag, and refuses the 11 bytes of the shortest `ClearVisibilityMapFlags`.
    /// # Errors
    /// If the bytes that this reads belong to no value.
    pub fn will_init_of(bytes: &[u8]) -> Result<bool, DecodeError> {
        let mut take = Take::new(bytes);
        match take_kind(&mut take)? {
            Kind::Image => take.take_counted("image").map(|_| true),
            Kind::Record => Record::will_init_of(&mut take),
        }
    }
}

enum Kind {
    Image,
    Record,
}

fn take_kind(take: &mut Take<'_>) -> Result<Kind, DecodeError> {
    match take.take_u32("value kind")? {
        IMAGE => Ok(Kind::Image),
        RECORD => Ok(Kind::Record),
        found => {
            let problem = format!("expected {IMAGE} or {RECORD}, found {found}");
            Err(DecodeError::malformed("value kind", 0, problem))
        }
    }
}

#[cfg(test)]
mod tests;
