//! The branch tree: the ancestors of all timelines of an engine.
//!
//! 1. A branch's ancestor and LSN stand in the branch's index. An engine's open reads them from all
//!    indexes; a creation adds its branch before its cutoff check, a deletion removes it once the
//!    deletion is durable.
//! 2. A timeline's *retained* LSNs are those at which its descendants read it; they must stay
//!    readable. A descendant reads an ancestor at the lowest branch LSN on the way down to it.
//! 3. While the index of one timeline cannot be read, its ancestor is unknown: nothing is
//!    collected.
//! 4. An *unsure* branch retains its LSN, but no reader is registered there for its sake, since
//!    what it reads may already be collected. Unsure are a branch that is being created and was not
//!    compared with the cutoff yet; and a timeline whose index says "deleted" and cannot be synced:
//!    a crash may bring it back, but it may also have been deleted durably in an earlier life, and
//!    what it read collected.
//! 5. The points are kept counted as timelines come and go, so that a read looks up its LSN and
//!    builds nothing: `branch_tree/points.rs`.

use std::collections::{BTreeMap, BTreeSet};

use points::{Kind, Points};

use crate::base::{Error, Generation, Lsn, Result, TimelineId};
use crate::format::Ancestor;
use crate::sync::{Mutex, MutexGuard};

/// The ancestors of all timelines of an engine.
#[derive(Default)]
pub(crate) struct BranchTree {
    tree: Mutex<Tree>,
}

#[derive(Default)]
struct Tree {
    /// The timelines whose ancestor is known. Not sure are those that retain their branch point
    /// without making it readable: fact 4.
    points: Points,
    /// Timelines whose index could not be read.
    unknown: BTreeSet<TimelineId>,
    /// The last generations of timelines that were deleted in this process.
    retired: BTreeMap<TimelineId, Generation>,
}

impl BranchTree {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().expect("nothing panics while it is held")
    }

    /// Adds a timeline that exists, with its ancestor.
    pub(crate) fn add(&self, timeline: TimelineId, ancestor: Option<Ancestor>) {
        self.tree().insert(timeline, ancestor, true);
    }

    /// Adds a timeline whose deletion may not be durable, with its ancestor.
    pub(crate) fn add_leaving(&self, timeline: TimelineId, ancestor: Option<Ancestor>) {
        self.tree().insert(timeline, ancestor, false);
    }

    /// Adds a branch that is about to be created: its branch point is retained from now on, until
    /// the claim is dropped, or for good after [`BranchClaim::keep`].
    pub(crate) fn claim(&self, timeline: TimelineId, ancestor: Ancestor) -> BranchClaim<'_> {
        assert!(
            timeline != ancestor.timeline,
            "the ancestor of a new branch is another timeline"
        );
        self.tree().insert(timeline, Some(ancestor), false);
        BranchClaim {
            branch_tree: self,
            timeline,
        }
    }

    /// Adds a timeline that exists and whose ancestor could not be read.
    pub(crate) fn add_unknown(&self, timeline: TimelineId) {
        self.tree().unknown.insert(timeline);
    }

    /// Whether the timeline's index could not be read.
    pub(crate) fn is_unknown(&self, timeline: TimelineId) -> bool {
        self.tree().unknown.contains(&timeline)
    }

    /// Removes a timeline whose deletion is durable.
    pub(crate) fn remove(&self, timeline: TimelineId) {
        let mut tree = self.tree();
        tree.unknown.remove(&timeline);
        tree.points.remove(timeline);
    }

    /// Removes a timeline whose deletion is durable, and remembers its last generation.
    pub(crate) fn retire(&self, timeline: TimelineId, last: Generation) {
        self.remove(timeline);
        let before = self.tree().retired.insert(timeline, last);
        assert!(before.is_none_or(|before| before <= last), "law 6");
    }

    /// The last generation that a timeline of this name had, if one was deleted in this process:
    /// removals of its files may still be in flight, and must not hit new files of the same names.
    pub(crate) fn last_generation(&self, timeline: TimelineId) -> Option<Generation> {
        self.tree().retired.get(&timeline).copied()
    }

    /// The timeline that a branch stands on.
    pub(crate) fn parent(&self, timeline: TimelineId) -> Option<TimelineId> {
        self.tree().points.parent(timeline)
    }

    /// The first of the direct branches of a timeline.
    pub(crate) fn first_branch(&self, timeline: TimelineId) -> Option<TimelineId> {
        self.tree().points.first_branch(timeline)
    }

    /// The LSNs at which this timeline's history is retained for its branches.
    pub(crate) fn retained(&self, timeline: TimelineId) -> BTreeSet<Lsn> {
        self.tree().points.points(timeline, Kind::All)
    }

    /// Whether readers of branches may register in this timeline at an LSN below the cutoff.
    pub(crate) fn is_readable(&self, timeline: TimelineId, lsn: Lsn) -> bool {
        self.tree().points.has(timeline, lsn, Kind::Sure)
    }

    /// Refuses while the ancestor of a timeline other than this one is unknown: it may be this one.
    ///
    /// # Errors
    /// `Busy`, which names the timeline whose index could not be read.
    pub(crate) fn check_known(&self, timeline: TimelineId) -> Result<()> {
        let tree = self.tree();
        let mut others = tree.unknown.iter().filter(|other| **other != timeline);
        match others.next() {
            None => Ok(()),
            Some(timeline) => Err(Error::Busy {
                what: format!(
                    "the index of timeline {timeline}, which says what it stands on, cannot be \
                     read: restore it, or open it once it can"
                ),
            }),
        }
    }
}

