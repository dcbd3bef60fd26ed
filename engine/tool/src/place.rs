//! What a path is: a layer's file, an index, or a directory of either.
#![expect(
    clippy::disallowed_methods,
    reason = "it looks at directories that the caller named, outside of any run"
)]

use std::fs;
use std::path::{Path, PathBuf};

use palimpsest::TimelineId;
use palimpsest::base::{FileName, LayerName};

use crate::bytes::{Bytes, DiskFile};
use crate::exit::CommandError;

/// The bytes that an index starts with.
const INDEX_MAGIC: &[u8; 8] = b"PalimIdx";

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file of a layer.
    Layer(PathBuf),
    /// The index of a timeline.
    Index(PathBuf),
    /// The directory of a timeline, with its index.
    Timeline(PathBuf),
    /// The directory of an engine, with the directories of its timelines.
    Engine(PathBuf, Vec<TimelineId>),
    /// A directory of layers without an index: a peer's.
    Layers(PathBuf),
}

impl Place {
    /// Looks what stands at `path`.
    ///
    /// # Errors
    /// `Input` if it cannot be read, or if it is nothing of the engine's.
    pub fn at(path: &Path) -> Result<Place, CommandError> {
        let of_path = |error| CommandError::of_path(path, &error);
        if !fs::metadata(path).map_err(of_path)?.is_dir() {
            return Ok(match is_index(path)? {
                true => Place::Index(path.to_path_buf()),
                false => Place::Layer(path.to_path_buf()),
            });
        }
        let (files, dirs) = listed(path)?;
        if files.iter().any(|name| name == "index") {
            return Ok(Place::Timeline(path.to_path_buf()));
        }
        if files.iter().any(|name| LayerName::parse(name).is_some()) {
            return Ok(Place::Layers(path.to_path_buf()));
        }
        let timelines = dirs.iter().filter_map(|name| name.parse().ok());
        let timelines: Vec<TimelineId> = timelines.collect();
        if timelines.is_empty() && !files.iter().any(|name| name == "lock") {
            let what = "neither an index, nor layers, nor timelines are in it";
            let text = format!("{}: {what}", path.display());
            return Err(CommandError::Input(text));
        }
        Ok(Place::Engine(path.to_path_buf(), timelines))
    }
}

/// The names of the files and of the directories in a directory, each in order.
///
/// # Errors
/// `Input` if it cannot be listed.
pub fn listed(dir: &Path) -> Result<(Vec<String>, Vec<String>), CommandError> {
    let of_path = |error| CommandError::of_path(dir, &error);
    let (mut files, mut dirs) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir).map_err(of_path)? {
        let entry = entry.map_err(of_path)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_dir = entry.file_type().map_err(of_path)?.is_dir();
        match is_dir {
            true => dirs.push(name),
            false => files.push(name),
        }
    }
    files.sort();
    dirs.sort();
    Ok((files, dirs))
}

/// The names of the layers' files in a directory, in the order of the layers. A file that is still
/// being written has the name of none.
///
/// # Errors
/// `Input` if it cannot be listed.
pub fn layer_files(dir: &Path) -> Result<Vec<(LayerName, String)>, CommandError> {
    let (files, _) = listed(dir)?;
    let layers = files
        .into_iter()
        .filter_map(|name| Some((LayerName::parse(&name)?, name)));
    let mut layers: Vec<(LayerName, String)> = layers.collect();
    layers.sort();
    Ok(layers)
}

/// The length of all files under a path, in bytes: what a command that reads them all has to do.
///
/// # Errors
/// `Input` if a directory cannot be listed.
pub fn bytes_under(path: &Path) -> Result<u64, CommandError> {
    let of_path = |error| CommandError::of_path(path, &error);
    let found = fs::metadata(path).map_err(of_path)?;
    if !found.is_dir() {
        return Ok(found.len());
    }
    let (files, dirs) = listed(path)?;
    let mut sum = 0;
    for name in files {
        // A file that goes in the meantime has no length.
        sum += fs::metadata(path.join(name)).map_or(0, |found| found.len());
    }
    for name in dirs {
        sum += bytes_under(&path.join(name))?;
    }
    Ok(sum)
}

/// The length of a file, in bytes.
///
/// # Errors
/// `Input` if it cannot be read.
pub fn file_len(path: &Path) -> Result<u64, CommandError> {
    let found = fs::metadata(path).map_err(|error| CommandError::of_path(path, &error))?;
    Ok(found.len())
}

/// The name of the file of an index in a timeline's directory.
pub fn index_path(dir: &Path) -> PathBuf {
    dir.join(FileName::Index.to_string())
}

fn is_index(path: &Path) -> Result<bool, CommandError> {
    let of_path = |error| CommandError::of_path(path, &error);
    let mut file = DiskFile::open(path).map_err(of_path)?;
    let mut magic = [0; INDEX_MAGIC.len()];
    if file.byte_len() < magic.len() as u64 {
        return Ok(false);
    }
    file.read(0, &mut magic).map_err(of_path)?;
    Ok(magic == *INDEX_MAGIC)
}
