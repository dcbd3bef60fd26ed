//! One life of the process, from the engine's open to its end.

use std::path::Path;
use std::sync::Arc;

use palimpsest::base::TenantId;
use palimpsest::{Engine, Error, Options, Timeline};

use super::check::Depth;
use super::{Driver, Excuse, TRIES_BEFORE_HEALING, TRIES_MAX};
use crate::keys;
use crate::laws::{self, ROOT};
use crate::oracle::{Existence, Truth};
use crate::plan::Letter;
use crate::verdict::Verdict;
use crate::world::{Ending, SimIo};

/// Lives one life: from the first line that is left to the end of the plan, or to a crash.
pub async fn live(driver: Driver) {
    if let Err(verdict) = driver.lead().await {
        driver.session().verdict = Some(verdict);
    }
    driver.world.end_life(Ending::Finished);
}

impl Driver {
    async fn lead(&self) -> Result<(), Verdict> {
        self.start().await?;
        loop {
            let index = {
                let mut session = self.session();
                let index = session.next_line;
                session.next_line += 1;
                index
            };
            let Some(line) = self.plan.ops.get(index) else {
                return self.finish().await;
            };
            self.session().tally.operations += 1;
            self.line(index as u32 + 1, line).await?;
            self.look_around(index as u64)?;
        }
    }

    /// Opens the engine and every timeline that may be there, and checks what was recovered.
    pub(super) async fn start(&self) -> Result<(), Verdict> {
        let engine = self.open_engine().await?;
        self.handles().engine = Some(Arc::new(engine));
        for letter in self.letters() {
            if let Some(timeline) = self.open_timeline(letter).await? {
                self.recovered(letter, timeline).await?;
            }
        }
        Ok(())
    }

    fn options(&self) -> Options {
        let knobs = &self.plan.knobs;
        Options {
            tenant: TenantId([7; 16]),
            freeze_len_max: knobs.freeze_len_max,
            freeze_distance_max: knobs.freeze_distance_max,
            freeze_age_max: knobs.freeze_age_max,
            buffer_len: usize::try_from(knobs.buffer_len).unwrap_or(usize::MAX),
            ..Options::default()
        }
    }

    async fn open_engine(&self) -> Result<Engine<SimIo>, Verdict> {
        for attempt in 0..TRIES_MAX {
            let excuse = self.try_again(attempt, None);
            let io = SimIo::new(&self.world);
            match Engine::open(io, Path::new(ROOT), self.options()).await {
                Ok(engine) => return Ok(engine),
                Err(error) => excuse.check(&self.world, "open the engine", &error)?,
            }
        }
        Err(self.gave_up("open the engine"))
    }

    pub(super) fn try_again(&self, attempt: u32, letter: Option<Letter>) -> Excuse {
        if attempt == TRIES_BEFORE_HEALING {
            self.world.heal();
        }
        Excuse::begin(&self.world, letter)
    }

    pub(super) fn gave_up(&self, asked: &str) -> Verdict {
        Verdict::Stuck {
            waiting: format!("{asked} fails again and again"),
        }
    }

    /// Opens a timeline that may be there; nothing if it is not, and need not be.
    async fn open_timeline(&self, letter: Letter) -> Result<Option<Timeline<SimIo>>, Verdict> {
        let id = keys::timeline(letter);
        let asked = format!("open timeline {}", char::from(letter.0));
        for attempt in 0..TRIES_MAX {
            let excuse = self.try_again(attempt, Some(letter));
            match self.engine().open_timeline(id).await {
                Ok(timeline) => {
                    self.world.forget_latch(letter);
                    return Ok(Some(timeline));
                }
                Err(Error::Refused { why }) => {
                    let existence = self.truth(letter, |truth| truth.existence);
                    if existence == Existence::Exists {
                        return Err(Verdict::wrong(asked, "it was acknowledged", why));
                    }
                    self.truth(letter, |truth| *truth = Truth::absent());
                    return Ok(None);
                }
                Err(error) => excuse.check(&self.world, &asked, &error)?,
            }
        }
        Err(self.gave_up(&asked))
    }

