//! The gate: every task and call is held, and the schedule picks the next.

use std::collections::BTreeMap;
use std::task::Waker;

use palimpsest::io::{Job, Op};

use super::{Picked, TaskName};
use crate::dice::{Chance, Dice};
use crate::faults::{Fault, StepKind};
use crate::plan::{Schedule, Then};

/// A task of the present life, by the order in which it was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// A call that is held, by number; numbers are not used again in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallId(u64);

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
}

/// A task that is not done.
struct Slot {
    waker: Option<Waker>,
    has_wake_up: bool,
    /// Whether it looks after a timeline for as long as that is open.
    is_keeper: bool,
    fault_count: u32,
}

pub(super) struct Gate {
    slots: BTreeMap<TaskId, Slot>,
    task_count: u32,
    held: Vec<Held>,
    running: Option<TaskId>,
    granted: Option<(CallId, Option<Fault>)>,
    is_stopped: bool,
    next_call: u64,
    chooser: Chooser,
}

impl Gate {
    pub(super) fn new(schedule: Schedule) -> Gate {
        Gate {
            slots: BTreeMap::new(),
            task_count: 0,
            held: Vec::new(),
            running: None,
            granted: None,
            is_stopped: true,
            next_call: 0,
            chooser: Chooser::new(schedule),
        }
    }

    pub(super) fn begin_life(&mut self) {
        self.slots.clear();
        self.task_count = 0;
        self.held.clear();
        self.running = None;
        self.granted = None;
        self.is_stopped = false;
        self.chooser.ranks.clear();
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
            is_keeper: matches!(name, TaskName::Engine(op) if op.job == Job::Keep),
            fault_count: 0,
        };
        self.slots.insert(task, slot);
        self.hold_wake_up(task);
        task
    }

    /// The task that runs now.
    pub(super) fn running(&self) -> Option<TaskId> {
        self.running
    }

    pub(super) fn fault_count(&self, task: TaskId) -> u32 {
        self.slots.get(&task).map_or(0, |slot| slot.fault_count)
    }

    /// Whether a task is one that looks after a timeline for as long as that is open.
    pub(super) fn is_keeper(&self, task: TaskId) -> bool {
        self.slots.get(&task).is_some_and(|slot| slot.is_keeper)
    }

    pub(super) fn add_fault(&mut self, task: TaskId) {
        let slot = self.slots.get_mut(&task);
        slot.expect("it runs").fault_count += 1;
    }

    /// Holds a call of the running task.
    pub(super) fn hold_call(&mut self, op: Op, step: StepKind) -> CallId {
        let task = self.running.expect("calls come from tasks behind the gate");
        let id = CallId(self.next_call);
        self.next_call += 1;
        let call = Some(Call { id, op, step });
        self.held.push(Held { task, call });
        id
    }

    /// Holds a wake-up of a task, once, and says whether nobody runs who would pick it.
    pub(super) fn hold_wake_up(&mut self, task: TaskId) -> bool {
        let Some(slot) = self.slots.get_mut(&task) else {
            return false;
        };
        if self.is_stopped || slot.has_wake_up {
            return false;
        }
        slot.has_wake_up = true;
        self.held.push(Held { task, call: None });
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
        let index = self.chooser.choose(&self.held);
        let held = self.held.remove(index);
        if held.call.is_none()
            && let Some(slot) = self.slots.get_mut(&held.task)
        {
            slot.has_wake_up = false;
        }
        Some(held)
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
            self.running == Some(task) || (slot.is_keeper && !is_held(task))
        };
        self.slots
            .iter()
            .all(|(task, slot)| is_at_rest(*task, slot))
    }

    pub(super) fn finish(&mut self, task: TaskId) {
        self.slots.remove(&task);
        self.held.retain(|held| held.task != task);
    }
}

/// Ranks are drawn below this.
const RANK_END: u64 = 1 << 32;
/// Whoever goes by rank falls behind all others once in so many times, or in twice, four or eight
/// times as many: nobody waits for good.
const FALL_ONE_IN_MIN: u64 = 32;
/// At a pass, which the engine makes where it matters who comes between, once in so many times.
const FALL_AT_PASS_ONE_IN: u64 = 6;

/// The schedule, as it is used up.
struct Chooser {
    choices: std::vec::IntoIter<u8>,
    then: Then,
    dice: Dice,
    /// Of the tasks of this life that were held beside others; the lowest goes first.
    ranks: BTreeMap<TaskId, u64>,
    fall_count: u64,
    fall_one_in: u64,
}

impl Chooser {
    fn new(schedule: Schedule) -> Chooser {
        let seed = match schedule.then {
            Then::InOrder => 0,
            Then::Uniform(seed) | Then::ByRank(seed) => seed,
        };
        Chooser {
            choices: schedule.choices.into_iter(),
            then: schedule.then,
            dice: Dice::new(seed),
            ranks: BTreeMap::new(),
            fall_count: 0,
            fall_one_in: FALL_ONE_IN_MIN << (seed % 4),
        }
    }

    /// A choice among those held, by index; where there is only one, nothing is used up.
    fn choose(&mut self, held: &[Held]) -> usize {
        let count = held.len();
        if count == 1 {
            return 0;
        }
        if let Some(choice) = self.choices.next() {
            return usize::from(choice) % count;
        }
        match self.then {
            Then::InOrder => 0,
            Then::Uniform(_) => self.dice.below(count as u64) as usize,
            Then::ByRank(_) => self.choose_by_rank(held),
        }
    }

    /// The oldest of what is held for the task of the lowest rank.
    fn choose_by_rank(&mut self, held: &[Held]) -> usize {
        let ranks = held.iter().map(|held| self.rank(held.task));
        let ranks: Vec<u64> = ranks.collect();
        let lowest = (0..held.len()).min_by_key(|index| ranks[*index]);
        let lowest = lowest.expect("something is held");
        let is_pass = held[lowest]
            .call
            .is_some_and(|call| call.step == StepKind::Pass);
        let one_in = if is_pass {
            FALL_AT_PASS_ONE_IN
        } else {
            self.fall_one_in
        };
        if self.dice.one_in(one_in) {
            self.fall_count += 1;
            self.ranks
                .insert(held[lowest].task, RANK_END + self.fall_count);
        }
        lowest
    }

    fn rank(&mut self, task: TaskId) -> u64 {
        let dice = &mut self.dice;
        let rank = self.ranks.entry(task);
        *rank.or_insert_with(|| dice.below(RANK_END))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the oldest of so many tasks, all of which are always held, goes among the first
    /// picks.
    fn turns_of_the_oldest(then: Then, pick_count: usize) -> usize {
        let choices = Vec::new();
        let mut chooser = Chooser::new(Schedule { choices, then });
        let held: Vec<Held> = (0..4)
            .map(|task| Held {
                task: TaskId(task),
                call: None,
            })
            .collect();
        let picks = (0..pick_count).map(|_| chooser.choose(&held));
        picks.filter(|index| *index == 0).count()
    }

    #[test]
    fn by_rank_one_may_wait_for_long_and_none_for_good() {
        let turns = |pick_count| {
            let seeds = 0..40;
            let turns = seeds.map(|seed| turns_of_the_oldest(Then::ByRank(seed), pick_count));
            Vec::from_iter(turns)
        };
        let never = turns(20).into_iter().filter(|turns| *turns == 0).count();
        assert!((20..40).contains(&never), "{never} of 40 seeds");
        assert!(turns(5000).into_iter().all(|turns| 0 < turns));
    }
}
