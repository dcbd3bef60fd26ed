//! Choosing the level to compact, and how, from the names and lengths of the layers alone.
//!
//! ```text
//!   LSN   ┌────────── L0 ──────────┐  ┐
//!         ├────────── L0 ──────────┤  │ level 1: as many layers as make a compaction due,
//!         ├────────── L0 ──────────┤  ┘ so they are merged
//!         ├─────┬─────┬──────┬─────┤  ┐
//!         │     │     │      │     │  │ level 2: one, which the merged ones join
//!         ├─────┴─┬───┴─┬────┴─────┤  ┘
//!         │       │     │          │    level 3: higher than level 2 may be
//!         └───────┴─────┴──────────┘
//!                                key
//! ```
//!
//! 1. Levels are looked at from the top down. Each ends where the one above it begins, and its
//!    layers may be higher by the fan-out. The first that is deep enough is compacted.
//! 2. L0s count by themselves, however high they are and whatever images stand above them: batches
//!    wait until they are fewer. If no level is deep enough and they are too many, the smallest
//!    level that has enough of them is merged.
//! 3. A level of more bytes than the declared keys would have as images, each of one page, gets
//!    images at its end instead, if that makes it less deep. No delta goes then. Sparse keys are no
//!    part of this.

use std::fmt;

use super::level::{depth, find_level, heights, inside};
use crate::base::{KeyRange, KeySpace, LayerName, Lsn, LsnRange};
use crate::timeline::image::{joined, partition};
use crate::timeline::job::{Mode, VALUE_LEN_ASSUMED};
use crate::timeline::options::Options;

/// A planned tiered compaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierPlan {
    /// The level: LSNs that no layer crosses.
    pub lsns: LsnRange,
    /// The deltas of the level, in the order of their names.
    pub deltas: Vec<LayerName>,
    /// What becomes of it.
    pub action: TierAction,
}

/// What becomes of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TierAction {
    /// Its deltas are merged and cut anew, so that one is left over each key.
    Merge,
    /// Images at this LSN stand above it from now on, over these keys.
    Cover(Lsn, Vec<KeyRange>),
}

/// What a plan must know of a timeline, besides its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierLimits {
    /// The keys that were declared, as far as the shard holds them.
    pub keys: KeySpace,
    /// The gc cutoff: no image is made below it.
    pub cutoff: Lsn,
    /// The LSN of the last images that were made of a level: what was left out of them stays so.
    pub covered: Option<Lsn>,
}

/// Chooses a level to compact; `None` if none is due. A layer is its name, and its length in bytes.
pub fn plan(
    layers: &[(LayerName, u64)],
    limits: &TierLimits,
    options: &Options,
    mode: Mode,
) -> Option<TierPlan> {
    let names: Vec<LayerName> = layers.iter().map(|(name, _)| *name).collect();
    let deltas = names.iter().filter(|name| name.is_delta());
    let top = deltas.map(|name| name.lsns().end).max()?;
    let trigger = options.l0_count_trigger;
    let fan_out = trigger.max(2);
    let limits_of_heights = || heights(options.tier_distance, fan_out as u64);
    let level = |end, height_max| {
        let found = find_level(&names, end, height_max);
        found.unwrap_or_else(|crossing| panic!("{crossing} crosses {end}, where a level ends"))
    };
    let mut end = top;
    for height_max in limits_of_heights() {
        let Some(lsns) = level(end, height_max) else {
            continue;
        };
        let band = Band::new(layers, lsns);
        if fan_out <= depth(&band.names, &KeySpace::new()) {
            let cover = band.cover(limits, options, fan_out);
            return Some(band.plan(cover.unwrap_or(TierAction::Merge)));
        }
        end = lsns.start;
    }
    let l0_count_min = match mode {
        Mode::ByNeed => trigger.max(1),
        Mode::Forced => 1,
    };
    let bands = limits_of_heights().filter_map(|height_max| level(top, height_max));
    let mut bands = bands.map(|lsns| Band::new(layers, lsns));
    let band = bands.find(|band| l0_count_min <= band.l0_count())?;
    Some(band.plan(TierAction::Merge))
}

/// The layers of a level.
struct Band {
    lsns: LsnRange,
    names: Vec<LayerName>,
    /// The length of its deltas, in bytes.
    len: u64,
}

impl Band {
    fn new(layers: &[(LayerName, u64)], lsns: LsnRange) -> Band {
        let names: Vec<LayerName> = layers.iter().map(|(name, _)| *name).collect();
        let mut names = inside(&names, lsns);
        names.sort_unstable();
        let is_delta =
            |(name, _): &&(LayerName, u64)| name.is_delta() && names.binary_search(name).is_ok();
        let deltas = layers.iter().filter(is_delta);
        let len = deltas.fold(0, |sum: u64, (_, len)| sum.saturating_add(*len));
        Band { lsns, names, len }
    }

    fn l0_count(&self) -> usize {
        self.names.iter().filter(|name| name.is_l0()).count()
    }

    fn plan(self, action: TierAction) -> TierPlan {
        let deltas: Vec<LayerName> = self.names.into_iter().filter(LayerName::is_delta).collect();
        assert!(!deltas.is_empty());
        TierPlan {
            lsns: self.lsns,
            deltas,
            action,
        }
    }

    /// The images that make it less deep and cost less than a merge, if there are such.
    fn cover(&self, limits: &TierLimits, options: &Options, fan_out: usize) -> Option<TierAction> {
        let lsn = Lsn(self.lsns.end.0 - 1);
        let sparse = options.sparse_keys.sparse();
        let mut dense = limits.keys.clone();
        dense.remove_overlapping_with(sparse);
        let counts = dense.ranges().iter().map(|it| it.start.distance_to(it.end));
        let count = counts.fold(0, u64::saturating_add);
        let is_cheap = 0 < count && count.saturating_mul(VALUE_LEN_ASSUMED) < self.len;
        // Images that were made once lack the keys that have no value: again they would lack them.
        let is_tried = limits.covered == Some(lsn)
            || self
                .names
                .iter()
                .any(|name| name.is_image() && name.lsns().start == lsn);
        if !is_cheap || is_tried || lsn < limits.cutoff || depth(&self.names, sparse) < fan_out {
            return None;
        }
        let mut parts = partition(&dense, sparse, options.layer_len_target);
        parts.retain(|part| !options.sparse_keys.is_sparse(part.start));
        Some(TierAction::Cover(lsn, joined(parts, sparse)))
    }
}

impl fmt::Display for TierPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "compact level {} of {} deltas",
            self.lsns,
            self.deltas.len()
        )?;
        match &self.action {
            TierAction::Merge => write!(f, ": merge"),
            TierAction::Cover(lsn, parts) => {
                write!(f, ": images at {lsn} over")?;
                parts.iter().try_for_each(|part| write!(f, " {part}"))
            }
        }
    }
}
