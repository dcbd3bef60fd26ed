//! The policy of the scheduler: picks one of the held tasks, as the plan's schedule says.
//!
//! 1. The plan's explicit choices come first, then its `then` policy.
//! 2. A task that yields is not picked while another is held: one that yields until the others are
//!    done must not starve them, however unfair the schedule is.
//! 3. No task starves for good. One that pends without being held leaves the others alone, so that
//!    even the last choice of the policy runs once all others wait for it. Only a task that is held
//!    without end could starve it, and none is: steps are counted, and a run that makes too many is
//!    stuck.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use super::ids::{TaskId, TaskName};
use super::scheduler::Held;
use crate::dice::{Chance, Dice, mix};
use crate::faults::StepKind;
use crate::plan::{Schedule, Starved, Tail};

/// Ranks are drawn below this.
const RANK_END: u64 = 1 << 32;

/// The lowest rank falls behind all others once in this many choices, or in twice, four or eight
/// times as many, so that no task starves for good.
const FALL_ONE_IN_MIN: u64 = 32;

/// At a pass, which the engine makes where tasks race, the lowest rank falls behind once in this
/// many times.
const FALL_AT_PASS_ONE_IN: u64 = 6;

/// The number of choices that a plan is expected to have, at least. The changes of ranks are drawn
/// over these, where their number is bounded.
const CHOICES_EXPECTED_MIN: u64 = 64;

/// The expected number of choices is doubled at most this often, by the seed.
const CHOICES_DOUBLINGS: u64 = 5;

/// The schedule, as it is used up.
#[derive(Clone)]
pub(super) struct SchedulePolicy {
    choices: std::vec::IntoIter<u8>,
    tail: Tail,
    dice: Dice,
    /// Ranks of the tasks of this life that were held beside others; the lowest goes first.
    ranks: BTreeMap<TaskId, u64>,
    fall_count: u64,
    fall_one_in: u64,
    /// The choices before which the lowest rank falls behind all others; the next one last.
    changes: Vec<u64>,
    /// How many choices were made after the plan's explicit ones.
    choice_count: u64,
    /// The tasks of this life that are starved.
    starved: BTreeSet<TaskId>,
    /// The task that was picked last.
    last: Option<TaskId>,
}

impl SchedulePolicy {
    /// Hashes what the choices after a crash depend on.
    pub(super) fn stir_into(&self, hasher: &mut impl Hasher) {
        self.choices.as_slice().hash(hasher);
        match self.tail {
            Tail::InOrder | Tail::NewestFirst => {}
            _ => {
                self.dice.stir_into(hasher);
                (self.choice_count, &self.changes, self.fall_count).hash(hasher);
            }
        }
    }

    pub(super) fn new(schedule: Schedule) -> SchedulePolicy {
        let (seed, changes) = match schedule.tail {
            Tail::InOrder | Tail::NewestFirst => (0, Vec::new()),
            Tail::Uniform(seed) | Tail::ByRank(seed) | Tail::ToCompletion(seed) => {
                (seed, Vec::new())
            }
            Tail::Starve(_, seed) => (seed, Vec::new()),
            Tail::Pct(seed, change_count) => (seed, draw_changes(seed, change_count)),
        };
        SchedulePolicy {
            choices: schedule.choices.into_iter(),
            tail: schedule.tail,
            dice: Dice::new(seed),
            ranks: BTreeMap::new(),
            fall_count: 0,
            fall_one_in: FALL_ONE_IN_MIN << (seed % 4),
            changes,
            choice_count: 0,
            starved: BTreeSet::new(),
            last: None,
        }
    }

    /// Forgets the tasks of the previous life.
    pub(super) fn begin_life(&mut self) {
        self.ranks.clear();
        self.starved.clear();
        self.last = None;
    }

    /// Notes a task that is spawned, and whether it is to be starved.
    pub(super) fn meet(&mut self, task: TaskId, name: TaskName) {
        if let Tail::Starve(starved, _) = self.tail
            && is_starved(starved, name)
        {
            self.starved.insert(task);
        }
    }

    /// Picks one of the held by its index. Where there is only one, nothing is used up.
    pub(super) fn choose(&mut self, held: &[Held]) -> usize {
        let index = if held.iter().any(|held| held.yields) {
            self.choose_but_yielding(held)
        } else {
            self.choose_among(held)
        };
        self.last = Some(held[index].task);
        index
    }

