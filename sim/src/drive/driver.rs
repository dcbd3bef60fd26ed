//! What every operation has at hand, and what outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use palimpsest::base::Time;
use palimpsest::{Engine, Timeline, Writer};

use super::held::HeldInstance;
use super::users::Users;
use crate::checkers::layers::Layers;
use crate::checkers::{self, Finding, Sight};
use crate::judge::Judge;
use crate::label::TimelineLabel;
use crate::oracle::{self, Expectations, Expected, FinalAnswers};
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
    pub expectations: Expectations,
    /// What the checkers keep.
    pub checkers: Checkers,
    /// What was wrong, once something was.
    pub verdict: Option<Verdict>,
    /// What was counted.
    pub tally: Tally,
    /// What is shown to those who want to see it.
    pub witness: Option<Witness>,
    /// What is answered in the end, for those who want to compare it.
    pub ended: Option<PlanEnd>,
}

impl Session {
    /// Whether the last line is one after which the driver looks around: one in so many is.
    pub(super) fn is_time_to_look(&self, one_in: u64) -> bool {
        self.tally.operations.is_multiple_of(one_in)
    }
}

/// The checkers that go on from life to life.
#[derive(Clone, Default)]
pub struct Checkers {
    /// Compares answers.
    pub answers: checkers::Answers,
    /// Explains layers.
    pub layers: Layers,
}

/// How a plan ended.
#[derive(Clone, Debug, Default)]
pub struct PlanEnd {
    /// What every point of the history is answered.
    pub answers: FinalAnswers,
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

impl Tally {
    /// Counts what was asked for and came about.
    pub(super) fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_insert(0) += 1;
    }
}

/// Where a driver's lines come from: the one with this index, from 0; nothing behind the last.
pub type LineSource = Arc<dyn Fn(usize) -> Option<Line> + Send + Sync>;

/// The engine of one life.
#[derive(Default)]
pub(super) struct Handles {
    pub(super) engine: Option<Arc<Engine<SimIo>>>,
    pub(super) timelines: BTreeMap<TimelineLabel, Timeline<SimIo>>,
    pub(super) writers: BTreeMap<TimelineLabel, Writer<SimIo>>,
    pub(super) puts: BTreeMap<TimelineLabel, Join<Result<(), Verdict>>>,
    pub(super) beside: Vec<Join<Result<(), Verdict>>>,
    /// The timelines that come or go meanwhile.
    pub(super) in_passing: BTreeSet<TimelineLabel>,
    /// Whether one of them asks for a restart, for it cannot know what came of it.
    pub(super) needs_restart: bool,
    /// When the engine was opened; nothing if the clock was set since.
    pub(super) opened: Option<Time>,
    /// What was kept of instances that were shut down.
    pub(super) held: Vec<(TimelineLabel, HeldInstance)>,
}

/// What every operation has at hand.
#[derive(Clone)]
pub struct Driver {
    /// The world in which it lives.
    pub world: Arc<World>,
    pub(super) plan: Arc<Plan>,
    pub(super) lines: LineSource,
    /// After one in so many lines the driver looks around.
    pub(super) look_one_in: u64,
    pub(super) session: Arc<Mutex<Session>>,
    /// Follows what happens in it.
    pub judge: Judge,
    pub(super) handles: Arc<Mutex<Handles>>,
    pub(super) users: Users,
}

impl Driver {
    /// The driver of a world, before its first life.
    pub fn new(world: &Arc<World>, plan: &Arc<Plan>, session: &Arc<Mutex<Session>>) -> Driver {
        let lines = plan.clone();
        Driver {
            world: world.clone(),
            plan: plan.clone(),
            lines: Arc::new(move |index| lines.ops.get(index).cloned()),
            look_one_in: 1,
            session: session.clone(),
            judge: Judge::new(world),
            handles: Arc::default(),
            users: Users::default(),
        }
    }

    /// The driver of the next life, which has no handle of this one's engine.
    pub fn reborn(&self) -> Driver {
        Driver {
            handles: Arc::default(),
            users: Users::default(),
            ..self.clone()
        }
    }

    /// The driver of a plan whose lines come from elsewhere, so many that it cannot look around
    /// after each.
    pub fn with_lines(self, lines: &LineSource, look_one_in: u64) -> Driver {
        Driver {
            lines: lines.clone(),
            look_one_in,
            ..self
        }
    }

    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
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
    pub(super) fn expected<T>(
        &self,
        label: TimelineLabel,
        look: impl FnOnce(&mut Expected) -> T,
    ) -> T {
        let mut session = self.session();
        look(
            session
                .expectations
                .entry(label)
                .or_insert_with(Expected::absent),
        )
    }

    pub(super) fn timeline(&self, label: TimelineLabel) -> Option<Timeline<SimIo>> {
        self.handles().timelines.get(&label).cloned()
    }

    pub(super) fn engine(&self) -> Arc<Engine<SimIo>> {
        self.handles()
            .engine
            .clone()
            .expect("a life opens it first")
    }

    /// The letters of the timelines that may be there, each behind what it stands on.
    pub(super) fn labels(&self) -> Vec<TimelineLabel> {
        oracle::ancestors_first(&self.session().expectations)
    }

    /// Shows a checker the engine, and what is known of it. A read that it finds wrong is shown to
    /// the witness.
    ///
    /// # Errors
    /// What it has found.
    pub(super) fn look<T, E: Into<Finding>>(
        &self,
        check: impl FnOnce(&mut Sight, &mut Checkers) -> Result<T, E>,
    ) -> Result<T, Verdict> {
        let checked = self.show(check);
        checked.map_err(|finding| {
            let finding = finding.into();
            if let Some((label, key, lsn)) = finding.read {
                self.witness_read((label, key), lsn);
            }
            finding.verdict
        })
    }

    /// Shows the engine, and what is known of it, to what finds nothing wrong.
    pub(super) fn show<T>(&self, look: impl FnOnce(&mut Sight, &mut Checkers) -> T) -> T {
        let open = self.handles().timelines.clone();
        let mut session = self.session();
        let session = &mut *session;
        let mut sight = Sight {
            world: &self.world,
            judge: &self.judge,
            knobs: &self.plan.knobs,
            open,
            expectations: &mut session.expectations,
        };
        look(&mut sight, &mut session.checkers)
    }
}
