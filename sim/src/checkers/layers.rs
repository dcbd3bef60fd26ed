//! Checks that layers hold what the model says, and that jobs on layers reach their aim.
//!
//! * Verified: each layer on the raw disk holds the model's records, or the model's values at its
//!   LSN, and together they hold all that may be read. A compaction that ran alone leaves fewer L0s
//!   than before, and fewer than trigger one once none is due; a job that is idle has saved its
//!   state.
//! * Not verified: any timeline with a batch in doubt, since a layer may hold it or not. Nor the
//!   order in which jobs choose: another policy may give other layers.
//!
//! Its state is what it knows of layers that it has read, so that each is read once.

use palimpsest::Timeline;

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws::{self, Known};
use crate::oracle;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Compares the layers on the raw disk with the model.
#[derive(Clone, Default)]
pub struct Layers {
    known: Known,
}

impl Layers {
    /// Compares every layer of a timeline with the model, unless a batch is in doubt.
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

/// Checks a compaction that ran alone.
///
/// # Errors
/// The broken law, if there are not fewer L0s than `before`.
pub fn check_compacted(timeline: &Timeline<SimIo>, before: usize) -> Result<(), Verdict> {
    let after = timeline.layers().l0_count();
    if after < before {
        return Ok(());
    }
    let law = format!("a compaction leaves fewer than {before} L0s");
    Err(Verdict::law(law, format!("{after}")))
}

/// Checks that no compaction is due, where nothing else runs.
///
/// # Errors
/// The broken law, if there are as many L0s as trigger a compaction.
pub fn check_none_due(sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
    let found = sight.open[&label].layers().l0_count();
    let trigger = sight.knobs.l0_count_trigger;
    if (found as u64) < trigger {
        return Ok(());
    }
    let law = format!("compaction by need leaves fewer than {trigger} L0s");
    Err(Verdict::law(law, format!("{found}")))
}

/// Checks a job that found nothing to do, where nothing but maintenance runs beside it.
///
/// # Errors
/// The broken law, if it has not saved its state.
pub fn check_idle(sight: &Sight, timeline: &Timeline<SimIo>) -> Result<(), Verdict> {
    match sight.knobs.maintenance {
        Maintenance::Off => laws::check_saved(&mut sight.world.state().disk, timeline),
        // Maintenance may have begun something that is not saved yet.
        Maintenance::On { .. } => Ok(()),
    }
}