    fn choose_but_yielding(&mut self, held: &[Held]) -> usize {
        let kept: Vec<usize> = (0..held.len())
            .filter(|index| !held[*index].yields)
            .collect();
        if kept.is_empty() {
            return self.choose_among(held);
        }
        let others: Vec<Held> = kept.iter().map(|index| held[*index]).collect();
        kept[self.choose_among(&others)]
    }

    fn choose_among(&mut self, held: &[Held]) -> usize {
        let count = held.len();
        if count == 1 {
            return 0;
        }
        if let Some(choice) = self.choices.next() {
            return usize::from(choice) % count;
        }
        self.choice_count += 1;
        match self.tail {
            Tail::InOrder => 0,
            Tail::NewestFirst => count - 1,
            Tail::Uniform(_) => self.dice.below(count as u64) as usize,
            Tail::ByRank(_) => self.choose_by_rank(held),
            Tail::Pct(..) => self.choose_by_rank_and_changes(held),
            Tail::Starve(..) => self.choose_but_starved(held),
            Tail::ToCompletion(_) => self.choose_the_last(held),
        }
    }

    /// Picks the oldest call or wake-up of the task with the lowest rank.
    fn lowest(&mut self, held: &[Held]) -> usize {
        let ranks = held.iter().map(|held| self.rank(held.task));
        let ranks: Vec<u64> = ranks.collect();
        let lowest = (0..held.len()).min_by_key(|index| ranks[*index]);
        lowest.expect("something is held")
    }

    fn choose_by_rank(&mut self, held: &[Held]) -> usize {
        let lowest = self.lowest(held);
        let is_pass = held[lowest]
            .call
            .is_some_and(|call| call.step == StepKind::Pass);
        let one_in = if is_pass {
            FALL_AT_PASS_ONE_IN
        } else {
            self.fall_one_in
        };
        if self.dice.one_in(one_in) {
            self.fall_behind(held[lowest].task);
        }
        lowest
    }

    fn choose_by_rank_and_changes(&mut self, held: &[Held]) -> usize {
        while self
            .changes
            .last()
            .is_some_and(|at| *at < self.choice_count)
        {
            self.changes.pop();
            let lowest = self.lowest(held);
            self.fall_behind(held[lowest].task);
        }
        self.lowest(held)
    }

    fn fall_behind(&mut self, task: TaskId) {
        self.fall_count += 1;
        self.ranks.insert(task, RANK_END + self.fall_count);
    }

    fn rank(&mut self, task: TaskId) -> u64 {
        let dice = &mut self.dice;
        let rank = self.ranks.entry(task);
        *rank.or_insert_with(|| dice.below(RANK_END))
    }

    /// Picks any that is not starved, or any if all are.
    fn choose_but_starved(&mut self, held: &[Held]) -> usize {
        let is_fed = |index: &usize| !self.starved.contains(&held[*index].task);
        let fed: Vec<usize> = (0..held.len()).filter(is_fed).collect();
        match fed.len() as u64 {
            0 => self.dice.below(held.len() as u64) as usize,
            count => fed[self.dice.below(count) as usize],
        }
    }

    /// Picks the oldest call or wake-up of the task that went last, or any if it is not held.
    fn choose_the_last(&mut self, held: &[Held]) -> usize {
        let last = self.last;
        let again = held.iter().position(|held| Some(held.task) == last);
        again.unwrap_or_else(|| self.dice.below(held.len() as u64) as usize)
    }
}

/// Draws the choices before which ranks change, the first one last.
fn draw_changes(seed: u64, change_count: u32) -> Vec<u64> {
    // The ranks are drawn from the seed's own dice.
    let mut dice = Dice::new(mix(seed));
    let expected_count = CHOICES_EXPECTED_MIN << dice.below(CHOICES_DOUBLINGS + 1);
    let mut changes: Vec<u64> = (0..change_count)
        .map(|_| dice.below(expected_count))
        .collect();
    changes.sort_unstable_by(|left, right| right.cmp(left));
    changes
}

