//! What is in a timeline's directory.

use std::collections::BTreeMap;

use crate::base::{DecodeError, Error, FileName, Generation, LayerName, TimelineId};
use crate::io::Entry;

/// The engine's files in a timeline's directory.
pub(super) struct Listing {
    pub(super) files: Vec<(FileName, u64)>,
}

impl Listing {
    pub(super) fn new(entries: &[Entry]) -> Listing {
        let ours = |entry: &Entry| Some((FileName::parse(&entry.name)?, entry.len?));
        Listing {
            files: entries.iter().filter_map(ours).collect(),
        }
    }

    /// The length of each layer's file.
    pub(super) fn layer_lens(&self) -> BTreeMap<(LayerName, Generation), u64> {
        let layer = |&(file, len): &(FileName, u64)| match file {
            FileName::Layer { name, generation } => Some(((name, generation), len)),
            _ => None,
        };
        self.files.iter().filter_map(layer).collect()
    }

    pub(super) fn has_layers(&self) -> bool {
        !self.layer_lens().is_empty()
    }

    /// Whether an index of this generation was begun and not finished.
    pub(super) fn has_index_temp(&self, wanted: Generation) -> bool {
        let is_it = |(file, _): &(FileName, u64)| match file {
            FileName::IndexTemp { generation, .. } => *generation == wanted,
            _ => false,
        };
        self.files.iter().any(is_it)
    }

    /// The error for a timeline that has no index.
    pub(super) fn no_timeline(&self, timeline: TimelineId) -> Error {
        if self.has_layers() {
            let problem = "it is missing, and layers are there; nothing was removed";
            let error = DecodeError::malformed("index", 0, problem);
            return error.of_file(format!("{timeline}/{}", FileName::Index));
        }
        Error::Refused {
            why: format!("there is no timeline {timeline}"),
        }
    }
}
