//! Branching: what a timeline ensures before a branch may be created on it.

use super::Timeline;
use super::pin::ParentPin;
use super::read::ReadGuard;
use super::shared::Shared;
use crate::base::{Error, Lsn, Result, TimelineId};
use crate::io::Op;
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// Ensures that a branch at `lsn` is sound: the timeline can be read there, now and from now
    /// on, and is durable up to there. The branch has claimed the LSN already.
    ///
    /// # Errors
    /// `NotYet` or `BelowCutoff` if the timeline cannot be read at `lsn`, and the errors of
    /// [`Timeline::flush`].
    pub(crate) async fn make_branchable(&self, op: Op, lsn: Lsn) -> Result<()> {
        // Registers in all ancestors too. The claim is still unsure, so it makes no LSN readable.
        let _reader = ReadGuard::new(&self.shared, op, lsn).await?;
        assert!(
            lsn <= self.last_record_lsn(),
            "a reader is registered at a readable LSN"
        );
        if self.disk_consistent_lsn() < lsn {
            self.flush().await?;
        }
        assert!(
            lsn <= self.disk_consistent_lsn(),
            "a branch point is durable"
        );
        Ok(())
    }
}

impl<S: Store> Shared<S> {
    /// Pins this timeline for a branch that is about to be opened.
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
