//! Redo: replaying records over a base. And `Edits`, the records that need no other database.
//!
//! An edit travels as the `rec` of a `Record::Postgres`. Its first byte says which edit it is, and
//! its layout: a layout never changes, a better one gets a new number.
//!
//! ```text
//! offset  size  field
//!      0     1  1        set        2         patch      3       append
//!      1     …  content             4 offset             suffix
//!      5     …                      bytes
//!
//!      0     1  4        clear      5         append if
//!      1     4                      length n
//!      5     n                      only_if
//!    5+n     …                      suffix
//! ```

use std::fmt;

use super::record::Record;
use super::take::Take;
use crate::base::{DecodeError, Lsn};

/// The longest page that an edit can make.
///
/// # Units
/// Bytes.
pub const PAGE_LEN_MAX: usize = 64 * 1024 * 1024;

const SET: u8 = 1;
const PATCH: u8 = 2;
const APPEND: u8 = 3;
const CLEAR: u8 = 4;
const APPEND_IF: u8 = 5;

/// Replays records over a base. The engine calls it when a read finds records.
///
/// # Examples
/// ```
/// use palimpsest::{Lsn, Record};
/// use palimpsest::format::{Redo, RedoError};
///
/// /// The newest record is the page.
/// struct Newest;
///
/// impl Redo for Newest {
///     fn redo(&self, _: Option<&[u8]>, records: &[(Lsn, &Record)]) -> Result<Vec<u8>, RedoError> {
///         match records.last() {
///             Some((_, Record::Postgres { rec, .. })) => Ok(rec.clone()),
///             _ => Err(RedoError { lsn: Lsn::ZERO, why: "another kind of record".to_owned() }),
///         }
///     }
/// }
/// ```
pub trait Redo: Send + Sync + 'static {
    /// Applies all `records` to `base`, and returns the value.
    ///
    /// # Shape
    /// The oldest record comes first. Without a `base`, the first record is one of `will_init`.
    /// The answer depends on nothing but the arguments.
    /// # Errors
    /// If a record cannot be applied to the value below it: which record, and why.
    fn redo(&self, base: Option<&[u8]>, records: &[(Lsn, &Record)]) -> Result<Vec<u8>, RedoError>;
}

/// A record that cannot be applied to the value below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedoError {
    /// The LSN of the record.
    pub lsn: Lsn,
    /// Why it cannot be applied.
    pub why: String,
}

/// The built-in redo: `Edit`s, and `Record::Test`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edits;

/// A change to a page, which is a string of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Replaces the page by `content`.
    Set {
        /// The whole page.
        content: Vec<u8>,
    },
    /// Writes `bytes` at `offset`; a shorter page is filled up with zeros.
    Patch {
        /// The offset in the page, in bytes.
        offset: u32,
        /// The bytes to write.
        bytes: Vec<u8>,
    },
    /// Appends `suffix` to the page.
    Append {
        /// The bytes to append.
        suffix: Vec<u8>,
    },
    /// Makes the page empty.
    Clear,
    /// Appends `suffix` if the page is `only_if`; otherwise it is an error.
    AppendIf {
        /// The page that the edit may be applied to.
        only_if: Vec<u8>,
        /// The bytes to append.
        suffix: Vec<u8>,
    },
}

impl Edit {
    /// Encodes the edit.
    ///
    /// # Panics
    /// If it has an `only_if` longer than `PAGE_LEN_MAX`.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Edit::Set { content } => [&[SET], content.as_slice()].concat(),
            Edit::Patch { offset, bytes } => [&[PATCH], &offset.to_be_bytes()[..], bytes].concat(),
            Edit::Append { suffix } => [&[APPEND], suffix.as_slice()].concat(),
            Edit::Clear => vec![CLEAR],
            Edit::AppendIf { only_if, suffix } => {
                assert!(only_if.len() <= PAGE_LEN_MAX);
                let len = u32::try_from(only_if.len()).expect("PAGE_LEN_MAX has 27 bits");
                [&[APPEND_IF], &len.to_be_bytes()[..], only_if, suffix].concat()
            }
        }
    }

    /// Decodes an edit, which is all of `bytes`.
    ///
    /// # Errors
    /// If the bytes are no edit. `Unsupported` if the first byte is of a later release.
    pub fn decode(bytes: &[u8]) -> Result<Edit, DecodeError> {
        let mut take = Take::new(bytes);
        let edit = match take.take_u8("edit")? {
            SET => Edit::Set {
                content: take.take_rest().to_vec(),
            },
            PATCH => Edit::Patch {
                offset: take.take_u32("offset")?,
                bytes: take.take_rest().to_vec(),
            },
            APPEND => Edit::Append {
                suffix: take.take_rest().to_vec(),
            },
            CLEAR => Edit::Clear,
            APPEND_IF => Edit::AppendIf {
                only_if: take_only_if(&mut take)?,
                suffix: take.take_rest().to_vec(),
            },
            0 => {
                return Err(DecodeError::malformed(
                    "edit",
                    0,
                    "expected 1 or more, found 0",
                ));
            }
            found => {
                return Err(DecodeError::Unsupported {
                    what: "edit",
                    found: u64::from(found),
                    newest: u64::from(APPEND_IF),
                });
            }
        };
        take.finish("edit")?;
        Ok(edit)
    }

    /// The record that applies this edit to the value below it.
    pub fn into_record(self) -> Record {
        Record::Postgres {
            will_init: false,
            rec: self.encode(),
        }
    }

    /// The record that applies this edit to an empty page, whatever the value below it.
    pub fn into_init_record(self) -> Record {
        Record::Postgres {
            will_init: true,
            rec: self.encode(),
        }
    }
}

