//! The paths of the engine's files on the simulated disk.

use std::path::{Path, PathBuf};

use palimpsest::base::TimelineId;

/// The engine's directory on the simulated disk.
pub const ROOT: &str = "/db";

/// The name of a timeline's index file.
pub const INDEX: &str = "index";

/// The directory of a timeline.
pub fn timeline_dir(timeline: TimelineId) -> PathBuf {
    Path::new(ROOT).join(timeline.to_string())
}

/// The index of a timeline.
pub fn index_path(timeline: TimelineId) -> PathBuf {
    timeline_dir(timeline).join(INDEX)
}
