//! Checks that an operation waits for nothing that it does not need, and that what waits for
//! maintenance is seen to.
//!
//! * Verified: a call takes no longer, in virtual time, than the delays of the device in the jobs
//!   that it may have to wait for, and a few seconds; see [`may_wait_for`]. And where maintenance
//!   is on, a layer that is frozen, or L0s that are too many, do not stay so for longer than the
//!   delays in jobs that write, a few seconds and some periods.
//! * Not verified: maintenance in a life in which a call has failed, since it may wait before it
//!   retries.
//!
//! A read that takes an hour, or a scan that is held, must delay nothing but itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use palimpsest::Timeline;
use palimpsest::base::{Lsn, TimelineId};
use palimpsest::io::{Job, Op, Part};

use super::Sight;
use crate::label::TimelineLabel;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::{SimIo, World};

/// How long an operation may take beside what the device delays.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many periods maintenance may take until it sees to what is due.
const PERIODS_MAX: u32 = 4;

/// An operation that has begun.
pub struct Waited {
    job: Job,
    /// The timelines whose jobs it may wait for; `None` for all.
    timelines: Option<BTreeSet<TimelineId>>,
    since: Duration,
}

/// What each timeline waits for maintenance to do, and since when.
#[derive(Clone, Default)]
pub struct BacklogCheck {
    backlogs: BTreeMap<TimelineId, Backlog>,
}

#[derive(Clone)]
struct Backlog {
    frozen: Option<Lsn>,
    l0s: Vec<Lsn>,
    since: Duration,
}

/// Whether an operation of this kind may have to wait for a delayed call: for one of its own, for
/// another job of its kind, for the index, which is written by one job at a time, and for the
/// removal of a file whose name it needs.
fn may_wait_for(job: Job, delayed: Op) -> bool {
    let other = delayed.job;
    // While a job writes the index, it is delayed at its file or between two steps.
    let is_of_index = matches!(delayed.part, Part::Index | Part::Directory);
    let is_index = is_of_index && other != Job::Read;
    match job {
        Job::Read | Job::Freeze => other == job,
        // Backpressure: until there are fewer layers.
        Job::Put => is_index || matches!(other, Job::Put | Job::Flush | Job::Compact | Job::Drop),
        Job::Flush => is_index || matches!(other, Job::Flush | Job::Drop),
        Job::Lease => is_index || matches!(other, Job::Lease | Job::Flush | Job::Drop),
        // A tiered compaction makes images.
        Job::Compact | Job::Image => {
            is_index || matches!(other, Job::Compact | Job::Image | Job::Drop)
        }
        // Of these one runs at a time: what one keeps, the other must find.
        Job::Gc => is_index || matches!(other, Job::Gc | Job::GcCompact | Job::Shed),
        Job::GcCompact => {
            is_index || matches!(other, Job::Gc | Job::GcCompact | Job::Shed | Job::Drop)
        }
        // What goes waits for all jobs of its timeline, and for no read; what comes waits until
        // what was there is gone.
        Job::Open
        | Job::Create
        | Job::Branch
        | Job::Delete
        | Job::Keep
        | Job::Shed
        | Job::Split
        | Job::Drop => other != Job::Read,
    }
}

impl Waited {
    /// Begins an operation of this kind.
    pub fn begin(world: &World, job: Job) -> Waited {
        Waited {
            job,
            timelines: None,
            since: world.elapsed(),
        }
    }

    /// It may wait for the jobs of these timelines alone, and for those of the engine.
    pub fn of(mut self, timelines: BTreeSet<TimelineId>) -> Waited {
        self.timelines = Some(timelines);
        self
    }

    fn may_wait_for(&self, delayed: Op) -> bool {
        let is_of_it = |timeline| {
            self.timelines
                .as_ref()
                .is_none_or(|all| all.contains(&timeline))
        };
        delayed.timeline.is_none_or(is_of_it) && may_wait_for(self.job, delayed)
    }

