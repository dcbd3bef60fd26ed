//! What every operation has at hand, and what outlives the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use palimpsest::{Engine, Error, Timeline, Writer};

use crate::oracle::{Existence, Truth};
use crate::plan::{Letter, Plan};
use crate::verdict::Verdict;
use crate::world::{Join, SimIo, World};

/// How often an operation is tried again that failed by a fault.
pub(super) const TRIES_MAX: u32 = 12;

/// After so many tries no further fault is delivered.
pub(super) const TRIES_BEFORE_HEALING: u32 = 6;

/// What outlives the process.
#[derive(Default)]
pub struct Session {
    /// The line that comes next.
    pub next_line: usize,
    /// What is known of each timeline.
    pub truths: BTreeMap<Letter, Truth>,
    /// What was wrong, once something was.
    pub verdict: Option<Verdict>,
    /// What was counted.
    pub tally: Tally,
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
}

/// The engine of one life.
#[derive(Default)]
pub(super) struct Handles {
    pub(super) engine: Option<Arc<Engine<SimIo>>>,
    pub(super) timelines: BTreeMap<Letter, Timeline<SimIo>>,
    pub(super) writers: BTreeMap<Letter, Writer<SimIo>>,
    pub(super) puts: BTreeMap<Letter, Join<Result<(), Verdict>>>,
    pub(super) beside: Vec<Join<Result<(), Verdict>>>,
}

/// What every operation has at hand.
#[derive(Clone)]
pub struct Driver {
    pub(super) world: Arc<World>,
    pub(super) plan: Arc<Plan>,
    pub(super) session: Arc<Mutex<Session>>,
    pub(super) handles: Arc<Mutex<Handles>>,
}

impl Driver {
    /// The driver of the present life.
    pub fn new(world: &Arc<World>, plan: &Arc<Plan>, session: &Arc<Mutex<Session>>) -> Driver {
        Driver {
            world: world.clone(),
            plan: plan.clone(),
            session: session.clone(),
            handles: Arc::default(),
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

    /// The letters of the timelines that may be there.
    pub(super) fn letters(&self) -> Vec<Letter> {
        let session = self.session();
        let there = session.truths.iter();
        let there = there.filter(|(_, truth)| truth.existence != Existence::Absent);
        there.map(|(letter, _)| *letter).collect()
    }
}

/// Holds a refusal against the faults that were delivered to the very operation, or to a sync.
pub(super) struct Excuse {
    pub(super) letter: Option<Letter>,
    pub(super) was_latched: bool,
    pub(super) faults_before: u32,
}

impl Excuse {
    pub(super) fn begin(world: &World, letter: Option<Letter>) -> Excuse {
        Excuse {
            letter,
            was_latched: letter.is_some_and(|letter| world.is_latched(letter)),
            faults_before: world.faults_of_running_task(),
        }
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
        let had_fault = self.faults_before < world.faults_of_running_task();
        let is_excused = match error {
            Error::Io(_) => had_fault,
            Error::Latched(_) => had_fault || world.has_failed_sync(self.letter),
            _ => false,
        };
        if is_excused {
            return Ok(());
        }
        Err(Verdict::wrong(
            asked,
            "no error, for no fault was delivered to it",
            error.to_string(),
        ))
    }
}
