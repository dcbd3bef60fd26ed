//! The LSNs at which a timeline must stay readable.

use std::collections::BTreeSet;

use palimpsest::base::Lsn;

/// What a gc compaction had to leave readable: its horizon and all above, and the points below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPoints {
    /// The horizon.
    pub horizon: Lsn,
    /// The points.
    pub below: BTreeSet<Lsn>,
}

impl ReadPoints {
    /// The lowest point, up to the horizon, at which a record at `lsn` can be read.
    pub fn first_from(&self, lsn: Lsn) -> Option<Lsn> {
        let mut below = self.below.range(lsn..);
        let first = below
            .next()
            .map_or(self.horizon, |at| self.horizon.min(*at));
        (lsn <= self.horizon).then_some(first)
    }
}
