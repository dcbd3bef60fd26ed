//! What every operation of the driver uses, and what outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use palimpsest::base::Time;
use palimpsest::io::Io;
use palimpsest::{Engine, Timeline, Writer};

use super::held::{HeldInstance, HeldSlot};
use super::splitting::Splitting;
use super::users::Users;
use crate::checkers::heard::Heard;
use crate::checkers::layers::Layers;
use crate::checkers::{self, Finding, Sight};
use crate::checkers::{BacklogCheck, ImagedCheck, Reduced, ToldCheck};
use crate::judge::Judge;
use crate::label::TimelineLabel;
use crate::oracle::{self, Expectations, Expected, FinalAnswers, Shards};
use crate::plan::{Knobs, Line, Plan, Setting, Slot};
use crate::verdict::Verdict;
use crate::witness::Witness;
use crate::world::{Join, SimIo, World};

/// How often an operation that fails by faults is tried.
pub(super) const TRIES_MAX: u32 = 12;

/// How many tries may fail before faults stop.
pub(super) const TRIES_BEFORE_HEALING: u32 = 6;

/// What outlives the process.
#[derive(Clone, Default)]
pub struct Session {
    /// The index of the next line.
    pub next_line: usize,
    /// The expected state of each timeline.
    pub expectations: Expectations,
    /// The options that were set so far: they hold from the next opening of the engine on.
    pub settings: Vec<Setting>,
    /// The shards that splits have made.
    pub shards: Shards,
    /// The split whose outcome is not known, if there is one.
    pub splitting: Option<Splitting>,
    /// How many times the clock was set.
    pub clock_count: u32,
    /// The knobs that the engine was opened with last, if it was.
    pub knobs: Option<Arc<Knobs>>,
    /// The state of the checkers.
    pub checkers: Checkers,
    /// The first finding.
    pub verdict: Option<Verdict>,
    /// The first finding of a line that runs beside others, until it is waited for.
    pub failed_line: Option<Verdict>,
    /// The counts.
    pub tally: Tally,
    /// What a page of the run will show, if one is to be drawn.
    pub witness: Option<Witness>,
    /// The answers at the end, if runs are to be compared.
    pub ended: Option<PlanEnd>,
}

impl Session {
    /// Whether to check after the last line: once in so many lines.
    pub(super) fn is_time_to_look(&self, one_in: u64) -> bool {
        self.tally.operations.is_multiple_of(one_in)
    }
}

/// The checkers that keep state across lives.
#[derive(Clone, Default)]
pub struct Checkers {
    /// Compares answers with the model.
    pub answers: checkers::Answers,
    /// Compares layers with the model.
    pub layers: Layers,
    /// Compares what gc compactions say with what they do.
    pub reduced: Reduced,
    pub imaged: ImagedCheck,
    /// Watches what waits for maintenance.
    pub backlog: BacklogCheck,
    /// Whether a writer is told that maintenance cannot flush.
    pub told: ToldCheck,
}

/// How a plan ended.
#[derive(Clone, Debug, Default)]
pub struct PlanEnd {
    /// The answers at every point of the history.
    pub answers: FinalAnswers,
    /// How many layers all timelines had before they quiesced.
    pub layer_count: usize,
    /// The finding, if there was one.
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
    /// Answers that were compared.
    pub answers: u64,
    /// Futures that were cancelled.
    pub drops: u64,
    /// Outcomes of operations, by name.
    pub done: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts an outcome of an operation.
    pub(super) fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_insert(0) += 1;
    }
}

/// The source of a driver's lines: the line with this index, from 0; `None` after the last.
pub type LineSource = Arc<dyn Fn(usize) -> Option<Line> + Send + Sync>;

/// The engine of one life.
#[derive(Default)]
pub(super) struct Handles {
    pub(super) engine: Option<Arc<Engine<SimIo>>>,
    /// What the engine tells.
    pub(super) heard: Arc<Heard>,
    /// The knobs that the engine was opened with, if it was.
    pub(super) knobs: Option<Arc<Knobs>>,
    /// How many of the settings are in them.
    pub(super) setting_count: usize,
    pub(super) timelines: BTreeMap<TimelineLabel, Timeline<SimIo>>,
    pub(super) writers: BTreeMap<TimelineLabel, Writer<SimIo>>,
    pub(super) puts: BTreeMap<TimelineLabel, Join<Result<(), Verdict>>>,
    pub(super) beside: Vec<Join<Result<(), Verdict>>>,
    /// Whether some of them were taken out, to be waited for.
    pub(super) is_joining: bool,
    /// The timelines that lines beside others create or delete.
    pub(super) changing: BTreeSet<TimelineLabel>,
    /// Whether such a line asks for a restart, to learn the outcome of its call.
    pub(super) needs_restart: bool,
    /// Whether something was given up since the engine was opened: what is left of it goes at the
    /// next open.
    pub(super) has_given_up: bool,
    /// When the engine was opened; `None` if the clock was set since.
    pub(super) opened: Option<Time>,
    /// Handles that were kept of instances that were shut down.
    pub(super) held: Vec<(TimelineLabel, HeldInstance)>,
    /// The slots in which scans are held.
    pub(super) slots: BTreeMap<Slot, HeldSlot>,
}

