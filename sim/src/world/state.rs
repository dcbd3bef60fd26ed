//! The world's state, and the life of a process in it: how it begins, runs and ends.
//!
//! A life is one incarnation of the process. Its number grows, and its tasks, handles and calls
//! carry it.
//!
//! ```text
//!                begin_life              spawn, wake-up: kick ─▶ pick
//!   no life ────────────────▶ quiescent ──────────────────────────────▶ running ─┐
//!      ▲                          ▲                                       │ ▲    │ leave ─▶ pick:
//!      │                          └──────── leave: nothing is held ───────┘ └────┘ the next one
//!      │ survive, after           │                                       │
//!      │ a crash                  └────────────────────┬──────────────────┘
//!      │                                               │ end_life, once, with a `LifeEnd`
//!      │                                               ▼
//!    buried ◀───────────────── bury ─────────────────ended
//!
//!   Finished   the driver has reached the end of the plan, or a check has failed
//!   Crashed    the plan says so (`World::crash`), or a rule at a call (`State::pick`)
//!   Panicked   a task has panicked (`World::panicked`)
//!   Endless    the life has made more steps than any plan needs (`State::pick`)
//!   none       nothing has moved for `silence_max`: it is stuck, and buried as it is
//! ```
//!
//! 1. At most one task runs, and only one that was picked. A quiescent life goes on when a timer of
//!    the engine or the driver fires.
//! 2. From `end_life` on, `is_live` is false for that life: its calls fail, its tasks are not
//!    polled again, and what they drop releases nothing.
//! 3. The disk, what is left of schedule, rules and chance, and the clock pass on to the next life;
//!    locks, handles and counts of calls do not.
//! 4. What happens is queued as [`Fact`]s. The world keeps no conclusion from them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use palimpsest::base::TimelineId;
use palimpsest::io::Op;
use rustc_hash::FxHashMap;

use crate::dice::Dice;
use crate::disk::{CrashEffects, Disk};
use crate::faults::{CallSite, Fault, FaultClass, Rule, StepKind};
use crate::label::TimelineLabel;
use crate::plan::{Maintenance, Plan};

use super::crash_point::{CrashPoint, Watch};
use super::delay_log::DelayLog;
use super::facts::{Fact, LifeEnd};
use super::ids::TaskId;
use super::injector::FaultInjector;
use super::journal::Journal;
use super::policy::SchedulePolicy;
use super::scheduler::{Picked, Scheduler};
use super::trace::Trace;
use super::waits::Waits;

/// How many steps a run may make beside those of its operations, before it counts as a livelock. Of
/// a thousand drawn plans none makes 8,000. But four timelines that maintain themselves each second
/// make more than 100,000 while a call is held up for an hour.
const STEPS_MAX: u64 = 200_000;

/// How many steps an operation may add to that.
const STEPS_OF_AN_OPERATION_MAX: u64 = 1_000;

/// The longest virtual time in which no task runs, before the run counts as stuck.
const SILENCE_MAX: Duration = Duration::from_secs(40 * 24 * 60 * 60);

/// How long an operation may wait where maintenance is on, in maintenance periods. Each period
/// costs some steps, and most are alike.
const PERIODS_WAITED_MAX: u32 = 500;

/// How many different calls are counted; then the counts start again. No plan reaches it.
const CALL_COUNTS_MAX: usize = 1 << 20;

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps of the scheduler.
    pub steps: u64,
    /// Steps of other tasks than maintenance.
    pub driven_steps: u64,
    /// Calls that the scheduler let run.
    pub calls: u64,
    /// Faults delivered, by class.
    pub faults: BTreeMap<FaultClass, u64>,
    /// What power losses did to unsynced changes.
    pub effects: CrashEffects,
    /// Probes that were reached, by name.
    pub probes: BTreeMap<&'static str, u64>,
    /// Virtual time that passed.
    pub elapsed: Duration,
}

/// The world of one run.
pub struct World {
    state: Mutex<State>,
    wait_max: Duration,
    /// The longest delay of a call by a slow device.
    pub(super) slow_max: Duration,
    /// The longest delay by a slow device, of all calls together.
    slow_sum: Duration,
    keeps_its_word: bool,
}

