//! The scheduler: holds every task and call, and runs the one that the policy picks.

use std::collections::BTreeMap;
use std::task::Waker;

use palimpsest::io::{Job, Op};

use super::ids::{CallId, TaskId, TaskName};
use super::policy::SchedulePolicy;
use crate::faults::{Fault, StepKind};

/// What the scheduler answers to a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grant {
    /// The call may run; it delivers the fault, if there is one.
    Granted(Option<Fault>),
    /// The life of the caller has ended.
    Dead,
}

/// What a pick leaves to wake.
pub(super) enum Picked {
    /// No task: none is held, or the life has ended.
    Nothing,
    /// A task that was not polled yet: it is in the executor's queue.
    Unpolled,
    /// A task, by its waker.
    Wake(Waker),
}

/// A held call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) op: Op,
    pub(super) step: StepKind,
}

/// A held call or wake-up of a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) task: TaskId,
    pub(super) call: Option<Call>,
    /// Whether the task lets all others go first.
    pub(super) yields: bool,
    /// How many picks were made before it was held.
    pub(super) since: u64,
}

/// A task that has not ended.
struct Slot {
    waker: Option<Waker>,
    has_wake_up: bool,
    /// Whether its next wake-up lets all others go first.
    yields: bool,
    /// Whether it is a maintenance task of a timeline.
    is_maintenance: bool,
    /// Whether it removes a file that has lost its last reader.
    is_drop: bool,
    /// The label of its last call.
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

    /// Adds a task, held until its first pick.
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

    /// The task that runs now, and the label of its last call.
    pub(super) fn running_op(&self) -> Option<(TaskId, Op)> {
        let task = self.running?;
        Some((task, self.slots.get(&task)?.op?))
    }

    /// Whether a task is a maintenance task of a timeline.
    pub(super) fn is_maintenance(&self, task: TaskId) -> bool {
        self.slots
            .get(&task)
            .is_some_and(|slot| slot.is_maintenance)
    }

    /// Holds a call of the running task.
    pub(super) fn hold_call(&mut self, op: Op, step: StepKind) -> CallId {
        let task = self.running.expect("calls come from scheduled tasks");
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

    /// Makes the running task's next wake-up let all others go first.
    pub(super) fn yield_running(&mut self) {
        let running = self.running.and_then(|task| self.slots.get_mut(&task));
        if let Some(slot) = running {
            slot.yields = true;
        }
    }

    /// Holds a wake-up of a task, once. Returns whether no task runs, so that the caller must pick.
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

    /// Drops a call whose future was cancelled.
    pub(super) fn forget_call(&mut self, id: CallId) {
        let is_it = |held: &Held| held.call.is_some_and(|call| call.id == id);
        self.held.retain(|held| !is_it(held));
        if self.granted.is_some_and(|(granted, _)| granted == id) {
            self.granted = None;
        }
    }

    /// Takes the held call or wake-up that the policy picks.
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

    /// How many others were picked while the last pick waited.
    pub(super) fn others_before(&self, picked: &Held) -> u64 {
        self.pick_count - picked.since - 1
    }

    pub(super) fn grant(&mut self, id: CallId, fault: Option<Fault>) {
        self.granted = Some((id, fault));
    }

    /// Takes the grant of a call, if it has one.
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

    /// Notes the waker of a polled task, and returns whether it may run.
    pub(super) fn enter(&mut self, task: TaskId, waker: &Waker) -> bool {
        if self.is_stopped {
            return false;
        }
        if let Some(slot) = self.slots.get_mut(&task) {
            slot.waker = Some(waker.clone());
        }
        self.running == Some(task)
    }

    /// Whether no other task than the running one is left, except idle maintenance tasks: those
    /// that wait for the clock or for work.
    pub(super) fn has_only_running(&self) -> bool {
        let is_held = |task: TaskId| self.held.iter().any(|held| held.task == task);
        let is_at_rest = |task: TaskId, slot: &Slot| {
            self.running == Some(task) || (slot.is_maintenance && !is_held(task))
        };
        self.slots
            .iter()
            .all(|(task, slot)| is_at_rest(*task, slot))
    }

    /// Whether a removal by a last reader is in flight.
    pub(super) fn has_drops(&self) -> bool {
        self.slots.values().any(|slot| slot.is_drop)
    }

    pub(super) fn finish(&mut self, task: TaskId) {
        self.slots.remove(&task);
        self.held.retain(|held| held.task != task);
    }
}
