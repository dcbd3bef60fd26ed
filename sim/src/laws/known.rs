//! A cache of the layers that were checked before, so that none is read twice.
//!
//! 1. The cache holds a file's bytes, which are immutable: a write makes a copy. Where the disk has
//!    the very same bytes under the same entry of the index, the content is the same.
//! 2. A layer that was right stays right as long as the model says the same of its keys and LSNs. A
//!    model that only grew above the layer does; any other change gives the model a new epoch, and
//!    the layer is checked again.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use palimpsest::base::{Key, LayerName, Lsn, TimelineId};
use palimpsest::format::{DeltaKey, IndexLayer};

use super::file::{records, values};
use super::{broken, file_name};
use crate::disk::Disk;
use crate::model::{Epoch, History};
use crate::paths::timeline_dir;
use crate::verdict::Verdict;

/// The layers of all timelines that were checked.
#[derive(Clone, Debug, Default)]
pub struct Known {
    layers: BTreeMap<TimelineId, Vec<KnownLayer>>,
}

/// One layer's file.
#[derive(Clone, Debug)]
pub(super) struct KnownLayer {
    pub(super) entry: IndexLayer,
    pub(super) content: Arc<Content>,
    path: Arc<Path>,
    bytes: Arc<Vec<u8>>,
    judged: Option<Judged>,
}

/// The content of a file.
#[derive(Debug)]
pub(super) enum Content {
    Delta(Vec<(DeltaKey, Vec<u8>)>),
    Image(Lsn, Vec<(Key, Vec<u8>)>),
}

/// The model that a layer was right by.
#[derive(Clone, Debug)]
struct Judged {
    epoch: Epoch,
    record_count: usize,
    /// Nothing that is added to the model in this epoch falls into the layer.
    is_below: bool,
}

impl Known {
    /// The layers that an index names, as the disk has them now; drops the others.
    pub(super) fn look(
        &mut self,
        disk: &mut Disk,
        timeline: TimelineId,
        entries: &[IndexLayer],
    ) -> Result<&mut [KnownLayer], Verdict> {
        let known = self.layers.entry(timeline).or_default();
        let dir = timeline_dir(timeline);
        let mut before = std::mem::take(known);
        for entry in entries {
            // Both are in the order of the names: what stands before it is no longer named.
            let at = before.iter().position(|known| known.entry == *entry);
            let found = at.and_then(|at| before.drain(..=at).next_back());
            let path = match &found {
                Some(known) => known.path.clone(),
                None => dir.join(file_name(entry).to_string()).into(),
            };
            let bytes = disk.bytes(&path);
            let unreadable = |error: io::Error| broken(&path.to_string_lossy(), &error.to_string());
            let bytes = bytes.map_err(unreadable)?;
            known.push(match found {
                Some(known) if Arc::ptr_eq(&known.bytes, &bytes) => known,
                _ => KnownLayer::read(entry, path, bytes)?,
            });
        }
        Ok(known)
    }
}

impl KnownLayer {
    fn read(
        entry: &IndexLayer,
        path: Arc<Path>,
        bytes: Arc<Vec<u8>>,
    ) -> Result<KnownLayer, Verdict> {
        let content = match entry.name {
            LayerName::Delta { .. } => records(&bytes, entry).map(Content::Delta),
            LayerName::Image { lsn, .. } => {
                values(&bytes, entry, lsn).map(|values| Content::Image(lsn, values))
            }
        };
        let unreadable = |error: palimpsest::base::DecodeError| {
            broken(&file_name(entry).to_string(), &error.to_string())
        };
        Ok(KnownLayer {
            entry: *entry,
            content: Arc::new(content.map_err(unreadable)?),
            path,
            bytes,
            judged: None,
        })
    }

    /// Whether the layer was right by what the model says of its keys and LSNs.
    pub(super) fn is_right_by(&self, history: &History) -> bool {
        self.judged.as_ref().is_some_and(|judged| {
            let is_same = judged.record_count == history.record_count();
            judged.epoch == history.epoch() && (is_same || judged.is_below)
        })
    }

    /// Notes that the layer is right by the present model.
    pub(super) fn note_right(&mut self, history: &History) {
        let end = match *self.content {
            Content::Delta(_) => self.entry.name.lsns().end,
            Content::Image(lsn, _) => lsn.visible_end(),
        };
        self.judged = Some(Judged {
            epoch: history.epoch(),
            record_count: history.record_count(),
            is_below: end <= history.newest(),
        });
    }
}
