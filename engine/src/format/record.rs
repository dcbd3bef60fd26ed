//! Records: changes to a value, as they stand in the log.
//!
//! ```text
//! offset  size  field
//!      0     4  kind, which says what the body is
//!      4     …  body
//!
//! kind  record                   body
//!    0  Postgres                 will_init flag, rec bytes
//!    1  ClearVisibilityMapFlags  new_heap_block u32?, old_heap_block u32?, flags u8
//!    2  ClogSetCommitted         xids u32*, timestamp i64
//!    3  ClogSetAborted           xids u32*
//!    4  MultixactOffsetCreate    multixact u32, member_offset u32
//!    5  MultixactMembersCreate   member_offset u32, members (xid u32, status u32)*
//!    6  AuxFile                  path string, content bytes?
//!    7  TruncateVisibilityMap    byte_offset u64, bit_offset u64
//!    8  Test                     append string, clear flag, will_init flag, only_if string?
//!
//! flag    1 byte, 0 or 1
//! x?      1 byte, 0 or 1, then x if it was 1
//! x*      8 bytes of count, then as many x
//! bytes   8 bytes of length, then as many bytes; a string is UTF-8
//! ```

use super::record_ref::take_kind_number;
use super::take::Take;
use crate::base::DecodeError;

pub(super) const KIND_MAX: u32 = 8;

/// A change to a value.
///
/// # Shape
/// The content of `Postgres` is for the redo: PostgreSQL's own log, or this engine's `Edit`. The
/// other kinds are defined by PostgreSQL; the engine stores them and does not interpret them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A record of the log, in the format of the redo.
    Postgres {
        /// Whether it needs nothing below it.
        will_init: bool,
        /// The bytes that the redo interprets.
        rec: Vec<u8>,
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
        xids: Vec<u32>,
        /// When they were committed, in microseconds of PostgreSQL's time.
        timestamp: i64,
    },
    /// Marks transactions as aborted.
    ClogSetAborted {
        /// The transactions.
        xids: Vec<u32>,
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
        members: Vec<MultixactMember>,
    },
    /// Writes or removes a small file.
    AuxFile {
        /// Its path.
        path: String,
        /// Its content; `None` removes the file.
        content: Option<Vec<u8>>,
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
        append: String,
        /// Whether the value is emptied first.
        clear: bool,
        /// Whether it needs nothing below it; then `clear` is set as well.
        will_init: bool,
        /// The value that the record may be applied to; any, if `None`.
        only_if: Option<String>,
    },
}

/// A transaction in a multixact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultixactMember {
    /// The transaction.
    pub xid: u32,
    /// The mode in which it locks the row.
    pub status: u32,
}

impl Record {
    /// Whether it needs nothing below it.
    pub fn will_init(&self) -> bool {
        match self {
            Record::Postgres { will_init, .. } | Record::Test { will_init, .. } => *will_init,
            _ => false,
        }
    }