fn take_only_if(take: &mut Take<'_>) -> Result<Vec<u8>, DecodeError> {
    let what = "only_if";
    let start = take.offset();
    match usize::try_from(take.take_u32(what)?) {
        Ok(len) if len <= PAGE_LEN_MAX => take.take_bytes(len, what).map(<[u8]>::to_vec),
        _ => {
            let problem = format!("expected a length of {PAGE_LEN_MAX} at most");
            Err(DecodeError::malformed(what, start, problem))
        }
    }
}

impl Redo for Edits {
    fn redo(&self, base: Option<&[u8]>, records: &[(Lsn, &Record)]) -> Result<Vec<u8>, RedoError> {
        let is_based =
            base.is_some() || records.first().is_some_and(|(_, first)| first.will_init());
        if !is_based {
            let lsn = records.first().map_or(Lsn::ZERO, |(lsn, _)| *lsn);
            let why = "there is neither a base nor a will_init record".to_owned();
            return Err(RedoError { lsn, why });
        }
        let mut page = base.unwrap_or_default().to_vec();
        for (lsn, record) in records {
            apply_record(&mut page, record).map_err(|why| RedoError { lsn: *lsn, why })?;
        }
        Ok(page)
    }
}

fn apply_record(page: &mut Vec<u8>, record: &Record) -> Result<(), String> {
    match record {
        Record::Postgres { will_init, rec } => {
            let edit = Edit::decode(rec).map_err(|error| error.to_string())?;
            if *will_init {
                page.clear();
            }
            apply_edit(page, edit)
        }
        Record::Test {
            append,
            clear,
            will_init,
            only_if,
        } => {
            if *will_init && !(*clear && page.is_empty()) {
                return Err("a will_init test record clears, and stands on nothing".to_owned());
            }
            if *clear {
                page.clear();
            }
            if let Some(only_if) = only_if {
                check_only_if(page, only_if.as_bytes())?;
            }
            splice(page, page.len(), append.as_bytes())
        }
        other => Err(format!("the built-in redo knows no {}", other.kind())),
    }
}

fn apply_edit(page: &mut Vec<u8>, edit: Edit) -> Result<(), String> {
    match edit {
        Edit::Set { content } => {
            page.clear();
            splice(page, 0, &content)
        }
        Edit::Patch { offset, bytes } => {
            let offset = usize::try_from(offset).map_err(|error| error.to_string())?;
            splice(page, offset, &bytes)
        }
        Edit::Append { suffix } => splice(page, page.len(), &suffix),
        Edit::Clear => {
            page.clear();
            Ok(())
        }
        Edit::AppendIf { only_if, suffix } => {
            check_only_if(page, &only_if)?;
            splice(page, page.len(), &suffix)
        }
    }
}

/// Writes `bytes` at `offset`; fills a page that ends before it with zeros.
fn splice(page: &mut Vec<u8>, offset: usize, bytes: &[u8]) -> Result<(), String> {
    let Some(end) = offset.checked_add(bytes.len()) else {
        return Err("the edit ends beyond any page".to_owned());
    };
    if page.len() < end {
        if PAGE_LEN_MAX < end {
            return Err(format!(
                "a page of {end} bytes: {PAGE_LEN_MAX} is the limit"
            ));
        }
        page.resize(end, 0);
    }
    page[offset..end].copy_from_slice(bytes);
    Ok(())
}

fn check_only_if(page: &[u8], only_if: &[u8]) -> Result<(), String> {
    if page == only_if {
        return Ok(());
    }
    let same_len = page.iter().zip(only_if).take_while(|(a, b)| a == b).count();
    Err(format!(
        "the page has {} bytes, only_if has {}, and the first {same_len} are the same",
        page.len(),
        only_if.len()
    ))
}

impl fmt::Display for RedoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record at LSN {}: {}", self.lsn, self.why)
    }
}

impl std::error::Error for RedoError {}

#[cfg(test)]
mod tests;
