//! One life of the process, from the engine's open to its end.

use std::path::Path;
use std::sync::Arc;

use palimpsest::base::{Lsn, TenantId};
use palimpsest::format::Compression;
use palimpsest::{Engine, Error, Options, Timeline};

use super::check::Depth;
use super::line::touched_by;
use super::{Driver, TRIES_BEFORE_HEALING, TRIES_MAX};
use crate::faults::FaultOutcome;
use crate::judge::Excuse;
use crate::keys;
use crate::label::Letter;
use crate::oracle::{self, Existence, Truth};
use crate::paths::ROOT;
use crate::plan::{self, Housekeeping, How};
use crate::verdict::Verdict;
use crate::witness::Moment;
use crate::world::{Ending, SimIo};

/// How a timeline's shutdown ended.
pub(super) enum Ended {
    /// In good order, with this last record.
    Clean(Lsn),
    /// A failed sync had stopped it.
    Latched,
    /// Not at all.
    Open,
}

/// Of fewer keys than this a scan reads so many at once: then it has several batches also in a plan
/// of a few keys.
const SCAN_KEYS_FROM: u16 = 100;
const SCAN_KEY_COUNT: usize = 5;

/// A length or a count that a machine can hold.
fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Lives one life: from the first line that is left to the end of the plan, or to a crash.
pub async fn live(driver: Driver) {
    if let Err(verdict) = driver.lead().await {
        driver.witness_bad();
        driver.session().verdict = Some(verdict);
    }
    driver.world.end_life(Ending::Finished);
}

