//! The end of a plan: no fault comes any more, and everything comes to rest.

use std::future::Future;
use std::time::Duration;

use palimpsest::base::{KeyRange, KeySpace};
use palimpsest::io::Io;
use palimpsest::timeline::{Mode, Progress};
use palimpsest::{Result, Timeline};

use super::Driver;
use crate::checkers::{Depth, MaintenanceCheck, cutoff, layers, space, visits};
use crate::faults::FaultOutcome;
use crate::label::TimelineLabel;
use crate::laws;
use crate::plan::How;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// How often a job may find something to do until it must have done everything.
const PASSES_MAX: u32 = 10_000;

/// Whether a timeline came to rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Everything is done.
    Complete,
    /// As far as files are right.
    Rotten,
}

/// How long it may take to come to rest and to open again, by the clock of the run: no call takes
/// its time any more, and nobody has a reason to sleep but until history is old enough.
const REST_TIME_MAX: Duration = Duration::from_secs(10);

impl Driver {
    /// The plan is done: without further faults, everything must come to rest and stay true.
    pub(super) async fn finish(&self) -> Result<(), Verdict> {
        self.join().await?;
        self.world.heal();
        // What the device holds up still is not what coming to rest takes.
        self.world.settle_down().await?;
        let has_latched = self
            .labels()
            .iter()
            .any(|label| self.judge.has_failed_sync(Some(*label)));
        if has_latched || self.judge.has_unread_index() {
            self.restart().await?;
        }
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
        // As much as may be read: coming to rest collects.
        self.note_answers();
        for label in self.labels() {
            if let Some(timeline) = self.timeline(label) {
                let last = self.expected(label, |expected| expected.last);
                let durable = timeline.flush().await;
                let durable = durable.map_err(|error| {
                    Verdict::wrong("flush, with no fault left", "it is done", error.to_string())
                })?;
                self.expected(label, |expected| expected.acknowledge(durable))?;
                laws::check_order(last, durable)?;
                match self.come_to_rest(label, &timeline).await? {
                    Rest::Complete => {}
                    Rest::Rotten => self.session().tally.did("rest among what is wrong"),
                }
                self.check_points(label, Depth::Sample)?;
                self.explain(label)?;
            }
        }
        let aged = self.come_of_age().await?;
        self.world.settle_down().await?;
        self.look(|sight, _| space::check(sight))?;
        self.judge.forget_failed_removals();
        self.restart_and_check(Depth::Full, How::Wait).await?;
        self.note_answers();
        self.judge.check_reported()?;
        self.world.settle_down().await?;
        self.look(|sight, _| space::check(sight))?;
        let elapsed = SimIo::new(&self.world).now().saturating_since(started);
        let elapsed = elapsed.saturating_sub(aged);
        if REST_TIME_MAX < elapsed {
            let waiting = format!("to come to rest and open again takes {elapsed:?}");
            return Err(Verdict::Stuck { waiting });
        }
        Ok(())
    }

    /// Where a cutoff waits until what it takes is old enough, it moves when that is so. Says how
    /// long that took.
    async fn come_of_age(&self) -> Result<Duration, Verdict> {
        let age = self.plan.knobs.gc_age;
        let is_clock_set = self.handles().opened.is_none();
        // What an engine does by itself meanwhile takes time outside.
        let is_long = self.world.wait_max() < age;
        if age.is_zero() || is_clock_set || is_long || self.judge.has_unread_index() {
            return Ok(Duration::ZERO);
        }
        // A collection takes note of what is last, once in a part of that time.
        for _ in 0..2 {
            SimIo::new(&self.world).sleep(age).await;
            for label in self.labels() {
                if self.timeline(label).is_some() {
                    self.gc(label, How::Wait).await?;
                }
            }
        }
        self.look(|sight, _| cutoff::check_aged(sight))?;
        Ok(age * 2)
    }

    /// Where the engine maintains itself: waits until it quiesces, and then nothing is left to do.
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
            let imaged = timeline.create_images(Mode::ByNeed).await;
            maintenance.check_job(label, "to image", imaged)?;
        }
        Ok(())
    }

    /// Everything asked for is done, in bounded time, and bounds what a read looks into.
    async fn come_to_rest(
        &self,
        label: TimelineLabel,
        timeline: &Timeline<SimIo>,
    ) -> Result<Rest, Verdict> {
        timeline.declare_keys(KeySpace::from_ranges([KeyRange::ALL]));
        let by_need = Mode::ByNeed;
        let compacted = self.until_idle("compact", || timeline.compact(by_need));
        let compacted = compacted.await?;
        if compacted == Rest::Complete {
            self.look(|sight, _| layers::check_none_due(sight, label))?;
        }
        let imaged = self.until_idle("create images", || timeline.create_images(by_need));
        let imaged = imaged.await?;
        self.look(|sight, _| layers::check_idle(sight, timeline))?;
        if compacted == Rest::Rotten {
            return Ok(Rest::Rotten);
        }
        if !self.judge.has_unread_index() {
            let before = timeline.gc_cutoff();
            self.gc(label, How::Wait).await?;
            self.look(|sight, _| cutoff::check_moved(sight, label, before))?;
        }
        let forced = || timeline.create_images(Mode::Forced);
        let all_imaged = self.until_idle("create all images", forced).await?;
        if imaged == Rest::Rotten || all_imaged == Rest::Rotten {
            return Ok(Rest::Rotten);
        }
        self.look(|sight, checkers| visits::check(sight, &mut checkers.answers, label))?;
        Ok(Rest::Complete)
    }

    /// Calls a job until there is nothing to do, or until it comes to what is wrong.
    async fn until_idle<F: Future<Output = Result<Progress>>>(
        &self,
        what: &str,
        job: impl Fn() -> F,
    ) -> Result<Rest, Verdict> {
        for _ in 0..PASSES_MAX {
            self.judge.end_operation(FaultOutcome::Tolerated);
            match job().await {
                Ok(Progress::Idle) => return Ok(Rest::Complete),
                Ok(Progress::Done | Progress::Preempted | Progress::Superseded) => {}
                Err(error) if self.judge.is_reported_rot(&error) => {
                    self.judge.end_operation(FaultOutcome::Reported);
                    return Ok(Rest::Rotten);
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
