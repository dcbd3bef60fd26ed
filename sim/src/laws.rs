//! What always holds, looked up on the raw disk: what is named is there, every layer can be
//! explained record by record, and nothing else lies about.

use std::collections::BTreeSet;
use std::path::Path;

use palimpsest::base::{DecodeError, FileName, Lsn, TimelineId};
use palimpsest::format::{
    BLOCK_LEN, BlobHeader, BlobRef, ChecksumMarker, ChecksumSection, DeltaKey, DeltaSummary, Index,
    IndexLayer, Step, Walk, decode_blob,
};

use crate::disk::Disk;
use crate::oracle::Truth;
use crate::verdict::Verdict;

/// The engine's directory on the simulated disk.
pub const ROOT: &str = "/db";

/// The durable truth of a timeline, as it stands on the disk.
pub fn index(disk: &Disk, timeline: TimelineId) -> Result<Index, Verdict> {
    let path = Path::new(ROOT).join(timeline.to_string()).join("index");
    let bytes = disk.bytes(&path);
    let bytes = bytes.map_err(|error| broken(&path.to_string_lossy(), &error.to_string()))?;
    Index::decode(&bytes).map_err(|error| broken(&path.to_string_lossy(), &error.to_string()))
}

/// Law 5, and every layer is explainable: each record that a layer has is the model's, and of the
/// model's records up to `disk_consistent_lsn` none is missing.
pub fn check_layers(disk: &Disk, timeline: TimelineId, truth: &Truth) -> Result<(), Verdict> {
    let index = index(disk, timeline)?;
    let mut found = BTreeSet::new();
    for layer in &index.layers {
        let name = FileName::Layer {
            name: layer.name,
            generation: layer.generation,
        };
        let path = Path::new(ROOT)
            .join(timeline.to_string())
            .join(name.to_string());
        let bytes = disk.bytes(&path);
        let bytes = bytes.map_err(|error| broken(&name.to_string(), &error.to_string()))?;
        let records = records(&bytes, layer);
        let records = records.map_err(|error| broken(&name.to_string(), &error.to_string()))?;
        for (at, value) in records {
            explain(truth, at, &value)?;
            if !found.insert(at) {
                return Err(Verdict::law(
                    "each record stands in one layer",
                    format!("{at:?} twice"),
                ));
            }
        }
    }
    let lsn = index.disk_consistent_lsn;
    let missing = truth.history.points().find(|&(key, at)| {
        let is_found = found.contains(&DeltaKey { key, lsn: at });
        at <= lsn && !is_found && !truth.optional.contains(&(key, at))
    });
    match missing {
        Some(point) => Err(Verdict::law(
            "every record up to disk_consistent_lsn is in a layer",
            format!("{} at {} is in none", point.0, point.1),
        )),
        None => Ok(()),
    }
}

fn explain(truth: &Truth, at: DeltaKey, value: &[u8]) -> Result<(), Verdict> {
    let Some(change) = truth.history.change(at.key, at.lsn) else {
        let found = format!("{} at {} was never written", at.key, at.lsn);
        return Err(Verdict::law("every record of a layer was written", found));
    };
    let mut expected = Vec::new();
    change.to_value().encode(&mut expected);
    if expected == value {
        return Ok(());
    }
    let found = format!("{} at {} has other bytes", at.key, at.lsn);
    Err(Verdict::law(
        "every record of a layer is what was written",
        found,
    ))
}

fn broken(file: &str, problem: &str) -> Verdict {
    let law = "law 5: the index names only what exists, and that can be read";
    Verdict::law(law, format!("{file}: {problem}"))
}

