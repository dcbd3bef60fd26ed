//! Which timeline stands on which: one truth for all timelines of an engine.
//!
//! 1. A branch's ancestor and LSN stand in the branch's index. At the engine's open they are read
//!    from all indexes; a creation adds them before its cutoff check, a deletion takes them out
//!    once it is durable.
//! 2. What a descendant reads of a timeline must stay readable there: its *retained* LSNs. A
//!    descendant reads an ancestor at the lowest branch LSN on the way down to it.
//! 3. While one index cannot be read, nobody knows what it stands on: nothing is collected.
//! 4. Nobody is let in for the sake of a timeline of which it is not sure that what it reads is
//!    still there, although that is kept from now on. Such is a branch that is being made and was
//!    not held against the cutoff yet; and a timeline whose index says "deleted" and cannot be
//!    synced: it may come back, but it may also have been gone, durably, in an earlier life, and
//!    what it read collected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use crate::base::{Error, Generation, Lsn, Result, TimelineId};
use crate::format::Ancestor;

/// Which timeline stands on which.
#[derive(Default)]
pub(crate) struct BranchTree {
    tree: Mutex<Tree>,
}

#[derive(Default)]
struct Tree {
    ancestors: BTreeMap<TimelineId, Option<Ancestor>>,
    /// Those of them that keep their point, and let nobody in there.
    unsure: BTreeSet<TimelineId>,
    /// Timelines whose index could not be read.
    unknown: BTreeSet<TimelineId>,
    /// The last generations of timelines that were deleted in this process.
    retired: BTreeMap<TimelineId, Generation>,
}

impl BranchTree {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().expect("nothing panics while it is held")
    }

    /// A timeline is there, and this is what it stands on.
    pub(crate) fn add(&self, timeline: TimelineId, ancestor: Option<Ancestor>) {
        let mut tree = self.tree();
        tree.unsure.remove(&timeline);
        tree.insert(timeline, ancestor);
    }

    /// A timeline was deleted, perhaps not durably, and this is what it stood on.
    pub(crate) fn add_leaving(&self, timeline: TimelineId, ancestor: Option<Ancestor>) {
        let mut tree = self.tree();
        tree.unsure.insert(timeline);
        tree.insert(timeline, ancestor);
    }

    /// A branch is about to be made: its point is kept from now on, and no longer if the claim is
    /// dropped before it is kept.
    pub(crate) fn claim(&self, timeline: TimelineId, ancestor: Ancestor) -> BranchClaim<'_> {
        assert!(
            timeline != ancestor.timeline,
            "a new branch stands on another timeline"
        );
        let mut tree = self.tree();
        tree.unsure.insert(timeline);
        tree.insert(timeline, Some(ancestor));
        BranchClaim {
            branch_tree: self,
            timeline,
        }
    }

    /// A timeline is there, and what it stands on could not be read.
    pub(crate) fn add_unknown(&self, timeline: TimelineId) {
        self.tree().unknown.insert(timeline);
    }

    /// A timeline is gone, durably.
    pub(crate) fn remove(&self, timeline: TimelineId) {
        let mut tree = self.tree();
        tree.unknown.remove(&timeline);
        tree.unsure.remove(&timeline);
        tree.ancestors.remove(&timeline);
    }

    /// A timeline is gone, durably, and this was its last generation.
    pub(crate) fn retire(&self, timeline: TimelineId, last: Generation) {
        self.remove(timeline);
        let before = self.tree().retired.insert(timeline, last);
        assert!(before.is_none_or(|before| before <= last), "law 6");
    }

    /// The last generation that a timeline of this name had, if one was deleted in this process:
    /// what removes its files may still be on its way, and must not meet new ones of their names.
    pub(crate) fn last_generation(&self, timeline: TimelineId) -> Option<Generation> {
        self.tree().retired.get(&timeline).copied()
    }

    /// The timelines that stand on this one directly, in order.
    pub(crate) fn children(&self, timeline: TimelineId) -> Vec<TimelineId> {
        let tree = self.tree();
        let is_child = |ancestor: &Option<Ancestor>| {
            ancestor.is_some_and(|ancestor| ancestor.timeline == timeline)
        };
        let children = tree.ancestors.iter().filter(|(_, above)| is_child(above));
        children.map(|(child, _)| *child).collect()
    }

    /// The LSNs at which this timeline's layers are kept for others.
    pub(crate) fn retained(&self, timeline: TimelineId) -> BTreeSet<Lsn> {
        let tree = self.tree();
        tree.lsns_on(timeline, |_| true)
    }

    /// The LSNs at which this timeline can be read for others' sake.
    pub(crate) fn readable(&self, timeline: TimelineId) -> BTreeSet<Lsn> {
        let tree = self.tree();
        tree.lsns_on(timeline, |other| !tree.unsure.contains(&other))
    }

    /// Refuses as long as somebody unknown, other than itself, may stand on a timeline.
    ///
    /// # Errors
    /// `Busy`, with the timeline whose index could not be read.
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