impl Driver {
    async fn lead(&self) -> Result<(), Verdict> {
        self.start().await?;
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
            if self.is_time_to_look() {
                self.look_around(index as u64, touched)?;
            }
            self.witness_good(|| Moment::After { line: index + 1 });
        }
    }

    /// Whether this is one of the lines after which the driver looks around.
    pub(super) fn is_time_to_look(&self) -> bool {
        self.session()
            .tally
            .operations
            .is_multiple_of(self.look_one_in)
    }

    /// Opens the engine and every timeline that may be there, and checks what was recovered.
    pub(super) async fn start(&self) -> Result<(), Verdict> {
        self.open_and_check(Depth::Sample, How::Wait).await
    }

    async fn open_and_check(&self, depth: Depth, how: How) -> Result<(), Verdict> {
        for letter in self.open_all(how).await? {
            self.check_points(letter, depth)?;
            self.explain(letter)?;
        }
        Ok(())
    }

    /// Opens the engine and every timeline that may be there, and pulls each back to what it says.
    /// A call that is let go of is made again.
    async fn open_all(&self, how: How) -> Result<Vec<Letter>, Verdict> {
        self.handles().opened = Some(self.horizon().now);
        let at_risk = self.at_risk();
        let engine = self.open_engine(how).await?;
        self.judge.forget_latches();
        self.handles().engine = Some(Arc::new(engine));
        let mut opened = Vec::new();
        for letter in self.letters() {
            self.truth(letter, |truth| truth.cutoff.close());
        }
        for letter in self.letters() {
            if let Some(timeline) = self.open_timeline(letter, how).await? {
                self.recovered(letter, timeline)?;
                opened.push(letter);
            }
        }
        self.check_nothing_removed(&at_risk)?;
        // What may be read on one depends on all that stand on it: they are checked after this.
        Ok(opened)
    }

    fn options(&self) -> Options {
        let knobs = &self.plan.knobs;
        let (housekeeping_period, l0_stall_count) = match knobs.housekeeping {
            Housekeeping::Off => (None, None),
            Housekeeping::On {
                period,
                l0_stall_count,
            } => (
                Some(period),
                Some(l0_stall_count).filter(|count| *count != 0),
            ),
        };
        let defaults = Options::default();
        Options {
            tenant: TenantId([7; 16]),
            freeze_len_max: knobs.freeze_len_max,
            freeze_distance_max: knobs.freeze_distance_max,
            freeze_age_max: knobs.freeze_age_max,
            buffer_len: in_memory(knobs.buffer_len),
            l0_count_trigger: in_memory(knobs.l0_count_trigger),
            l0_run_len_max: knobs.l0_run_len_max,
            layer_len_target: knobs.layer_len_target,
            image_delta_count_trigger: in_memory(knobs.image_delta_count_trigger),
            image_preempt_l0_count: in_memory(knobs.image_preempt_l0_count),
            image_compression: match knobs.compression {
                plan::Compression::None => Compression::None,
                plan::Compression::Zstd => Compression::Zstd { level: 1 },
            },
            gc_distance: knobs.gc_distance,
            gc_age: knobs.gc_age,
            l0_delay_count: in_memory(knobs.l0_delay_count),
            l0_stall_count: l0_stall_count.map(in_memory),
            block_cache_len: knobs.block_cache_len,
            read_len_max: knobs.read_len_max,
            scan_key_count_max: match knobs.key_count {
                0..SCAN_KEYS_FROM => SCAN_KEY_COUNT,
                _ => defaults.scan_key_count_max,
            },
            housekeeping_period,
            l0_delay: defaults.l0_delay,
            redo: defaults.redo,
        }
    }

    async fn open_engine(&self, mut how: How) -> Result<Engine<SimIo>, Verdict> {
        for attempt in 0..TRIES_MAX {
            let excuse = self.try_again(attempt, None);
            self.judge.forget_unread_index();
            let io = SimIo::new(&self.world);
            let opening = Engine::open(io, Path::new(ROOT), self.options());
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
                Err(error) => excuse.check("open the engine", &error)?,
            }
        }
        Err(self.gave_up("open the engine"))
    }

    pub(super) fn try_again(&self, attempt: u32, letter: Option<Letter>) -> Excuse {
        if attempt == TRIES_BEFORE_HEALING {
            self.world.heal();
        }
        self.judge.begin(letter)
    }

    pub(super) fn gave_up(&self, asked: &str) -> Verdict {
        Verdict::Stuck {
            waiting: format!("{asked} fails again and again"),
        }
    }

    /// Opens a timeline that may be there; nothing if it is not, and need not be.
    pub(super) async fn open_timeline(
        &self,
        letter: Letter,
        mut how: How,
    ) -> Result<Option<Timeline<SimIo>>, Verdict> {
        let id = keys::timeline(letter);
        let asked = format!("open timeline {}", char::from(letter.0));
        let below = oracle::below(&self.session().truths, letter);
        for attempt in 0..TRIES_MAX {
            for letter in &below {
                self.not_ending(*letter).await;
            }
            let excuse = self.try_again(attempt, Some(letter));
            let excuse = excuse.on(&below);
            let engine = self.engine();
            let Some(opened) = self.call(how, engine.open_timeline(id)).await else {
                how = How::Wait;
                continue;
            };
            match opened {
                Ok(timeline) => {
                    self.judge.index_was_read(letter);
                    return Ok(Some(timeline));
                }
                Err(Error::Refused { .. }) if self.stands_on_what_is_lost(letter) => {
                    self.truth(letter, |truth| truth.is_unread = true);
                    return Ok(None);
                }
                Err(Error::Refused { why }) => {
                    let existence = self.truth(letter, |truth| truth.existence);
                    if existence == Existence::Exists && !self.judge.has_lost_index(id) {
                        return Err(Verdict::wrong(asked, "it was acknowledged", why));
                    }
                    self.truth(letter, Truth::refused);
                    return Ok(None);
                }
                Err(error) => {
                    excuse.check(&asked, &error)?;
                    // It is not open, and what failed before it is will not have failed for it.
                    self.judge.forget_latch(letter);
                    if self.judge.is_rot(&error) {
                        // It cannot be opened, and all else goes on without it.
                        self.truth(letter, |truth| truth.is_unread = true);
                        return Ok(None);
                    }
                }
            }
        }
        Err(self.gave_up(&asked))
    }

    /// Whether something below a timeline is not there any more, for a power loss took its index.
    fn stands_on_what_is_lost(&self, letter: Letter) -> bool {
        let session = self.session();
        let mut below = oracle::all_below(&session.truths, letter).into_iter();
        below.any(|letter| self.judge.has_lost_index(keys::timeline(letter)))
    }

    /// A timeline was opened: it is pulled back to what it says is durable.
    pub(super) fn recovered(
        &self,
        letter: Letter,
        timeline: Timeline<SimIo>,
    ) -> Result<(), Verdict> {
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
        self.find_ancestor(letter, &timeline)?;
        let (cutoff, horizon) = (timeline.gc_cutoff(), self.horizon());
        let has_keeper = self.plan.knobs.housekeeping != Housekeeping::Off;
        self.truth(letter, |truth| {
            let known = truth.cutoff.durable();
            truth.recover_cutoff(cutoff, &horizon)?;
            if has_keeper {
                // A branch may have opened it a while ago, and its keeper have published this.
                truth.cutoff.is_durable_up_to(known);
            }
            truth.recover(durable)
        })?;
        self.take_in(letter, timeline);
        self.settle(letter)
    }

    /// A timeline is open: from now on its own tasks may work on it.
    pub(super) fn take_in(&self, letter: Letter, timeline: Timeline<SimIo>) {
        let opened = self.handles().opened;
        self.truth(letter, |truth| truth.ages.begin(opened, truth.last));
        if self.plan.knobs.housekeeping != Housekeeping::Off {
            self.truth(letter, |truth| truth.cutoff.begin_gc());
        }
        self.handles().timelines.insert(letter, timeline);
    }

    /// What a timeline stands on is what was asked for. A branch in doubt that is there has what
    /// its ancestor has, and that must be durable.
    fn find_ancestor(&self, letter: Letter, timeline: &Timeline<SimIo>) -> Result<(), Verdict> {
        let found = timeline.ancestor();
        let mut session = self.session();
        let truth = &session.truths[&letter];
        let is_it = |(on, lsn): (Letter, Lsn)| {
            found.is_some_and(|found| (found.timeline, found.lsn) == (keys::timeline(on), lsn))
        };
        let starts = truth.starts.iter();
        let mut branches = starts.filter_map(|start| Some((start.ancestor?, start.lsn)));
        if truth.ancestor.is_none()
            && let Some((on, lsn)) = branches.find(|branch| is_it(*branch))
        {
            let below = session.truths.get(&on);
            let below = below.map_or_else(|| Ok(Truth::absent()), |below| below.seen_from(lsn))?;
            if below.existence != Existence::Exists || below.acknowledged < lsn {
                let law = format!("a branch that is found has an ancestor that reaches {lsn}");
                let found = format!("{:?} up to {}", below.existence, below.acknowledged);
                return Err(Verdict::law(law, found));
            }
            let truth = truth.clone().found_branch((on, lsn), &below);
            session.truths.insert(letter, truth);
            return Ok(());
        }
        let is_right = truth.ancestor.map_or(found.is_none(), is_it);
        if is_right {
            return Ok(());
        }
        let law = format!(
            "a timeline stands on what was asked for: {:?}",
            truth.ancestor
        );
        Err(Verdict::law(law, format!("{found:?}")))
    }

    /// Ends the engine's life in good order, and opens it again.
    pub(super) async fn restart(&self) -> Result<(), Verdict> {
        self.restart_and_check(Depth::Sample, How::Wait).await
    }

    /// The same, and asks so much of what is opened; each call that opens is let go of once, if
    /// that is how.
    pub(super) async fn restart_and_check(&self, depth: Depth, how: How) -> Result<(), Verdict> {
        self.join().await?;
        let is_clean = match depth {
            Depth::Full => self.shut_engine_down().await?,
            _ => self.shut_down().await?,
        };
        self.open_and_check(depth, how).await?;
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

    /// The same as [`Driver::shut_down`] by one call, where no fault is left.
    async fn shut_engine_down(&self) -> Result<Vec<(Letter, Lsn)>, Verdict> {
        self.let_go()?;
        self.handles().writers.clear();
        self.engine().shutdown().await.map_err(|error| {
            let asked = "shut the engine down, with no fault left";
            Verdict::wrong(asked, "it is done", error.to_string())
        })?;
        let open = self.letters().into_iter();
        let open = open.filter(|letter| self.timeline(*letter).is_some());
        let last = |letter| (letter, self.truth(letter, |truth| truth.last_possible()));
        let clean = open.map(last).collect();
        self.handles().timelines.clear();
        self.handles().engine = None;
        Ok(clean)
    }

    /// Shuts the engine down and drops it; returns the timelines that ended without an error, and
    /// where.
    async fn shut_down(&self) -> Result<Vec<(Letter, Lsn)>, Verdict> {
        // They hold the engine's directory.
        self.let_go()?;
        self.handles().writers.clear();
        let mut clean = Vec::new();
        let mut left_open = Vec::new();
        for letter in self.letters().into_iter().rev() {
            if self.timeline(letter).is_none() {
                // A shutdown of it has failed before.
                left_open.push(letter);
                continue;
            }
            match self.shut_down_one(letter, &left_open).await? {
                Ended::Clean(last) => clean.push((letter, last)),
                Ended::Latched => {}
                Ended::Open => left_open.push(letter),
            }
        }
        self.handles().timelines.clear();
        self.handles().engine = None;
        Ok(clean)
    }

    /// Shuts one timeline down, unless one that stands on it was left open.
    pub(super) async fn shut_down_one(
        &self,
        letter: Letter,
        left_open: &[Letter],
    ) -> Result<Ended, Verdict> {
        let children = oracle::children(&self.session().truths, letter);
        for attempt in 0..TRIES_MAX {
            let excuse = self.judge.begin(Some(letter));
            let engine = self.engine();
            let error = match engine.shutdown_timeline(keys::timeline(letter)).await {
                Ok(()) => {
                    let last = self.truth(letter, |truth| truth.last_possible());
                    return Ok(Ended::Clean(last));
                }
                Err(Error::Busy { .. }) if children.iter().any(|on| left_open.contains(on)) => {
                    return Ok(Ended::Open);
                }
                Err(error) => error,
            };
            excuse.check("shut down", &error)?;
            if matches!(error, Error::Latched(_)) {
                return Ok(Ended::Latched);
            }
            // An engine that looks after itself goes on as long as it is open.
            if self.plan.knobs.housekeeping == Housekeeping::Off {
                return Ok(Ended::Open);
            }
            if attempt == TRIES_BEFORE_HEALING {
                self.world.heal();
            }
        }
        Err(self.gave_up("shut down"))
    }
}
