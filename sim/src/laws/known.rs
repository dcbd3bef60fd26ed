//! What was found in the layers that were looked at before, so that none is read twice.
//!
//! 1. A file's bytes are held here, so nobody can change them: whoever writes gets a copy. Where
//!    the disk has the very same bytes under the same entry of the index, they say the same.
//! 2. What they say was right holds as long as the model says the same of the layer's keys and
//!    LSNs. A model that only grew above the layer does; any other change of it has an epoch of its
//!    own, and the layer is held against it anew.

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

/// The layers of all timelines that were looked at.
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

/// What a file says.
#[derive(Debug)]
pub(super) enum Content {
    Delta(Vec<(DeltaKey, Vec<u8>)>),
    Image(Lsn, Vec<(Key, Vec<u8>)>),
}

/// What a layer was held against when it was right.
#[derive(Clone, Debug)]
struct Judged {
    epoch: Epoch,
    record_count: usize,
    /// Nothing that comes to the model in this epoch falls into the layer.
    is_below: bool,
}

impl Known {
    /// The layers that an index names, as they lie on the disk now; the others are forgotten.
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
            // Both are in the order of the names: what stands before it is named no more.
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

    /// Whether it was right by what the model says of its keys and LSNs.
    pub(super) fn is_right_by(&self, history: &History) -> bool {
        self.judged.as_ref().is_some_and(|judged| {
            let is_same = judged.record_count == history.record_count();
            judged.epoch == history.epoch() && (is_same || judged.is_below)
        })
    }

    /// It is right by the model as it is.
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