/// All records of a delta layer's file, which is checked in full.
fn records(bytes: &[u8], layer: &IndexLayer) -> Result<Vec<(DeltaKey, Vec<u8>)>, DecodeError> {
    let malformed = |what, problem: &str| DecodeError::malformed(what, 0, problem);
    if bytes.len() as u64 != layer.len {
        return Err(malformed("file", "is not as long as the index says"));
    }
    let head = bytes
        .get(..BLOCK_LEN)
        .ok_or_else(|| malformed("file", "has no block 0"))?;
    let summary = DeltaSummary::decode(head)?;
    let marker = ChecksumMarker::decode(head)?;
    let marker = marker.ok_or_else(|| malformed("file", "has no checksum marker"))?;
    let end = marker.block_count as usize * BLOCK_LEN;
    let section = bytes
        .get(end..)
        .ok_or_else(|| malformed("file", "ends before its blocks"))?;
    let section = ChecksumSection::decode(section, marker.block_count)?;
    if Some(section.own_checksum()) != layer.checksum {
        return Err(malformed("checksum section", "is not the index's"));
    }
    for (index, block) in (0..).zip(bytes[..end].chunks_exact(BLOCK_LEN)) {
        section.verify_block(index, block)?;
    }
    let start = summary.index_start_block as usize * BLOCK_LEN;
    let all = [0; DeltaKey::LEN]..=[u8::MAX; DeltaKey::LEN];
    let mut walk = Walk::forward(summary.index_root_block, all);
    let mut records = Vec::new();
    loop {
        match walk.next()? {
            Step::End => return Ok(records),
            Step::Need(block) => {
                let at = start + block as usize * BLOCK_LEN;
                let block_bytes = bytes.get(at..at + BLOCK_LEN);
                let block_bytes =
                    block_bytes.ok_or_else(|| malformed("index", "has no such block"))?;
                walk.feed(block, block_bytes)?;
            }
            Step::Entry(key, value) => {
                let offset = BlobRef::from_value(value).offset() as usize;
                let blob = bytes.get(offset..start).unwrap_or_default();
                let header = BlobHeader::decode(blob)?;
                let stored = blob
                    .get(header.header_len..header.blob_len())
                    .unwrap_or_default();
                let value = decode_blob(&header, stored, usize::MAX)?;
                records.push((DeltaKey::from_bytes(key), value.into_owned()));
            }
        }
    }
}

/// At rest there are the files that the index names, the index, the lock, and one ephemeral file
/// for each open layer.
pub fn check_space(disk: &Disk, timelines: &[(TimelineId, usize)]) -> Result<(), Verdict> {
    let mut expected = BTreeSet::from(["lock".to_string()]);
    let mut open_counts = Vec::new();
    for &(timeline, open_count) in timelines {
        let index = index(disk, timeline)?;
        expected.insert(format!("{timeline}/index"));
        for layer in &index.layers {
            let name = FileName::Layer {
                name: layer.name,
                generation: layer.generation,
            };
            expected.insert(format!("{timeline}/{name}"));
        }
        open_counts.push(open_count);
    }
    let found = files(disk)?;
    let is_ephemeral = |name: &&String| name.contains("/ephemeral-");
    let ephemeral_count = found.iter().filter(is_ephemeral).count();
    let others: BTreeSet<String> = found
        .iter()
        .filter(|name| !is_ephemeral(name))
        .cloned()
        .collect();
    let surplus: Vec<&String> = others.symmetric_difference(&expected).collect();
    if surplus.is_empty() && ephemeral_count == open_counts.iter().sum::<usize>() {
        return Ok(());
    }
    let law = "at rest there are the files that an index names, and one for each open layer";
    let found = format!("{surplus:?} and {ephemeral_count} ephemeral files");
    Err(Verdict::law(law, found))
}

fn files(disk: &Disk) -> Result<BTreeSet<String>, Verdict> {
    let unreadable = |error: std::io::Error| broken(ROOT, &error.to_string());
    let mut found = BTreeSet::new();
    for entry in disk.list(Path::new(ROOT)).map_err(unreadable)? {
        if entry.len.is_some() {
            found.insert(entry.name);
            continue;
        }
        let dir = Path::new(ROOT).join(&entry.name);
        let inner = disk.list(&dir).map_err(unreadable)?;
        if inner.is_empty() {
            found.insert(format!("{}/", entry.name));
        }
        found.extend(
            inner
                .into_iter()
                .map(|file| format!("{}/{}", entry.name, file.name)),
        );
    }
    Ok(found)
}

/// Law 4, as far as it can be seen from outside.
pub fn check_order(durable: Lsn, last: Lsn) -> Result<(), Verdict> {
    if durable <= last {
        return Ok(());
    }
    Err(Verdict::law(
        "law 4: disk_consistent_lsn <= last_record_lsn",
        format!("{durable} and {last}"),
    ))
}
