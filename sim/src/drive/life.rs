//! One life of the process, from the engine's open to its end.

use std::path::Path;
use std::sync::Arc;

use palimpsest::base::Lsn;
use palimpsest::io::{Io, Job};
use palimpsest::{Engine, Error, Options, Policy, Timeline};

use super::line::touched_by;
use super::options::options;
use super::{Driver, TRIES_BEFORE_HEALING, TRIES_MAX};
use crate::checkers::heard::Heard;
use crate::checkers::{BacklogCheck, Depth, ToldCheck, Unreadable, recovery, runs};
use crate::faults::FaultOutcome;
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle::{self, Existence, Expected, Horizon};
use crate::paths::ROOT;
use crate::plan::{Effort, How, Knobs, Line, Maintenance, PlanOp};
use crate::verdict::Verdict;
use crate::witness::Moment;
use crate::world::{LifeEnd, SimIo, World};

/// The outcome of a timeline's shutdown.
pub(super) enum Ended {
    /// Closed in good order, with this last record.
    Clean(Lsn),
    /// Closed, after a failed sync had latched it.
    Latched,
    /// Still open.
    Open,
}

/// Runs one life: from the first line that is left to the end of the plan, or to a crash.
pub async fn live(driver: Driver) {
    if let Err(verdict) = driver.run_lines().await {
        driver.witness_bad();
        driver.session().verdict = Some(verdict);
    }
    driver.world.end_life(LifeEnd::Finished);
}

impl Driver {
    async fn run_lines(&self) -> Result<(), Verdict> {
        // Each timeline that may exist is opened, and what was recovered is checked.
        self.open_and_check(Depth::Sample, How::Wait).await?;
        self.judge.end_operation(FaultOutcome::Tolerated);
        self.witness_good(|| Moment::Opened {
            life: self.world.state().life(),
        });
        loop {
            let index = {
                let mut session = self.session();
                let index = session.next_line;
                session.next_line += 1;
                index
            };
            let Some(line) = (self.lines)(index) else {
                return self.finish().await;
            };
            self.session().tally.operations += 1;
            let (touched, how) = (touched_by(&line.op), line.how);
            let is_of_catalog = matches!(
                line.op,
                PlanOp::Create { .. } | PlanOp::Branch { .. } | PlanOp::Delete { .. }
            );
            self.carry_out(index as u32 + 1, &Arc::new(line)).await?;
            // A cancelled operation may have left work in flight: the next one may meet its faults.
            if !matches!(how, How::DropAt(_)) {
                self.judge.end_operation(FaultOutcome::Tolerated);
            }
            self.judge.check_reported()?;
            let is_time_to_look = self.session().is_time_to_look(self.look_one_in);
            if is_time_to_look {
                self.look_around(index as u64, touched)?;
                if is_of_catalog {
                    self.check_listed()?;
                }
            }
            self.witness_good(|| Moment::After { line: index + 1 });
        }
    }

    /// Carries a line out, and what it asks for.
    async fn carry_out(&self, number: u32, line: &Arc<Line>) -> Result<(), Verdict> {
        self.line(number, line).await?;
        let needs_restart = std::mem::take(&mut self.handles().needs_restart);
        match needs_restart {
            true => self.restart().await,
            false => Ok(()),
        }
    }

    /// Opens the engine and every timeline that may exist, and checks what was recovered.
    pub(super) async fn open_and_check(&self, depth: Depth, how: How) -> Result<(), Verdict> {
        for label in self.open_all(how).await? {
            self.check_points(label, depth)?;
            self.explain(label)?;
        }
        Ok(())
    }

