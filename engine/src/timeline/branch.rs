//! Branching: what a timeline sees to before another one may stand on it.

use super::Timeline;
use super::pin::ParentPin;
use super::read::ReadGuard;
use super::shared::Shared;
use crate::base::{Error, Lsn, Result, TimelineId};
use crate::io::Op;
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// Makes sure that a branch at `lsn` finds what it needs: it can be read there, now and from
    /// now on, and it is durable up to there. The branch has claimed the LSN already.
    ///
    /// # Errors
    /// `NotYet` or `BelowCutoff` if it cannot be read there, and those of [`Timeline::flush`].
    pub(crate) async fn make_branchable(&self, op: Op, lsn: Lsn) -> Result<()> {
        // It looks at all that this one stands on too. Nobody is let in for the branch's own sake.
        let _admission = ReadGuard::new(&self.shared, op, lsn).await?;
        assert!(lsn <= self.last_record_lsn(), "it was admitted there");
        if self.disk_consistent_lsn() < lsn {
            self.flush().await?;
        }
        assert!(
            lsn <= self.disk_consistent_lsn(),
            "a branch stands on what is durable"
        );
        Ok(())
    }
}

impl<S: Store> Shared<S> {
    /// A branch of this timeline is about to be open.
    ///
    /// # Errors
    /// `Closed` if this timeline was shut down, or is being shut down.
    pub(crate) fn pin(&self, branch: TimelineId) -> Result<ParentPin> {
        assert!(branch != self.id);
        let state = self.state();
        state.check_open()?;
        if 0 < state.ending_count {
            return Err(Error::Closed);
        }
        Ok(state.open_branches.pin(branch))
    }
}
