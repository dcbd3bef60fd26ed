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
use super::record_ref::RecordRef;
use super::take::Take;
use crate::base::{DecodeError, Key, Lsn};

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

/// Replays records over a base, and says which records it knows. The engine calls it when a read
/// finds records, and for each record that is put.
///
/// # Shape
/// A value that is longer than [`IMAGE_LEN_MAX`](super::IMAGE_LEN_MAX) can be read, but no layer
/// can hold it: image creation and gc compaction leave its key out.
///
/// # Examples
/// ```
/// use palimpsest::{Key, Lsn};
/// use palimpsest::format::{RecordRef, Redo, RedoError};
///
/// /// The newest record is the page.
/// struct Newest;
///
/// impl Redo for Newest {
///     fn check(&self, _: Key, record: &RecordRef<'_>) -> Result<(), String> {
///         match record {
///             RecordRef::Postgres { .. } => Ok(()),
///             other => Err(format!("no page is made of {}", other.kind())),
///         }
///     }
///
///     fn redo(
///         &self,
///         _: Key,
///         base: Option<&[u8]>,
///         records: &[(Lsn, RecordRef<'_>)],
///     ) -> Result<Vec<u8>, RedoError> {
///         match records.last() {
///             Some((_, RecordRef::Postgres { rec, .. })) => Ok(rec.to_vec()),
///             Some((lsn, _)) => Err(RedoError { lsn: *lsn, why: "another kind".to_owned() }),
///             None => Ok(base.unwrap_or_default().to_vec()),
///         }
///     }
/// }
/// ```
pub trait Redo: Send + Sync + 'static {
    /// Refuses a record that can be applied to no value of the key at all: the batch that has it is
    /// refused before anything of it is written.
    ///
    /// # Shape
    /// What depends on the value below the record is not known here: it is for `redo` to refuse.
    /// # Errors
    /// Why the record is refused.
    fn check(&self, key: Key, record: &RecordRef<'_>) -> Result<(), String>;

    /// Applies all `records` to `base`, and returns the value of the key.
    ///
    /// # Shape
    /// The oldest record comes first. Without a `base`, the first record is one of `will_init`.
    /// The answer depends on nothing but the arguments.
    /// # Errors
    /// If a record cannot be applied to the value below it: which record, and why.
    fn redo(
        &self,
        key: Key,
        base: Option<&[u8]>,
        records: &[(Lsn, RecordRef<'_>)],
    ) -> Result<Vec<u8>, RedoError>;
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
        EditRef::decode(bytes).map(EditRef::into_edit)
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

/// An edit that borrows its bytes.
enum EditRef<'a> {
    Set { content: &'a [u8] },
    Patch { offset: u32, bytes: &'a [u8] },
    Append { suffix: &'a [u8] },
    Clear,
    AppendIf { only_if: &'a [u8], suffix: &'a [u8] },
}

impl<'a> EditRef<'a> {
    fn decode(bytes: &'a [u8]) -> Result<EditRef<'a>, DecodeError> {
        let mut take = Take::new(bytes);
        let edit = match take.take_u8("edit")? {
            SET => EditRef::Set {
                content: take.take_rest(),
            },
            PATCH => EditRef::Patch {
                offset: take.take_u32("offset")?,
                bytes: take.take_rest(),
            },
            APPEND => EditRef::Append {
                suffix: take.take_rest(),
            },
            CLEAR => EditRef::Clear,
            APPEND_IF => EditRef::AppendIf {
                only_if: take_only_if(&mut take)?,
                suffix: take.take_rest(),
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

    fn into_edit(self) -> Edit {
        match self {
            EditRef::Set { content } => Edit::Set {
                content: content.to_vec(),
            },
            EditRef::Patch { offset, bytes } => Edit::Patch {
                offset,
                bytes: bytes.to_vec(),
            },
            EditRef::Append { suffix } => Edit::Append {
                suffix: suffix.to_vec(),
            },
            EditRef::Clear => Edit::Clear,
            EditRef::AppendIf { only_if, suffix } => Edit::AppendIf {
                only_if: only_if.to_vec(),
                suffix: suffix.to_vec(),
            },
        }
    }
}

fn take_only_if<'a>(take: &mut Take<'a>) -> Result<&'a [u8], DecodeError> {
    let what = "only_if";
    let start = take.offset();
    match usize::try_from(take.take_u32(what)?) {
        Ok(len) if len <= PAGE_LEN_MAX => take.take_bytes(len, what),
        _ => {
            let problem = format!("expected a length of {PAGE_LEN_MAX} at most");
            Err(DecodeError::malformed(what, start, problem))
        }
    }
}

impl Redo for Edits {
    fn check(&self, _: Key, record: &RecordRef<'_>) -> Result<(), String> {
        let will_init = record.will_init();
        match record {
            RecordRef::Postgres { rec, .. } => {
                let edit = EditRef::decode(rec).map_err(|error| error.to_string())?;
                check_edit(&edit, will_init)
            }
            RecordRef::Test { clear: false, .. } if will_init => {
                Err("a will_init test record has to clear".to_owned())
            }
            RecordRef::Test { clear, only_if, .. } => match only_if {
                Some(only_if) if *clear && !only_if.is_empty() => Err(never_fits(only_if.len())),
                _ => Ok(()),
            },
            other => Err(format!("the built-in redo knows no {}", other.kind())),
        }
    }

    fn redo(
        &self,
        _: Key,
        base: Option<&[u8]>,
        records: &[(Lsn, RecordRef<'_>)],
    ) -> Result<Vec<u8>, RedoError> {
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

/// Refuses an edit that no page can be under.
fn check_edit(edit: &EditRef<'_>, will_init: bool) -> Result<(), String> {
    let end = match edit {
        EditRef::AppendIf { only_if, .. } if will_init && !only_if.is_empty() => {
            return Err(never_fits(only_if.len()));
        }
        EditRef::Set { content } => content.len(),
        EditRef::Patch { offset, bytes } => (*offset as usize).saturating_add(bytes.len()),
        EditRef::Append { suffix } => suffix.len(),
        EditRef::AppendIf { only_if, suffix } => only_if.len().saturating_add(suffix.len()),
        EditRef::Clear => 0,
    };
    match end <= PAGE_LEN_MAX {
        true => Ok(()),
        false => Err(too_long(end)),
    }
}

fn never_fits(len: usize) -> String {
    format!("it stands on an empty page, and only_if has {len} bytes")
}

fn too_long(len: usize) -> String {
    format!("a page of {len} bytes: {PAGE_LEN_MAX} is the limit")
}

fn apply_record(page: &mut Vec<u8>, record: &RecordRef<'_>) -> Result<(), String> {
    match record {
        RecordRef::Postgres { will_init, rec } => {
            let edit = EditRef::decode(rec).map_err(|error| error.to_string())?;
            if *will_init {
                page.clear();
            }
            apply_edit(page, edit)
        }
        RecordRef::Test {
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

fn apply_edit(page: &mut Vec<u8>, edit: EditRef<'_>) -> Result<(), String> {
    match edit {
        EditRef::Set { content } => {
            page.clear();
            splice(page, 0, content)
        }
        EditRef::Patch { offset, bytes } => {
            let offset = usize::try_from(offset).map_err(|error| error.to_string())?;
            splice(page, offset, bytes)
        }
        EditRef::Append { suffix } => splice(page, page.len(), suffix),
        EditRef::Clear => {
            page.clear();
            Ok(())
        }
        EditRef::AppendIf { only_if, suffix } => {
            check_only_if(page, only_if)?;
            splice(page, page.len(), suffix)
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
            return Err(too_long(end));
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