/// All mutable state, behind one lock.
pub struct State {
    /// The disk as it is now.
    pub disk: Disk,
    /// The events.
    pub trace: Trace,
    /// The counts.
    pub counts: Counts,
    /// What each call changed on the disk, if a page of the run is to be drawn.
    pub journal: Option<Journal>,
    pub(super) life: u32,
    pub(super) is_alive: bool,
    pub(super) scheduler: Scheduler,
    pub(super) injector: FaultInjector,
    waits: Waits,
    pub(super) call_counts: FxHashMap<(Op, StepKind), u32>,
    pub(super) call_index: u32,
    pub(super) labels: BTreeMap<TimelineId, TimelineLabel>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) dice: Dice,
    pub(super) is_direct: bool,
    pub(super) ending: Option<LifeEnd>,
    pub(super) supervisor: Option<Waker>,
    /// The facts that the judge has not taken yet.
    pub(super) facts: Vec<Fact>,
    pub(super) steps_max: u64,
    /// The tasks that wait for all others, each with the number of its calls that stall.
    pub(super) stalled: BTreeMap<TaskId, u32>,
    /// How many calls the device delays.
    pub(super) delayed_count: u32,
    /// The delays of this life's calls.
    pub(super) delays: DelayLog,
    /// Steps of tasks that do not stall.
    pub(super) busy_steps: u64,
    /// How far the clock was set forward, or back, in nanoseconds.
    pub(super) clock_offset: i64,
    /// Whether the device has links.
    pub has_links: bool,
    pub(super) panic: Option<String>,
    pub(super) watch: Option<Watch>,
    pub(super) elapsed_before: Duration,
}

/// While it exists, calls of the running task bypass the scheduler and the fault injector.
struct Direct<'a>(&'a World);

impl<'a> Direct<'a> {
    fn begin(world: &'a World) -> Direct<'a> {
        world.state().is_direct = true;
        Direct(world)
    }
}

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        self.0.state().is_direct = false;
    }
}

/// Whether a rule lets the device acknowledge what it has not done.
fn lies(rule: &Rule) -> bool {
    matches!(rule.fault, Fault::Lie | Fault::Tear | Fault::Lost)
}

/// The longest time that an operation of a plan may wait: where maintenance runs in any life, so
/// many periods of it.
fn wait_max(plan: &Plan) -> Duration {
    let waits = plan.all_knobs().map(|knobs| match knobs.maintenance {
        Maintenance::Off => SILENCE_MAX,
        Maintenance::On { period, .. } => period * PERIODS_WAITED_MAX,
    });
    waits.min().unwrap_or(SILENCE_MAX)
}

/// How many steps a run of the plan may make, before it counts as a livelock.
pub fn steps_max(plan: &Plan) -> u64 {
    STEPS_MAX + STEPS_OF_AN_OPERATION_MAX * plan.ops.len() as u64
}

impl World {
    /// A world with an empty disk, before the first life.
    pub fn new(plan: &Plan) -> Arc<World> {
        let crash_point = CrashPoint {
            disk: Disk::on(plan.knobs.device),
            policy: SchedulePolicy::new(plan.schedule.clone()),
            injector: FaultInjector::new(&plan.faults, plan.knobs.seed),
            labels: BTreeMap::new(),
            dice: Dice::new(plan.knobs.seed),
            life: 0,
            clock_offset: 0,
            elapsed: Duration::ZERO,
        };
        World::from_crash_point(plan, crash_point)
    }

