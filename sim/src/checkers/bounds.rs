//! Checks that the documented bounds of the engine's options hold, by the options of this life.
//!
//! | option | what it bounds | where it is held |
//! |---|---|---|
//! | `freeze_len_max`, `freeze_distance_max`, `freeze_age_max` | the open layer | [`batches`] |
//! | `open_len_max` | all open layers | [`batches`], [`MaintenanceCheck`] |
//! | `l0_count_trigger`, `l0_run_len_max`, `layer_len_target` | compaction | [`layers`] |
//! | `tier_distance`, and the depth of a level | tiered compaction | [`tiers`] |
//! | `image_delta_count_trigger`, `sparse_…`, `image_age_max` | what is due | [`rest`] |
//! | `history_len_max`, `gc_compact_len_trigger`, `…_growth_trigger` | gc compaction | [`runs`] |
//! | `gc_distance`, `gc_age` | the cutoff | [`cutoff`] |
//! | `shed_image_count_max`, `scan_key_count_max`, `scan_len_max` | one call | here |
//! | `work_len_max` | nothing is held where nothing runs | here |
//! | `l0_delay_count`, `l0_delay`, `l0_stall_count` | a batch that freezes | here |
//! | `failing_frozen_count_max` | a batch that freezes | here |
//! | `open_files_max` | the files that are kept open | [`open_files`] |
//! | what no option may be | all of them | the driver's `doors` |
//!
//! * Not verified: `buffer_len`, `block_cache_len`, `read_len_max` and `gc_compact_len_max`, whose
//!   texts leave room for one value or one key more; `image_look_distance`, `image_look_age` and
//!   `image_preempt_l0_count`, which put off what the law of rest then finds undone. Layers of
//!   image creation and gc compaction are cut at *about* their length. Nor what runs beside others.
//!
//! [`MaintenanceCheck`]: super::MaintenanceCheck
//! [`batches`]: super::batches
//! [`layers`]: super::layers
//! [`open_files`]: super::open_files
//! [`rest`]: super::rest
//! [`runs`]: super::runs
//! [`cutoff`]: super::cutoff
//! [`tiers`]: super::tiers

use palimpsest::base::{LayerName, Time};
use palimpsest::timeline::KeyValue;
use palimpsest::{Batch, Options, Timeline};

use super::Sight;
use super::batches::Before;
use crate::label::TimelineLabel;
use crate::plan::{Knobs, Maintenance};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// The size of a scan's batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batched {
    count: usize,
    /// The values but for the last one. Bytes.
    len: u64,
}

impl Batched {
    /// The size of these values.
    pub fn of(batch: &[KeyValue]) -> Batched {
        let values = batch.iter().rev().skip(1);
        let lens = values.filter_map(|(_, value)| Some(value.as_ref().ok()?.len() as u64));
        Batched {
            count: batch.len(),
            len: lens.sum(),
        }
    }

    /// The more of each.
    pub fn max(self, other: Batched) -> Batched {
        Batched {
            count: self.count.max(other.count),
            len: self.len.max(other.len),
        }
    }

    /// Checks it by the engine's options.
    ///
    /// # Errors
    /// The broken law.
    pub fn check(self, options: &Options) -> Result<(), Verdict> {
        let count_max = options.scan_key_count_max;
        if count_max < self.count {
            let law = format!("a batch of a scan has at most {count_max} keys");
            return Err(Verdict::law(law, format!("{}", self.count)));
        }
        let len_max = options.scan_len_max;
        if len_max < self.len {
            let law =
                format!("a batch of a scan has {len_max} bytes at most before its last value");
            return Err(Verdict::law(law, format!("{}", self.len)));
        }
        Ok(())
    }
}

/// Checks that jobs and reads have given back the memory that they were granted, where only the
/// driver is left.
///
/// # Errors
/// The broken law.
pub fn check_granted(granted_len: u64) -> Result<(), Verdict> {
    match granted_len {
        0 => Ok(()),
        len => {
            let law = "where no job and no read runs, none holds memory";
            Err(Verdict::law(law, format!("{len} bytes are granted")))
        }
    }
}

/// The images of a timeline.
pub fn images(timeline: &Timeline<SimIo>) -> Vec<LayerName> {
    let map = timeline.layers();
    map.files().names().filter(LayerName::is_image).collect()
}

/// Checks how many images a shed that ran alone has rewritten: `before` were there.
///
/// # Errors
/// The broken law.
pub fn check_shed(
    timeline: &Timeline<SimIo>,
    before: &[LayerName],
    count_max: usize,
) -> Result<(), Verdict> {
    let after = images(timeline);
    let made = after.iter().filter(|image| !before.contains(image)).count();
    if made <= count_max {
        return Ok(());
    }
    let law = format!("a shed rewrites at most {count_max} images");
    Err(Verdict::law(law, format!("{made}")))
}

/// Checks the wait of a batch that has frozen the layer before it, where nothing else wrote: it
/// ended at `now`.
///
/// # Errors
/// The broken law.
pub fn check_held_back(
    sight: &Sight,
    label: TimelineLabel,
    batch: &Batch,
    (before, now): (Before, Time),
) -> Result<(), Verdict> {
    let Some(timeline) = sight.open.get(&label) else {
        return Ok(());
    };
    let map = timeline.layers();
    let has_frozen = before.open.is_some()
        && map
            .open()
            .is_some_and(|open| open.entry_count() <= batch.record_count());
    // Maintenance may have frozen it, in the batch's place.
    let is_maintained = sight.knobs.maintenance != Maintenance::Off;
    if !has_frozen || is_maintained && !must_freeze(sight.knobs, before, batch) {
        return Ok(());
    }
    let (knobs, waiting) = (sight.knobs, (map.l0_count() + map.frozen().len()) as u64);
    let time = now.saturating_since(before.begun);
    let is_time_known = before.clock_jump_count == sight.world.clock_jump_count();
    if knobs.l0_delay_count <= waiting && time < knobs.l0_delay && is_time_known {
        let delay = knobs.l0_delay;
        let law = format!("a batch that freezes while {waiting} L0s wait is delayed by {delay:?}");
        return Err(Verdict::law(law, format!("by {time:?}")));
    }
    let stall = knobs.maintenance.l0_stall_count();
    match stall.filter(|stall| *stall <= waiting) {
        Some(stall) => {
            let law = format!("a batch that freezes waits until fewer than {stall} L0s wait");
            Err(Verdict::law(law, format!("{waiting}")))
        }
        None => Ok(()),
    }
}

/// Whether the batch makes its layer too long or too wide.
fn must_freeze(knobs: &Knobs, before: Before, batch: &Batch) -> bool {
    let (Some(open), Some(last)) = (before.open, batch.last_lsn()) else {
        return false;
    };
    let len = open.values_len + batch.byte_len();
    knobs.freeze_len_max <= len || knobs.freeze_distance_max <= last.0 - open.start.0
}

/// Checks a batch that was taken where one that freezes must be told that maintenance cannot flush.
///
/// # Errors
/// A broken law, if it had to freeze.
pub fn check_told(
    sight: &Sight,
    label: TimelineLabel,
    batch: &Batch,
    before: Before,
) -> Result<(), Verdict> {
    let frozen = sight.open.get(&label).map(|timeline| timeline.layers());
    let frozen_count = frozen.map_or(0, |map| map.frozen().len());
    if frozen_count == 0 || !must_freeze(sight.knobs, before, batch) {
        return Ok(());
    }
    let law = "a batch that freezes is refused while maintenance cannot flush what waits";
    Err(Verdict::law(
        law,
        format!("it is taken, and {frozen_count} frozen layers wait"),
    ))
}
