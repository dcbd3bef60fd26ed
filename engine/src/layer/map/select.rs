//! The choice of the layer that a read visits next, as a function of where the candidates stand.

use std::cmp::Reverse;

use crate::base::{LayerName, Lsn, LsnRange};

/// The kind of a candidate layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectKind {
    /// Whole values at one LSN: a read needs nothing below it.
    Image,
    /// Records in a file.
    Delta,
    /// Records in memory, which still grow or wait to be flushed.
    Memory,
}

/// Selects which of the latest image, delta and memory layer a read visits, once it has descended
/// to `end`, and the floor: the read continues below it.
///
/// # Shape
/// Each layer is cut at `end`. The one that reaches highest is visited; among those that reach as
/// high, the image before the delta and the delta before the memory. It is read down to its start,
/// but not below the top of a layer that stands before it in that order: at that top the read
/// visits that layer. An open layer ends at `Lsn::MAX`.
///
/// ```text
/// delta 10..20, image 15   at 30: the delta down to 16, where the image takes over
/// delta 10..20, image 25   at 30: the image, and so nothing of the delta
/// memory 10..30, delta 15..25, image 20   at 50: the memory down to 25, then the delta down to 21
/// ```
/// # Panics
/// If a layer starts at `end` or above, where it has no records for this read.
pub fn select(
    delta: Option<LsnRange>,
    image: Option<Lsn>,
    memory: Option<LsnRange>,
    end: Lsn,
) -> Option<(SelectKind, Lsn)> {
    let image = image.map(|lsn| (SelectKind::Image, LsnRange::new(lsn, lsn.visible_end())));
    let delta = delta.map(|lsns| (SelectKind::Delta, lsns));
    let memory = memory.map(|lsns| (SelectKind::Memory, lsns));
    let mut selected = None;
    let mut top = Lsn::ZERO;
    for (kind, lsns) in [image, delta, memory].into_iter().flatten() {
        assert!(lsns.start < end);
        assert!(lsns.start < lsns.end);
        let reach = lsns.end.min(end);
        if top < reach {
            selected = Some((kind, lsns.start.max(top)));
            top = reach;
        }
    }
    if let Some((_, floor)) = selected {
        assert!(floor < end);
    }
    selected
}

/// The order of layers of one kind over one key: the greatest is the latest one.
///
/// # Shape
/// The uncut end decides: a layer that reaches far above a read may be the one that has all records
/// below. Of two layers with equal ends, the one that comes first by name is the later.
pub fn rank(name: &LayerName) -> (Lsn, Reverse<&LayerName>) {
    (name.lsns().end, Reverse(name))
}