fn is_starved(starved: Starved, name: TaskName) -> bool {
    match (starved, name) {
        (Starved::Driver, TaskName::Driver) => true,
        (Starved::Line(starved), TaskName::Line(line)) => starved == line,
        (Starved::Engine(job), TaskName::Engine(op)) => job == op.job,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(tail: Tail) -> SchedulePolicy {
        let choices = Vec::new();
        SchedulePolicy::new(Schedule { choices, tail })
    }

    fn wake_ups(count: u32) -> Vec<Held> {
        let held = |task| Held {
            task: TaskId(task),
            call: None,
            yields: false,
            since: 0,
        };
        (0..count).map(held).collect()
    }

    /// The picks among four tasks that are always held, by number.
    fn picks(tail: Tail, pick_count: usize) -> Vec<usize> {
        let mut policy = policy(tail);
        for line in 0..4 {
            policy.meet(TaskId(line), TaskName::Line(line));
        }
        let held = wake_ups(4);
        (0..pick_count).map(|_| policy.choose(&held)).collect()
    }

    fn turns_of_the_oldest(tail: Tail, pick_count: usize) -> usize {
        let picks = picks(tail, pick_count).into_iter();
        picks.filter(|index| *index == 0).count()
    }

    /// How often a pick differs from the one before.
    fn switch_count(picks: &[usize]) -> usize {
        picks.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn by_rank_a_task_may_wait_long_and_none_starves() {
        let turns = |pick_count| {
            let seeds = 0..40;
            let turns = seeds.map(|seed| turns_of_the_oldest(Tail::ByRank(seed), pick_count));
            Vec::from_iter(turns)
        };
        let never = turns(20).into_iter().filter(|turns| *turns == 0).count();
        assert!((20..40).contains(&never), "{never} of 40 seeds");
        assert!(turns(5000).into_iter().all(|turns| 0 < turns));
    }

    #[test]
    fn ranks_change_as_often_as_is_said_and_no_more() {
        let all_expected = (CHOICES_EXPECTED_MIN << CHOICES_DOUBLINGS) as usize;
        for change_count in 0..4 {
            let switches = |seed| {
                let picks = picks(Tail::Pct(seed, change_count), all_expected + 1);
                switch_count(&picks)
            };
            let most = (0..40).map(switches).max();
            assert_eq!(most, Some(change_count as usize));
        }
    }

    #[test]
    fn where_ranks_change_differs_by_the_seed() {
        let firsts = (0..40).map(|seed| draw_changes(seed, 3)[2]);
        let distinct = BTreeSet::from_iter(firsts).len();
        assert!(30 < distinct, "{distinct} of 40 seeds");
    }

    #[test]
    fn a_starved_task_goes_when_no_other_is_held() {
        let tail = Tail::Starve(Starved::Line(0), 7);
        let picked = picks(tail, 200);
        assert!(!picked.contains(&0));
        assert!((1..4).all(|index| picked.contains(&index)));
        let mut policy = policy(tail);
        policy.meet(TaskId(0), TaskName::Line(0));
        assert_eq!(policy.choose(&wake_ups(1)), 0);
    }

    #[test]
    fn another_life_has_other_tasks_to_starve() {
        let mut policy = policy(Tail::Starve(Starved::Driver, 7));
        policy.meet(TaskId(0), TaskName::Driver);
        policy.begin_life();
        let held = wake_ups(2);
        assert!((0..40).any(|_| policy.choose(&held) == 0));
    }

    #[test]
    fn to_completion_the_one_that_went_goes_on_while_it_is_held() {
        let mut policy = policy(Tail::ToCompletion(7));
        let held = wake_ups(4);
        let first = policy.choose(&held);
        assert!((0..40).all(|_| policy.choose(&held) == first));
        let mut others = held.clone();
        others.remove(first);
        assert_ne!(others[policy.choose(&others)].task, held[first].task);
    }

    #[test]
    fn newest_first_the_oldest_goes_last() {
        assert_eq!(picks(Tail::NewestFirst, 3), [3, 3, 3]);
    }

    #[test]
    fn a_task_that_yields_goes_when_all_others_yield_too() {
        let all = [
            Tail::InOrder,
            Tail::NewestFirst,
            Tail::Uniform(7),
            Tail::ByRank(7),
            Tail::Pct(7, 3),
            Tail::Starve(Starved::Line(1), 7),
            Tail::ToCompletion(7),
        ];
        for tail in all {
            let mut policy = policy(tail);
            policy.meet(TaskId(1), TaskName::Line(1));
            let mut held = wake_ups(2);
            held[0].yields = true;
            assert!((0..100).all(|_| policy.choose(&held) == 1), "{tail:?}");
            held[1].yields = true;
            assert!(policy.choose(&held) < 2);
        }
    }
}
