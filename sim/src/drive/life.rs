//! One life of the process, from the engine's open to its end.

use std::path::Path;
use std::sync::Arc;

use palimpsest::base::Lsn;
use palimpsest::io::Io;
use palimpsest::{Engine, Error, Timeline};

use super::line::touched_by;
use super::options::options;
use super::{Driver, TRIES_BEFORE_HEALING, TRIES_MAX};
use crate::checkers::{Depth, Unreadable, recovery};
use crate::faults::FaultOutcome;
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle::{self, Existence, Expected};
use crate::paths::ROOT;
use crate::plan::{How, Maintenance};
use crate::verdict::Verdict;
use crate::witness::Moment;
use crate::world::{LifeEnd, SimIo, World};

/// How a timeline's shutdown ended.
pub(super) enum Ended {
    /// In good order, with this last record.
    Clean(Lsn),
    /// A failed sync had stopped it.
    Latched,
    /// Not at all.
    Open,
}

/// Lives one life: from the first line that is left to the end of the plan, or to a crash.
pub async fn live(driver: Driver) {
    if let Err(verdict) = driver.lead().await {
        driver.witness_bad();
        driver.session().verdict = Some(verdict);
    }
    driver.world.end_life(LifeEnd::Finished);
}

impl Driver {
    async fn lead(&self) -> Result<(), Verdict> {
        // Each timeline that may be there is opened, and what was recovered is checked.
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
            self.line(index as u32 + 1, &Arc::new(line)).await?;
            let needs_restart = std::mem::take(&mut self.handles().needs_restart);
            if needs_restart {
                self.restart().await?;
            }
            // What was let go of has not ended: the next one may meet with what it left.
            if !matches!(how, How::DropAt(_)) {
                self.judge.end_operation(FaultOutcome::Tolerated);
            }
            self.judge.check_reported()?;
            let is_time_to_look = self.session().is_time_to_look(self.look_one_in);
            if is_time_to_look {
                self.look_around(index as u64, touched)?;
            }
            self.witness_good(|| Moment::After { line: index + 1 });
        }
    }

    /// Opens the engine and every timeline that may be there, and checks what was recovered.
    async fn open_and_check(&self, depth: Depth, how: How) -> Result<(), Verdict> {
        for label in self.open_all(how).await? {
            self.check_points(label, depth)?;
            self.explain(label)?;
        }
        Ok(())
    }

    /// Opens the engine and every timeline that may be there, and pulls each back to what it says.
    /// A call that is let go of is made again.
    async fn open_all(&self, how: How) -> Result<Vec<TimelineLabel>, Verdict> {
        self.handles().opened = Some(SimIo::new(&self.world).now());
        let unreadable = self.show(|sight, _| Unreadable::before_open(sight));
        let engine = self.open_engine(how).await?;
        self.judge.forget_latches();
        self.handles().engine = Some(Arc::new(engine));
        let mut opened = Vec::new();
        for label in self.labels() {
            self.expected(label, |expected| expected.cutoff.close());
        }
        for label in self.labels() {
            if let Some(timeline) = self.open_timeline(label, how).await? {
                self.recovered(label, timeline)?;
                opened.push(label);
            }
        }
        self.look(|sight, _| unreadable.check(sight))?;
        // What may be read on one depends on all that stand on it: they are checked after this.
        Ok(opened)
    }

    async fn open_engine(&self, mut how: How) -> Result<Engine<SimIo>, Verdict> {
        for attempt in 0..TRIES_MAX {
            heal_late(&self.world, attempt);
            let allowed_errors = self.judge.begin(None);
            self.judge.forget_unread_index();
            let io = SimIo::new(&self.world);
            let opening = Engine::open(io, Path::new(ROOT), options(&self.plan.knobs));
            let Some(opened) = self.call(how, opening).await else {
                how = How::Wait;
                continue;
            };
            match opened {
                Ok(engine) => return Ok(engine),
                // What the one before it removes still holds the directory.
                Err(Error::Busy { .. }) if self.world.has_drops() => {
                    self.world.settle_down().await?;
                }
                Err(error) => allowed_errors.check("open the engine", &error)?,
            }
        }
        Err(gave_up("open the engine"))
    }

    /// Opens a timeline that may be there; nothing if it is not, and need not be.
    pub(super) async fn open_timeline(
        &self,
        label: TimelineLabel,
        mut how: How,
    ) -> Result<Option<Timeline<SimIo>>, Verdict> {
        let id = keys::timeline(label);
        let asked = format!("open timeline {}", char::from(label.0));
        let below = oracle::below(&self.session().expectations, label);
        for attempt in 0..TRIES_MAX {
            for label in &below {
                self.users.until(|| !self.judge.is_ending(*label)).await;
            }
            heal_late(&self.world, attempt);
            let allowed_errors = self.judge.begin(Some(label));
            let allowed_errors = allowed_errors.on(&below);
            let engine = self.engine();
            let Some(opened) = self.call(how, engine.open_timeline(id)).await else {
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
                    self.expected(label, |expected| expected.is_unread = true);
                    return Ok(None);
                }
                Err(Error::Refused { why }) => {
                    let existence = self.expected(label, |expected| expected.existence);
                    if existence == Existence::Exists && !self.judge.has_lost_index(id) {
                        return Err(Verdict::wrong(asked, "it was acknowledged", why));
                    }
                    self.expected(label, Expected::refused);
                    return Ok(None);
                }
                Err(error) => {
                    allowed_errors.check(&asked, &error)?;
                    // It is not open, and what failed before it is will not have failed for it.
                    self.judge.forget_latch(label);
                    if self.judge.is_rot(&error) {
                        // It cannot be opened, and all else goes on without it.
                        self.expected(label, |expected| expected.is_unread = true);
                        return Ok(None);
                    }
                }
            }
        }
        Err(gave_up(&asked))
    }

    /// A timeline was opened: it is pulled back to what it says is durable.
    pub(super) fn recovered(
        &self,
        label: TimelineLabel,
        timeline: Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let durable = timeline.disk_consistent_lsn();
        self.world.state().trace.recovered(durable);
        self.session().tally.recoveries += 1;
        self.look(|sight, _| recovery::recovered(sight, label, &timeline))?;
        self.take_in(label, timeline);
        self.settle(label)
    }

    /// A timeline is open: from now on its own tasks may work on it.
    pub(super) fn take_in(&self, label: TimelineLabel, timeline: Timeline<SimIo>) {
        let opened = self.handles().opened;
        self.expected(label, |expected| {
            expected.samples.begin(opened, expected.last)
        });
        if self.plan.knobs.maintenance != Maintenance::Off {
            self.expected(label, |expected| expected.cutoff.begin_gc());
        }
        self.handles().timelines.insert(label, timeline);
    }

    /// Ends the engine's life in good order, and opens it again.
    pub(super) async fn restart(&self) -> Result<(), Verdict> {
        self.restart_and_check(Depth::Sample, How::Wait).await
    }

    /// The same, and asks so much of what is opened; each call that opens is let go of once, if
    /// that is how.
    pub(super) async fn restart_and_check(&self, depth: Depth, how: How) -> Result<(), Verdict> {
        self.join().await?;
        let ends = match depth {
            Depth::Full => self.shut_engine_down().await?,
            _ => self.shut_down().await?,
        };
        self.open_and_check(depth, how).await?;
        self.look(|sight, _| recovery::check_shut_down(sight, &ends))
    }

    /// The same as [`Driver::shut_down`] by one call, where no fault is left.
    async fn shut_engine_down(&self) -> Result<Vec<(TimelineLabel, Lsn)>, Verdict> {
        self.let_go()?;
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
                self.expected(label, |expected| expected.last_possible()),
            )
        };
        let clean = open.map(last).collect();
        self.handles().timelines.clear();
        self.handles().engine = None;
        Ok(clean)
    }

    /// Shuts the engine down and drops it; returns the timelines that ended without an error, and
    /// where.
    async fn shut_down(&self) -> Result<Vec<(TimelineLabel, Lsn)>, Verdict> {
        // They hold the engine's directory.
        self.let_go()?;
        self.handles().writers.clear();
        let mut clean = Vec::new();
        let mut left_open = Vec::new();
        for label in self.labels().into_iter().rev() {
            if self.timeline(label).is_none() {
                // A shutdown of it has failed before.
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
        self.handles().engine = None;
        Ok(clean)
    }

    /// Shuts one timeline down, unless one that stands on it was left open.
    pub(super) async fn shut_down_one(
        &self,
        label: TimelineLabel,
        left_open: &[TimelineLabel],
    ) -> Result<Ended, Verdict> {
        let children = oracle::children(&self.session().expectations, label);
        for attempt in 0..TRIES_MAX {
            let allowed_errors = self.judge.begin(Some(label));
            let engine = self.engine();
            let error = match engine.shutdown_timeline(keys::timeline(label)).await {
                Ok(()) => {
                    let last = self.expected(label, |expected| expected.last_possible());
                    return Ok(Ended::Clean(last));
                }
                Err(Error::Busy { .. }) if children.iter().any(|on| left_open.contains(on)) => {
                    return Ok(Ended::Open);
                }
                Err(error) => error,
            };
            allowed_errors.check("shut down", &error)?;
            if matches!(error, Error::Latched(_)) {
                return Ok(Ended::Latched);
            }
            // An engine that looks after itself goes on as long as it is open.
            if self.plan.knobs.maintenance == Maintenance::Off {
                return Ok(Ended::Open);
            }
            heal_late(&self.world, attempt);
        }
        Err(gave_up("shut down"))
    }
}

/// From the last tries on no fault is delivered any more.
pub(super) fn heal_late(world: &World, attempt: u32) {
    if attempt == TRIES_BEFORE_HEALING {
        world.heal();
    }
}

/// What was tried so often that it should have come about.
pub(super) fn gave_up(asked: &str) -> Verdict {
    Verdict::Stuck {
        waiting: format!("{asked} fails again and again"),
    }
}
