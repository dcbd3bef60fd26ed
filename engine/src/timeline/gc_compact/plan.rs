//! Choosing what a gc compaction reads, replaces and leaves.
//!
//! ```text
//!  LSN  60 +------------------ D4 (L0) ----------------+     range K3..K7, cutoff 40, retained 20
//!       46 +--- D2 K2..K5 ---+---- D3 K5..K10 ----+
//!       31 +-----------------+--------------------+          read      I0 D1 D2 D3
//!          +------------- D1 K0..K10 -------------+          cut       D1 D2 D3, at K3 and K7
//!       11 +======== I0 MIN..MAX @10 =============+          stays     I0, and D4 unread
//!          K0    K2 K3        K5     K7          K10         written   image @20, deltas 20..46
//! ```
//!
//! 1. All layers that start at the horizon or below it are read, and all that end where the highest
//!    of these ends, or where a delta ends that is crossed there: so none that stays has a key and
//!    an LSN in common with what is written.
//! 2. An image above the horizon stays: at each LSN above, all is read as it was.
//! 3. An image that is not inside the keys stays too, and is read: it may be the base of some.

use std::collections::BTreeSet;
use std::fmt;

use super::HistoryRange;
use crate::base::{KeyRange, LayerName, Lsn, LsnRange};
use crate::io::Io;
use crate::layer::{FileLayer, LayerMap};

/// A planned gc compaction.
pub struct GcCompactPlan<I: Io> {
    /// The keys whose history is reduced.
    pub keys: KeyRange,
    /// The LSN from which on everything stays readable.
    pub horizon: Lsn,
    /// The LSNs below the horizon that stay readable, ascending.
    pub points: Vec<Lsn>,
    /// The lowest LSN that the selected layers cover.
    pub floor: Lsn,
    /// What stands below the floor.
    pub bottom: Bottom,
    /// The LSNs of the deltas that are written.
    pub lsns: LsnRange,
    layers: Vec<(FileLayer<I>, Fate)>,
}

/// What stands below the history that is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bottom {
    /// Nothing: the history begins with images at this LSN.
    Images(Lsn),
    /// Older history, of this timeline or of its ancestor.
    History,
}

/// What becomes of a layer that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is inside the keys: others take its place.
    Replaced,
    /// Only what it has of other keys stays, as one or two layers.
    Cut,
    /// It stays as it is.
    Stays,
}

/// What a plan must know of a timeline, besides its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The gc cutoff.
    pub cutoff: Lsn,
    /// The LSNs below the cutoff that stay readable, for branches and leases.
    pub retained: BTreeSet<Lsn>,
    /// The LSN at which the timeline reads its ancestor, if it has one.
    pub ancestor_lsn: Option<Lsn>,
}

/// Chooses the layers that hold the history of a range; `None` if there is nothing to reduce.
pub fn plan<I: Io>(
    map: &LayerMap<I>,
    range: HistoryRange,
    limits: &Limits,
) -> Option<GcCompactPlan<I>> {
    let last = range.lsns.end.0.checked_sub(1)?;
    let horizon = limits.cutoff.min(Lsn(last));
    let files: Vec<(LayerName, &FileLayer<I>)> = map.files().iter().collect();
    let names: Vec<LayerName> = files.iter().map(|(name, _)| *name).collect();
    let LsnRange {
        start: floor,
        end: top,
    } = span(&names, range, horizon)?;
    let is_above = |name: &LayerName| name.is_image() && horizon < name.lsns().start;
    let is_selected = |name: &LayerName| {
        let lsns = name.lsns();
        let fits = floor <= lsns.start && lsns.end <= top;
        fits && !is_above(name) && name.keys().overlaps(&range.keys)
    };
    let selected = files.iter().filter(|(name, _)| is_selected(name));
    let layers: Vec<(FileLayer<I>, Fate)> = selected
        .map(|(name, layer)| ((*layer).clone(), fate(name, range.keys)))
        .collect();
    let end = layers.iter().map(|(layer, _)| lsns_of(layer).end).max()?;
    let points = limits.retained.range(floor..horizon.max(floor));
    let points: Vec<Lsn> = points.copied().collect();
    let bottom = bottom(range, limits, points.first().copied().unwrap_or(horizon));
    let start = match (bottom, limits.ancestor_lsn) {
        (Bottom::Images(lsn), _) => lsn,
        (Bottom::History, Some(lsn)) if range.lsns.start == Lsn::ZERO => {
            floor.min(lsn.visible_end())
        }
        (Bottom::History, _) => floor,
    };
    let plan = GcCompactPlan {
        keys: range.keys,
        horizon,
        points,
        floor,
        bottom,
        lsns: LsnRange::new(start, end.max(horizon.visible_end())),
        layers,
    };
    assert!(
        plan.layers
            .iter()
            .all(|(layer, _)| lsns_of(layer).end <= top)
    );
    plan.has_work().then_some(plan)
}

