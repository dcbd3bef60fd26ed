//! Whole files as text, for people and for snapshots: everything but the values themselves.
//!
//! A dump checks what it prints and what it follows to find it. It decompresses nothing, since it
//! reads files of any origin, and a small frame may have content of any length.

use std::fmt::Write;

use super::BLOCK_LEN;
use super::blob::BlobHeader;
use super::btree::{Cursor, Node, Step};
use super::checksum::{ChecksumMarker, ChecksumSection};
use super::delta_key::{BlobRef, DeltaKey};
use super::index::Index;
use super::summary::{DeltaSummary, ImageSummary};
use super::value::Value;
use crate::base::{DecodeError, Key};

/// The text of a layer file: summary, checksums, nodes and entries.
///
/// # Errors
/// If the file is damaged, as far as the printed parts and the checksum section, if there is one,
/// tell.
pub fn dump_layer(file: &[u8]) -> Result<String, DecodeError> {
    if DeltaSummary::has_magic(file) {
        dump_delta(file)
    } else {
        dump_image(file)
    }
}

/// The text of an index.
///
/// # Errors
/// Those of `Index::decode`.
pub fn dump_index(bytes: &[u8]) -> Result<String, DecodeError> {
    let index = Index::decode(bytes)?;
    let mut out = Out::default();
    out.line(format_args!("timeline index"));
    out.field("tenant", index.tenant);
    out.field("timeline", index.timeline);
    out.field("generation", index.generation);
    match index.ancestor {
        Some(ancestor) => {
            let place = format!("{} at {}", ancestor.timeline, ancestor.lsn);
            out.field("ancestor", place);
        }
        None => out.field("ancestor", "none"),
    }
    out.field("disk_consistent_lsn", index.disk_consistent_lsn);
    out.field("gc_cutoff", index.gc_cutoff);
    out.field("is_deleted", index.is_deleted);
    out.field("layers", index.layers.len());
    for layer in &index.layers {
        let checksum = match layer.checksum {
            Some(checksum) => format!("{checksum:08x}"),
            None => "none".to_owned(),
        };
        let (name, generation, len) = (layer.name, layer.generation, layer.len);
        out.line(format_args!("{name}"));
        out.line(format_args!(
            "    generation {generation}  len {len}  checksum {checksum}"
        ));
    }
    Ok(out.text)
}

/// The text of a dump, as it grows.
#[derive(Default)]
struct Out {
    text: String,
}

impl Out {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string takes any text");
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{name:<19} {value}"));
    }
}

fn dump_image(file: &[u8]) -> Result<String, DecodeError> {
    let summary = ImageSummary::decode(file)?;
    let layout = DumpLayout::check(file, summary.index_start_block, summary.block_count())?;
    let mut out = Out::default();
    out.line(format_args!("image layer"));
    out.field("tenant", summary.tenant);
    out.field("timeline", summary.timeline);
    out.field("keys", summary.keys);
    out.field("lsn", summary.lsn);
    layout.dump_checksums(&mut out)?;
    layout.dump_tree::<{ Key::LEN }>(&mut out, |key, offset| {
        let (header, stored) = layout.blob(offset)?;
        let kind = match header.is_compressed {
            true => "zstd",
            false => "plain",
        };
        let place = describe_blob(offset, &header, stored);
        Ok(format!("{}  {place}  {kind}", Key::from_bytes(key)))
    })?;
    Ok(out.text)
}

fn dump_delta(file: &[u8]) -> Result<String, DecodeError> {
    let summary = DeltaSummary::decode(file)?;
    let layout = DumpLayout::check(file, summary.index_start_block, summary.block_count())?;
    let mut out = Out::default();
    out.line(format_args!("delta layer"));
    out.field("tenant", summary.tenant);
    out.field("timeline", summary.timeline);
    out.field("keys", summary.keys);
    out.field("lsns", summary.lsns);
    layout.dump_checksums(&mut out)?;
    layout.dump_tree::<{ DeltaKey::LEN }>(&mut out, |key, value| {
        let DeltaKey { key, lsn } = DeltaKey::from_bytes(key);
        let blob_ref = BlobRef::from_value(value);
        let (header, stored) = layout.blob(blob_ref.offset())?;
        let kind = describe_value(&header, stored, blob_ref.will_init())
            .map_err(|error| error.at(blob_ref.offset()))?;
        let place = describe_blob(blob_ref.offset(), &header, stored);
        Ok(format!("{key} @{lsn}  {place}  {kind}"))
    })?;
    Ok(out.text)
}

fn describe_blob(offset: u64, header: &BlobHeader, stored: &[u8]) -> String {
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    let (header, len) = (hex(&bytes), stored.len());
    format!("offset {offset}  header {header}  len {len}")
}

/// Describes the value in a delta's blob, and checks it against the index.
fn describe_value(
    header: &BlobHeader,
    stored: &[u8],
    will_init: bool,
) -> Result<String, DecodeError> {
    if header.is_compressed {
        let problem = "expected a plain blob, found a frame";
        return Err(DecodeError::malformed("delta value", 0, problem));
    }
    let value = Value::decode(stored)?;
    if value.will_init() != will_init {
        let problem = format!("expected will_init {will_init} as in the index");
        return Err(DecodeError::malformed("delta value", 0, problem));
    }
    Ok(match (&value, will_init) {
        (Value::Image(_), _) => "image".to_owned(),
        (Value::Record(record), false) => record.kind().to_owned(),
        (Value::Record(record), true) => format!("{}, will_init", record.kind()),
    })
}