    /// Opens the engine and every timeline that may exist, and pulls each expected state back to
    /// what is durable. A cancelled call is retried.
    async fn open_all(&self, how: How) -> Result<Vec<TimelineLabel>, Verdict> {
        self.handles().opened = Some(SimIo::new(&self.world).now());
        let unreadable = self.show(|sight, _| Unreadable::before_open(sight));
        let engine = self.open_engine(how).await?;
        self.judge.forget_latches();
        self.handles().engine = Some(Arc::new(engine));
        self.handles().has_given_up = false;
        self.session().checkers.backlog = BacklogCheck::default();
        self.session().checkers.told = ToldCheck::default();
        let mut opened = Vec::new();
        for label in self.labels() {
            self.with_expected(label, |expected| expected.cutoff.close());
        }
        for label in self.labels() {
            let opened_one = self.open_timeline(label, Effort::UntilDone, how);
            if let Some(timeline) = opened_one.await? {
                self.recovered(label, timeline)?;
                opened.push(label);
            }
        }
        self.look(|sight, _| unreadable.check(sight))?;
        // What may be read on one depends on its children: they are checked once all are open.
        Ok(opened)
    }

    /// Opens the engine, with the options that were set so far.
    async fn open_engine(&self, how: How) -> Result<Engine<SimIo>, Verdict> {
        self.end_collections();
        self.settle_split().await?;
        let knobs = Arc::new(self.next_knobs());
        self.try_wrong_options(&knobs)?;
        let opened = self.open_engine_with(&knobs, how).await?;
        let mut session = self.session();
        session.knobs = Some(knobs.clone());
        let setting_count = session.settings.len();
        drop(session);
        let mut handles = self.handles();
        (handles.knobs, handles.setting_count) = (Some(knobs), setting_count);
        drop(handles);
        Ok(opened)
    }

    /// Notes how far the collections of the engine that is gone may have come: by its options.
    fn end_collections(&self) {
        let now = SimIo::new(&self.world).now();
        let mut session = self.session();
        let Some(knobs) = session.knobs.clone() else {
            return;
        };
        let horizon = Horizon {
            distance: knobs.gc_distance,
            age: knobs.gc_age,
            now,
        };
        for expected in session.expectations.values_mut() {
            let highest = expected.highest_cutoff(&horizon);
            expected.cutoff.may_reach(highest);
        }
    }

    /// Opens the engine with these knobs. A cancelled call is retried.
    pub(super) async fn open_engine_with(
        &self,
        knobs: &Knobs,
        mut how: How,
    ) -> Result<Engine<SimIo>, Verdict> {
        for attempt in 0..TRIES_MAX {
            heal_late(&self.world, attempt);
            let guard = self.judge.begin(None);
            self.judge.begin_open();
            let io = SimIo::new(&self.world);
            let heard = Arc::new(Heard::default());
            let options = Options {
                listener: Some(heard.clone()),
                ..options(knobs)
            };
            let opening = Engine::open(io, Path::new(ROOT), options);
            let Some(opened) = self.call(how, opening).await else {
                how = How::Wait;
                continue;
            };
            match opened {
                Ok(engine) => {
                    self.judge.opened();
                    self.handles().heard = heard;
                    return Ok(engine);
                }
                // Removals of the engine before it still lock the directory.
                Err(Error::Busy { .. }) if self.world.has_drops() => {
                    self.world.settle_down().await?;
                }
                Err(error) => guard.check("open the engine", &error)?,
            }
        }
        Err(stuck_on("open the engine"))
    }

