//! The gate: every task and call is held, and the schedule picks the next.

use std::collections::BTreeMap;
use std::task::Waker;

use palimpsest::io::{Job, Op};

use super::ids::{CallId, TaskId, TaskName};
use super::policy::SchedulePolicy;
use crate::faults::{Fault, StepKind};

/// What the gate answers to a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grant {
    /// Go on; the fault, if there is one, is yours to deliver.
    Granted(Option<Fault>),
    /// Your life is over.
    Dead,
}

/// Whom a pick leaves to be woken.
pub(super) enum Picked {
    /// Nobody: nothing is held, or the life is over.
    Nobody,
    /// One that was not polled yet: the executor has it in its queue.
    Unpolled,
    /// This one.
    Wake(Waker),
}

/// A call that waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) op: Op,
    pub(super) step: StepKind,
}

/// What is held for a task: a call, or a wake-up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) task: TaskId,
    pub(super) call: Option<Call>,
    /// Whether the task has let all others go first.
    pub(super) yields: bool,
    /// How many were picked before it came.
    pub(super) since: u64,
}

/// A task that is not done.
struct Slot {
    waker: Option<Waker>,
    has_wake_up: bool,
    /// Whether its next wake-up lets all others go first.
    yields: bool,
    /// Whether it looks after a timeline for as long as that is open.
    is_maintenance: bool,
    /// Whether it removes a file that nobody needs any more.
    is_drop: bool,
    /// What its last call was for.
    op: Option<Op>,
}

pub(super) struct Scheduler {
    slots: BTreeMap<TaskId, Slot>,
    task_count: u32,
    held: Vec<Held>,
    running: Option<TaskId>,
    granted: Option<(CallId, Option<Fault>)>,
    is_stopped: bool,
    next_call: u64,
    pick_count: u64,
    policy: SchedulePolicy,
}

impl Scheduler {
    pub(super) fn new(policy: SchedulePolicy) -> Scheduler {
        Scheduler {
            slots: BTreeMap::new(),
            task_count: 0,
            held: Vec::new(),
            running: None,
            granted: None,
            is_stopped: true,
            next_call: 0,
            pick_count: 0,
            policy,
        }
    }

    /// What is left of the schedule.
    pub(super) fn policy(&self) -> &SchedulePolicy {
        &self.policy
    }