    /// Ends it.
    ///
    /// # Errors
    /// The broken law, if it has waited for what it does not need.
    pub fn check(&self, sight: &Sight) -> Result<(), Verdict> {
        let world = sight.world;
        let took = world.elapsed().saturating_sub(self.since);
        let needed = world.delayed_since(self.since, |op| self.may_wait_for(op));
        let own = match self.job {
            Job::Put => sight.knobs.l0_delay,
            _ => Duration::ZERO,
        };
        if took <= PATIENCE + own + needed {
            return Ok(());
        }
        let law = "an operation waits for nothing that it does not need";
        let (job, needed) = (self.job, needed + own);
        let what = format!("a {job:?} takes {took:?}, and what it may wait for took {needed:?}");
        Err(Verdict::law(law, what))
    }
}

impl BacklogCheck {
    /// Looks at what waits for maintenance.
    ///
    /// # Errors
    /// The broken law, if it waits for too long.
    pub fn check(&mut self, sight: &Sight) -> Result<(), Verdict> {
        let Maintenance::On { period, .. } = sight.knobs.maintenance else {
            return Ok(());
        };
        let world = sight.world;
        if sight.judge.has_failed() || sight.knobs.device.may_be_wrong() {
            self.backlogs.clear();
            return Ok(());
        }
        let before = std::mem::take(&mut self.backlogs);
        let now = world.elapsed();
        for (label, timeline) in &sight.open {
            let Some(mut backlog) = Backlog::of(timeline, (sight, now)) else {
                continue;
            };
            if let Some(before) = before.get(&timeline.id())
                && before.is_like(&backlog)
            {
                backlog.since = before.since;
            }
            let waited = now.saturating_sub(backlog.since);
            let delayed = world.delayed_since(backlog.since, |op| op.job != Job::Read);
            if PATIENCE + period * PERIODS_MAX + delayed < waited {
                return Err(backlog.told(*label, waited));
            }
            self.backlogs.insert(timeline.id(), backlog);
        }
        Ok(())
    }
}

/// Follows whether a writer is told that maintenance cannot flush.
#[derive(Clone, Default)]
pub struct ToldCheck {
    /// The oldest frozen layer of each timeline, with how many flushes had failed before.
    oldest: BTreeMap<TimelineId, (Lsn, usize)>,
}

impl ToldCheck {
    /// Looks at a timeline before a batch: whether one that freezes must be refused, since there
    /// are so many frozen layers, and the flush of the oldest has failed and was tried again.
    pub fn must_refuse(&mut self, sight: &Sight, label: TimelineLabel, limit: usize) -> bool {
        let Some(timeline) = sight.open.get(&label) else {
            return false;
        };
        let (map, id) = (timeline.layers(), timeline.id());
        let Some(oldest) = map.frozen().first().map(|layer| layer.start()) else {
            self.oldest.remove(&id);
            return false;
        };
        let failed_count = sight.judge.failed_flush_count(id);
        let before = self.oldest.entry(id).or_insert((oldest, failed_count));
        if before.0 != oldest {
            *before = (oldest, failed_count);
        }
        limit <= map.frozen().len() && before.1 + 2 <= failed_count
    }
}

impl Backlog {
    fn of(timeline: &Timeline<SimIo>, (sight, since): (&Sight, Duration)) -> Option<Backlog> {
        let map = timeline.layers();
        let frozen = map.frozen().first().map(|layer| layer.start());
        let l0s = map.files().names().filter(|name| name.is_l0());
        let l0s: Vec<Lsn> = l0s.map(|name| name.lsns().start).collect();
        let is_many = sight.knobs.l0_count_trigger <= l0s.len() as u64;
        let backlog = Backlog { frozen, l0s, since };
        (frozen.is_some() || is_many).then_some(backlog)
    }

    fn is_like(&self, other: &Backlog) -> bool {
        (self.frozen, &self.l0s) == (other.frozen, &other.l0s)
    }

    fn told(&self, label: TimelineLabel, waited: Duration) -> Verdict {
        let law = "maintenance sees to what is due, whatever readers do";
        let what = match self.frozen {
            Some(start) => format!("a layer frozen from {start} on"),
            None => format!("{} L0s", self.l0s.len()),
        };
        Verdict::law(law, format!("timeline {label} has {what} for {waited:?}"))
    }
}