    /// A timeline was opened: it is pulled back to what it says is durable, and all of it is
    /// checked, in memory and on the raw disk.
    async fn recovered(&self, letter: Letter, timeline: Timeline<SimIo>) -> Result<(), Verdict> {
        let durable = timeline.disk_consistent_lsn();
        self.world
            .state()
            .trace
            .note(|| format!("recovered up to {durable}"));
        self.session().tally.recoveries += 1;
        if durable != timeline.last_record_lsn() {
            let found = format!("{durable} and {}", timeline.last_record_lsn());
            return Err(Verdict::law(
                "an opened timeline ends at disk_consistent_lsn",
                found,
            ));
        }
        self.truth(letter, |truth| truth.recover(durable))?;
        self.handles().timelines.insert(letter, timeline);
        self.settle(letter)?;
        self.check_points(letter, Depth::Sample)?;
        self.explain(letter)
    }

    /// Holds every layer on the raw disk against the model.
    pub(super) fn explain(&self, letter: Letter) -> Result<(), Verdict> {
        let disk = self.world.state().disk.clone();
        self.truth(letter, |truth| {
            laws::check_layers(&disk, keys::timeline(letter), truth)
        })
    }

    /// Ends the engine's life in good order, and opens it again.
    pub(super) async fn restart(&self) -> Result<(), Verdict> {
        self.join().await?;
        let is_clean = self.shut_down().await?;
        self.start().await?;
        if let Some((letter, last)) = is_clean.iter().find(|(letter, last)| {
            self.truth(*letter, |truth| {
                truth.existence == Existence::Exists && truth.last != *last
            })
        }) {
            let asked = format!("open timeline {} after a shutdown", char::from(letter.0));
            let got = self.truth(*letter, |truth| truth.last);
            return Err(Verdict::wrong(
                asked,
                format!("it ends at {last}"),
                format!("{got}"),
            ));
        }
        Ok(())
    }

    /// Shuts the engine down and drops it; returns the timelines that ended without an error, and
    /// where.
    async fn shut_down(&self) -> Result<Vec<(Letter, palimpsest::Lsn)>, Verdict> {
        self.handles().writers.clear();
        let engine = self.engine();
        let mut clean = Vec::new();
        for letter in self.letters() {
            let excuse = Excuse::begin(&self.world, Some(letter));
            if self.timeline(letter).is_none() {
                continue;
            }
            match engine.shutdown_timeline(keys::timeline(letter)).await {
                Ok(()) => clean.push((letter, self.truth(letter, |truth| truth.last_possible()))),
                Err(error) => excuse.check(&self.world, "shut down", &error)?,
            }
        }
        drop(engine);
        self.handles().timelines.clear();
        self.handles().engine = None;
        Ok(clean)
    }

    /// The plan is done: without further faults, everything must come to rest and stay true.
    async fn finish(&self) -> Result<(), Verdict> {
        self.join().await?;
        self.world.heal();
        let has_latched = self
            .letters()
            .iter()
            .any(|letter| self.world.has_failed_sync(Some(*letter)));
        if has_latched {
            self.restart().await?;
        }
        for letter in self.letters() {
            if let Some(timeline) = self.timeline(letter) {
                let last = self.truth(letter, |truth| truth.last);
                let durable = timeline.flush().await;
                let durable = durable.map_err(|error| {
                    Verdict::wrong("flush, with no fault left", "it is done", error.to_string())
                })?;
                self.truth(letter, |truth| truth.acknowledge(durable))?;
                laws::check_order(last, durable)?;
                self.check_points(letter, Depth::Sample)?;
            }
        }
        self.check_space().await?;
        self.restart().await?;
        for letter in self.letters() {
            self.check_points(letter, Depth::Full)?;
        }
        self.check_space().await
    }

    /// Waits until only the driver is left, then looks at what lies on the disk. What a removal
    /// that failed in this life has left may lie there until the next.
    pub(super) async fn check_space(&self) -> Result<(), Verdict> {
        self.world.settle_down().await?;
        if self.world.has_failed_removal() {
            return Ok(());
        }
        let disk = self.world.state().disk.clone();
        let open: Vec<_> = {
            let handles = self.handles();
            let open = handles.timelines.iter().map(|(letter, timeline)| {
                let open_count = usize::from(timeline.layers().open().is_some());
                (keys::timeline(*letter), open_count)
            });
            open.collect()
        };
        laws::check_space(&disk, &open)
    }
}