    pub(super) fn begin_life(&mut self) {
        self.slots.clear();
        self.task_count = 0;
        self.held.clear();
        self.running = None;
        self.granted = None;
        self.is_stopped = false;
        self.policy.begin_life();
    }

    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
        self.held.clear();
        self.running = None;
        self.granted = None;
    }

    /// Adds a task; it is held until it is picked for the first time.
    pub(super) fn add_task(&mut self, name: TaskName) -> TaskId {
        let task = TaskId(self.task_count);
        self.task_count += 1;
        let slot = Slot {
            waker: None,
            has_wake_up: false,
            yields: false,
            is_maintenance: matches!(name, TaskName::Engine(op) if op.job == Job::Keep),
            is_drop: matches!(name, TaskName::Engine(op) if op.job == Job::Drop),
            op: None,
        };
        self.slots.insert(task, slot);
        self.policy.meet(task, name);
        self.hold_wake_up(task);
        task
    }

    /// The task that runs now.
    pub(super) fn running(&self) -> Option<TaskId> {
        self.running
    }

    /// The task that runs now, and what its last call was for.
    pub(super) fn running_op(&self) -> Option<(TaskId, Op)> {
        let task = self.running?;
        Some((task, self.slots.get(&task)?.op?))
    }

    /// Whether a task is one that looks after a timeline for as long as that is open.
    pub(super) fn is_maintenance(&self, task: TaskId) -> bool {
        self.slots
            .get(&task)
            .is_some_and(|slot| slot.is_maintenance)
    }

    /// Holds a call of the running task.
    pub(super) fn hold_call(&mut self, op: Op, step: StepKind) -> CallId {
        let task = self.running.expect("calls come from tasks behind the gate");
        if let Some(slot) = self.slots.get_mut(&task) {
            slot.op = Some(op);
        }
        let id = CallId(self.next_call);
        self.next_call += 1;
        let call = Some(Call { id, op, step });
        self.held.push(Held {
            task,
            call,
            yields: false,
            since: self.pick_count,
        });
        id
    }

    /// The running task's next wake-up lets all others go first.
    pub(super) fn yield_running(&mut self) {
        let running = self.running.and_then(|task| self.slots.get_mut(&task));
        if let Some(slot) = running {
            slot.yields = true;
        }
    }

    /// Holds a wake-up of a task, once, and says whether nobody runs who would pick it.
    pub(super) fn hold_wake_up(&mut self, task: TaskId) -> bool {
        let Some(slot) = self.slots.get_mut(&task) else {
            return false;
        };
        let yields = std::mem::take(&mut slot.yields);
        if self.is_stopped || slot.has_wake_up {
            return false;
        }
        slot.has_wake_up = true;
        self.held.push(Held {
            task,
            call: None,
            yields,
            since: self.pick_count,
        });
        self.running.is_none()
    }

    /// Forgets a call whose future was dropped.
    pub(super) fn forget_call(&mut self, id: CallId) {
        let is_it = |held: &Held| held.call.is_some_and(|call| call.id == id);
        self.held.retain(|held| !is_it(held));
        if self.granted.is_some_and(|(granted, _)| granted == id) {
            self.granted = None;
        }
    }

    /// Takes the next of those held.
    pub(super) fn pick(&mut self) -> Option<Held> {
        assert!(!self.is_stopped);
        self.running = None;
        if self.held.is_empty() {
            return None;
        }
        self.pick_count += 1;
        let index = self.policy.choose(&self.held);
        let held = self.held.remove(index);
        if held.call.is_none()
            && let Some(slot) = self.slots.get_mut(&held.task)
        {
            slot.has_wake_up = false;
        }
        Some(held)
    }

    /// How many others were picked while this one, the last that was, waited.
    pub(super) fn others_before(&self, picked: &Held) -> u64 {
        self.pick_count - picked.since - 1
    }

    pub(super) fn grant(&mut self, id: CallId, fault: Option<Fault>) {
        self.granted = Some((id, fault));
    }

    /// What was granted to a call, if it was.
    pub(super) fn take_grant(&mut self, id: CallId) -> Option<Option<Fault>> {
        let (granted, fault) = self.granted?;
        (granted == id).then(|| {
            self.granted = None;
            fault
        })
    }

    /// Makes `task` the one that runs.
    pub(super) fn run(&mut self, task: TaskId) -> Picked {
        self.running = Some(task);
        let waker = self.slots.get(&task).and_then(|slot| slot.waker.clone());
        waker.map_or(Picked::Unpolled, Picked::Wake)
    }

    /// A task is polled: notes its waker, and says whether it is its turn.
    pub(super) fn enter(&mut self, task: TaskId, waker: &Waker) -> bool {
        if self.is_stopped {
            return false;
        }
        if let Some(slot) = self.slots.get_mut(&task) {
            slot.waker = Some(waker.clone());
        }
        self.running == Some(task)
    }

    /// Whether no other task than the running one is left, but for keepers that wait for the clock
    /// or for something to do.
    pub(super) fn has_only_running(&self) -> bool {
        let is_held = |task: TaskId| self.held.iter().any(|held| held.task == task);
        let is_at_rest = |task: TaskId, slot: &Slot| {
            self.running == Some(task) || (slot.is_maintenance && !is_held(task))
        };
        self.slots
            .iter()
            .all(|(task, slot)| is_at_rest(*task, slot))
    }

    /// Whether a removal of the engine's is on its way.
    pub(super) fn has_drops(&self) -> bool {
        self.slots.values().any(|slot| slot.is_drop)
    }

    pub(super) fn finish(&mut self, task: TaskId) {
        self.slots.remove(&task);
        self.held.retain(|held| held.task != task);
    }
}
