//! What every operation has at hand, and what outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use palimpsest::base::Time;
use palimpsest::io::Io;
use palimpsest::{Engine, Error, Lsn, Timeline, Writer};

use super::ending::Held;
use crate::faults::FaultOutcome;
use crate::label::Letter;
use crate::laws::Known;
use crate::model::History;
use crate::oracle::{self, Answers, Horizon, Truth, Truths, View};
use crate::plan::{Line, Plan};
use crate::verdict::Verdict;
use crate::witness::Witness;
use crate::world::{Join, SimIo, World};

/// How often an operation is tried again that failed by a fault.
pub(super) const TRIES_MAX: u32 = 12;

/// After so many tries no further fault is delivered.
pub(super) const TRIES_BEFORE_HEALING: u32 = 6;

/// What outlives the process.
#[derive(Clone, Default)]
pub struct Session {
    /// The line that comes next.
    pub next_line: usize,
    /// What is known of each timeline.
    pub truths: Truths,
    /// What is known of the layers on the disk.
    pub known: Known,
    /// What was wrong, once something was.
    pub verdict: Option<Verdict>,
    /// What was counted.
    pub tally: Tally,
    /// What is shown to those who want to see it.
    pub witness: Option<Witness>,
    /// What is answered in the end, for those who want to compare it.
    pub ended: Option<Ended>,
}

/// How a plan ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// What every point of the history is answered.
    pub answers: Answers,
    /// How many layers there were before everything came to rest, of all timelines.
    pub layer_count: usize,
    /// What was wrong.
    pub verdict: Option<Verdict>,
}

/// What the driver counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations that were carried out.
    pub operations: u64,
    /// Timelines that were opened again and checked.
    pub recoveries: u64,
    /// Crashes.
    pub crashes: u64,
    /// Values that were compared.
    pub answers: u64,
    /// Futures that were dropped before they were done.
    pub drops: u64,
    /// What was asked for and came about, by its name.
    pub done: BTreeMap<&'static str, u64>,
}

/// Where a driver's lines come from: the one with this index, from 0; nothing behind the last.
pub type Lines = Arc<dyn Fn(usize) -> Option<Line> + Send + Sync>;

/// The engine of one life.
#[derive(Default)]
pub(super) struct Handles {
    pub(super) engine: Option<Arc<Engine<SimIo>>>,
    pub(super) timelines: BTreeMap<Letter, Timeline<SimIo>>,
    pub(super) writers: BTreeMap<Letter, Writer<SimIo>>,
    pub(super) puts: BTreeMap<Letter, Join<Result<(), Verdict>>>,
    pub(super) beside: Vec<Join<Result<(), Verdict>>>,
    /// The timelines that come or go meanwhile.
    pub(super) in_passing: BTreeSet<Letter>,
    /// Those whose last instance a failed sync had latched, until their shutdown is over.
    pub(super) lossy: BTreeSet<Letter>,
    /// Whether one of them asks for a restart, for it cannot know what came of it.
    pub(super) needs_restart: bool,
    /// When the engine was opened; nothing if the clock was set since.
    pub(super) opened: Option<Time>,
    /// How many work on each timeline's instance.
    pub(super) users: BTreeMap<Letter, u32>,
    /// Those who wait until nobody does.
    pub(super) waiting: Vec<Waker>,
    /// What was kept of instances that were shut down.
    pub(super) held: Vec<(Letter, Held)>,
}

/// What every operation has at hand.
#[derive(Clone)]
pub struct Driver {
    pub(super) world: Arc<World>,
    pub(super) plan: Arc<Plan>,
    pub(super) lines: Lines,
    /// After one in so many lines the driver looks around.
    pub(super) look_one_in: u64,
    pub(super) session: Arc<Mutex<Session>>,
    pub(super) handles: Arc<Mutex<Handles>>,
}

impl Driver {
    /// The driver of the present life.
    pub fn new(world: &Arc<World>, plan: &Arc<Plan>, session: &Arc<Mutex<Session>>) -> Driver {
        let lines = plan.clone();
        Driver {
            world: world.clone(),
            plan: plan.clone(),
            lines: Arc::new(move |index| lines.ops.get(index).cloned()),
            look_one_in: 1,
            session: session.clone(),
            handles: Arc::default(),
        }
    }

