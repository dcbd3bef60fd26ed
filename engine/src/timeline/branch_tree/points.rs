//! The LSNs at which descendants read each timeline, counted as branches come and go.
//!
//! ```text
//!  a ◀── b at 30 ◀── c at 20      points of b: 20        (c's branch point)
//!                ◀── d at 50                   50        (d's)
//!                                 points of a: 30        (b's, and all that b has from 30 on)
//!                                              20        (what b has below 30)
//! ```
//!
//! 1. A point of a timeline is one LSN. It is counted once for each direct branch that brings it: a
//!    branch brings its own LSN, and those of its points that are below that. What is at or above
//!    its own LSN comes down as its own LSN.
//! 2. So a change goes down to an ancestor only where a point appears or disappears. Of branches
//!    above their parent's branch point none passes the parent; of others each takes one count a
//!    level. A look-up is one search in one timeline's points, at any depth.
//! 3. A branch may stand on a timeline that is not known. It brings its points there, and they go
//!    no further until that timeline is added.
//! 4. Counts that come around in a circle would keep themselves. So an edge that would close one is
//!    *cut*: it brings nothing, and is tried again whenever another edge goes. Only damaged indexes
//!    make one.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Lsn, TimelineId};
use crate::format::Ancestor;

/// Which descendants count.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// All of them.
    All,
    /// Those that may read there.
    Sure,
}

/// The points of all timelines.
#[derive(Default)]
pub(super) struct Points {
    links: BTreeMap<TimelineId, Link>,
    /// By the timeline that is stood on.
    below: BTreeMap<TimelineId, Below>,
    /// The timelines whose edge would close a circle.
    cut: BTreeSet<TimelineId>,
}

/// A timeline, and what it stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Link {
    ancestor: Option<Ancestor>,
    is_sure: bool,
}

/// The branches of one timeline, and what they bring.
#[derive(Default)]
struct Below {
    branches: BTreeSet<TimelineId>,
    all: BTreeMap<Lsn, u32>,
    sure: BTreeMap<Lsn, u32>,
}

impl Points {
    /// Adds a timeline, or puts its new ancestor in the old one's place.
    pub(super) fn set(&mut self, timeline: TimelineId, ancestor: Option<Ancestor>, is_sure: bool) {
        let link = Link { ancestor, is_sure };
        if self.links.get(&timeline) == Some(&link) {
            return;
        }
        self.remove(timeline);
        self.links.insert(timeline, link);
        if let Some(ancestor) = ancestor {
            let below = self.below.entry(ancestor.timeline).or_default();
            below.branches.insert(timeline);
            self.join(timeline, ancestor);
        }
    }

    /// Lets the reads of a timeline count from now on, and returns whether they did not before.
    pub(super) fn make_sure(&mut self, timeline: TimelineId) -> bool {
        match self.links.get(&timeline).copied() {
            Some(link) if !link.is_sure => {
                self.set(timeline, link.ancestor, true);
                true
            }
            _ => false,
        }
    }

    /// Removes a timeline. What its branches bring stays with it, for when it is added again.
    pub(super) fn remove(&mut self, timeline: TimelineId) {
        let Some(ancestor) = self.links.get(&timeline).and_then(|link| link.ancestor) else {
            self.links.remove(&timeline);
            return;
        };
        if !self.cut.remove(&timeline) {
            for (lsn, kind) in self.brought(timeline) {
                self.change(ancestor.timeline, (lsn, kind), Change::Less);
            }
        }
        self.links.remove(&timeline);
        let below = self.below.get_mut(&ancestor.timeline);
        let below = below.expect("a timeline is among the branches of its ancestor");
        below.branches.remove(&timeline);
        if below.branches.is_empty() {
            assert!(below.all.is_empty() && below.sure.is_empty());
            self.below.remove(&ancestor.timeline);
        }
        // The edge that went may have been one of a circle's.
        for timeline in self.cut.clone() {
            let ancestor = self.links.get(&timeline).and_then(|link| link.ancestor);
            self.join(timeline, ancestor.expect("only an edge is cut"));
        }
    }

    /// Lets a branch bring its points to its ancestor, unless that would close a circle.
    fn join(&mut self, timeline: TimelineId, ancestor: Ancestor) {
        if self.closes_circle(timeline, ancestor) {
            self.cut.insert(timeline);
            return;
        }
        self.cut.remove(&timeline);
        for (lsn, kind) in self.brought(timeline) {
            self.change(ancestor.timeline, (lsn, kind), Change::More);
        }
    }

    /// Whether the ancestor of a timeline stands on it. Nothing is walked for a new branch, on
    /// which nothing stands.
    fn closes_circle(&self, timeline: TimelineId, ancestor: Ancestor) -> bool {
        if !self.below.contains_key(&timeline) {
            return false;
        }
        let mut next = Some(ancestor.timeline);
        while let Some(at) = next {
            if at == timeline {
                return true;
            }
            next = self.joined(at).map(|ancestor| ancestor.timeline);
        }
        false
    }

    /// The ancestor to which a timeline brings its points.
    fn joined(&self, timeline: TimelineId) -> Option<Ancestor> {
        let ancestor = self.links.get(&timeline)?.ancestor?;
        (!self.cut.contains(&timeline)).then_some(ancestor)
    }