/// The driver: carries out the plan, and dies with its life.
#[derive(Clone)]
pub struct Driver {
    /// The world that it runs in.
    pub world: Arc<World>,
    pub(super) plan: Arc<Plan>,
    pub(super) lines: LineSource,
    /// The driver checks after one in this many lines.
    pub(super) look_one_in: u64,
    /// Whether the last life goes on until all rests.
    pub(super) stays_to_rest: bool,
    pub(super) session: Arc<Mutex<Session>>,
    /// The judge of that world.
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
            stays_to_rest: true,
            session: session.clone(),
            judge: Judge::new(world),
            handles: Arc::default(),
            users: Users::default(),
        }
    }

    /// The driver of the next life, without this one's handles of the engine.
    pub fn for_next_life(&self) -> Driver {
        Driver {
            handles: Arc::default(),
            users: Users::default(),
            ..self.clone()
        }
    }

    /// A driver with lines from elsewhere, too many to check after each.
    pub fn with_lines(self, lines: &LineSource, look_one_in: u64) -> Driver {
        Driver {
            lines: lines.clone(),
            look_one_in,
            stays_to_rest: false,
            ..self
        }
    }

    /// A driver for crashes without number: it ends as soon as all answers are compared.
    #[must_use]
    pub fn for_crashes(self) -> Driver {
        Driver {
            stays_to_rest: false,
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

    /// Calls `look` with the expected state of a timeline.
    pub(super) fn with_expected<T>(
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

    /// The knobs that the engine was opened with last; before that, those of the plan.
    pub(super) fn knobs(&self) -> Arc<Knobs> {
        let knobs = self.handles().knobs.clone();
        knobs.unwrap_or_else(|| Arc::new(self.plan.knobs.clone()))
    }

    /// The knobs for the next opening of the engine.
    pub(super) fn next_knobs(&self) -> Knobs {
        let mut knobs = self.plan.knobs.clone();
        let session = self.session();
        for setting in &session.settings {
            setting.apply(&mut knobs);
        }
        if let Some(shard) = session.shards.open {
            knobs.shard = shard.into();
        }
        knobs
    }

    /// Sets an option for the next opening of the engine.
    pub(super) fn set(&self, setting: &Setting) -> Result<(), Verdict> {
        self.session().settings.push(setting.clone());
        Ok(())
    }

    /// Forgets settings that are not in force yet.
    pub(super) fn forget_settings(&self) {
        let count = self.handles().setting_count;
        self.session().settings.truncate(count);
    }

    /// The labels of the timelines that may exist, ancestors first.
    pub(super) fn labels(&self) -> Vec<TimelineLabel> {
        oracle::ancestors_first(&self.session().expectations)
    }

    /// Shows a checker the engine and the expected state. A read that it finds wrong is passed on
    /// to the witness.
    ///
    /// # Errors
    /// What the checker has found wrong.
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

    /// Notes that time has passed, for what is promised until then.
    pub(super) fn pass_time(&self) {
        let now = SimIo::new(&self.world).now();
        let mut session = self.session();
        let expectations = session.expectations.values_mut();
        expectations.for_each(|expected| expected.leases.pass(now));
    }

    /// Shows the engine and the expected state to `look`, which finds nothing wrong.
    pub(super) fn show<T>(&self, look: impl FnOnce(&mut Sight, &mut Checkers) -> T) -> T {
        self.pass_time();
        let open = self.handles().timelines.clone();
        let knobs = self.knobs();
        let mut session = self.session();
        let session = &mut *session;
        let mut sight = Sight {
            world: &self.world,
            judge: &self.judge,
            knobs: &knobs,
            open,
            expectations: &mut session.expectations,
        };
        look(&mut sight, &mut session.checkers)
    }
}
