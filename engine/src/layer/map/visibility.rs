//! Which layers a read may still come to, from the points at which reads are known to begin.
//!
//! ```text
//!  LSN 40  ─ point ──────────────────────────   image @35: visible, from 40
//!      35  ════ image @35 ═══════════════════   delta 10..30: from 40 the image hides it, but the
//!      30  +------ delta 10..30 ------------+   point at 20 stands inside it: visible
//!      20  ─ point ──────────────────────────   image @9: visible, from 20
//!      10  +--------------------------------+   delta 5..9: both points end above it: covered
//!       9  ════ image @9 ════════════════════
//! ```
//!
//! A layer is covered if each point ends at images before it comes to the layer. From the lowest
//! point at the layer's last LSN or above, the fewest images stand between, so of those this one
//! decides; each point inside the layer's LSNs decides for itself.

use std::collections::BTreeSet;

use super::history::History;
use crate::base::{LayerName, Lsn};

/// Whether a read that begins at one of some points may come to a layer: a hint.
///
/// # Shape
/// It holds for the layers and points that it was computed of. A read elsewhere may come to a
/// covered layer all the same, so no answer may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// A read may come to it. L0s are always visible.
    Visible,
    /// Reads from all points end at images above it.
    Covered,
}

impl<T> History<T> {
    /// The visibility of each layer for reads at these points, in the order of the names.
    pub fn visibility(&self, points: &BTreeSet<Lsn>) -> Vec<(LayerName, Visibility)> {
        let of = |name: &LayerName| match self.is_covered_from(name, points) {
            true => Visibility::Covered,
            false => Visibility::Visible,
        };
        self.iter().map(|(name, _)| (name, of(&name))).collect()
    }

    fn is_covered_from(&self, name: &LayerName, points: &BTreeSet<Lsn>) -> bool {
        let lsns = name.lsns();
        let last = Lsn(lsns.end.0 - 1);
        let inside = points.range(lsns.start..last);
        let above = points.range(last..).next();
        !name.is_l0()
            && inside
                .chain(above)
                .all(|point| self.is_hidden(name, *point))
    }
}