    /// Opens a timeline that may exist; `None` if it does not, and need not, or if that was given
    /// up.
    pub(super) async fn open_timeline(
        &self,
        label: TimelineLabel,
        effort: Effort,
        mut how: How,
    ) -> Result<Option<Timeline<SimIo>>, Verdict> {
        let id = keys::timeline(label);
        let asked = format!("open timeline {}", char::from(label.0));
        let below = oracle::below(&self.session().expectations, label);
        for attempt in 0..tries(effort) {
            for label in &below {
                self.users
                    .until(|| !self.judge.is_shutting_down(*label))
                    .await;
            }
            heal_late(&self.world, attempt);
            let guard = self.judge.begin(Some(label));
            let guard = guard.on(&below);
            let engine = self.engine();
            for label in below.iter().chain([&label]) {
                let opened = self.handles().opened;
                self.with_expected(*label, |expected| {
                    let last = expected.end_possible();
                    expected.samples.attempt(opened, last);
                });
            }
            let call = engine.open_timeline(id);
            let line = below.iter().copied().chain([label]);
            let Some(opened) = self.call_of((Job::Open, how), line, call).await? else {
                how = How::Wait;
                continue;
            };
            match opened {
                Ok(timeline) => {
                    self.judge.index_was_read(label);
                    return Ok(Some(timeline));
                }
                Err(Error::Refused { .. })
                    if self.show(|sight, _| recovery::stands_on_what_is_lost(sight, label)) =>
                {
                    self.with_expected(label, |expected| expected.is_unread = true);
                    return Ok(None);
                }
                Err(Error::Refused { why }) => {
                    let existence = self.with_expected(label, |expected| expected.existence);
                    if existence == Existence::Exists && !self.judge.has_lost_index(id) {
                        return Err(Verdict::wrong(asked, "it was acknowledged", why));
                    }
                    self.judge.index_was_read(label);
                    self.with_expected(label, Expected::refused);
                    return Ok(None);
                }
                Err(error) => {
                    guard.check(&asked, &error)?;
                    // It is not open: earlier failures do not count for its next instance.
                    self.judge.forget_latch(label);
                    if self.judge.is_rot(&error) {
                        // It cannot be opened; all others go on without it.
                        self.with_expected(label, |expected| expected.is_unread = true);
                        return Ok(None);
                    }
                }
            }
        }
        self.give_up(effort, &asked).map(|()| None)
    }

    /// Ends an operation that has failed as often as it is tried.
    pub(super) fn give_up(&self, effort: Effort, asked: &str) -> Result<(), Verdict> {
        match effort {
            Effort::UntilDone => Err(stuck_on(asked)),
            Effort::Once => {
                self.handles().has_given_up = true;
                self.session().tally.did("given up");
                Ok(())
            }
        }
    }

    /// Checks a timeline that was opened, and pulls its expected state back to what is durable.
    pub(super) fn recovered(
        &self,
        label: TimelineLabel,
        timeline: Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let durable = timeline.disk_consistent_lsn();
        self.world.state().trace.recovered(durable);
        self.session().tally.recoveries += 1;
        self.look(|sight, _| recovery::recovered(sight, label, &timeline))?;
        self.add_open(label, timeline);
        self.settle(label)
    }

    /// Adds a timeline that was created just now, by the options of this life.
    pub(super) fn add_created(&self, label: TimelineLabel, timeline: Timeline<SimIo>) {
        let strategy = self.knobs().strategy;
        self.with_expected(label, |expected| {
            expected.strategy.acknowledge(strategy);
            expected.policy.acknowledge(Policy::default());
        });
        self.add_open(label, timeline);
    }

    /// Adds an open timeline. From now on its maintenance may run.
    pub(super) fn add_open(&self, label: TimelineLabel, timeline: Timeline<SimIo>) {
        let opened = self.handles().opened;
        self.with_expected(label, |expected| {
            expected.samples.begin(opened, expected.last)
        });
        if self.knobs().maintenance != Maintenance::Off {
            self.with_expected(label, |expected| expected.cutoff.begin_gc());
        }
        self.show(|sight, _| runs::opened(sight, label));
        self.handles().timelines.insert(label, timeline);
    }

    /// Shuts the engine down in good order, and opens it again.
    pub(super) async fn restart(&self) -> Result<(), Verdict> {
        self.restart_and_check(Depth::Sample, How::Wait).await
    }

