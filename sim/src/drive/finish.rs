//! The end of a plan: faults stop, everything quiesces, and all is checked once more.

use std::future::Future;
use std::time::Duration;

use palimpsest::base::{KeyRange, KeySpace};
use palimpsest::io::Io;
use palimpsest::timeline::{Mode, Progress};
use palimpsest::{Result, Strategy, Timeline};

use super::Driver;
use super::job::images;
use crate::checkers::{
    Depth, MaintenanceCheck, bounds, cutoff, layers, open_files, space, tiers, visibility, visits,
};
use crate::faults::FaultOutcome;
use crate::label::TimelineLabel;
use crate::laws;
use crate::plan::How;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// How many passes a job may take until it must be idle.
const PASSES_MAX: u32 = 10_000;

/// Whether a timeline quiesced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quiesced {
    /// No job is due.
    Complete,
    /// No job is due, but for files that are wrong.
    Rotten,
}

/// How long it may take to quiesce and to open again, in virtual time: calls take no time any more,
/// and tasks sleep only until history is old enough.
const QUIESCE_TIME_MAX: Duration = Duration::from_secs(10);

/// How many lives of half an age the history takes to grow old, and the cutoff to follow.
const LIVES_OF_AN_AGE: u32 = 4;

impl Driver {
    /// Ends the plan: without further faults, everything must quiesce and stay true.
    pub(super) async fn finish(&self) -> Result<(), Verdict> {
        self.release_all().await?;
        self.join().await?;
        // It quiesces under the options of this life, and is opened once more under the same ones.
        self.forget_settings();
        self.world.heal();
        // The time that slow calls still take does not count.
        self.world.settle_down().await?;
        let has_latched = self
            .labels()
            .iter()
            .any(|label| self.judge.has_failed_sync(Some(*label)));
        let has_left_files = self.handles().has_given_up || self.judge.has_left_files();
        if has_latched || has_left_files || self.judge.has_unread_index() {
            self.restart().await?;
        }
        self.visit_all_shards().await?;
        self.check_maintenance().await?;
        let started = SimIo::new(&self.world).now();
        let open = self.handles().timelines.clone();
        if let Some(ended) = &mut self.session().ended {
            let counts = open
                .values()
                .map(|timeline| timeline.layers().files().len());
            ended.layer_count = counts.sum();
        }
        drop(open);
        // Quiescing collects, so this is the last look at all history that may be read.
        self.note_answers();
        for label in self.labels() {
            if let Some(timeline) = self.timeline(label) {
                let last = self.with_expected(label, |expected| expected.last);
                let durable = timeline.flush().await;
                let durable = durable.map_err(|error| {
                    Verdict::wrong("flush, with no fault left", "it is done", error.to_string())
                })?;
                self.with_expected(label, |expected| expected.acknowledge(durable))?;
                laws::check_order(last, durable)?;
                match self.quiesce(label, &timeline).await? {
                    Quiesced::Complete => {}
                    Quiesced::Rotten => self.session().tally.did("quiesced beside wrong files"),
                }
                self.check_points(label, Depth::Sample)?;
                self.explain(label)?;
            }
        }
        let aged = self.age_history().await?;
        self.world.settle_down().await?;
        self.look(|sight, _| space::check(sight))?;
        self.look(|sight, _| open_files::check(sight))?;
        bounds::check_granted(self.engine().stats().work_len)?;
        self.judge.forget_failed_removals();
        self.restart_and_check(Depth::Full, How::Wait).await?;
        self.note_answers();
        self.judge.check_reported()?;
        self.world.settle_down().await?;
        self.look(|sight, _| space::check(sight))?;
        self.look(|sight, _| open_files::check(sight))?;
        bounds::check_granted(self.engine().stats().work_len)?;
        let elapsed = SimIo::new(&self.world).now().saturating_since(started);
        let elapsed = elapsed.saturating_sub(aged);
        if QUIESCE_TIME_MAX < elapsed {
            let waiting = format!("to quiesce and to open again takes {elapsed:?}");
            return Err(Verdict::Stuck { waiting });
        }
        match self.stays_to_rest {
            true => self.check_rest().await,
            false => Ok(()),
        }
    }

