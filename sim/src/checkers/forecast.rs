//! Checks what the figures of a timeline said that a collection would do.
//!
//! * Verified: a collection beside which nothing else ran, and which published the cutoff that was
//!   said, took as many layers as were said. What is said to be due is what the layers make due.
//! * Not verified: where a lease stands, since it may end in between. Nor the reasons why layers
//!   stay.
//!
//! Its state is what was said before the collection.

use std::time::Duration;

use palimpsest::timeline::{Collected, Forecast};
use palimpsest::{Strategy, TimelineStats};

use super::Sight;
use crate::label::TimelineLabel;
use crate::verdict::Verdict;

/// What is said of the next collection; nothing where it cannot be held to that.
///
/// # Errors
/// The broken law, if what is said does not fit the layers.
pub fn said(sight: &Sight, label: TimelineLabel) -> Result<Option<Forecast>, Verdict> {
    let timeline = &sight.open[&label];
    let stats = timeline.stats();
    let layers = timeline.layers();
    let len: u64 = layers
        .files()
        .iter()
        .map(|(_, layer)| layer.entry().len)
        .sum();
    let forecast = stats.collection.clone();
    let count = forecast.taken.len() + forecast.kept.len();
    if (count, stats.files_len()) != (layers.files().len(), len) {
        let law = "the figures count each layer once";
        let found = format!(
            "timeline {label}: {count} layers of {} bytes",
            stats.files_len()
        );
        return Err(Verdict::law(law, found));
    }
    check_debts(sight, label, &stats)?;
    Ok(timeline.leases().is_empty().then_some(forecast))
}

/// Checks what is said to be due against the map.
fn check_debts(sight: &Sight, label: TimelineLabel, stats: &TimelineStats) -> Result<(), Verdict> {
    let (map, debts) = (sight.open[&label].layers(), &stats.debts);
    let l0_count = map.l0_count() as u64;
    let is_l0_to_l1 = sight.open[&label].strategy() == Strategy::L0ToL1;
    let is_due = sight.knobs.l0_count_trigger <= l0_count;
    let is_saved = stats.memory.count == 0;
    let laws = [
        (
            stats.backlog == map.backlog(),
            "the backlog is the frozen layers and L0s",
        ),
        (
            debts.flush.count == map.frozen().len() as u64,
            "each frozen layer is to be flushed",
        ),
        (
            !is_l0_to_l1 || is_due == (0 < debts.compaction.count),
            "a compaction is due from the trigger on",
        ),
        (
            !is_saved || stats.unsaved_age == Duration::ZERO,
            "what is not durable is in memory",
        ),
    ];
    match laws.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, law)) => Err(Verdict::law(law, format!("timeline {label}: {stats:?}"))),
    }
}

/// Checks a collection that ran alone.
///
/// # Errors
/// The broken law, if it took other layers than was said.
pub fn check(label: TimelineLabel, said: &Forecast, collected: Collected) -> Result<(), Verdict> {
    let is_as_said = said.taken.len() == collected.layer_count;
    if said.cutoff != collected.cutoff || is_as_said {
        return Ok(());
    }
    let law = format!(
        "a collection takes the {} layers that were forecast",
        said.taken.len()
    );
    let found = format!("timeline {label}: {}", collected.layer_count);
    Err(Verdict::law(law, found))
}
