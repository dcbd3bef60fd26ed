//! A branch that is open keeps what it stands on open, for it reads there.
//!
//! Both sides decide under the lock of the ancestor's state: a shutdown begins only where no branch
//! is open, and a branch is opened, or made, only where no shutdown is under way.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::TimelineId;

/// The open branches that stand on a timeline directly.
#[derive(Clone, Default)]
pub(crate) struct OpenBranches {
    ids: Arc<Mutex<BTreeSet<TimelineId>>>,
}

/// One of them, for as long as it lives.
pub(crate) struct ParentPin {
    branches: OpenBranches,
    branch: TimelineId,
}

impl OpenBranches {
    /// Adds a branch, for as long as what is returned lives.
    pub(crate) fn pin(&self, branch: TimelineId) -> ParentPin {
        let is_new = self.ids().insert(branch);
        assert!(is_new, "a branch is open once");
        let branches = self.clone();
        ParentPin { branches, branch }
    }

    /// One of them, if there is any.
    pub(crate) fn first(&self) -> Option<TimelineId> {
        self.ids().first().copied()
    }

    fn ids(&self) -> MutexGuard<'_, BTreeSet<TimelineId>> {
        // It is let go of in drops, also while a panic unwinds.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ParentPin {
    fn drop(&mut self) {
        let was_there = self.branches.ids().remove(&self.branch);
        assert!(was_there, "a branch lets go of its parent once");
    }
}