    /// Where age holds the cutoff back, waits until all history is old enough, through several
    /// lives that are each shorter than that, and checks that the cutoff has moved. Returns the
    /// time that took.
    async fn age_history(&self) -> Result<Duration, Verdict> {
        let knobs = self.knobs();
        let open = self.labels();
        let open = open.into_iter().filter_map(|label| self.timeline(label));
        let age = open.map(|timeline| cutoff::age(&knobs, &timeline)).max();
        let age = age.unwrap_or(knobs.gc_age);
        let is_clock_set = self.handles().opened.is_none();
        // Maintenance would do much work in so long a time.
        let is_long = self.world.wait_max() < age;
        if age.is_zero() || is_clock_set || is_long || self.judge.has_unread_index() {
            return Ok(Duration::ZERO);
        }
        // The last LSN is sampled once in a fraction of that time, and at each opening.
        for _ in 0..LIVES_OF_AN_AGE {
            SimIo::new(&self.world).sleep(age / 2).await;
            self.restart().await?;
            for label in self.labels() {
                if self.timeline(label).is_some() {
                    self.gc(label, How::Wait).await?;
                }
            }
        }
        self.look(|sight, _| cutoff::check_aged(sight))?;
        Ok(age / 2 * LIVES_OF_AN_AGE)
    }

    /// Waits until maintenance quiesces, if it is on, and checks that nothing is left to do.
    async fn check_maintenance(&self) -> Result<(), Verdict> {
        let Some(mut maintenance) = self.show(|sight, _| MaintenanceCheck::begin(sight)) else {
            return Ok(());
        };
        loop {
            SimIo::new(&self.world).sleep(maintenance.wait()).await;
            self.world.settle_down().await?;
            if self.look(|sight, _| maintenance.has_quiesced(sight))? {
                break;
            }
        }
        for label in self.labels() {
            let Some(timeline) = self.timeline(label) else {
                continue;
            };
            self.look(|sight, _| maintenance.check(sight, label))?;
            let compacted = timeline.compact(Mode::ByNeed).await;
            maintenance.check_job(label, "to compact", compacted)?;
            let is_imaged = timeline.strategy() == Strategy::L0ToL1;
            let imaged = images(&timeline, Mode::ByNeed).await;
            if is_imaged && self.knobs().image_age_max.is_zero() {
                maintenance.check_job(label, "to image", imaged)?;
            }
            let reduced = timeline.gc_compact_all(Mode::ByNeed).await;
            let reduced = reduced.map(|run| run.progress);
            maintenance.check_job(label, "to reduce", reduced)?;
        }
        Ok(())
    }

    /// Runs every job until it is idle, in bounded time, and checks how many layers reads look into
    /// then.
    async fn quiesce(
        &self,
        label: TimelineLabel,
        timeline: &Timeline<SimIo>,
    ) -> Result<Quiesced, Verdict> {
        timeline.declare_keys(KeySpace::from_ranges([KeyRange::ALL]));
        let by_need = Mode::ByNeed;
        let compacted = self.until_idle("compact", || timeline.compact(by_need));
        let compacted = compacted.await?;
        if compacted == Quiesced::Complete {
            self.look(|sight, _| layers::check_none_due(sight, label))?;
            self.look(|sight, _| tiers::check_depth(sight, label))?;
        }
        let imaged = self.until_idle("create images", || images(timeline, by_need));
        let imaged = imaged.await?;
        self.look(|sight, _| layers::check_idle(sight, timeline))?;
        if compacted == Quiesced::Rotten {
            return Ok(Quiesced::Rotten);
        }
        if !self.judge.has_unread_index() {
            let before = timeline.gc_cutoff();
            self.gc(label, How::Wait).await?;
            self.look(|sight, _| cutoff::check_moved(sight, label, before))?;
        }
        let forced = || images(timeline, Mode::Forced);
        let all_imaged = self.until_idle("create all images", forced).await?;
        if imaged == Quiesced::Rotten || all_imaged == Quiesced::Rotten {
            return Ok(Quiesced::Rotten);
        }
        self.look(|sight, checkers| visits::check(sight, &mut checkers.answers, label))?;
        self.look(|sight, checkers| visibility::check(sight, &mut checkers.answers, label))?;
        Ok(Quiesced::Complete)
    }

    /// Calls a job until it is idle, or until it fails on a wrong file.
    pub(super) async fn until_idle<F: Future<Output = Result<Progress>>>(
        &self,
        what: &str,
        job: impl Fn() -> F,
    ) -> Result<Quiesced, Verdict> {
        for _ in 0..PASSES_MAX {
            self.judge.end_operation(FaultOutcome::Tolerated);
            match job().await {
                Ok(Progress::Idle) => return Ok(Quiesced::Complete),
                Ok(Progress::Done | Progress::Preempted | Progress::Superseded) => {}
                Err(error) if self.judge.is_reported_rot(&error) => {
                    self.judge.end_operation(FaultOutcome::Reported);
                    return Ok(Quiesced::Rotten);
                }
                Err(error) => {
                    let asked = format!("{what}, with no fault left");
                    return Err(Verdict::wrong(asked, "it is done", error.to_string()));
                }
            }
        }
        Err(Verdict::Stuck {
            waiting: format!("{what} has something to do again and again"),
        })
    }
}