/// The LSNs of the layers to select: as the range says, and then as far as a delta reaches over
/// either edge, so that none is crossed.
fn span(names: &[LayerName], range: HistoryRange, horizon: Lsn) -> Option<LsnRange> {
    let lsns = || names.iter().map(LayerName::lsns);
    let low = lsns().filter(|lsns| lsns.start <= horizon);
    let high = lsns().filter(|lsns| range.lsns.start < lsns.end);
    let mut span = LsnRange {
        start: high.map(|lsns| lsns.start).min()?,
        end: low.map(|lsns| lsns.end).max()?,
    };
    let over = names
        .iter()
        .filter(|name| name.keys().overlaps(&range.keys));
    let deltas: Vec<LsnRange> = over
        .filter(|name| name.is_delta())
        .map(LayerName::lsns)
        .collect();
    loop {
        let before = span;
        for delta in deltas.iter().filter(|delta| delta.overlaps(&before)) {
            span.start = span.start.min(delta.start);
            span.end = span.end.max(delta.end);
        }
        if span == before {
            return Some(span);
        }
    }
}

fn bottom(range: HistoryRange, limits: &Limits, lowest: Lsn) -> Bottom {
    match limits.ancestor_lsn {
        None if range.lsns.start == Lsn::ZERO => Bottom::Images(lowest),
        _ => Bottom::History,
    }
}

fn fate(name: &LayerName, keys: KeyRange) -> Fate {
    let is_inside = keys.start <= name.keys().start && name.keys().end <= keys.end;
    match (is_inside, name.is_delta()) {
        (true, _) => Fate::Replaced,
        (false, true) => Fate::Cut,
        (false, false) => Fate::Stays,
    }
}

fn lsns_of<I: Io>(layer: &FileLayer<I>) -> LsnRange {
    layer.entry().name.lsns()
}

impl<I: Io> GcCompactPlan<I> {
    /// The layers that are read, in the order of their names, and what becomes of each.
    pub fn layers(&self) -> &[(FileLayer<I>, Fate)] {
        &self.layers
    }

    /// The layers that leave the map.
    pub fn inputs(&self) -> Vec<FileLayer<I>> {
        let leaving = self.layers.iter().filter(|(_, fate)| *fate != Fate::Stays);
        leaving.map(|(layer, _)| layer.clone()).collect()
    }

    /// The lowest LSN that a layer may be written for.
    pub(super) fn lsn_min(&self) -> Lsn {
        self.lsns.start.min(self.floor)
    }

    /// Whether there is a record that could go, or an image that could move.
    fn has_work(&self) -> bool {
        let moves = |lsn: Lsn| match self.bottom {
            Bottom::Images(bottom) => lsn != bottom,
            Bottom::History => false,
        };
        self.layers.iter().any(|(layer, fate)| match *fate {
            Fate::Stays => false,
            Fate::Cut => lsns_of(layer).start <= self.horizon,
            Fate::Replaced => {
                let lsns = lsns_of(layer);
                lsns.start <= self.horizon && (layer.entry().name.is_delta() || moves(lsns.start))
            }
        })
    }
}

impl<I: Io> PartialEq for GcCompactPlan<I> {
    fn eq(&self, other: &GcCompactPlan<I>) -> bool {
        self.to_string() == other.to_string()
    }
}

impl<I: Io> fmt::Display for GcCompactPlan<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "gc-compact {} up to {}, retained",
            self.keys, self.horizon
        )?;
        self.points.iter().try_for_each(|lsn| write!(f, " {lsn}"))?;
        match self.bottom {
            Bottom::Images(lsn) => write!(f, ": images at {lsn}, deltas {}", self.lsns)?,
            Bottom::History => write!(f, ": deltas {} above {}", self.lsns, self.floor)?,
        }
        self.layers.iter().try_for_each(|(layer, fate)| {
            let word = match fate {
                Fate::Replaced => "replace",
                Fate::Cut => "cut",
                Fate::Stays => "keep",
            };
            write!(f, "\n  {word} {}", layer.entry().name)
        })
    }
}

impl<I: Io> fmt::Debug for GcCompactPlan<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
