//! Branching: what a timeline ensures before a branch may be created on it.

use std::sync::Arc;

use super::Timeline;
use super::pin::ParentPin;
use super::read::ReadGuard;
use super::shared::{Shared, TimelineState};
use crate::base::{Error, Lsn, Result, TimelineId};
use crate::io::{Io, Op};
use crate::store::Store;

/// The highest [`Timeline::depth`] of a branch that can be created. A read registers in each
/// timeline on its way, and looks for layers in each, at less than 1 µs each: 10 ms at most.
///
/// Branches that are there, from before there was a limit, are opened all the same.
pub const BRANCH_DEPTH_MAX: usize = 10_000;

/// Refuses a branch of this depth if it is too deep.
fn check_depth(depth: usize) -> Result<()> {
    if depth <= BRANCH_DEPTH_MAX {
        return Ok(());
    }
    let why = format!(
        "the branch would have {depth} ancestors, and a read looks into each of them: at most \
         {BRANCH_DEPTH_MAX} can be, so branch off one of the ancestors"
    );
    Err(Error::Refused { why })
}

impl<S: Store> Timeline<S> {
    /// Refuses if a branch of this timeline would be too deep.
    ///
    /// # Errors
    /// `Refused`, with both depths.
    pub(crate) fn check_branch_depth(&self) -> Result<()> {
        check_depth(self.depth() + 1)
    }

    /// Refuses a branch below the start of this timeline: it would stand on history that is another
    /// timeline's, or none's.
    ///
    /// # Errors
    /// `Refused`, with the start.
    pub(crate) fn check_branch_point(&self, lsn: Lsn) -> Result<()> {
        let why = match self.ancestor() {
            Some(at) if lsn < at.lsn => format!(
                "LSN {lsn} is below the ancestor's branch point {}: branch off {}",
                at.lsn, at.timeline
            ),
            Some(_) => return Ok(()),
            None => {
                let state = self.shared.state();
                // The map of what is shut down is empty.
                state.check_open()?;
                let start = state.root_start();
                // Layers at the start may be gone: below the cutoff, and those that a split has
                // left to other shards.
                let is_split = !self.shared.shard.origins.is_empty();
                if is_split || lsn < state.gc_cutoff || start <= lsn {
                    return Ok(());
                }
                format!("LSN {lsn} is below the start of the ancestor: branch off it from {start}")
            }
        };
        Err(Error::Refused { why })
    }

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

impl<I: Io> TimelineState<I> {
    /// The LSN at which a root begins: its first record stands above it. As long as no collection
    /// has taken a layer, the lowest one tells, since layers follow each other without a gap.
    fn root_start(&self) -> Lsn {
        let files = self.map.files().names().map(|name| name.lsns().start);
        let memory = self.map.frozen().iter().chain(self.map.open());
        let memory = memory.map(|layer| layer.start());
        let first = files.chain(memory).min().unwrap_or(self.next_start);
        Lsn(first.0.saturating_sub(1))
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

impl<S: Store> Drop for Shared<S> {
    /// Releases the ancestors one after the other: each would release the next from within its own
    /// drop, and a long chain would need more stack than a thread has.
    fn drop(&mut self) {
        self.upkeep.close();
        let mut next = self.parent.take();
        while let Some(parent) = next {
            next = Arc::into_inner(parent).and_then(|mut parent| parent.parent.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_that_is_too_deep_is_refused_with_both_depths() {
        assert!(check_depth(BRANCH_DEPTH_MAX).is_ok());
        let error = check_depth(BRANCH_DEPTH_MAX + 1).unwrap_err().to_string();
        assert!(error.contains("10001 ancestors"), "{error}");
        assert!(error.contains("at most 10000"), "{error}");
    }
}
