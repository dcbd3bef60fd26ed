//! Every plan ends with the right answers under any schedule, however unfair.

use palimpsest_sim::plan::{Starved, Tail};
use palimpsest_sim::{Keep, Plan, run};

use palimpsest::io::Job;

const SEED_COUNT: u64 = 8;

fn check(tail: impl Fn(u64) -> Tail) {
    for seed in 0..SEED_COUNT {
        let mut plan = Plan::draw(seed);
        plan.schedule.choices.clear();
        plan.schedule.tail = tail(seed);
        if let Some(verdict) = run(&plan, Keep::Tail).verdict {
            panic!("seed {seed}: {verdict}");
        }
    }
}

#[test]
fn newest_first_every_plan_comes_to_its_end() {
    check(|_| Tail::NewestFirst);
}

#[test]
fn to_completion_every_plan_comes_to_its_end() {
    check(Tail::ToCompletion);
}

#[test]
fn with_ranks_that_never_change_every_plan_comes_to_its_end() {
    check(|seed| Tail::Pct(seed, 0));
}

#[test]
fn while_the_driver_starves_every_plan_comes_to_its_end() {
    check(|seed| Tail::Starve(Starved::Driver, seed));
}

#[test]
fn while_the_engines_own_tasks_starve_every_plan_comes_to_its_end() {
    check(|seed| Tail::Starve(Starved::Engine(Job::Keep), seed));
    check(|seed| Tail::Starve(Starved::Engine(Job::Drop), seed));
}
