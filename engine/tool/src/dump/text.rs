//! A layer's file as text, for people and for snapshots.

use std::io::Write;

use palimpsest::Value;
use palimpsest::base::Key;
use palimpsest::format::BlobHeader;

use super::Detail;
use crate::bytes::Bytes;
use crate::fault::{Fault, Stop};
use crate::layer::{Entries, Entry, LayerReader, NodeView, Summary};

/// The bytes of a value in one line.
const LINE_LEN: usize = 32;

/// Prints a layer's file: summary, checksums, nodes and entries.
///
/// # Errors
/// `Fault` if the file is damaged, as far as the printed parts and the checksum section, if there
/// is one, tell. With `Detail::Places` no image is decompressed.
pub fn dump_text<B: Bytes>(
    reader: &mut LayerReader<B>,
    out: &mut dyn Write,
    detail: Detail,
) -> Result<(), Stop> {
    dump_summary(reader, out)?;
    dump_checksums(reader, out)?;
    let leaf_entries = dump_nodes(reader, out)?;
    let mut entries = Entries::new(reader.summary());
    let mut entry_count = 0;
    while let Some(entry) = entries.next(reader)? {
        dump_entry(reader, out, (&entry, detail))?;
        entry_count += 1;
    }
    field(out, "entries", entry_count)?;
    check_entry_count(reader, leaf_entries, entry_count)?;
    Ok(())
}

fn field(out: &mut dyn Write, name: &str, value: impl std::fmt::Display) -> std::io::Result<()> {
    writeln!(out, "{name:<19} {value}")
}

fn dump_summary<B>(reader: &LayerReader<B>, out: &mut dyn Write) -> Result<(), Stop>
where
    B: Bytes,
{
    let summary = reader.summary();
    let kind = match summary {
        Summary::Delta(_) => "delta layer",
        Summary::Image(_) => "image layer",
    };
    writeln!(out, "{kind}")?;
    field(out, "tenant", summary.tenant())?;
    field(out, "timeline", summary.timeline())?;
    field(out, "keys", summary.name().keys())?;
    match summary {
        Summary::Delta(summary) => field(out, "lsns", summary.lsns)?,
        Summary::Image(summary) => field(out, "lsn", summary.lsn)?,
    }
    Ok(())
}

/// Prints where the index is, and checks every block.
fn dump_checksums<B: Bytes>(reader: &mut LayerReader<B>, out: &mut dyn Write) -> Result<(), Stop> {
    let start_block = reader.summary().index_blocks().0;
    let root_block = reader.node_count() - 1;
    let place = format!("from block {start_block}, root {root_block}");
    field(out, "index", place)?;
    let Some(checksum) = reader.section_checksum() else {
        return Ok(field(out, "checksums", "none")?);
    };
    let block_count = reader.block_count();
    for block_index in 0..block_count {
        reader.block(block_index)?;
    }
    let checksums = format!("{block_count} blocks, section {checksum:08x}");
    Ok(field(out, "checksums", checksums)?)
}

/// Prints all nodes as they stand, and returns the number of entries in the leaves.
fn dump_nodes<B: Bytes>(reader: &mut LayerReader<B>, out: &mut dyn Write) -> Result<u64, Stop> {
    let mut leaf_entries = 0;
    for block in 0..reader.node_count() {
        let node = reader.node(block)?;
        dump_node(out, &node)?;
        if node.level == 0 {
            leaf_entries += node.count as u64;
        }
    }
    Ok(leaf_entries)
}

fn dump_node(out: &mut dyn Write, node: &NodeView) -> std::io::Result<()> {
    let (block, level, count) = (node.block, node.level, node.count);
    let prefix = hex(&node.prefix);
    writeln!(
        out,
        "node {block}  level {level}  count {count}  prefix [{prefix}]"
    )?;
    for (block, key) in &node.children {
        writeln!(out, "    node {block}  from {}", hex(key))?;
    }
    Ok(())
}

fn dump_entry<B: Bytes>(
    reader: &mut LayerReader<B>,
    out: &mut dyn Write,
    (entry, detail): (&Entry, Detail),
) -> Result<(), Stop> {
    let header = reader.header(entry)?;
    let is_delta = entry.will_init.is_some();
    let mut content = Vec::new();
    if is_delta || detail == Detail::Values {
        let stored = reader.stored(entry, &header)?;
        content = reader.content(entry, &header, stored)?;
    }
    let place = describe_blob(entry.offset, &header);
    let key: Key = entry.key;
    if is_delta {
        let value = entry.decode(&content)?;
        let kind = describe_value(&value);
        writeln!(out, "{key} @{}  {place}  {kind}", entry.lsn)?;
    } else {
        let kind = match header.is_compressed {
            true => "zstd",
            false => "plain",
        };
        writeln!(out, "{key}  {place}  {kind}")?;
    }
    match detail {
        Detail::Places => Ok(()),
        Detail::Values => Ok(dump_bytes(out, &content)?),
    }
}

fn describe_blob(offset: u64, header: &BlobHeader) -> String {
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    let (header, len) = (hex(&bytes), header.stored_len);
    format!("offset {offset}  header {header}  len {len}")
}

fn describe_value(value: &Value) -> String {
    match value {
        Value::Image(_) => "image".to_owned(),
        Value::Record(record) if record.will_init() => format!("{}, will_init", record.kind()),
        Value::Record(record) => record.kind().to_owned(),
    }
}

/// Prints bytes as hex and as text. Lines that repeat the one before them are one `*`.
fn dump_bytes(out: &mut dyn Write, bytes: &[u8]) -> std::io::Result<()> {
    let mut last = None;
    let mut is_starred = false;
    for (index, line) in bytes.chunks(LINE_LEN).enumerate() {
        if last == Some(line) {
            if !is_starred {
                writeln!(out, "    *")?;
            }
            is_starred = true;
            continue;
        }
        (last, is_starred) = (Some(line), false);
        let offset = index * LINE_LEN;
        let width = 2 * LINE_LEN;
        let (digits, text) = (hex(line), printable(line));
        writeln!(out, "    {offset:>6}  {digits:<width$}  {text}")?;
    }
    Ok(())
}

fn printable(bytes: &[u8]) -> String {
    let printed = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    bytes.iter().map(printed).collect()
}

/// Checks that the walk from the root has met every entry of every leaf.
pub(super) fn check_entry_count<B: Bytes>(
    reader: &LayerReader<B>,
    expected: u64,
    found: u64,
) -> Result<(), Fault> {
    if found != expected {
        let problem = format!("expected {expected} entries, found {found} from the root");
        return Err(Fault::malformed("leaves", reader.index_start(), problem));
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
