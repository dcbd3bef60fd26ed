//! Checks a run of gc compaction through all keys, in sub-jobs that crashes and others interrupt.
//!
//! * Verified: once a run that nothing ran beside is complete, in however many calls and lives, no
//!   key's history has a record that no read point sees: so no sub-job was left out. It is complete
//!   up to the cutoff at its begin. One by need that finds nothing due leaves less than what its
//!   options name.
//! * Not verified: where read points were in doubt, or have gone meanwhile; where maintenance ran.
//!
//! Its state, the read points at the begin of a run, is in [`Expected`](crate::oracle::Expected).

use palimpsest::base::Lsn;
use palimpsest::format::GcCompaction;
use palimpsest::timeline::{GcCompacted, Mode, Progress};

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws::Known;
use crate::oracle::{self, ReadPoints};
use crate::plan::Maintenance;
use crate::verdict::Verdict;

/// The read points of a timeline; `None` if some are in doubt.
fn read_points(sight: &Sight, label: TimelineLabel) -> Option<ReadPoints> {
    let retained = oracle::retained(sight.expectations, label);
    let below = retained.all();
    (below == retained.surely).then(|| ReadPoints {
        horizon: sight.open[&label].gc_cutoff(),
        below,
    })
}

/// Before a call: `is_quiet` if nothing runs beside it.
pub fn begin(sight: &mut Sight, label: TimelineLabel, is_quiet: bool) {
    let is_under_way = sight.open[&label].gc_compaction().run.is_some();
    if is_quiet && is_under_way {
        return;
    }
    let points = match is_quiet {
        true => read_points(sight, label),
        false => None,
    };
    sight.expected(label).run_points = points;
}

/// After a call that succeeded, and that nothing ran beside.
///
/// # Errors
/// The broken law.
pub fn check(
    sight: &mut Sight,
    (label, mode): (TimelineLabel, Mode),
    said: &GcCompacted,
) -> Result<(), Verdict> {
    let GcCompaction { reduced_lsn, run } = sight.open[&label].gc_compaction();
    if said.progress == Progress::Superseded {
        let law = "nothing takes the layers of a gc compaction that runs alone";
        return Err(Verdict::law(law, "it is superseded"));
    }
    let is_over = matches!(said.progress, Progress::Done | Progress::Idle);
    if is_over != run.is_none() {
        let law = "a run is complete if it says so, and only then";
        return Err(Verdict::law(law, format!("{}, {run:?}", said.progress)));
    }
    if said.progress == Progress::Idle && mode == Mode::ByNeed {
        return check_none_due(sight, label, reduced_lsn);
    }
    let Some(before) = sight.expected(label).run_points.clone() else {
        return Ok(());
    };
    if !is_over {
        return Ok(());
    }
    let expected = sight.expected(label);
    let is_sure = expected.pending.is_none() && expected.optional.is_empty();
    let is_same = |now: ReadPoints| now.below == before.below;
    if !is_sure || !read_points(sight, label).is_some_and(is_same) {
        return Ok(());
    }
    if reduced_lsn != before.horizon {
        let law = format!(
            "a complete run has reduced history up to {}",
            before.horizon
        );
        return Err(Verdict::law(law, format!("{reduced_lsn}")));
    }
    let (disk, expected) = (&mut sight.world.state().disk, &sight.expectations[&label]);
    let limits = (&before, sight.knobs.history_len_max);
    Known::default().check_reduced(disk, keys::timeline(label), expected, limits)
}

fn check_none_due(sight: &Sight, label: TimelineLabel, reduced: Lsn) -> Result<(), Verdict> {
    let (knobs, timeline) = (sight.knobs, &sight.open[&label]);
    let (map, cutoff) = (timeline.layers(), timeline.gc_cutoff());
    let (mut fresh, mut older) = (0_u128, 0_u128);
    for (name, layer) in map.files().iter() {
        let len = u128::from(layer.entry().len);
        match name.lsns().start {
            start if start <= reduced => older += len,
            start if start <= cutoff && name.is_delta() => fresh += len,
            _ => {}
        }
    }
    let is_less = match reduced {
        Lsn::ZERO => fresh < u128::from(knobs.gc_compact_len_trigger),
        _ => fresh == 0 || fresh * 100 < older * u128::from(knobs.gc_compact_growth_trigger),
    };
    if is_less {
        return Ok(());
    }
    let law = "a gc compaction by need leaves less than what makes one due";
    let found = format!("{fresh} bytes above {reduced}, {older} below");
    Err(Verdict::law(law, found))
}

/// A limit of a history's length that no plan reaches.
pub const HISTORY_LEN_NEVER: u64 = 1 << 40;

/// Forgets the read points at the begin of a run, where maintenance may run another one.
pub fn opened(sight: &mut Sight, label: TimelineLabel) {
    if sight.knobs.maintenance != Maintenance::Off {
        sight.expected(label).run_points = None;
        sight.expected(label).is_reduced = true;
    }
}
