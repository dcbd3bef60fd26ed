//! The laws of the disk: what an index names is there, every layer holds what the model says, all
//! that may be read can be read, and no other files are left.

mod cut;
mod file;
mod known;
mod layers;
mod needless;
mod reduced;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use palimpsest::Timeline;
use palimpsest::base::{FileName, Lsn, TimelineId};
use palimpsest::format::{Index, IndexLayer};
use palimpsest::io::Io;

use crate::disk::Disk;
use crate::paths::{ROOT, index_path, timeline_dir};
use crate::verdict::Verdict;

pub(crate) use file::{records, values};
pub use known::Known;
pub use layers::check_layers;
pub use needless::{check_needless, is_needed};

/// A timeline's index, as the disk has it.
pub fn index(disk: &mut Disk, timeline: TimelineId) -> Result<Index, Verdict> {
    let path = index_path(timeline);
    let bytes = disk.bytes(&path);
    let bytes = bytes.map_err(|error| broken(&path.to_string_lossy(), &error.to_string()))?;
    Index::decode(&bytes).map_err(|error| broken(&path.to_string_lossy(), &error.to_string()))
}

/// The length of all files of all timelines on the disk, in bytes.
pub fn disk_len(disk: &mut Disk) -> u64 {
    let dirs = disk.list(Path::new(ROOT)).unwrap_or_default();
    let dirs = dirs.iter().map(|entry| Path::new(ROOT).join(&entry.name));
    let files = dirs.flat_map(|dir| disk.list(&dir).unwrap_or_default());
    files.filter_map(|file| file.len).sum()
}

/// The layer files in a timeline's directory.
pub fn layer_files(disk: &mut Disk, timeline: TimelineId) -> BTreeSet<FileName> {
    let dir = timeline_dir(timeline);
    let entries = disk.list(&dir).unwrap_or_default().into_iter();
    let names = entries.filter_map(|entry| FileName::parse(&entry.name));
    names
        .filter(|name| matches!(name, FileName::Layer { .. }))
        .collect()
}

/// The bytes of the file of a layer, if the disk has it.
pub fn layer_bytes(
    disk: &mut Disk,
    timeline: TimelineId,
    layer: &IndexLayer,
) -> Option<Arc<Vec<u8>>> {
    let path = timeline_dir(timeline).join(file_name(layer).to_string());
    disk.bytes(&path).ok()
}

/// The name of the file of a layer.
pub fn file_name(layer: &IndexLayer) -> FileName {
    FileName::Layer {
        name: layer.name,
        generation: layer.generation,
    }
}

fn broken(file: &str, problem: &str) -> Verdict {
    let law = "law 5: the index names only what exists, and that can be read";
    Verdict::law(law, format!("{file}: {problem}"))
}

/// Checks that a quiescent engine has no other files than those that indexes name, the indexes, the
/// lock, and one ephemeral file for each memory layer, counted by timeline. Timelines that cannot
/// be opened are left out.
pub fn check_space(
    disk: &mut Disk,
    timelines: &[(TimelineId, usize)],
    left_alone: &[TimelineId],
) -> Result<(), Verdict> {
    let mut expected = BTreeSet::from(["lock".to_string()]);
    let mut memory_counts = Vec::new();
    for &(timeline, memory_count) in timelines {
        let index = index(disk, timeline)?;
        expected.insert(format!("{timeline}/index"));
        for layer in &index.layers {
            expected.insert(format!("{timeline}/{}", file_name(layer)));
        }
        memory_counts.push(memory_count);
    }
    let mut found = files(disk)?;
    // Space that is held for a full disk.
    found.retain(|name| name != "reserve");
    for timeline in left_alone {
        let dir = format!("{timeline}/");
        found.retain(|name| !name.starts_with(&dir));
    }
    let is_ephemeral = |name: &&String| name.contains("/ephemeral-");
    let ephemeral_count = found.iter().filter(is_ephemeral).count();
    let others: BTreeSet<String> = found
        .iter()
        .filter(|name| !is_ephemeral(name))
        .cloned()
        .collect();
    let surplus: Vec<&String> = others.symmetric_difference(&expected).collect();
    if surplus.is_empty() && ephemeral_count == memory_counts.iter().sum::<usize>() {
        return Ok(());
    }
    let law = "at rest there are the files that an index names, and one for each memory layer";
    let found = format!("{surplus:?} and {ephemeral_count} ephemeral files");
    Err(Verdict::law(law, found))
}

/// Checks that the index says what the map and the state do, where no job is due or in flight.
pub fn check_saved(disk: &mut Disk, timeline: &Timeline<impl Io>) -> Result<(), Verdict> {
    let index = index(disk, timeline.id())?;
    if index.gc_compaction != timeline.gc_compaction() {
        let law = "where nothing is left to do, the index says how far gc compaction has come";
        return Err(Verdict::law(law, format!("{:?}", index.gc_compaction)));
    }
    if index.strategy != timeline.strategy() {
        let law = "where nothing is left to do, the index says how deltas are compacted";
        return Err(Verdict::law(law, index.strategy.to_string()));
    }
    if index.policy != timeline.policy() {
        let law = "where nothing is left to do, the index says which policy a timeline has";
        return Err(Verdict::law(law, index.policy.to_string()));
    }
    let named: BTreeSet<FileName> = index.layers.iter().map(file_name).collect();
    let map = timeline.layers();
    let in_map = map
        .files()
        .iter()
        .map(|(_, layer)| file_name(layer.entry()));
    let in_map: BTreeSet<FileName> = in_map.collect();
    let apart: Vec<String> = named
        .symmetric_difference(&in_map)
        .map(FileName::to_string)
        .collect();
    if apart.is_empty() {
        return Ok(());
    }
    let law = "where nothing is left to do, the index names the layers that are there";
    Err(Verdict::law(law, apart.join(", ")))
}

fn files(disk: &mut Disk) -> Result<BTreeSet<String>, Verdict> {
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

/// Checks law 4, as far as it shows from outside.
pub fn check_order(durable: Lsn, last: Lsn) -> Result<(), Verdict> {
    if durable <= last {
        return Ok(());
    }
    Err(Verdict::law(
        "law 4: disk_consistent_lsn <= last_record_lsn",
        format!("{durable} and {last}"),
    ))
}
