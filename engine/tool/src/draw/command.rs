//! The command: from a path to a file with a picture.
#![expect(
    clippy::disallowed_methods,
    reason = "it writes a file that the caller named, outside of any run"
)]

use std::fs;
use std::io::Write;
use std::path::Path;

use super::labels::labels;
use super::subject::subject;
use crate::exit::CommandError;
use crate::map::{Axes, Map};

/// Draws the layers at a path into a file, or to `out` if there is none.
///
/// # Errors
/// `Input` if the path cannot be read or the file not be written, `Damaged` if what stands at the
/// path is damaged.
pub fn draw(path: &Path, file: Option<&Path>, out: &mut dyn Write) -> Result<(), CommandError> {
    let map = subject(path)?;
    let svg = map.document(&axes(&map));
    match file {
        Some(file) => {
            fs::write(file, svg).map_err(|error| CommandError::of_path(file, &error))?;
            Ok(writeln!(out, "{}: {}", map.title, file.display())?)
        }
        None => Ok(out.write_all(svg.as_bytes())?),
    }
}

/// The axes of a map, with a label at each edge of a layer.
fn axes(map: &Map) -> Axes {
    let layers = || map.layers.iter();
    let keys = layers().flat_map(|layer| [layer.keys.start, layer.keys.end]);
    let lsns = layers().flat_map(|layer| [layer.lsns.start, layer.lsns.end]);
    let marks = map.marks.iter().map(|mark| mark.lsn);
    let points: Vec<_> = marks
        .chain(map.branches.iter().map(|(lsn, _, _)| *lsn))
        .collect();
    let mut axes = Axes::new((keys.collect(), &[]), (lsns.collect(), &points));
    let edges = axes.keys.values();
    let places = edges.iter().map(|edge| axes.keys.at(*edge));
    let labelled = places
        .zip(labels(edges))
        .filter(|(_, label)| !label.is_empty());
    axes.labels = labelled.collect();
    axes
}
