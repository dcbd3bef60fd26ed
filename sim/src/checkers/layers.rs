//! Whether layers can be explained, and whether what shapes them does what it is for.
//!
//! * Verified: each layer on the raw disk holds the model's records, or the model's values at its
//!   LSN, and together they hold all that may be read. A compaction beside which nothing ran leaves
//!   fewer L0s than there were, and fewer than trigger one once none is due; a job that has nothing
//!   to do has saved what it knows.
//! * Not verified: anything of a timeline with a batch in doubt, for a layer may hold it or not.
//!   Nor in what order jobs choose: another policy may give other layers.
//!
//! Its state is what is known of the layers that it has read before, so that each is read once.

use palimpsest::Timeline;

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws::{self, Known};
use crate::oracle;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Holds the layers on the raw disk against the model.
#[derive(Clone, Default)]
pub struct Layers {
    known: Known,
}

impl Layers {
    /// Holds every layer of a timeline against the model, unless a batch is in doubt.
    ///
    /// # Errors
    /// The broken law.
    pub fn explain(&mut self, sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
        let Some(expected) = sight.expectations.get(&label) else {
            return Ok(());
        };
        if expected.pending.is_some() {
            return Ok(());
        }
        let retained = oracle::retained(sight.expectations, label).surely;
        let disk = &mut sight.world.state().disk;
        self.known
            .check_layers(disk, keys::timeline(label), (expected, &retained))
    }
}

/// A compaction beside which nothing ran is done.
///
/// # Errors
/// The broken law, if it has not made fewer L0s of so many.
pub fn check_compacted(timeline: &Timeline<SimIo>, before: usize) -> Result<(), Verdict> {
    let after = timeline.layers().l0_count();
    if after < before {
        return Ok(());
    }
    let law = format!("a compaction leaves fewer than {before} L0s");
    Err(Verdict::law(law, format!("{after}")))
}

/// No compaction is due, where nothing else runs.
///
/// # Errors
/// The broken law, if there are as many L0s as trigger one.
pub fn check_none_due(sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
    let found = sight.open[&label].layers().l0_count();
    let trigger = sight.knobs.l0_count_trigger;
    if (found as u64) < trigger {
        return Ok(());
    }
    let law = format!("compaction by need leaves fewer than {trigger} L0s");
    Err(Verdict::law(law, format!("{found}")))
}

/// A job has nothing to do, and nothing else runs but what maintains the timeline.
///
/// # Errors
/// The broken law, if it has not saved what it knows.
pub fn check_idle(sight: &Sight, timeline: &Timeline<SimIo>) -> Result<(), Verdict> {
    match sight.knobs.maintenance {
        Maintenance::Off => laws::check_saved(&mut sight.world.state().disk, timeline),
        // It may have begun something that it has not saved yet.
        Maintenance::On { .. } => Ok(()),
    }
}
