//! The command: block by block from one file to another.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it writes a file that the caller named, outside of any run"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use palimpsest::format::{ChecksumSection, DeltaSummary, ImageSummary};
use palimpsest::{TenantId, TimelineId};

use crate::bytes::DiskFile;
use crate::exit::CommandError;
use crate::layer::{LayerReader, Summary};

/// The ids that the new file has; those of the old one where none is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewIds {
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// The timeline.
    pub timeline: Option<TimelineId>,
}

/// Writes a copy of a layer's file with other ids, and prints what an index would have to say of
/// it.
///
/// # Errors
/// `Damaged` if a block of the file is not what was written; then there is no new file. `Input` if
/// there is a file in its place already.
pub fn rewrite_summary(
    (from, to): (&Path, &Path),
    ids: NewIds,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let file = DiskFile::open(from).map_err(|error| CommandError::of_path(from, &error))?;
    let opened = LayerReader::open(file);
    let mut reader = opened.map_err(|fault| CommandError::of_fault(from, &fault))?;
    let created = File::create_new(to).map_err(|error| CommandError::of_path(to, &error))?;
    let checksum = match copy(&mut reader, (from, to), (created, ids)) {
        Ok(checksum) => checksum,
        Err(error) => {
            // It is of no use; that it cannot be removed changes nothing about the error.
            let _ = std::fs::remove_file(to);
            return Err(error);
        }
    };
    let summary = with_ids(reader.summary(), ids);
    writeln!(out, "tenant              {}", summary.tenant())?;
    writeln!(out, "timeline            {}", summary.timeline())?;
    match checksum {
        Some(checksum) => writeln!(out, "checksums           section {checksum:08x}")?,
        None => writeln!(out, "checksums           none")?,
    }
    Ok(())
}

/// Copies the blocks, and returns the checksum of the new section.
fn copy(
    reader: &mut LayerReader<DiskFile>,
    (from, to): (&Path, &Path),
    (created, ids): (File, NewIds),
) -> Result<Option<u32>, CommandError> {
    let failed = |error| CommandError::Machine(format!("{}: {error}", to.display()));
    let head = with_ids(reader.summary(), ids).encode();
    let mut section = reader.section_checksum().map(|_| ChecksumSection::new());
    let mut writer = BufWriter::new(created);
    for block_index in 0..reader.block_count() {
        let block = reader.block(block_index);
        let mut block = block.map_err(|fault| CommandError::of_fault(from, &fault))?;
        if block_index == 0 {
            block[..head.len()].copy_from_slice(&head);
        }
        if let Some(section) = &mut section {
            section.push_block(&block);
        }
        writer.write_all(&block).map_err(failed)?;
    }
    if let Some(section) = &section {
        writer.write_all(&section.encode()).map_err(failed)?;
    }
    let file = writer
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(section.map(|section| section.own_checksum()))
}

fn with_ids(summary: &Summary, ids: NewIds) -> Summary {
    match *summary {
        Summary::Delta(summary) => Summary::Delta(DeltaSummary {
            tenant: ids.tenant.unwrap_or(summary.tenant),
            timeline: ids.timeline.unwrap_or(summary.timeline),
            ..summary
        }),
        Summary::Image(summary) => Summary::Image(ImageSummary {
            tenant: ids.tenant.unwrap_or(summary.tenant),
            timeline: ids.timeline.unwrap_or(summary.timeline),
            ..summary
        }),
    }
}
