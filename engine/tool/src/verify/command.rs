//! The command: every file under a path.

use std::io::Write;
use std::path::Path;

use super::layer::verify_layer;
use super::report::Report;
use super::timeline::verify_timeline;
use crate::bytes::DiskFile;
use crate::exit::{CommandError, code};
use crate::form::Form;
use crate::index_file;
use crate::layer::LayerReader;
use crate::place::{Place, bytes_under, layer_files};
use crate::progress::Progress;

/// Verifies what stands at a path, prints each fault, and returns the exit code.
///
/// # Errors
/// `Input` if the path cannot be read.
pub fn verify(path: &Path, out: &mut dyn Write, form: Form) -> Result<u8, CommandError> {
    let place = Place::at(path)?;
    let progress = Progress::new("verified", bytes_under(path)?);
    let mut report = Report::new(out, form, progress);
    match &place {
        Place::Engine(root, timelines) => {
            for timeline in timelines {
                let dir = root.join(timeline.to_string());
                verify_timeline(&mut report, &dir, Some(*timeline))?;
            }
        }
        Place::Timeline(dir) => {
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            verify_timeline(&mut report, dir, name.parse().ok())?;
        }
        Place::Layers(dir) => {
            for (name, file) in layer_files(dir)? {
                verify_layer(&mut report, &dir.join(file), name)?;
            }
        }
        Place::Index(path) => {
            report.file_count += 1;
            let bytes = index_file::read(path)?;
            report.read(bytes.len() as u64);
            if let Err(error) = index_file::decode(path, &bytes) {
                report.wrong(path, error.text().unwrap_or_default())?;
            }
        }
        Place::Layer(path) => verify_alone(&mut report, path)?,
    }
    report.finish()?;
    match report.fault_count {
        0 => Ok(code::ALL_RIGHT),
        _ => Ok(code::DAMAGED),
    }
}

/// Verifies one layer's file, whatever its name.
fn verify_alone(report: &mut Report<'_>, path: &Path) -> Result<(), CommandError> {
    let file = DiskFile::open(path).map_err(|error| CommandError::of_path(path, &error))?;
    match LayerReader::open(file) {
        Ok(reader) => {
            let name = reader.summary().name();
            verify_layer(report, path, name)?;
        }
        Err(fault) => {
            report.file_count += 1;
            report.fault(path, &fault)?;
        }
    }
    Ok(())
}
