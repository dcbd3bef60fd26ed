//! Checks that layers hold what the model says, and that jobs on layers reach their aim.
//!
//! * Verified: each layer on the raw disk holds the model's records, or the model's values at its
//!   LSN, and together they hold all that may be read. A compaction that ran alone leaves fewer L0s
//!   than before, took at most as many bytes of them as it may, put no more bytes of several keys
//!   into one layer than it may, and leaves fewer than trigger one once none is due; a job that is
//!   idle has saved its state.
//! * Not verified: any timeline with a batch in doubt, since a layer may hold it or not. Nor the
//!   order in which jobs choose: another policy may give other layers.
//!
//! Its state is what it knows of layers that it has read, so that each is read once.

use palimpsest::Timeline;
use palimpsest::base::LayerName;

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
        let shard = sight.knobs.shard.into();
        let disk = &mut sight.world.state().disk;
        self.known
            .check_layers(disk, keys::timeline(label), (expected, &retained), shard)
    }

    /// Checks the lengths of the layers that a compaction has made which ran alone: all but those
    /// that were there `before`.
    ///
    /// # Errors
    /// The broken law.
    pub fn check_cut(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        before: &[LayerName],
    ) -> Result<(), Verdict> {
        let made = (before, sight.knobs.layer_len_target);
        let disk = &mut sight.world.state().disk;
        self.known.check_cut(disk, keys::timeline(label), made)
    }
}

/// The L0s of a timeline, each with the length of its file.
pub fn l0s(timeline: &Timeline<SimIo>) -> Vec<(LayerName, u64)> {
    let l0s = timeline.layers().l0s().into_iter();
    l0s.map(|l0| (l0.entry().name, l0.entry().len)).collect()
}

/// Checks a compaction that ran alone: it took some of the L0s that were there `before`, and no
/// more at once than two, or than the option allows.
///
/// # Errors
/// The broken law.
pub fn check_compacted(
    sight: &Sight,
    timeline: &Timeline<SimIo>,
    before: &[(LayerName, u64)],
) -> Result<(), Verdict> {
    let after = l0s(timeline);
    let taken = before.iter().filter(|l0| !after.contains(l0));
    let lens: Vec<u64> = taken.map(|(_, len)| *len).collect();
    let limit = sight.knobs.l0_run_len_max;
    if lens.is_empty() {
        let law = format!("a compaction leaves fewer than {} L0s", before.len());
        return Err(Verdict::law(law, format!("{}", after.len())));
    }
    if lens.len() <= 2 || lens.iter().sum::<u64>() <= limit {
        return Ok(());
    }
    let law = format!("a compaction takes two L0s, or at most {limit} bytes of them");
    Err(Verdict::law(law, format!("L0s of {lens:?} bytes")))
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
