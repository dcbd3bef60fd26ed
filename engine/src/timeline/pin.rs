//! An open branch pins its parent: the parent stays open, since the branch reads there.
//!
//! Both sides decide under the lock of the parent's state, so that they cannot race: a shutdown
//! begins only if no branch is open, and a branch is opened or created only if no shutdown is under
//! way.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::TimelineId;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The open direct branches of a timeline.
#[derive(Clone, Default)]
pub(crate) struct OpenBranches {
    ids: Arc<Mutex<BTreeSet<TimelineId>>>,
}

/// Keeps a parent open while one of its branches is open. Dropping it releases the parent.
pub(crate) struct ParentPin {
    branches: OpenBranches,
    branch: TimelineId,
}

impl OpenBranches {
    /// Adds a branch, until the returned pin is dropped.
    pub(crate) fn pin(&self, branch: TimelineId) -> ParentPin {
        let is_new = self.ids().insert(branch);
        assert!(is_new, "a branch is open once");
        let branches = self.clone();
        ParentPin { branches, branch }
    }

    /// The first open branch by id, if there is one.
    pub(crate) fn first(&self) -> Option<TimelineId> {
        self.ids().first().copied()
    }

    fn ids(&self) -> MutexGuard<'_, BTreeSet<TimelineId>> {
        // Pins are dropped also while a panic unwinds, so a poisoned lock is taken too.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ParentPin {
    fn drop(&mut self) {
        let was_there = self.branches.ids().remove(&self.branch);
        assert!(was_there, "a branch releases its parent once");
    }
}