    /// A world whose next life starts from a crash point.
    pub(super) fn from_crash_point(plan: &Plan, crash_point: CrashPoint) -> Arc<World> {
        let state = State {
            disk: crash_point.disk,
            trace: Trace::default(),
            counts: Counts::default(),
            journal: None,
            life: crash_point.life,
            is_alive: false,
            scheduler: Scheduler::new(crash_point.policy),
            injector: crash_point.injector,
            waits: Waits::default(),
            call_counts: FxHashMap::default(),
            call_index: 0,
            labels: crash_point.labels,
            locks: BTreeSet::new(),
            dice: crash_point.dice,
            is_direct: false,
            ending: None,
            supervisor: None,
            facts: Vec::new(),
            steps_max: steps_max(plan),
            stalled: BTreeMap::new(),
            delayed_count: 0,
            delays: DelayLog::default(),
            busy_steps: 0,
            clock_offset: crash_point.clock_offset,
            has_links: true,
            panic: None,
            watch: None,
            elapsed_before: crash_point.elapsed,
        };
        let slow = plan.faults.iter().filter_map(|rule| match rule.fault {
            Fault::Slow(time) => Some((time, rule.times)),
            _ => None,
        });
        let slow_sum = slow.clone().map(|(time, times)| time.saturating_mul(times));
        let slow = slow.map(|(time, _)| time);
        Arc::new(World {
            state: Mutex::new(state),
            slow_max: slow.max().unwrap_or_default(),
            slow_sum: slow_sum.fold(Duration::ZERO, Duration::saturating_add),
            keeps_its_word: !plan.knobs.device.may_be_wrong() && !plan.faults.iter().any(lies),
            wait_max: wait_max(plan),
        })
    }

    /// Whether the device does what it acknowledges: what was synced stays.
    pub fn keeps_its_word(&self) -> bool {
        self.keeps_its_word
    }

    /// The longest time that an operation may wait.
    pub fn wait_max(&self) -> Duration {
        self.wait_max
    }

    /// The longest time in which nothing but maintenance may happen, before the run counts as
    /// stuck.
    pub fn silence_max(&self) -> Duration {
        let waits = self
            .wait_max
            .saturating_mul(2)
            .saturating_add(self.slow_sum);
        SILENCE_MAX.min(waits.saturating_add(Duration::from_secs(10)))
    }

    /// Locks the state. The guard is never held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Begins the next life and returns its number, from 1.
    pub fn begin_life(&self) -> u32 {
        let mut state = self.state();
        assert!(!state.is_alive);
        state.life += 1;
        state.is_alive = true;
        state.is_direct = false;
        state.ending = None;
        state.call_index = 0;
        state.call_counts.clear();
        state.locks.clear();
        state.stalled.clear();
        state.delayed_count = 0;
        state.delays.clear();
        state.scheduler.begin_life();
        state.facts.push(Fact::LifeBegan);
        state.life
    }

    /// Ends the life from inside: from now on its calls fail and its tasks do not run.
    pub fn end_life(&self, ending: LifeEnd) {
        let supervisor = self.state().end_life(ending);
        if let Some(waker) = supervisor {
            waker.wake();
        }
    }

    /// Waits until the life has ended.
    pub async fn life_ended(&self) -> LifeEnd {
        std::future::poll_fn(|context| {
            let mut state = self.state();
            match state.ending {
                Some(ending) => std::task::Poll::Ready(ending),
                None => {
                    state.supervisor = Some(context.waker().clone());
                    std::task::Poll::Pending
                }
            }
        })
        .await
    }

    /// Sets the label by which the plan names a timeline.
    pub fn name_timeline(&self, timeline: TimelineId, label: TimelineLabel) {
        self.state().labels.insert(timeline, label);
    }

    /// Polls a read of the simulator's own once. Its calls bypass scheduler and faults, so it is
    /// ready unless it waits for something other than I/O.
    pub fn poll_directly<T>(&self, read: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        let _direct = Direct::begin(self);
        read.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Stops all faults but crashes.
    pub fn heal(&self) {
        self.state().injector.heal();
    }

    /// Sets the clock forward or back, in nanoseconds.
    pub fn set_clock(&self, offset: i64) {
        let mut state = self.state();
        state.clock_offset = state.clock_offset.saturating_add(offset);
    }

    /// How often the clock was set.
    pub fn clock_jump_count(&self) -> u64 {
        let state = self.state();
        let jumps = state.counts.faults.get(&FaultClass::ClockJump);
        jumps.copied().unwrap_or(0)
    }

    /// Sets the limit of steps.
    pub fn allow_steps(&self, count: u64) {
        self.state().steps_max = count;
    }

    /// Counts a fault that hits no call.
    pub fn count_fault(&self, class: FaultClass) {
        *self.state().counts.faults.entry(class).or_insert(0) += 1;
    }

    /// Ends the life, however it ended: what still runs of it is dead.
    pub fn bury(&self) {
        let mut state = self.state();
        state.is_alive = false;
        state.scheduler.stop();
    }
}

impl State {
    /// The present life, from 1.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// The rules that never fired, as text.
    pub fn silent_rules(&self) -> Vec<String> {
        self.injector.silent().map(ToString::to_string).collect()
    }