    /// The same, with lines from elsewhere, so many that it cannot look around after each.
    pub fn with_lines(self, lines: &Lines, look_one_in: u64) -> Driver {
        Driver {
            lines: lines.clone(),
            look_one_in,
            ..self
        }
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Session> {
        self.session
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Looks at or changes what is known of a timeline.
    pub(super) fn truth<T>(&self, letter: Letter, look: impl FnOnce(&mut Truth) -> T) -> T {
        let mut session = self.session();
        look(session.truths.entry(letter).or_insert_with(Truth::absent))
    }

    pub(super) fn timeline(&self, letter: Letter) -> Option<Timeline<SimIo>> {
        self.handles().timelines.get(&letter).cloned()
    }

    pub(super) fn engine(&self) -> Arc<Engine<SimIo>> {
        self.handles()
            .engine
            .clone()
            .expect("a life opens it first")
    }

    /// The letters of the timelines that may be there, each behind what it stands on.
    pub(super) fn letters(&self) -> Vec<Letter> {
        oracle::ancestors_first(&self.session().truths)
    }

    /// What a read may answer at this moment. The timeline may be there.
    ///
    /// # Errors
    /// A broken law of the cutoffs.
    pub(super) fn view<T>(
        &self,
        (letter, lsn): (Letter, Lsn),
        ask: impl Fn(&History) -> T,
    ) -> Result<View<T>, Verdict> {
        self.look_at_cutoffs()?;
        Ok(oracle::view(&self.session().truths, (letter, lsn), ask))
    }

    /// How far a collection may go that comes now.
    pub(super) fn horizon(&self) -> Horizon {
        Horizon {
            distance: self.plan.knobs.gc_distance,
            age: self.plan.knobs.gc_age,
            now: SimIo::new(&self.world).now(),
        }
    }

    /// Takes note of every published cutoff.
    ///
    /// # Errors
    /// A broken law, if one went where no collection can have moved it.
    pub(super) fn look_at_cutoffs(&self) -> Result<(), Verdict> {
        let horizon = self.horizon();
        let found: Vec<(Letter, Lsn, Lsn)> = {
            let handles = self.handles();
            let timelines = handles.timelines.iter();
            let found = timelines.map(|(letter, timeline)| {
                (
                    *letter,
                    timeline.gc_cutoff(),
                    timeline.disk_consistent_lsn(),
                )
            });
            found.collect()
        };
        for letter in self.letters() {
            let is_closed = self.timeline(letter).is_none();
            self.truth(letter, |truth| {
                let highest = truth.highest_cutoff(&horizon);
                match is_closed {
                    true => truth.cutoff.hide(highest),
                    false => truth.cutoff.may_reach(highest),
                }
            });
        }
        for (letter, found, durable) in found {
            if durable < found {
                let law = format!("the cutoff is at or below disk_consistent_lsn, {durable}");
                return Err(Verdict::law(law, format!("{found}")));
            }
            self.truth(letter, |truth| truth.cutoff.see(found))?;
        }
        Ok(())
    }

    /// Counts what was asked for and came about.
    pub(super) fn count_done(&self, what: &'static str) {
        *self.session().tally.done.entry(what).or_insert(0) += 1;
    }
}

/// Holds a refusal against the faults that were delivered to the very operation, or to a sync.
pub(super) struct Excuse {
    pub(super) letter: Option<Letter>,
    pub(super) was_latched: bool,
    /// How many calls of the running task had been refused.
    pub(super) refused_before: usize,
    /// Of timelines whose shutdown may end it: how many shutdowns had begun or ended.
    pub(super) endings_before: Vec<(Letter, u32)>,
    /// Whether it may come to what is wrong in a layer.
    reads_layers: bool,
}

impl Excuse {
    pub(super) fn begin(world: &World, letter: Option<Letter>) -> Excuse {
        // Whatever came before it ended right, or has said so.
        world.end_operation(FaultOutcome::Tolerated);
        Excuse {
            letter,
            was_latched: letter.is_some_and(|letter| world.is_latched(letter)),
            refused_before: world.refusals_of_running_task().len(),
            endings_before: letter
                .map(|letter| (letter, world.ending_count(letter)))
                .into_iter()
                .collect(),
            reads_layers: false,
        }
    }

    /// The same, of a call that reads layers: one that is wrong excuses it, and no other.
    pub(super) fn with_layers(mut self) -> Excuse {
        self.reads_layers = true;
        self
    }

    /// The same, of a call that the shutdown of one of these may end as well.
    pub(super) fn on(mut self, world: &World, below: &[Letter]) -> Excuse {
        let below = below
            .iter()
            .map(|below| (*below, world.ending_count(*below)));
        self.endings_before.extend(below);
        self
    }

    /// Whether one of the timelines was being shut down at some moment since.
    fn met_an_ending(&self, world: &World) -> bool {
        let met = |(letter, before): &(Letter, u32)| {
            !before.is_multiple_of(2) || *before < world.ending_count(*letter)
        };
        self.endings_before.iter().any(met)
    }

    /// A write was done.
    ///
    /// # Errors
    /// A broken law, if a failed sync had latched the timeline before it began.
    pub(super) fn check_done(&self, what: &str) -> Result<(), Verdict> {
        if !self.was_latched {
            return Ok(());
        }
        let law = "after a failed sync nothing is written until the timeline is opened again";
        Err(Verdict::law(law, format!("a {what} that is done")))
    }

    /// # Errors
    /// A wrong answer, if nothing excuses the error.
    pub(super) fn check(&self, world: &World, asked: &str, error: &Error) -> Result<(), Verdict> {
        self.check_with(world, asked, error, &[])
    }

    /// The same, of a call that works on other timelines as well, or on the engine's directory.
    pub(super) fn check_with(
        &self,
        world: &World,
        asked: &str,
        error: &Error,
        others: &[Option<Letter>],
    ) -> Result<(), Verdict> {
        let refusals = world.refusals_of_running_task();
        let refusals = &refusals[self.refused_before..];
        let mut letters = others.iter().chain([&self.letter]);
        let is_excused = match error {
            Error::Io(failure) => {
                let kind = failure.source.kind();
                let mut refusals = refusals.iter();
                refusals.any(|refusal| refusal.kind == kind && !refusal.is_of_sync)
            }
            Error::Latched(_) => {
                refusals.iter().any(|refusal| refusal.is_of_sync)
                    || letters.any(|letter| world.has_failed_sync(*letter))
            }
            Error::Closed => self.met_an_ending(world),
            _ => (self.reads_layers || world.is_of_index(error)) && world.is_reported_rot(error),
        };
        if is_excused {
            world.end_operation(FaultOutcome::Reported);
            return Ok(());
        }
        Err(Verdict::wrong(
            asked,
            "no error, for no fault of its kind came to it, and it names no file that is wrong",
            error.to_string(),
        ))
    }
}
