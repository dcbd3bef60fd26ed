//! Checks that an engine that maintains itself leaves nothing undone.
//!
//! * Verified: where maintenance is on, and neither faults nor operations come, it quiesces; then
//!   no timeline has a frozen layer, an open one that is too old, too many L0s, a cutoff below what
//!   is due, a layer that no read needs, or any work for a job by need; and all open layers
//!   together are not too long.
//! * Not verified: how soon, except for a bound on the looks. Nor anything where the device makes
//!   files wrong, since what cannot be read stays undone, or where the index of a timeline was not
//!   read, since then no collection runs. Nor the cutoff where age counts: the end of a plan waits
//!   for that.
//!
//! Its state is what the last look found: maintenance has quiesced when two looks find the same and
//! no call in between.

use std::time::Duration;

use palimpsest::base::{LayerName, Lsn};
use palimpsest::io::{Io, Job};
use palimpsest::timeline::Progress;
use palimpsest::{Lease, Timeline};

use super::batches::OpenLayer;
use super::{Sight, cutoff, rest, tiers};
use crate::label::TimelineLabel;
use crate::oracle;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// How many looks, two periods apart, maintenance may take to quiesce.
const LOOKS_MAX: u32 = 100;

/// In how many looks in a row jobs may have made calls and changed nothing. The first may end what
/// was begun before, such as an index.
const BUSY_LOOKS_MAX: u32 = 3;

/// Follows an engine that maintains itself.
pub struct MaintenanceCheck {
    period: Duration,
    before: Vec<MaintenanceState>,
    call_count: u32,
    look_count: u32,
    /// How many of the last looks found calls and no change.
    busy_count: u32,
}

/// What maintenance changes of a timeline.
#[derive(PartialEq, Eq)]
struct MaintenanceState {
    files: Vec<LayerName>,
    frozen_count: usize,
    cutoff: Lsn,
    /// The jobs that have failed and wait until they are tried again.
    failing: Vec<Job>,
}

impl MaintenanceState {
    fn of(timeline: &Timeline<SimIo>) -> MaintenanceState {
        let map = timeline.layers();
        MaintenanceState {
            files: map.files().names().collect(),
            frozen_count: map.frozen().len(),
            cutoff: timeline.gc_cutoff(),
            failing: timeline.health().failing.into_keys().collect(),
        }
    }
}

impl MaintenanceCheck {
    /// Begins after the last operation and the last fault; `None` if nothing can be claimed of
    /// maintenance.
    pub fn begin(sight: &Sight) -> Option<MaintenanceCheck> {
        let Maintenance::On { period, .. } = sight.knobs.maintenance else {
            return None;
        };
        // What is wrong stays undone, and a timeline that cannot be opened stops all collections.
        let can_be_wrong = sight.knobs.device.may_be_wrong();
        if can_be_wrong || sight.judge.has_unread_index() {
            return None;
        }
        Some(MaintenanceCheck {
            period,
            before: Vec::new(),
            call_count: 0,
            look_count: 0,
            busy_count: 0,
        })
    }

    /// The time to wait before each look.
    pub fn wait(&self) -> Duration {
        self.period * 2
    }

    /// Looks, and returns whether nothing has changed since the last look, and no job made a call.
    ///
    /// # Errors
    /// `Stuck` if it does not quiesce; the broken law, if it goes on and changes nothing.
    pub fn has_quiesced(&mut self, sight: &Sight) -> Result<bool, Verdict> {
        let labels = oracle::ancestors_first(sight.expectations).into_iter();
        let open = labels.filter_map(|label| sight.open.get(&label));
        let found: Vec<MaintenanceState> = open.map(MaintenanceState::of).collect();
        let call_count = rest::call_count(sight, sight.open.keys().copied());
        let is_failing = found.iter().any(|state| !state.failing.is_empty());
        let is_quiet = call_count == self.call_count && !is_failing;
        self.call_count = call_count;
        if found == self.before && is_quiet {
            return Ok(true);
        }
        self.busy_count = match found == self.before && !is_failing {
            true => self.busy_count + 1,
            false => 0,
        };
        if BUSY_LOOKS_MAX < self.busy_count {
            let law = "where nothing changes, maintenance makes no call";
            return Err(Verdict::law(law, "it goes on, round after round"));
        }
        self.before = found;
        self.look_count += 1;
        if self.look_count < LOOKS_MAX {
            return Ok(false);
        }
        let waiting = "maintenance does not quiesce, although no operation runs";
        Err(Verdict::Stuck {
            waiting: waiting.into(),
        })
    }

    /// Checks that an open timeline has no work left, after maintenance has quiesced.
    ///
    /// # Errors
    /// The broken law, with the work that was left.
    pub fn check(&self, sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
        let timeline = &sight.open[&label];
        let kept = MaintenanceState::of(timeline);
        if 0 < kept.frozen_count {
            return left(label, format!("{} frozen layers", kept.frozen_count));
        }
        let knobs = sight.knobs;
        let l0s = timeline.layers().l0_count();
        if knobs.l0_count_trigger <= l0s as u64 {
            return left(label, format!("{l0s} L0s"));
        }
        self.check_open(sight, label)?;
        self.check_leases(sight, label)?;
        let due = cutoff::by_distance(knobs, timeline);
        if cutoff::age(knobs, timeline).is_zero() && kept.cutoff < due {
            return left(label, format!("its cutoff at {}, not {due}", kept.cutoff));
        }
        tiers::check_depth(sight, label)?;
        cutoff::check_needless(sight, label)
    }

    /// Checks that no lease stands that is over, unless the clock was set.
    fn check_leases(&self, sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
        if 0 < sight.world.clock_jump_count() {
            return Ok(());
        }
        let now = SimIo::new(sight.world).now();
        let is_over = |lease: &Lease| {
            let over = now.saturating_since(lease.valid_until);
            self.period * 4 < over
        };
        match sight.open[&label].leases().into_iter().find(is_over) {
            None => Ok(()),
            Some(lease) => left(label, format!("a lease of {} that is over", lease.lsn)),
        }
    }

    /// Checks that no open layer is too old, and that all of them are not too long.
    fn check_open(&self, sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
        let open = sight.open.values().filter_map(OpenLayer::of);
        let (len, len_max) = (
            open.map(|open| open.len).sum::<u64>(),
            sight.knobs.open_len_max,
        );
        if len_max < len {
            return left(
                label,
                format!("open layers of {len} bytes beside it, not {len_max}"),
            );
        }
        let Some(open) = OpenLayer::of(&sight.open[&label]) else {
            return Ok(());
        };
        // It may have grown too old since the last round.
        let age_max = sight.knobs.freeze_age_max + self.period * 2;
        let age = SimIo::new(sight.world)
            .now()
            .saturating_since(open.opened_at);
        match age_max < age {
            true => left(label, format!("an open layer that is {age:?} old")),
            false => Ok(()),
        }
    }

    /// Checks that a job by need, called after maintenance has quiesced, finds nothing to do.
    ///
    /// # Errors
    /// The broken law, if it finds something; a wrong answer, if it fails.
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
    let law = "maintenance leaves nothing undone";
    Err(Verdict::law(law, format!("timeline {label} has {left}")))
}
