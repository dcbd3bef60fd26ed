//! The answers that a read may have during concurrent writes and jobs.
//!
//! 1. A value is always that of the history.
//! 2. `NotYet` is right if the last record stood below the LSN before the call.
//! 3. `BelowCutoff` is right if, after the call, the LSN is below the cutoff of one of the
//!    timelines that the read comes to, and no permanent timeline branches off there.
//! 4. A value is wrong if, before the call, the LSN was below such a cutoff, and no branch was ever
//!    created there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use palimpsest::{Error, Timeline};

use crate::history::{Point, Tree};

/// The permanent timelines of a round, and the points at which branches of them may have been
/// created.
pub struct Ground {
    pub tree: Tree,
    pub timelines: BTreeMap<u8, Timeline>,
    branched: Mutex<BTreeSet<(u8, u64)>>,
}

/// The LSNs and cutoffs before a call.
pub struct Before {
    at: Point,
    last: u64,
    is_refusable: bool,
}

impl Ground {
    pub fn new(tree: Tree, timelines: BTreeMap<u8, Timeline>) -> Ground {
        Ground {
            tree,
            timelines,
            branched: Mutex::default(),
        }
    }

    /// Notes that a branch may exist at this point from now on.
    pub fn note_branch(&self, at: Point) {
        let mut branched = self
            .branched
            .lock()
            .expect("nothing panics while it is held");
        branched.extend(self.links(at).iter().map(|link| (link.timeline, link.lsn)));
    }

    /// The timelines that a read descends to, from its own down to the root, with the LSN in each.
    fn links(&self, at: Point) -> Vec<Point> {
        let below = |link: &Point| {
            let below = self.tree.ancestor(link.timeline)?;
            let lsn = below.lsn.min(link.lsn);
            Some(Point { lsn, ..below })
        };
        std::iter::successors(Some(at), below).collect()
    }

    /// Whether the LSN is below the cutoff of the link, and no permanent timeline branches off
    /// there.
    fn is_below_cutoff(&self, link: &Point) -> bool {
        let cutoff = self.timelines[&link.timeline].gc_cutoff().0;
        link.lsn < cutoff && !self.tree.retained(link.timeline).contains(&link.lsn)
    }

    pub fn before(&self, at: Point) -> Before {
        let is_refusable = self.links(at).iter().any(|link| {
            let is_below = self.is_below_cutoff(link);
            let branched = self
                .branched
                .lock()
                .expect("nothing panics while it is held");
            is_below && !branched.contains(&(link.timeline, link.lsn))
        });
        Before {
            at,
            last: self.timelines[&at.timeline].last_record_lsn().0,
            is_refusable,
        }
    }

    /// Checks that a read that got a value was legal.
    pub fn check_readable(&self, before: &Before) {
        let at = before.at;
        assert!(
            !before.is_refusable,
            "{at:?} is below the cutoff, and was read"
        );
        let last = self.timelines[&at.timeline].last_record_lsn().0;
        assert!(
            at.lsn <= last,
            "{at:?} is above the last record, and was read"
        );
    }

    /// Checks that a read that was refused was illegal.
    pub fn check_refused(&self, before: &Before, error: &Error) {
        let at = before.at;
        let is_right = match error {
            Error::NotYet { .. } => before.last < at.lsn,
            Error::BelowCutoff { .. } => {
                self.links(at).iter().any(|link| self.is_below_cutoff(link))
            }
            // What is below its start is its ancestor's.
            Error::Refused { .. } => at.lsn < self.tree.start(at.timeline),
            _ => false,
        };
        assert!(is_right, "{at:?} was refused: {error}");
    }
}
