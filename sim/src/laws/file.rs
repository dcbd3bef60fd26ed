//! The files of layers, read in full and checked against the index, without the engine's reader.

use palimpsest::base::{DecodeError, Key, Lsn};
use palimpsest::format::{
    BLOCK_LEN, BlobHeader, BlobRef, ChecksumMarker, ChecksumSection, Cursor, DeltaKey,
    DeltaSummary, ImageSummary, IndexLayer, Step, decode_blob,
};

/// A key of a tree, and the blob that it leads to.
type Entry<const L: usize> = ([u8; L], Vec<u8>);

/// All records of a delta layer's file, each with the bytes of its value.
pub fn records(bytes: &[u8], layer: &IndexLayer) -> Result<Vec<(DeltaKey, Vec<u8>)>, DecodeError> {
    let summary = DeltaSummary::decode(head(bytes)?)?;
    if (summary.keys, summary.lsns) != (layer.name.keys(), layer.name.lsns()) {
        return Err(malformed("summary", "covers something else than its name"));
    }
    let tree = (summary.index_start_block, summary.index_root_block);
    let records = entries::<{ DeltaKey::LEN }>(bytes, layer, tree, |value| {
        BlobRef::from_value(value).offset()
    })?;
    let records = records.into_iter();
    Ok(records
        .map(|(key, value)| (DeltaKey::from_bytes(key), value))
        .collect())
}

/// All values of an image layer's file.
pub fn values(
    bytes: &[u8],
    layer: &IndexLayer,
    lsn: Lsn,
) -> Result<Vec<(Key, Vec<u8>)>, DecodeError> {
    let summary = ImageSummary::decode(head(bytes)?)?;
    if (summary.keys, summary.lsn) != (layer.name.keys(), lsn) {
        return Err(malformed("summary", "covers something else than its name"));
    }
    let tree = (summary.index_start_block, summary.index_root_block);
    let values = entries::<{ Key::LEN }>(bytes, layer, tree, |offset| offset)?;
    let values = values.into_iter();
    Ok(values
        .map(|(key, value)| (Key::from_bytes(key), value))
        .collect())
}

fn malformed(what: &'static str, problem: &str) -> DecodeError {
    DecodeError::malformed(what, 0, problem)
}

fn head(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let head = bytes.get(..BLOCK_LEN);
    head.ok_or_else(|| malformed("file", "has no block 0"))
}

/// Verifies every block.
fn verify(bytes: &[u8], layer: &IndexLayer) -> Result<(), DecodeError> {
    if bytes.len() as u64 != layer.len {
        return Err(malformed("file", "is not as long as the index says"));
    }
    let marker = ChecksumMarker::decode(head(bytes)?)?;
    let marker = marker.ok_or_else(|| malformed("file", "has no checksum marker"))?;
    let end = marker.block_count as usize * BLOCK_LEN;
    let section = bytes.get(end..);
    let section = section.ok_or_else(|| malformed("file", "ends before its blocks"))?;
    let section = ChecksumSection::decode(section, marker.block_count)?;
    if Some(section.own_checksum()) != layer.checksum {
        return Err(malformed("checksum section", "is not the index's"));
    }
    for (index, block) in (0..).zip(bytes[..end].chunks_exact(BLOCK_LEN)) {
        section.verify_block(index, block)?;
    }
    Ok(())
}

/// All entries of the tree, each with its blob.
fn entries<const L: usize>(
    bytes: &[u8],
    layer: &IndexLayer,
    (start_block, root_block): (u32, u32),
    offset_of: impl Fn(u64) -> u64,
) -> Result<Vec<Entry<L>>, DecodeError> {
    verify(bytes, layer)?;
    let start = start_block as usize * BLOCK_LEN;
    let mut cursor = Cursor::forward(root_block, [0; L]..=[u8::MAX; L]);
    let mut entries = Vec::new();
    loop {
        match cursor.next()? {
            Step::End => return Ok(entries),
            Step::Need(block) => {
                let at = start + block as usize * BLOCK_LEN;
                let block_bytes = bytes.get(at..at + BLOCK_LEN);
                let block_bytes =
                    block_bytes.ok_or_else(|| malformed("index", "has no such block"))?;
                cursor.feed(block, block_bytes)?;
            }
            Step::Entry(key, value) => {
                let blobs = bytes.get(..start).unwrap_or_default();
                entries.push((key, blob(blobs, offset_of(value))?));
            }
        }
    }
}

fn blob(blobs: &[u8], offset: u64) -> Result<Vec<u8>, DecodeError> {
    let blob = usize::try_from(offset).ok().and_then(|at| blobs.get(at..));
    let blob = blob.unwrap_or_default();
    let header = BlobHeader::decode(blob)?;
    let stored = blob.get(header.header_len..header.blob_len());
    let stored = stored.ok_or_else(|| malformed("blob", "ends behind the blobs"))?;
    Ok(decode_blob(&header, stored, usize::MAX)?.into_owned())
}
