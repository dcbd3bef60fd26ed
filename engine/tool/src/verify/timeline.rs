//! The directory of a timeline: its index, the layers that it names, and what else is there.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use palimpsest::TimelineId;
use palimpsest::base::{FileName, Lsn};
use palimpsest::format::{Index, IndexLayer};

use super::layer::verify_layer;
use super::report::Report;
use crate::exit::CommandError;
use crate::index_file;
use crate::place::{index_path, listed};

/// Verifies all files of a timeline. `id` is the name that its directory must have, if that is
/// known.
pub(super) fn verify_timeline(
    report: &mut Report<'_>,
    dir: &Path,
    id: Option<TimelineId>,
) -> Result<(), CommandError> {
    let (files, _) = listed(dir)?;
    let path = index_path(dir);
    if !files.iter().any(|name| name == "index") {
        return Ok(verify_unfinished(report, dir, &files)?);
    }
    report.file_count += 1;
    let read = index_file::read(&path).and_then(|bytes| {
        report.read(bytes.len() as u64);
        index_file::decode(&path, &bytes)
    });
    let index = match read {
        Ok(index) => index,
        Err(error) => {
            let text = error.text().unwrap_or_default();
            let path_text = format!("{}: ", path.display());
            let text = text.strip_prefix(&path_text).unwrap_or(text);
            return Ok(report.wrong(&path, text)?);
        }
    };
    verify_index(report, &path, (&index, id))?;
    verify_ancestor(report, dir, &index)?;
    for layer in &index.layers {
        verify_named(report, dir, (&index, layer))?;
    }
    Ok(note_others(report, dir, (&index, &files))?)
}

/// A directory without an index: one that a crash left while the timeline was created or deleted
/// has no layers.
fn verify_unfinished(report: &mut Report<'_>, dir: &Path, files: &[String]) -> io::Result<()> {
    let is_layer = |name: &&String| matches!(FileName::parse(name), Some(FileName::Layer { .. }));
    match files.iter().filter(is_layer).count() {
        0 => report.note(
            dir,
            "no index and no layers: the timeline is no longer, or not yet",
        ),
        count => report.wrong(
            dir,
            &format!("expected an index, found none and {count} layers"),
        ),
    }
}

fn verify_index(
    report: &mut Report<'_>,
    path: &Path,
    (index, id): (&Index, Option<TimelineId>),
) -> io::Result<()> {
    if let Some(id) = id.filter(|id| *id != index.timeline) {
        let text = format!("expected timeline {id}, found {}", index.timeline);
        report.wrong(path, &text)?;
    }
    if index.is_deleted {
        report.note(path, "the timeline is deleted: the next open removes it")?;
    }
    let durable = index.disk_consistent_lsn;
    if durable < index.gc_cutoff {
        let text = format!(
            "the cutoff {} is above the durable {durable}",
            index.gc_cutoff
        );
        report.wrong(path, &text)?;
    }
    let last: Option<&Lsn> = index.leases.keys().next_back();
    if let Some(lsn) = last.filter(|lsn| durable < **lsn) {
        let text = format!("the lease of {lsn} is above the durable {durable}");
        report.wrong(path, &text)?;
    }
    for layer in &index.layers {
        if layer.name.is_above(durable) {
            let text = format!("{} is above the durable {durable}", layer.name);
            report.wrong(path, &text)?;
        }
        if index.generation < layer.generation {
            let (layer, newest) = (layer.name, index.generation);
            let text = format!("{layer} is of a later generation than the index, {newest}");
            report.wrong(path, &text)?;
        }
    }
    Ok(())
}

/// The ancestor stands beside the branch, and has what the branch reads of it.
fn verify_ancestor(report: &mut Report<'_>, dir: &Path, index: &Index) -> Result<(), CommandError> {
    let Some(ancestor) = index.ancestor.filter(|_| !index.is_deleted) else {
        return Ok(());
    };
    let path = index_path(dir);
    let beside = dir.parent().unwrap_or(Path::new("."));
    let below = index_path(&beside.join(ancestor.timeline.to_string()));
    let read = index_file::read(&below).and_then(|bytes| index_file::decode(&below, &bytes));
    let found = match read {
        // What is wrong with it is reported where it stands itself.
        Err(CommandError::Damaged(_)) => return Ok(()),
        Err(_) => {
            let text = format!("its ancestor {} is not beside it", ancestor.timeline);
            return Ok(report.wrong(&path, &text)?);
        }
        Ok(found) => found,
    };
    let durable = found.disk_consistent_lsn;
    if found.is_deleted || durable < ancestor.lsn {
        let text = format!("its ancestor {} has no {}", ancestor.timeline, ancestor.lsn);
        report.wrong(&path, &text)?;
    }
    Ok(())
}

/// Verifies a layer that an index names.
fn verify_named(
    report: &mut Report<'_>,
    dir: &Path,
    (index, layer): (&Index, &IndexLayer),
) -> io::Result<()> {
    let (name, generation) = (layer.name, layer.generation);
    let path = dir.join(FileName::Layer { name, generation }.to_string());
    let Some(found) = verify_layer(report, &path, name)? else {
        return Ok(());
    };
    if found.len != layer.len {
        let text = format!(
            "expected {} bytes as in the index, found {}",
            layer.len, found.len
        );
        report.wrong(&path, &text)?;
    }
    if layer.checksum.is_some() && found.checksum != layer.checksum {
        report.wrong(&path, "its checksums are not those of the index")?;
    }
    if found.tenant != index.tenant {
        let text = format!("expected tenant {}, found {}", index.tenant, found.tenant);
        report.wrong(&path, &text)?;
    }
    Ok(())
}

/// Notes the files that the index does not name.
fn note_others(
    report: &mut Report<'_>,
    dir: &Path,
    (index, files): (&Index, &[String]),
) -> io::Result<()> {
    let named = index.layers.iter().map(|layer| {
        let (name, generation) = (layer.name, layer.generation);
        FileName::Layer { name, generation }
    });
    let named: BTreeSet<FileName> = named.collect();
    for name in files {
        let what = match FileName::parse(name) {
            Some(FileName::Index | FileName::Lock | FileName::Reserve) => continue,
            Some(found) if named.contains(&found) => continue,
            Some(_) => "no index names it: the next open removes it",
            None => "it is not the engine's",
        };
        report.note(&dir.join(name), what)?;
    }
    Ok(())
}
