//! Checks that a timeline compacts as it was told, and what tiered compaction promises.
//!
//! * Verified: a strategy that was acknowledged holds, also across crashes. A tiered compaction
//!   that ran alone leaves fewer L0s or fewer bands of deltas than before, or has made images.
//!   Where none is due, over no key stand more deltas above the newest image than one less than
//!   the fan-out for each level that the highest delta has room for.
//! * Not verified: which level goes first, and how it is cut; that no record is lost is for
//!   [`layers`](super::layers) and [`Answers`](super::Answers).
//!
//! It has no state.

use std::collections::BTreeSet;

use palimpsest::base::{LayerName, LsnRange};
use palimpsest::{Strategy, Timeline};

use super::Sight;
use crate::label::TimelineLabel;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// What a tiered compaction makes less or more of.
pub struct Shape {
    l0_count: usize,
    bands: BTreeSet<LsnRange>,
    image_count: usize,
}

impl Shape {
    /// The shape of a timeline's layers.
    pub fn of(timeline: &Timeline<SimIo>) -> Shape {
        let names = names(timeline);
        let deltas = names.iter().filter(|name| is_wide(name));
        Shape {
            l0_count: names.iter().filter(|name| name.is_l0()).count(),
            bands: deltas.map(LayerName::lsns).collect(),
            image_count: names.iter().filter(|name| name.is_image()).count(),
        }
    }
}

fn names(timeline: &Timeline<SimIo>) -> Vec<LayerName> {
    timeline.layers().files().names().collect()
}

/// Whether it is a delta of more than one key.
fn is_wide(name: &LayerName) -> bool {
    let keys = name.keys();
    name.is_delta() && keys.start.checked_next() != Some(keys.end)
}

/// Checks a tiered compaction that ran alone and has done something.
///
/// # Errors
/// The broken law, if it has come no further.
pub fn check_compacted(timeline: &Timeline<SimIo>, before: &Shape) -> Result<(), Verdict> {
    let after = Shape::of(timeline);
    let has_merged = after.l0_count < before.l0_count || after.bands.len() < before.bands.len();
    if has_merged || before.image_count < after.image_count {
        return Ok(());
    }
    let law = "a tiered compaction leaves fewer L0s or fewer bands of deltas, or makes images";
    let counts = |shape: &Shape| (shape.l0_count, shape.bands.len(), shape.image_count);
    let found = format!("{:?} before, {:?} after", counts(before), counts(&after));
    Err(Verdict::law(law, found))
}

/// Checks how deep a tiered timeline is where no compaction is due.
///
/// # Errors
/// The broken law, with a key that too many deltas stand over.
pub fn check_depth(sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
    let timeline = &sight.open[&label];
    if timeline.strategy() != Strategy::Tiered {
        return Ok(());
    }
    let names = names(timeline);
    let height = |name: &LayerName| name.lsns().end.0 - name.lsns().start.0;
    let deltas: Vec<&LayerName> = names.iter().filter(|name| is_wide(name)).collect();
    let highest = names
        .iter()
        .filter(|name| name.is_delta())
        .map(height)
        .max();
    let fan_out = u128::from(sight.knobs.l0_count_trigger.max(2));
    let distance = u128::from(sight.knobs.tier_distance);
    // A level has layers of up to seven quarters of its height.
    let (mut height, mut level_count) = (distance * 7 / 4, 1);
    while height < u128::from(highest.unwrap_or(0)) {
        height *= fan_out;
        level_count += 1;
    }
    for key in deltas.iter().map(|name| name.keys().start) {
        let over = |name: &&&LayerName| name.keys().contains(key);
        let images = names
            .iter()
            .filter(|name| name.is_image() && name.keys().contains(key));
        let newest = images.map(|image| image.lsns().end).max();
        let above = deltas.iter().filter(over);
        let above = above.filter(|name| newest.is_none_or(|end| end < name.lsns().end));
        let found = above.count() as u128;
        if (fan_out - 1) * level_count < found {
            let law = format!(
                "over no key stand more than {} deltas",
                (fan_out - 1) * level_count
            );
            return Err(Verdict::law(law, format!("{found} over {key} of {label}")));
        }
    }
    Ok(())
}

/// Compares the strategies of the open timelines with what was acknowledged.
///
/// # Errors
/// The broken law.
pub fn look(sight: &mut Sight) -> Result<(), Verdict> {
    for (label, timeline) in &sight.open {
        if let Some(expected) = sight.expectations.get_mut(label) {
            let found = timeline.strategy();
            let seen = expected.strategy.see(found);
            seen.map_err(|law| Verdict::law(law, format!("timeline {label}: {found}")))?;
            let found = timeline.policy();
            let seen = expected.policy.see(found);
            seen.map_err(|law| Verdict::law(law, format!("timeline {label}: {found}")))?;
        }
    }
    Ok(())
}

/// Compares the strategy of a timeline that was opened with what was acknowledged.
///
/// # Errors
/// The broken law.
pub fn recovered(
    sight: &mut Sight,
    label: TimelineLabel,
    timeline: &Timeline<SimIo>,
) -> Result<(), Verdict> {
    let found = timeline.strategy();
    let recovered = sight.expected(label).strategy.recover(found);
    recovered.map_err(|law| Verdict::law(law, format!("timeline {label}: {found}")))
}
