//! The handle of an open timeline.

use std::sync::Arc;

use super::shared::Shared;
use crate::base::{Generation, Lsn, TimelineId};
use crate::format::Ancestor;
use crate::layer::LayerMap;
use crate::store::Store;

/// An open timeline: a history of keys that can be written at its end and read anywhere.
///
/// Clones are the same timeline. What the clones of a timeline do at the same time is described at
/// each method; nothing that one of them does blocks a reader.
pub struct Timeline<S: Store> {
    pub(crate) shared: Arc<Shared<S>>,
}

impl<S: Store> Clone for Timeline<S> {
    fn clone(&self) -> Timeline<S> {
        Timeline {
            shared: self.shared.clone(),
        }
    }
}

impl<S: Store> Timeline<S> {
    /// Which timeline it is.
    pub fn id(&self) -> TimelineId {
        self.shared.id
    }

    /// The generation of this life of the timeline: it grows at each open.
    pub fn generation(&self) -> Generation {
        self.shared.generation
    }

    /// What it stands on, if it is a branch.
    pub fn ancestor(&self) -> Option<Ancestor> {
        self.shared.ancestor
    }

    /// How many timelines it stands on, one above the other.
    pub fn depth(&self) -> usize {
        std::iter::successors(Some(&self.shared), |shared| shared.parent.as_ref()).count() - 1
    }

    /// The LSN of the last record: the highest that can be read.
    pub fn last_record_lsn(&self) -> Lsn {
        self.shared.state().last_record_lsn
    }

    /// What a crash falls back to: everything at or below it is durable.
    pub fn disk_consistent_lsn(&self) -> Lsn {
        self.shared.state().disk_consistent_lsn
    }

    /// The lowest LSN that can be read, but for those at which branches stand.
    pub fn gc_cutoff(&self) -> Lsn {
        self.shared.state().gc_cutoff
    }

    /// The layers as they stand now.
    pub fn layers(&self) -> Arc<LayerMap<S::Io>> {
        self.shared.state().map.clone()
    }

    /// Panics if a law is broken. Tests and the simulator call it after every operation.
    pub fn check_laws(&self) {
        self.shared.state().check_laws();
    }
}