    /// The calls that rules hit, up to a limit, each as a rule that hits it alone.
    pub fn hits(&self) -> Vec<Rule> {
        self.injector.hits().to_vec()
    }

    /// The calls that waited longest, each as a rule that delays it alone.
    pub fn waits(&self) -> Vec<Rule> {
        self.waits.rules()
    }

    /// The message of the task that panicked.
    pub fn take_panic(&mut self) -> String {
        self.panic.take().unwrap_or_default()
    }

    pub(super) fn is_live(&self, life: u32) -> bool {
        self.is_alive && self.life == life
    }

    #[must_use]
    pub(super) fn end_life(&mut self, ending: LifeEnd) -> Option<Waker> {
        self.is_alive = false;
        self.ending = Some(ending);
        self.facts.push(Fact::LifeEnded(ending));
        self.scheduler.stop();
        self.supervisor.take()
    }

    /// Picks the next task, and returns what to wake for it.
    #[must_use]
    pub(super) fn pick(&mut self) -> Picked {
        if !self.is_alive {
            return Picked::Nothing;
        }
        let Some(picked) = self.scheduler.pick() else {
            return Picked::Nothing;
        };
        self.counts.steps += 1;
        if !self.stalled.contains_key(&picked.task) {
            self.busy_steps += 1;
        }
        if !self.scheduler.is_maintenance(picked.task) {
            self.counts.driven_steps += 1;
        }
        if self.steps_max < self.counts.steps {
            return self
                .end_life(LifeEnd::Endless)
                .map_or(Picked::Nothing, Picked::Wake);
        }
        match picked.call {
            None => self.trace.woke(self.life, picked.task),
            Some(call) => {
                if let Some(journal) = &mut self.journal {
                    journal.next_call(&self.disk);
                }
                let site = self.site(call.op, call.step);
                self.waits
                    .note(self.scheduler.others_before(&picked), &site);
                let fault = self.injector.fault_at(&site);
                if fault.is_none() {
                    self.show(&site);
                }
                self.trace.called(picked.task, &site, fault);
                self.counts.calls += 1;
                if self.scheduler.is_maintenance(picked.task) {
                    let (task, op) = (picked.task, call.op);
                    self.facts.push(Fact::Maintained { task, op });
                }
                if let Some(Fault::Crash(crash)) = fault {
                    self.deliver(Fault::Crash(crash), (call.op, call.step), None);
                    let supervisor = self.end_life(LifeEnd::Crashed(crash));
                    return supervisor.map_or(Picked::Nothing, Picked::Wake);
                }
                self.scheduler.grant(call.id, fault);
            }
        }
        self.scheduler.run(picked.task)
    }

    pub(super) fn site(&mut self, op: Op, step: StepKind) -> CallSite {
        self.call_index = self.call_index.wrapping_add(1);
        if CALL_COUNTS_MAX <= self.call_counts.len() {
            self.call_counts.clear();
        }
        let step_index = self.call_counts.entry((op, step)).or_insert(0);
        *step_index += 1;
        CallSite {
            life: self.life,
            io_index: self.call_index,
            label: op.timeline.and_then(|id| self.labels.get(&id).copied()),
            op,
            step,
            step_index: *step_index,
        }
    }

    /// Counts a fault that took effect on a call.
    pub(super) fn count_fault(&mut self, fault: Fault, step: StepKind) {
        let class = fault.class(step);
        *self.counts.faults.entry(class).or_insert(0) += 1;
    }
}