    /// What a branch brings to its ancestor: fact 1.
    fn brought(&self, timeline: TimelineId) -> Vec<(Lsn, Kind)> {
        let ancestor = self.links[&timeline].ancestor;
        let lsn = ancestor.expect("it is a branch").lsn;
        let mut brought = Vec::new();
        for kind in [Kind::All, Kind::Sure] {
            if self.brings_own(timeline, kind) {
                brought.push((lsn, kind));
            }
            if let Some(below) = self.below.get(&timeline) {
                let lower = below.of(kind).range(..lsn);
                brought.extend(lower.map(|(lower, _)| (*lower, kind)));
            }
        }
        brought
    }

    /// Whether a branch brings its own LSN: it counts itself, or has a point at or above that.
    fn brings_own(&self, timeline: TimelineId, kind: Kind) -> bool {
        let link = &self.links[&timeline];
        let lsn = link.ancestor.expect("it is a branch").lsn;
        let counts_itself = match kind {
            Kind::All => true,
            Kind::Sure => link.is_sure,
        };
        let has_point = |below: &Below| below.of(kind).range(lsn..).next().is_some();
        counts_itself || self.below.get(&timeline).is_some_and(has_point)
    }

    /// Counts a point of a timeline once more or once less, and goes down with it as far as it
    /// appears or disappears: fact 2.
    fn change(&mut self, timeline: TimelineId, (lsn, kind): (Lsn, Kind), change: Change) {
        let mut next = Some((timeline, lsn));
        while let Some((timeline, lsn)) = next {
            let ancestor = self.joined(timeline);
            let own = ancestor.filter(|ancestor| ancestor.lsn <= lsn);
            // A point that comes down as the branch's own LSN is of no effect beside another one.
            let brought_own = own.is_some() && self.brings_own(timeline, kind);
            let below = self.below.get_mut(&timeline);
            let below = below.expect("a timeline that has points has branches");
            let has_turned = change.apply(below.of_mut(kind), lsn);
            let brings_own = own.is_some() && self.brings_own(timeline, kind);
            let goes_down = match own {
                Some(_) => brought_own != brings_own,
                None => has_turned,
            };
            let ancestor = ancestor.filter(|_| goes_down);
            next = ancestor.map(|ancestor| (ancestor.timeline, lsn.min(ancestor.lsn)));
        }
    }

    /// The timeline that a branch stands on.
    pub(super) fn parent(&self, timeline: TimelineId) -> Option<TimelineId> {
        let ancestor = self.links.get(&timeline)?.ancestor?;
        Some(ancestor.timeline)
    }

    /// The first branch of a timeline.
    pub(super) fn first_branch(&self, timeline: TimelineId) -> Option<TimelineId> {
        self.below.get(&timeline)?.branches.first().copied()
    }

    /// The points of a timeline.
    pub(super) fn points(&self, timeline: TimelineId, kind: Kind) -> BTreeSet<Lsn> {
        if !self.cut.is_empty() {
            return self.walked(timeline, kind).collect();
        }
        let below = self.below.get(&timeline);
        let points = below.into_iter().flat_map(|below| below.of(kind).keys());
        points.copied().collect()
    }

    /// Whether a timeline has this point.
    pub(super) fn has(&self, timeline: TimelineId, lsn: Lsn, kind: Kind) -> bool {
        if !self.cut.is_empty() {
            return self.walked(timeline, kind).any(|point| point == lsn);
        }
        let below = self.below.get(&timeline);
        below.is_some_and(|below| below.of(kind).contains_key(&lsn))
    }

    /// The points of a timeline by a walk down from each other one. While an edge is cut the counts
    /// lack what comes over it.
    fn walked(&self, ancestor: TimelineId, kind: Kind) -> impl Iterator<Item = Lsn> {
        let counts = move |link: &Link| match kind {
            Kind::All => true,
            Kind::Sure => link.is_sure,
        };
        let others = self.links.iter();
        let others = others.filter(move |(_, link)| counts(link));
        others.filter_map(move |(other, _)| self.lsn_on(*other, ancestor))
    }

    /// The LSN at which a read of `timeline`'s end descends to `ancestor`, if it does.
    fn lsn_on(&self, timeline: TimelineId, ancestor: TimelineId) -> Option<Lsn> {
        let mut lowest = Lsn::MAX;
        let mut next = timeline;
        // No way is longer than the number of timelines: so this ends in a circle too.
        for _ in 0..self.links.len() {
            let above = self.links.get(&next)?.ancestor?;
            lowest = lowest.min(above.lsn);
            if above.timeline == ancestor {
                return Some(lowest);
            }
            next = above.timeline;
        }
        None
    }
}

impl Below {
    fn of(&self, kind: Kind) -> &BTreeMap<Lsn, u32> {
        match kind {
            Kind::All => &self.all,
            Kind::Sure => &self.sure,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeMap<Lsn, u32> {
        match kind {
            Kind::All => &mut self.all,
            Kind::Sure => &mut self.sure,
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    More,
    Less,
}

impl Change {
    /// Counts a point, and returns whether it appears or disappears by that.
    fn apply(self, counts: &mut BTreeMap<Lsn, u32>, lsn: Lsn) -> bool {
        let count = counts.entry(lsn).or_insert(0);
        match self {
            Change::More => {
                *count += 1;
                *count == 1
            }
            Change::Less => {
                *count = count.checked_sub(1).expect("a point is counted before");
                if *count == 0 {
                    counts.remove(&lsn);
                    return true;
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