    /// The kind's name, for messages and dumps.
    pub fn kind(&self) -> &'static str {
        match self {
            Record::Postgres { .. } => "Postgres",
            Record::ClearVisibilityMapFlags { .. } => "ClearVisibilityMapFlags",
            Record::ClogSetCommitted { .. } => "ClogSetCommitted",
            Record::ClogSetAborted { .. } => "ClogSetAborted",
            Record::MultixactOffsetCreate { .. } => "MultixactOffsetCreate",
            Record::MultixactMembersCreate { .. } => "MultixactMembersCreate",
            Record::AuxFile { .. } => "AuxFile",
            Record::TruncateVisibilityMap { .. } => "TruncateVisibilityMap",
            Record::Test { .. } => "Test",
        }
    }

    fn kind_number(&self) -> u32 {
        match self {
            Record::Postgres { .. } => 0,
            Record::ClearVisibilityMapFlags { .. } => 1,
            Record::ClogSetCommitted { .. } => 2,
            Record::ClogSetAborted { .. } => 3,
            Record::MultixactOffsetCreate { .. } => 4,
            Record::MultixactMembersCreate { .. } => 5,
            Record::AuxFile { .. } => 6,
            Record::TruncateVisibilityMap { .. } => 7,
            Record::Test { .. } => KIND_MAX,
        }
    }

    pub(super) fn encoded_len(&self) -> usize {
        let option_len = |len: Option<usize>| 1 + len.unwrap_or(0);
        let body_len = match self {
            Record::Postgres { rec, .. } => 1 + 8 + rec.len(),
            Record::ClearVisibilityMapFlags {
                new_heap_block,
                old_heap_block,
                ..
            } => option_len(new_heap_block.map(|_| 4)) + option_len(old_heap_block.map(|_| 4)) + 1,
            Record::ClogSetCommitted { xids, .. } => 8 + 4 * xids.len() + 8,
            Record::ClogSetAborted { xids } => 8 + 4 * xids.len(),
            Record::MultixactOffsetCreate { .. } => 4 + 4,
            Record::MultixactMembersCreate { members, .. } => 4 + 8 + 8 * members.len(),
            Record::AuxFile { path, content } => {
                8 + path.len() + option_len(content.as_ref().map(|bytes| 8 + bytes.len()))
            }
            Record::TruncateVisibilityMap { .. } => 8 + 8,
            Record::Test {
                append, only_if, ..
            } => 8 + append.len() + 2 + option_len(only_if.as_ref().map(|text| 8 + text.len())),
        };
        4 + body_len
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.kind_number());
        match self {
            Record::Postgres { will_init, rec } => {
                out.push(u8::from(*will_init));
                put_counted(out, rec);
            }
            Record::ClearVisibilityMapFlags {
                new_heap_block,
                old_heap_block,
                flags,
            } => {
                put_option(out, *new_heap_block, put_u32);
                put_option(out, *old_heap_block, put_u32);
                out.push(*flags);
            }
            Record::ClogSetCommitted { xids, timestamp } => {
                put_xids(out, xids);
                out.extend_from_slice(&timestamp.to_be_bytes());
            }
            Record::ClogSetAborted { xids } => put_xids(out, xids),
            Record::MultixactOffsetCreate {
                multixact,
                member_offset,
            } => {
                put_u32(out, *multixact);
                put_u32(out, *member_offset);
            }
            Record::MultixactMembersCreate {
                member_offset,
                members,
            } => {
                put_u32(out, *member_offset);
                put_u64(out, members.len() as u64);
                for member in members {
                    put_u32(out, member.xid);
                    put_u32(out, member.status);
                }
            }
            Record::AuxFile { path, content } => {
                put_counted(out, path.as_bytes());
                put_option(out, content.as_deref(), put_counted);
            }
            Record::TruncateVisibilityMap {
                byte_offset,
                bit_offset,
            } => {
                put_u64(out, *byte_offset);
                put_u64(out, *bit_offset);
            }
            Record::Test {
                append,
                clear,
                will_init,
                only_if,
            } => {
                put_counted(out, append.as_bytes());
                out.push(u8::from(*clear));
                out.push(u8::from(*will_init));
                put_option(
                    out,
                    only_if.as_ref().map(|text| text.as_bytes()),
                    put_counted,
                );
            }
        }
    }

    /// Reads `will_init` of the next record, without reading the record to its end.
    pub(super) fn will_init_of(take: &mut Take<'_>) -> Result<bool, DecodeError> {
        match take_kind_number(take)? {
            0 => {
                let will_init = take.take_flag("will_init")?;
                take.take_counted("rec")?;
                Ok(will_init)
            }
            KIND_MAX => {
                take.take_counted("append")?;
                take.take_flag("clear")?;
                take.take_flag("will_init")
            }
            _ => Ok(false),
        }
    }
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends the length of `bytes`, and the bytes.
pub(super) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_option<T>(out: &mut Vec<u8>, option: Option<T>, put_some: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(option.is_some()));
    if let Some(some) = option {
        put_some(out, some);
    }
}

fn put_xids(out: &mut Vec<u8>, xids: &[u32]) {
    put_u64(out, xids.len() as u64);
    xids.iter().for_each(|xid| put_u32(out, *xid));
}
