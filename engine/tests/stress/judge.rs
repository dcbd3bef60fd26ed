//! What a read may be answered while everything moves.
//!
//! 1. An answer is the history's, whatever happens meanwhile.
//! 2. `NotYet` is right if the last record stood below the LSN before the call.
//! 3. `BelowCutoff` is right if, after the call, the LSN is below the cutoff of one of the
//!    timelines that the read comes to, and no timeline that stays stands there.
//! 4. An answer is wrong if, before the call, the LSN was below such a cutoff, and nobody has ever
//!    branched there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use palimpsest::{Error, Timeline};

use crate::history::{Point, Tree};

/// The timelines that stay through a round, and where others may have stood on them.
pub struct Ground {
    pub tree: Tree,
    pub timelines: BTreeMap<u8, Timeline>,
    branched: Mutex<BTreeSet<(u8, u64)>>,
}

/// How things stood before a call.
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

    /// From now on somebody may stand there.
    pub fn note_branch(&self, at: Point) {
        let mut branched = self
            .branched
            .lock()
            .expect("nothing panics while it is held");
        branched.extend(self.links(at).iter().map(|link| (link.timeline, link.lsn)));
    }

    /// The timelines that a read comes to, from its own down to the root, and at which LSN.
    fn links(&self, at: Point) -> Vec<Point> {
        let below = |link: &Point| {
            let below = self.tree.ancestor(link.timeline)?;
            let lsn = below.lsn.min(link.lsn);
            Some(Point { lsn, ..below })
        };
        std::iter::successors(Some(at), below).collect()
    }

    /// Whether the LSN is below a cutoff on the way, and no timeline that stays stands there.
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

    /// It was admitted: may it have been?
    pub fn check_admitted(&self, before: &Before) {
        let at = before.at;
        assert!(
            !before.is_refusable,
            "{at:?} is below the cutoff, and was admitted"
        );
        let last = self.timelines[&at.timeline].last_record_lsn().0;
        assert!(
            at.lsn <= last,
            "{at:?} is above the last record, and was admitted"
        );
    }

    /// It was refused: rightly so?
    pub fn check_refused(&self, before: &Before, error: &Error) {
        let at = before.at;
        let is_right = match error {
            Error::NotYet { .. } => before.last < at.lsn,
            Error::BelowCutoff { .. } => {
                self.links(at).iter().any(|link| self.is_below_cutoff(link))
            }
            _ => false,
        };
        assert!(is_right, "{at:?} was refused: {error}");
    }
}
