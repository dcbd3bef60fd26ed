//! Whether an engine that maintains itself leaves nothing undone.
//!
//! * Verified: where maintenance is on, no fault comes and nothing is asked for, it quiesces; and
//!   then no timeline has a frozen layer, too many L0s, a cutoff below what is due, a layer that no
//!   read needs, or anything that a job by need would do.
//! * Not verified: how soon, but for a bound on the looks. Nor anything where the device makes
//!   files wrong, for what cannot be read stays undone, or where the index of a timeline was not
//!   read, for then no collection goes on. Nor the cutoff where age counts: the end of a plan waits
//!   for that by itself.
//!
//! Its state is what the last look found: it has quiesced when two looks find the same.

use std::time::Duration;

use palimpsest::Timeline;
use palimpsest::base::{LayerName, Lsn};
use palimpsest::timeline::Progress;

use super::{Sight, cutoff};
use crate::label::TimelineLabel;
use crate::oracle;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// After so many looks, two periods apart, no housekeeper may have anything left to do.
const LOOKS_MAX: u32 = 100;

/// Follows an engine that is left to maintain itself.
pub struct MaintenanceCheck {
    period: Duration,
    before: Vec<Upkeep>,
    look_count: u32,
}

/// What maintenance changes of a timeline.
#[derive(PartialEq, Eq)]
struct Upkeep {
    files: Vec<LayerName>,
    frozen_count: usize,
    cutoff: Lsn,
}

impl Upkeep {
    fn of(timeline: &Timeline<SimIo>) -> Upkeep {
        let map = timeline.layers();
        Upkeep {
            files: map.files().names().collect(),
            frozen_count: map.frozen().len(),
            cutoff: timeline.gc_cutoff(),
        }
    }
}

impl MaintenanceCheck {
    /// Nothing is asked for from here on, and no fault comes; nothing if nothing can be claimed of
    /// the maintenance.
    pub fn begin(sight: &Sight) -> Option<MaintenanceCheck> {
        let Maintenance::On { period, .. } = sight.knobs.maintenance else {
            return None;
        };
        // What is wrong stays undone, and with a timeline that cannot be opened all collections.
        let can_be_wrong = sight.knobs.device.may_be_wrong();
        if can_be_wrong || sight.judge.has_unread_index() {
            return None;
        }
        Some(MaintenanceCheck {
            period,
            before: Vec::new(),
            look_count: 0,
        })
    }

    /// How long to wait before each look.
    pub fn wait(&self) -> Duration {
        self.period * 2
    }

    /// Looks, and says whether this look has found what the last one did.
    ///
    /// # Errors
    /// `Stuck` if it goes on and on.
    pub fn has_quiesced(&mut self, sight: &Sight) -> Result<bool, Verdict> {
        let labels = oracle::ancestors_first(sight.expectations).into_iter();
        let open = labels.filter_map(|label| sight.open.get(&label));
        let found: Vec<Upkeep> = open.map(Upkeep::of).collect();
        if found == self.before {
            return Ok(true);
        }
        self.before = found;
        self.look_count += 1;
        if self.look_count < LOOKS_MAX {
            return Ok(false);
        }
        let waiting = "housekeeping does not come to rest, although nobody asks for anything";
        Err(Verdict::Stuck {
            waiting: waiting.into(),
        })
    }

    /// It has quiesced, and an open timeline has nothing left that shows.
    ///
    /// # Errors
    /// The broken law, with what was left.
    pub fn check(&self, sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
        let timeline = &sight.open[&label];
        let kept = Upkeep::of(timeline);
        if 0 < kept.frozen_count {
            return left(label, format!("{} frozen layers", kept.frozen_count));
        }
        let knobs = sight.knobs;
        let l0s = timeline.layers().l0_count();
        if knobs.l0_count_trigger <= l0s as u64 {
            return left(label, format!("{l0s} L0s"));
        }
        let due = cutoff::by_distance(knobs, timeline);
        if knobs.gc_age == Duration::ZERO && kept.cutoff < due {
            return left(label, format!("its cutoff at {}, not {due}", kept.cutoff));
        }
        cutoff::check_needless(sight, label)
    }

    /// A job by need, which was asked for after it had quiesced, has found nothing.
    ///
    /// # Errors
    /// The broken law, if it has, or a wrong answer, if it failed.
    pub fn check_job(
        &self,
        label: TimelineLabel,
        what: &str,
        progress: palimpsest::Result<Progress>,
    ) -> Result<(), Verdict> {
        match progress {
            Ok(Progress::Idle) => Ok(()),
            Ok(_) => left(label, format!("something {what}")),
            Err(error) => {
                let asked = format!("find nothing {what}, with no fault left");
                Err(Verdict::wrong(asked, "it is done", error.to_string()))
            }
        }
    }
}

fn left(label: TimelineLabel, left: String) -> Result<(), Verdict> {
    let law = "housekeeping leaves nothing undone";
    Err(Verdict::law(law, format!("timeline {label} has {left}")))
}