    /// Shuts the engine down, opens it again, and checks what was recovered to this depth. If `how`
    /// cancels, each call of the open is cancelled once.
    pub(super) async fn restart_and_check(&self, depth: Depth, how: How) -> Result<(), Verdict> {
        self.join().await?;
        let ends = match depth {
            Depth::Full => {
                let ends = self.shut_engine_down().await?;
                self.peek().await?;
                ends
            }
            _ => self.shut_down().await?,
        };
        self.open_and_check(depth, how).await?;
        self.look(|sight, _| recovery::check_shut_down(sight, &ends))
    }

    /// Shuts the engine down by one call, where no fault is left. Returns the open timelines with
    /// their ends.
    async fn shut_engine_down(&self) -> Result<Vec<(TimelineLabel, Lsn)>, Verdict> {
        self.drop_held()?;
        self.handles().writers.clear();
        self.engine().shutdown().await.map_err(|error| {
            let asked = "shut the engine down, with no fault left";
            Verdict::wrong(asked, "it is done", error.to_string())
        })?;
        let open = self.labels().into_iter();
        let open = open.filter(|label| self.timeline(*label).is_some());
        let last = |label| {
            (
                label,
                self.with_expected(label, |expected| expected.last_possible()),
            )
        };
        let clean = open.map(last).collect();
        self.handles().timelines.clear();
        self.handles().engine = None;
        Ok(clean)
    }

    /// Shuts the timelines down one by one and drops the engine. Returns those that ended without
    /// an error, with their ends.
    pub(super) async fn shut_down(&self) -> Result<Vec<(TimelineLabel, Lsn)>, Verdict> {
        // Kept handles lock the engine's directory.
        self.drop_held()?;
        self.handles().writers.clear();
        let mut clean = Vec::new();
        let mut left_open = Vec::new();
        for label in self.labels().into_iter().rev() {
            if self.timeline(label).is_none() {
                // An earlier shutdown of it has failed.
                left_open.push(label);
                continue;
            }
            match self.shut_down_one(label, &left_open).await? {
                Ended::Clean(last) => clean.push((label, last)),
                Ended::Latched => {}
                Ended::Open => left_open.push(label),
            }
        }
        self.handles().timelines.clear();
        self.release_all().await?;
        self.handles().engine = None;
        Ok(clean)
    }

    /// Shuts one timeline down, unless a child of it was left open.
    pub(super) async fn shut_down_one(
        &self,
        label: TimelineLabel,
        left_open: &[TimelineLabel],
    ) -> Result<Ended, Verdict> {
        let children = oracle::children(&self.session().expectations, label);
        for attempt in 0..TRIES_MAX {
            let guard = self.judge.begin(Some(label));
            let engine = self.engine();
            let error = match engine.shutdown_timeline(keys::timeline(label)).await {
                Ok(()) => {
                    let last = self.with_expected(label, |expected| expected.last_possible());
                    return Ok(Ended::Clean(last));
                }
                Err(Error::Busy { .. }) if children.iter().any(|on| left_open.contains(on)) => {
                    return Ok(Ended::Open);
                }
                Err(error) => error,
            };
            guard.check("shut down", &error)?;
            if matches!(error, Error::Latched(_)) {
                return Ok(Ended::Latched);
            }
            // An engine that maintains itself goes on while it is open.
            if self.knobs().maintenance == Maintenance::Off {
                return Ok(Ended::Open);
            }
            heal_late(&self.world, attempt);
        }
        Err(stuck_on("shut down"))
    }
}

/// How often an operation is tried.
pub(super) fn tries(effort: Effort) -> u32 {
    match effort {
        Effort::UntilDone => TRIES_MAX,
        Effort::Once => 1,
    }
}

/// Stops faults from a certain try on.
pub(super) fn heal_late(world: &World, attempt: u32) {
    if attempt == TRIES_BEFORE_HEALING {
        world.heal();
    }
}

/// The verdict on a call that never succeeds.
pub(super) fn stuck_on(asked: &str) -> Verdict {
    Verdict::Stuck {
        waiting: format!("{asked} fails again and again"),
    }
}
