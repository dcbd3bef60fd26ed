//! A branch that is open keeps what it stands on open, for it reads there.
//!
//! Both sides decide under the lock of the ancestor's state: a shutdown begins only where no branch
//! is open, and a branch is opened, or made, only where no shutdown is under way.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shared::Shared;
use crate::base::{Error, Result, TimelineId};
use crate::store::Store;

/// The open branches that stand on a timeline directly.
#[derive(Clone, Default)]
pub(crate) struct OpenBranches {
    ids: Arc<Mutex<BTreeSet<TimelineId>>>,
}

/// One of them, for as long as it lives.
pub(crate) struct Hold {
    branches: OpenBranches,
    branch: TimelineId,
}

impl OpenBranches {
    fn ids(&self) -> MutexGuard<'_, BTreeSet<TimelineId>> {
        // It is let go of in drops, also while a panic unwinds.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.branches.ids().remove(&self.branch);
    }
}

impl<S: Store> Shared<S> {
    /// A branch of this timeline is about to be open.
    ///
    /// # Errors
    /// `Closed` if this timeline was shut down, or is being shut down.
    pub(crate) fn hold(&self, branch: TimelineId) -> Result<Hold> {
        let state = self.state();
        state.check_open()?;
        if 0 < state.ending_count {
            return Err(Error::Closed);
        }
        let branches = state.open_branches.clone();
        branches.ids().insert(branch);
        Ok(Hold { branches, branch })
    }

    /// A shutdown begins. It must be taken back in the end.
    ///
    /// # Errors
    /// `Busy` if a branch of this timeline is open.
    pub(crate) fn begin_ending(&self) -> Result<()> {
        let mut state = self.state();
        let first = state.open_branches.ids().first().copied();
        if let Some(branch) = first {
            let timeline = self.id;
            return Err(Error::Busy {
                what: format!(
                    "the open timeline {branch} stands on timeline {timeline}: shut it down first"
                ),
            });
        }
        state.ending_count += 1;
        Ok(())
    }
}