/// The parts of a layer file.
struct DumpLayout<'a> {
    file: &'a [u8],
    /// The offset of the index.
    index_offset: usize,
    /// The offset of the checksum section, or the length of the file without one.
    index_end: usize,
    block_count: u32,
    section: Option<ChecksumSection>,
}

impl<'a> DumpLayout<'a> {
    fn check(
        file: &'a [u8],
        index_start_block: u32,
        block_count: u64,
    ) -> Result<DumpLayout<'a>, DecodeError> {
        let offset_of = |block: u64| usize::try_from(block.checked_mul(BLOCK_LEN as u64)?).ok();
        let malformed = |problem: String| {
            let offset = file.len() as u64;
            Err(DecodeError::malformed("layer file", offset, problem))
        };
        let parts = offset_of(block_count).and_then(|end| Some((end, file.split_at_checked(end)?)));
        let (Some((index_end, (_, rest))), Ok(block_count)) = (parts, u32::try_from(block_count))
        else {
            return malformed(format!("expected at least {block_count} blocks"));
        };
        let section = match ChecksumMarker::decode(&file[..BLOCK_LEN])? {
            Some(marker) if marker.block_count != block_count => {
                let count = marker.block_count;
                return malformed(format!("{block_count} blocks, and checksums for {count}"));
            }
            Some(_) => Some(
                ChecksumSection::decode(rest, block_count)
                    .map_err(|error| error.at(index_end as u64))?,
            ),
            None if rest.is_empty() => None,
            None => return malformed(format!("expected no more than {block_count} blocks")),
        };
        Ok(DumpLayout {
            file,
            index_offset: offset_of(u64::from(index_start_block))
                .expect("the index starts in front of its end, which the file has"),
            index_end,
            block_count,
            section,
        })
    }

    fn dump_checksums(&self, out: &mut Out) -> Result<(), DecodeError> {
        let index_start_block = self.index_offset / BLOCK_LEN;
        let root_block = (self.index_end - self.index_offset) / BLOCK_LEN - 1;
        out.field(
            "index",
            format!("from block {index_start_block}, root {root_block}"),
        );
        let Some(section) = &self.section else {
            out.field("checksums", "none");
            return Ok(());
        };
        let blocks = self.file[..self.index_end].chunks_exact(BLOCK_LEN);
        for (block_index, block) in (0..self.block_count).zip(blocks) {
            section.verify_block(block_index, block)?;
        }
        out.field(
            "checksums",
            format!(
                "{} blocks, section {:08x}",
                self.block_count,
                section.own_checksum()
            ),
        );
        Ok(())
    }

    /// Prints all nodes of the index as they stand, then all entries in order.
    fn dump_tree<const L: usize>(
        &self,
        out: &mut Out,
        describe: impl Fn([u8; L], u64) -> Result<String, DecodeError>,
    ) -> Result<(), DecodeError> {
        let index = &self.file[self.index_offset..self.index_end];
        let at_index = |error: DecodeError| error.at(self.index_offset as u64);
        let mut nodes = Vec::new();
        for (block_index, block) in index.chunks_exact(BLOCK_LEN).enumerate() {
            let offset = (block_index * BLOCK_LEN) as u64;
            let node = Node::<L>::decode(block).map_err(|error| at_index(error.at(offset)))?;
            dump_node(out, block_index, &node);
            nodes.push(node);
        }
        let root_block = u32::try_from(nodes.len() - 1).expect("block_count fits");
        let mut cursor = Cursor::forward(root_block, [0; L]..=[0xFF; L]);
        let mut entry_count = 0;
        loop {
            match cursor.next().map_err(at_index)? {
                // The cursor asks for the root, and then for lower blocks only.
                Step::Need(block_index) => cursor
                    .feed_node(block_index, nodes[block_index as usize].clone())
                    .map_err(at_index)?,
                Step::Entry(key, value) => {
                    out.line(format_args!("{}", describe(key, value)?));
                    entry_count += 1;
                }
                Step::End => break,
            }
        }
        out.field("entries", entry_count);
        check_entry_count(&nodes, entry_count).map_err(at_index)
    }

    /// Reads the blob at `offset` of the file.
    fn blob(&self, offset: u64) -> Result<(BlobHeader, &'a [u8]), DecodeError> {
        let blobs = &self.file[..self.index_offset];
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let malformed = |problem: &str| Err(DecodeError::malformed("blob", offset, problem));
        let Some(bytes) = blobs.get(start..).filter(|_| BLOCK_LEN <= start) else {
            return malformed("expected it between block 0 and the index");
        };
        let header = BlobHeader::decode(bytes).map_err(|error| error.at(offset))?;
        match bytes[header.header_len..].get(..header.stored_len) {
            Some(stored) => Ok((header, stored)),
            None => malformed("it reaches into the index"),
        }
    }
}

fn dump_node<const L: usize>(out: &mut Out, block_index: usize, node: &Node<L>) {
    let (level, count) = (node.level(), node.count());
    let prefix = hex(node.prefix());
    out.line(format_args!(
        "node {block_index}  level {level}  count {count}  prefix [{prefix}]"
    ));
    if !node.is_leaf() {
        for child_index in 0..count {
            let (block, key) = (node.child_block(child_index), node.key(child_index));
            out.line(format_args!("    node {block}  from {}", hex(&key)));
        }
    }
}

/// Checks that the walk from the root has met every entry of every leaf.
fn check_entry_count<const L: usize>(nodes: &[Node<L>], found: usize) -> Result<(), DecodeError> {
    let leaves = nodes.iter().filter(|node| node.is_leaf());
    let expected = leaves.map(Node::count).sum::<usize>();
    if found != expected {
        let problem = format!("expected {expected} entries, found {found} from the root");
        return Err(DecodeError::malformed("leaves", 0, problem));
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