/// A branch of which nothing is on the disk yet. Dropping the claim removes it from the tree.
pub(crate) struct BranchClaim<'a> {
    branch_tree: &'a BranchTree,
    timeline: TimelineId,
}

impl BranchClaim<'_> {
    /// Keeps the branch in the tree: its branch point was found readable, and its files may be on
    /// the disk. From now on only a durable deletion removes it.
    pub(crate) fn keep(self) {
        let was_claimed = self.branch_tree.tree().points.make_sure(self.timeline);
        assert!(
            was_claimed,
            "only its own creation settles a branch that is being created"
        );
        std::mem::forget(self);
    }
}

impl Drop for BranchClaim<'_> {
    fn drop(&mut self) {
        self.branch_tree.remove(self.timeline);
    }
}

impl Tree {
    fn insert(&mut self, timeline: TimelineId, ancestor: Option<Ancestor>, is_sure: bool) {
        self.unknown.remove(&timeline);
        self.points.set(timeline, ancestor, is_sure);
    }
}

mod points;

#[cfg(test)]
mod tests {
    use super::*;

    const A: TimelineId = TimelineId([0xA; 16]);
    const B: TimelineId = TimelineId([0xB; 16]);
    const C: TimelineId = TimelineId([0xC; 16]);
    const D: TimelineId = TimelineId([0xD; 16]);

    /// B is a branch of A at 30, C of B at 20, D of B at 50.
    fn branch_tree() -> BranchTree {
        let branch_tree = BranchTree::default();
        let on = |timeline, lsn| {
            Some(Ancestor {
                timeline,
                lsn: Lsn(lsn),
            })
        };
        branch_tree.add(A, None);
        branch_tree.add(B, on(A, 30));
        branch_tree.add(C, on(B, 20));
        branch_tree.add(D, on(B, 50));
        branch_tree
    }

    fn retained(branch_tree: &BranchTree, timeline: TimelineId) -> Vec<u64> {
        let lsns = branch_tree.retained(timeline).into_iter();
        lsns.map(|lsn| lsn.0).collect()
    }

    fn readable(branch_tree: &BranchTree, timeline: TimelineId) -> Vec<u64> {
        let is_readable = |lsn: &u64| branch_tree.is_readable(timeline, Lsn(*lsn));
        (0..100).filter(is_readable).collect()
    }

    #[test]
    fn a_deletion_in_doubt_retains_its_lsn_and_makes_it_readable_for_no_reader() {
        let branch_tree = branch_tree();
        branch_tree.add_leaving(
            D,
            Some(Ancestor {
                timeline: B,
                lsn: Lsn(50),
            }),
        );
        assert_eq!(branch_tree.retained(B), BTreeSet::from([Lsn(20), Lsn(50)]));
        assert_eq!(readable(&branch_tree, B), [20]);
        assert_eq!(branch_tree.first_branch(B), Some(C));
        branch_tree.add(
            D,
            Some(Ancestor {
                timeline: B,
                lsn: Lsn(50),
            }),
        );
        assert_eq!(readable(&branch_tree, B), retained(&branch_tree, B));
    }

    #[test]
    fn a_claim_retains_its_lsn_and_makes_it_readable_once_it_is_kept() {
        let branch_tree = branch_tree();
        let at_40 = Ancestor {
            timeline: A,
            lsn: Lsn(40),
        };
        let one = branch_tree.claim(TimelineId([1; 16]), at_40);
        let other = branch_tree.claim(TimelineId([2; 16]), at_40);
        assert_eq!(retained(&branch_tree, A), [20, 30, 40]);
        assert_eq!(readable(&branch_tree, A), [20, 30]);
        drop(other);
        assert_eq!(retained(&branch_tree, A), [20, 30, 40]);
        one.keep();
        assert_eq!(readable(&branch_tree, A), retained(&branch_tree, A));
    }

    #[test]
    fn descendant_retains_the_lowest_branch_point_on_its_way() {
        let branch_tree = branch_tree();
        assert_eq!(retained(&branch_tree, A), [20, 30]);
        assert_eq!(retained(&branch_tree, B), [20, 50]);
        assert_eq!(retained(&branch_tree, C), [] as [u64; 0]);
        assert_eq!(branch_tree.first_branch(B), Some(C));
    }

    #[test]
    fn a_retained_lsn_is_released_with_the_last_branch_that_needs_it() {
        let branch_tree = branch_tree();
        branch_tree.remove(D);
        assert_eq!(retained(&branch_tree, B), [20]);
        assert_eq!(retained(&branch_tree, A), [20, 30]);
        branch_tree.remove(C);
        assert_eq!(retained(&branch_tree, A), [30]);
    }

    #[test]
    fn an_unknown_timeline_blocks_until_it_is_read_or_removed() {
        let branch_tree = branch_tree();
        branch_tree.add_unknown(D);
        let error = branch_tree.check_known(A).unwrap_err().to_string();
        assert!(error.contains(&D.to_string()), "{error}");
        branch_tree.add(D, None);
        assert!(branch_tree.check_known(A).is_ok());
        branch_tree.add_unknown(D);
        branch_tree.remove(D);
        assert!(branch_tree.check_known(A).is_ok());
    }

    #[test]
    fn a_cycle_ends() {
        let branch_tree = branch_tree();
        let on = Some(Ancestor {
            timeline: B,
            lsn: Lsn(10),
        });
        branch_tree.add(A, on);
        assert_eq!(retained(&branch_tree, C), [] as [u64; 0]);
        assert_eq!(retained(&branch_tree, A), [10, 20, 30]);
    }
}
