//! A layer's file as lines of JSON, in the fields of a peer's own dump.
//!
//! | line | fields |
//! |---|---|
//! | `summary` | names, ids, magic, version, where the index is |
//! | `index_node` | `blk` from the index's start, `level`, `num_children`, lengths of key parts |
//! | `entry` | `off` of the blob, `hdr`, `stored_len`; `len` and `sha256` of the content |
//! | `end` | the number of entries |
//!
//! An entry of a delta also has what the index says of it, `ref_will_init`, the `kind` of the
//! value, and its payload. What the peer does not know is left out where a file does not have it:
//! the summary of a file with checksums has `checksum`.

use std::io::Write;
use std::path::Path;

use palimpsest::format::{BlobHeader, DeltaSummary, ImageSummary, Record};
use palimpsest::{Lsn, Value};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::Detail;
use super::peer::described;
use super::text::check_entry_count;
use crate::bytes::Bytes;
use crate::fault::Stop;
use crate::layer::{Entries, Entry, LayerReader, NodeView, Summary};

const IMAGE_MAGIC: u16 = 0x5A60;
const DELTA_MAGIC: u16 = 0x5A61;
const FORMAT_VERSION: u16 = 3;

/// Prints a layer's file, a JSON object a line. It has the name that `path` ends with.
///
/// # Errors
/// `Fault` if the file is damaged, as far as the printed parts and the checksum section, if there
/// is one, tell.
pub fn dump_json<B: Bytes>(
    path: &Path,
    reader: &mut LayerReader<B>,
    out: &mut dyn Write,
    detail: Detail,
) -> Result<(), Stop> {
    writeln!(out, "{}", summary(path, reader))?;
    for block_index in 0..reader.block_count() {
        reader.block(block_index)?;
    }
    let mut leaf_entries = 0;
    for block in 0..reader.node_count() {
        let node = reader.node(block)?;
        writeln!(out, "{}", index_node(&node))?;
        if node.level == 0 {
            leaf_entries += node.count as u64;
        }
    }
    let mut entries = Entries::new(reader.summary());
    let mut entry_count = 0;
    while let Some(entry) = entries.next(reader)? {
        let header = reader.header(&entry)?;
        let stored = reader.stored(&entry, &header)?;
        let content = reader.content(&entry, &header, stored)?;
        let line = entry_line(&entry, (&header, &content), detail)?;
        writeln!(out, "{line}")?;
        entry_count += 1;
    }
    writeln!(out, "{}", json!({"type": "end", "entries": entry_count}))?;
    check_entry_count(reader, leaf_entries, entry_count)?;
    Ok(())
}

fn summary<B: Bytes>(path: &Path, reader: &LayerReader<B>) -> Json {
    let summary = reader.summary();
    let (start_block, root_block) = summary.index_blocks();
    let keys = summary.name().keys();
    let name = path.file_name().unwrap_or(path.as_os_str());
    let mut line = json!({
        "type": "summary",
        "file": name.to_string_lossy(),
        "file_size": reader.file_len(),
        "format_version": FORMAT_VERSION,
        "index_root_blk": root_block,
        "index_start_blk": start_block,
        "key_end": keys.end.to_string(),
        "key_start": keys.start.to_string(),
        "tenant_id": summary.tenant().to_string(),
        "timeline_id": summary.timeline().to_string(),
    });
    let fields = match summary {
        Summary::Delta(DeltaSummary { lsns, .. }) => json!({
            "layer": "delta",
            "lsn_end": lsn_text(lsns.end),
            "lsn_start": lsn_text(lsns.start),
            "magic": DELTA_MAGIC,
        }),
        Summary::Image(ImageSummary { lsn, .. }) => json!({
            "layer": "image",
            "lsn": lsn_text(*lsn),
            "magic": IMAGE_MAGIC,
        }),
    };
    extend(&mut line, fields);
    if let Some(checksum) = reader.section_checksum() {
        extend(&mut line, json!({"checksum": format!("{checksum:08x}")}));
    }
    line
}

fn index_node(node: &NodeView) -> Json {
    json!({
        "type": "index_node",
        "blk": node.block,
        "level": node.level,
        "num_children": node.count,
        "prefix_len": node.prefix.len(),
        "suffix_len": node.key_len - node.prefix.len(),
    })
}

fn entry_line(
    entry: &Entry,
    (header, content): (&BlobHeader, &[u8]),
    detail: Detail,
) -> Result<Json, Stop> {
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    let mut line = json!({
        "type": "entry",
        "hdr": hex(&bytes),
        "key": entry.key.to_string(),
        "kind": "image",
        "len": content.len(),
        "lsn": lsn_text(entry.lsn),
        "off": entry.offset,
        "sha256": sha256(content),
        "stored_len": header.stored_len,
    });
    if let Some(will_init) = entry.will_init {
        extend(&mut line, json!({"ref_will_init": will_init}));
        extend(&mut line, value_fields(&entry.decode(content)?));
    }
    if detail == Detail::Values {
        extend(&mut line, json!({"content": hex(content)}));
    }
    Ok(line)
}

/// What a delta's entry says of its value.
fn value_fields(value: &Value) -> Json {
    match value {
        Value::Image(image) => payload(image),
        Value::Record(Record::Postgres { will_init, rec }) => {
            let mut fields = json!({"kind": "wal_postgres", "will_init": will_init});
            extend(&mut fields, payload(rec));
            fields
        }
        Value::Record(Record::Test {
            append,
            clear,
            will_init,
            only_if,
        }) => {
            let mut fields = json!({
                "kind": "wal_test",
                "clear": clear,
                "only_if": only_if,
                "will_init": will_init,
            });
            extend(&mut fields, payload(append.as_bytes()));
            fields
        }
        Value::Record(record) => json!({"kind": "wal_other", "debug": described(record)}),
    }
}

fn payload(bytes: &[u8]) -> Json {
    json!({"payload_len": bytes.len(), "payload_sha256": sha256(bytes)})
}

/// Adds the fields of one object to another.
fn extend(line: &mut Json, fields: Json) {
    if let (Json::Object(line), Json::Object(fields)) = (line, fields) {
        let fields: Map<String, Json> = fields;
        line.extend(fields);
    }
}

fn lsn_text(lsn: Lsn) -> String {
    format!("{:016X}", lsn.0)
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