/// A branch of which nothing is on the disk yet.
pub(crate) struct BranchClaim<'a> {
    branch_tree: &'a BranchTree,
    timeline: TimelineId,
}

impl BranchClaim<'_> {
    /// What it reads is there, and something of it may be on the disk: it counts until it is known
    /// to be gone.
    pub(crate) fn keep(self) {
        let was_claimed = self.branch_tree.tree().unsure.remove(&self.timeline);
        assert!(
            was_claimed,
            "nothing else settles what a branch that is being made stands on"
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
    fn insert(&mut self, timeline: TimelineId, ancestor: Option<Ancestor>) {
        self.unknown.remove(&timeline);
        self.ancestors.insert(timeline, ancestor);
    }

    /// At which LSNs reads of those that `counts` come down to `ancestor`.
    fn lsns_on(&self, ancestor: TimelineId, counts: impl Fn(TimelineId) -> bool) -> BTreeSet<Lsn> {
        let others = self.ancestors.keys().copied();
        let others = others.filter(|other| counts(*other));
        others
            .filter_map(|other| self.lsn_on(other, ancestor))
            .collect()
    }

    /// At which LSN a read of `timeline`'s end comes down to `ancestor`, if it does.
    fn lsn_on(&self, timeline: TimelineId, ancestor: TimelineId) -> Option<Lsn> {
        let mut lowest = Lsn::MAX;
        let mut next = timeline;
        // No way is longer than there are timelines, even if a damaged one leads in a circle.
        for _ in 0..self.ancestors.len() {
            let above = self.ancestors.get(&next).copied().flatten()?;
            lowest = lowest.min(above.lsn);
            if above.timeline == ancestor {
                return Some(lowest);
            }
            next = above.timeline;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TimelineId = TimelineId([0xA; 16]);
    const B: TimelineId = TimelineId([0xB; 16]);
    const C: TimelineId = TimelineId([0xC; 16]);
    const D: TimelineId = TimelineId([0xD; 16]);

    /// B stands on A at 30, C on B at 20, D on B at 50.
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

    #[test]
    fn what_is_deleted_perhaps_keeps_its_point_and_lets_nobody_in() {
        let branch_tree = branch_tree();
        branch_tree.add_leaving(
            D,
            Some(Ancestor {
                timeline: B,
                lsn: Lsn(50),
            }),
        );
        assert_eq!(branch_tree.retained(B), BTreeSet::from([Lsn(20), Lsn(50)]));
        assert_eq!(branch_tree.readable(B), BTreeSet::from([Lsn(20)]));
        assert_eq!(branch_tree.children(B), [C, D]);
        branch_tree.add(
            D,
            Some(Ancestor {
                timeline: B,
                lsn: Lsn(50),
            }),
        );
        assert_eq!(branch_tree.readable(B), branch_tree.retained(B));
    }

    #[test]
    fn what_is_being_made_keeps_its_point_and_lets_nobody_in_until_it_was_checked() {
        let branch_tree = branch_tree();
        let at_40 = Ancestor {
            timeline: A,
            lsn: Lsn(40),
        };
        let one = branch_tree.claim(TimelineId([1; 16]), at_40);
        let other = branch_tree.claim(TimelineId([2; 16]), at_40);
        assert_eq!(retained(&branch_tree, A), [20, 30, 40]);
        assert_eq!(branch_tree.readable(A), BTreeSet::from([Lsn(20), Lsn(30)]));
        drop(other);
        assert_eq!(retained(&branch_tree, A), [20, 30, 40]);
        one.keep();
        assert_eq!(branch_tree.readable(A), branch_tree.retained(A));
    }

    #[test]
    fn descendant_retains_the_lowest_branch_point_on_its_way() {
        let branch_tree = branch_tree();
        assert_eq!(retained(&branch_tree, A), [20, 30]);
        assert_eq!(retained(&branch_tree, B), [20, 50]);
        assert_eq!(retained(&branch_tree, C), [] as [u64; 0]);
        assert_eq!(branch_tree.children(B), [C, D]);
    }

    #[test]
    fn retained_lsn_goes_with_the_last_that_needs_it() {
        let branch_tree = branch_tree();
        branch_tree.remove(D);
        assert_eq!(retained(&branch_tree, B), [20]);
        assert_eq!(retained(&branch_tree, A), [20, 30]);
        branch_tree.remove(C);
        assert_eq!(retained(&branch_tree, A), [30]);
    }

    #[test]
    fn unknown_timeline_is_in_the_way_until_it_is_read_or_gone() {
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
    fn circle_ends() {
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
