//! Records that are borrowed: from the bytes of a layer, or from a record that someone owns.

use std::borrow::Cow;

use super::record::{KIND_MAX, MultixactMember, Record};
use super::take::Take;
use crate::base::DecodeError;

/// A [`Record`] that borrows its bytes: what a redo is given.
///
/// # Shape
/// A variant for each of `Record`, with the fields of the same names. Lists of numbers are copied
/// where the bytes of a layer hold them in another order than memory does.
///
/// # Examples
/// ```
/// use palimpsest::Edit;
/// use palimpsest::format::RecordRef;
///
/// let record = Edit::Clear.into_record();
/// let borrowed = RecordRef::from(&record);
/// assert_eq!((borrowed.kind(), borrowed.will_init()), ("Postgres", false));
/// assert_eq!(borrowed.into_record(), record);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordRef<'a> {
    /// A record of the log, in the format of the redo.
    Postgres {
        /// Whether it needs nothing below it.
        will_init: bool,
        /// The bytes that the redo interprets.
        rec: &'a [u8],
    },
    /// Clears bits in the visibility map for up to two heap blocks.
    ClearVisibilityMapFlags {
        /// The block that a row was moved to.
        new_heap_block: Option<u32>,
        /// The block that a row was moved from.
        old_heap_block: Option<u32>,
        /// The bits to clear.
        flags: u8,
    },
    /// Marks transactions as committed.
    ClogSetCommitted {
        /// The transactions.
        xids: Cow<'a, [u32]>,
        /// When they were committed, in microseconds of PostgreSQL's time.
        timestamp: i64,
    },
    /// Marks transactions as aborted.
    ClogSetAborted {
        /// The transactions.
        xids: Cow<'a, [u32]>,
    },
    /// Says where the members of a multixact start.
    MultixactOffsetCreate {
        /// The multixact.
        multixact: u32,
        /// Its first member.
        member_offset: u32,
    },
    /// Writes members of a multixact.
    MultixactMembersCreate {
        /// The offset of the first member.
        member_offset: u32,
        /// The members.
        members: Cow<'a, [MultixactMember]>,
    },
    /// Writes or removes a small file.
    AuxFile {
        /// Its path.
        path: &'a str,
        /// Its content; `None` removes the file.
        content: Option<&'a [u8]>,
    },
    /// Clears the visibility map from a place on.
    TruncateVisibilityMap {
        /// The first byte that is cleared, in full or in part.
        byte_offset: u64,
        /// The first bit of that byte that is cleared.
        bit_offset: u64,
    },
    /// A record of a peer's tests: checks, clears and appends, in this order.
    Test {
        /// The text to append.
        append: &'a str,
        /// Whether the value is emptied first.
        clear: bool,
        /// Whether it needs nothing below it; then `clear` is set as well.
        will_init: bool,
        /// The value that the record may be applied to; any, if `None`.
        only_if: Option<&'a str>,
    },
}

impl<'a> RecordRef<'a> {
    /// Whether it needs nothing below it.
    pub fn will_init(&self) -> bool {
        match self {
            RecordRef::Postgres { will_init, .. } | RecordRef::Test { will_init, .. } => *will_init,
            _ => false,
        }
    }

    /// The kind's name, for messages and dumps.
    pub fn kind(&self) -> &'static str {
        match self {
            RecordRef::Postgres { .. } => "Postgres",
            RecordRef::ClearVisibilityMapFlags { .. } => "ClearVisibilityMapFlags",
            RecordRef::ClogSetCommitted { .. } => "ClogSetCommitted",
            RecordRef::ClogSetAborted { .. } => "ClogSetAborted",
            RecordRef::MultixactOffsetCreate { .. } => "MultixactOffsetCreate",
            RecordRef::MultixactMembersCreate { .. } => "MultixactMembersCreate",
            RecordRef::AuxFile { .. } => "AuxFile",
            RecordRef::TruncateVisibilityMap { .. } => "TruncateVisibilityMap",
            RecordRef::Test { .. } => "Test",
        }
    }

    /// The record, with bytes of its own.
    pub fn into_record(self) -> Record {
        match self {
            RecordRef::Postgres { will_init, rec } => Record::Postgres {
                will_init,
                rec: rec.to_vec(),
            },
            RecordRef::ClearVisibilityMapFlags {
                new_heap_block,
                old_heap_block,
                flags,
            } => Record::ClearVisibilityMapFlags {
                new_heap_block,
                old_heap_block,
                flags,
            },
            RecordRef::ClogSetCommitted { xids, timestamp } => Record::ClogSetCommitted {
                xids: xids.into_owned(),
                timestamp,
            },
            RecordRef::ClogSetAborted { xids } => Record::ClogSetAborted {
                xids: xids.into_owned(),
            },
            RecordRef::MultixactOffsetCreate {
                multixact,
                member_offset,
            } => Record::MultixactOffsetCreate {
                multixact,
                member_offset,
            },
            RecordRef::MultixactMembersCreate {
                member_offset,
                members,
            } => Record::MultixactMembersCreate {
                member_offset,
                members: members.into_owned(),
            },
            RecordRef::AuxFile { path, content } => Record::AuxFile {
                path: path.to_owned(),
                content: content.map(<[u8]>::to_vec),
            },
            RecordRef::TruncateVisibilityMap {
                byte_offset,
                bit_offset,
            } => Record::TruncateVisibilityMap {
                byte_offset,
                bit_offset,
            },
            RecordRef::Test {
                append,
                clear,
                will_init,
                only_if,
            } => Record::Test {
                append: append.to_owned(),
                clear,
                will_init,
                only_if: only_if.map(str::to_owned),
            },
        }
    }

    /// Reads the next record, and borrows what it can.
    pub(super) fn decode(take: &mut Take<'a>) -> Result<RecordRef<'a>, DecodeError> {
        Ok(match take_kind_number(take)? {
            0 => RecordRef::Postgres {
                will_init: take.take_flag("will_init")?,
                rec: take.take_counted("rec")?,
            },
            1 => RecordRef::ClearVisibilityMapFlags {
                new_heap_block: take_option(take, "new heap block", Take::take_u32)?,
                old_heap_block: take_option(take, "old heap block", Take::take_u32)?,
                flags: take.take_u8("flags")?,
            },
            2 => RecordRef::ClogSetCommitted {
                xids: Cow::Owned(take_xids(take)?),
                timestamp: take.take_array("timestamp").map(i64::from_be_bytes)?,
            },
            3 => RecordRef::ClogSetAborted {
                xids: Cow::Owned(take_xids(take)?),
            },
            4 => RecordRef::MultixactOffsetCreate {
                multixact: take.take_u32("multixact")?,
                member_offset: take.take_u32("member offset")?,
            },
            5 => RecordRef::MultixactMembersCreate {
                member_offset: take.take_u32("member offset")?,
                members: Cow::Owned(take_members(take)?),
            },
            6 => RecordRef::AuxFile {
                path: take_text(take, "path")?,
                content: take_option(take, "content", Take::take_counted)?,
            },
            7 => RecordRef::TruncateVisibilityMap {
                byte_offset: take.take_u64("byte offset")?,
                bit_offset: take.take_u64("bit offset")?,
            },
            _ => RecordRef::Test {
                append: take_text(take, "append")?,
                clear: take.take_flag("clear")?,
                will_init: take.take_flag("will_init")?,
                only_if: take_option(take, "only_if", take_text)?,
            },
        })
    }
}

