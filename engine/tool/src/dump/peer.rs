//! Records in the words of a peer's debug output, by which dumps are compared.

use palimpsest::format::Record;

/// A record that is neither PostgreSQL's nor a test's, as a peer's debug output spells it.
pub(super) fn described(record: &Record) -> String {
    match record {
        Record::ClearVisibilityMapFlags {
            new_heap_block,
            old_heap_block,
            flags,
        } => format!(
            "ClearVisibilityMapFlags {{ new_heap_blkno: {new_heap_block:?}, \
             old_heap_blkno: {old_heap_block:?}, flags: {flags} }}"
        ),
        Record::ClogSetCommitted { xids, timestamp } => {
            format!("ClogSetCommitted {{ xids: {xids:?}, timestamp: {timestamp} }}")
        }
        Record::ClogSetAborted { xids } => format!("ClogSetAborted {{ xids: {xids:?} }}"),
        Record::MultixactOffsetCreate {
            multixact,
            member_offset,
        } => format!("MultixactOffsetCreate {{ mid: {multixact}, moff: {member_offset} }}"),
        Record::MultixactMembersCreate {
            member_offset,
            members,
        } => {
            let members = members.iter().map(|member| {
                let (xid, status) = (member.xid, member.status);
                format!("MultiXactMember {{ xid: {xid}, status: {status} }}")
            });
            let members = members.collect::<Vec<_>>().join(", ");
            format!("MultixactMembersCreate {{ moff: {member_offset}, members: [{members}] }}")
        }
        Record::AuxFile { path, content } => {
            let content = match content {
                Some(content) => format!("Some(b\"{}\")", escaped(content)),
                None => "None".to_owned(),
            };
            format!("AuxFile {{ file_path: {path:?}, content: {content} }}")
        }
        Record::TruncateVisibilityMap {
            byte_offset,
            bit_offset,
        } => format!(
            "TruncateVisibilityMap {{ trunc_byte: {byte_offset}, trunc_offs: {bit_offset} }}"
        ),
        Record::Postgres { .. } | Record::Test { .. } => format!("{record:?}"),
    }
}

/// Bytes as in a literal of Rust.
fn escaped(bytes: &[u8]) -> String {
    let escaped = bytes.iter().map(|byte| match byte {
        b'\'' => "'".to_owned(),
        0 => "\\0".to_owned(),
        byte => byte.escape_ascii().to_string(),
    });
    escaped.collect()
}
