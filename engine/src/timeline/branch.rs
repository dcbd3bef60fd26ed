//! Branching: what a timeline sees to before another one may stand on it.

use super::Timeline;
use super::read::Admission;
use crate::base::{Error, Lsn, Result, TimelineId};
use crate::io::Op;
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// Makes sure that a branch at `lsn` finds what it needs: it can be read there, now and from
    /// now on, and it is durable up to there. The family knows the branch already.
    ///
    /// # Errors
    /// `NotYet` or `BelowCutoff` if it cannot be read there, and those of [`Timeline::flush`].
    pub(crate) async fn make_branchable(&self, op: Op, branch: TimelineId, lsn: Lsn) -> Result<()> {
        // The admission looks at all that this one stands on too, but takes the branch itself for
        // somebody who keeps the LSN readable.
        let _admission = Admission::new(&self.shared, op, lsn).await?;
        let mut next = Some((&self.shared, lsn));
        while let Some((shared, lsn)) = next {
            let cutoff = shared.state().gc_cutoff;
            let others = shared.family.readable(shared.id, Some(branch));
            if lsn < cutoff && !others.contains(&lsn) {
                return Err(Error::BelowCutoff { lsn, cutoff });
            }
            let below = shared.parent.as_ref().zip(shared.ancestor);
            next = below.map(|(parent, ancestor)| (parent, lsn.min(ancestor.lsn)));
        }
        if self.disk_consistent_lsn() < lsn {
            self.flush().await?;
        }
        Ok(())
    }
}