impl<'a> From<&'a Record> for RecordRef<'a> {
    fn from(record: &'a Record) -> RecordRef<'a> {
        match record {
            Record::Postgres { will_init, rec } => RecordRef::Postgres {
                will_init: *will_init,
                rec,
            },
            Record::ClearVisibilityMapFlags {
                new_heap_block,
                old_heap_block,
                flags,
            } => RecordRef::ClearVisibilityMapFlags {
                new_heap_block: *new_heap_block,
                old_heap_block: *old_heap_block,
                flags: *flags,
            },
            Record::ClogSetCommitted { xids, timestamp } => RecordRef::ClogSetCommitted {
                xids: Cow::Borrowed(xids),
                timestamp: *timestamp,
            },
            Record::ClogSetAborted { xids } => RecordRef::ClogSetAborted {
                xids: Cow::Borrowed(xids),
            },
            Record::MultixactOffsetCreate {
                multixact,
                member_offset,
            } => RecordRef::MultixactOffsetCreate {
                multixact: *multixact,
                member_offset: *member_offset,
            },
            Record::MultixactMembersCreate {
                member_offset,
                members,
            } => RecordRef::MultixactMembersCreate {
                member_offset: *member_offset,
                members: Cow::Borrowed(members),
            },
            Record::AuxFile { path, content } => RecordRef::AuxFile {
                path,
                content: content.as_deref(),
            },
            Record::TruncateVisibilityMap {
                byte_offset,
                bit_offset,
            } => RecordRef::TruncateVisibilityMap {
                byte_offset: *byte_offset,
                bit_offset: *bit_offset,
            },
            Record::Test {
                append,
                clear,
                will_init,
                only_if,
            } => RecordRef::Test {
                append,
                clear: *clear,
                will_init: *will_init,
                only_if: only_if.as_deref(),
            },
        }
    }
}

pub(super) fn take_kind_number(take: &mut Take<'_>) -> Result<u32, DecodeError> {
    let start = take.offset();
    let kind = take.take_u32("record kind")?;
    if KIND_MAX < kind {
        let problem = format!("expected {KIND_MAX} at most, found {kind}");
        return Err(DecodeError::malformed("record kind", start, problem));
    }
    Ok(kind)
}

fn take_option<'a, T>(
    take: &mut Take<'a>,
    what: &'static str,
    take_some: impl FnOnce(&mut Take<'a>, &'static str) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    match take.take_flag(what)? {
        false => Ok(None),
        true => take_some(take, what).map(Some),
    }
}

fn take_text<'a>(take: &mut Take<'a>, what: &'static str) -> Result<&'a str, DecodeError> {
    let start = take.offset();
    let bytes = take.take_counted(what)?;
    std::str::from_utf8(bytes)
        .map_err(|error| DecodeError::malformed(what, start, error.to_string()))
}

fn take_xids(take: &mut Take<'_>) -> Result<Vec<u32>, DecodeError> {
    let count = take.take_count(4, "xids")?;
    (0..count).map(|_| take.take_u32("xid")).collect()
}

fn take_members(take: &mut Take<'_>) -> Result<Vec<MultixactMember>, DecodeError> {
    let count = take.take_count(8, "members")?;
    let mut take_member = || {
        Ok(MultixactMember {
            xid: take.take_u32("member's xid")?,
            status: take.take_u32("member's status")?,
        })
    };
    (0..count).map(|_| take_member()).collect()
}
