//! Checks that a hint tells no lie: a layer that is said to be covered is visited by no read.
//!
//! * Verified: of each key at the last record, and at each LSN that is retained for sure, the
//!   layers that a read looks into, by what the engine says of a read and not of a layer.
//! * Not verified: that a visible layer is visited. The property test of the layer map does that.

use std::collections::BTreeSet;
use std::pin::pin;

use palimpsest::base::LayerName;
use palimpsest::layer::{LayerId, Visibility};

use super::{Answers, Finding, Sight};
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle;
use crate::verdict::Verdict;

/// How many keys are looked at, at most, at each LSN.
const KEYS_MAX: usize = 64;

/// Checks an open timeline.
///
/// # Errors
/// The broken law, with the read.
pub fn check(sight: &Sight, answers: &mut Answers, label: TimelineLabel) -> Result<(), Finding> {
    let timeline = &sight.open[&label];
    let covered = timeline.visibility().into_iter();
    let covered = covered.filter(|(_, visibility)| *visibility == Visibility::Covered);
    let covered: BTreeSet<LayerName> = covered.map(|(name, _)| name).collect();
    if covered.is_empty() {
        return Ok(());
    }
    let mut lsns = oracle::retained(sight.expectations, label).surely;
    let last = timeline.last_record_lsn();
    lsns.retain(|lsn| *lsn < last);
    lsns.insert(last);
    for lsn in lsns {
        for key in keys::all(sight.knobs).into_iter().take(KEYS_MAX) {
            // A layer that cannot be read is for others to judge.
            let Ok(visits) = answers.at_once(sight, pin!(timeline.visits(key, lsn))) else {
                continue;
            };
            let is_covered = |layer: LayerId| match layer {
                LayerId::File(name) => covered.contains(&name),
                LayerId::Memory(_) => false,
            };
            if let Some(visit) = visits.iter().find(|visit| is_covered(visit.layer)) {
                let law = "a read at a retained LSN or the last visits no layer that is covered";
                let found = format!("{key} at {lsn} visits {visit}");
                return Err(Finding::from(Verdict::law(law, found)).at(label, key, lsn));
            }
        }
    }
    Ok(())
}
