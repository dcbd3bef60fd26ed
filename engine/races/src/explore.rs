//! Runs a scenario under many interleavings, each of which a seed determines.
#![expect(
    clippy::disallowed_methods,
    reason = "it asks how many runs, outside of any run"
)]

use std::env;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

/// The number of preemptions that the second scheduler aims for: most races need one or two.
const PREEMPTION_COUNT: usize = 3;

/// Longer than any scenario. A run that takes more steps than this does not end.
const STEP_COUNT_MAX: usize = 200_000;

/// An engine's read does not fit shuttle's 60 KiB.
const STACK_LEN: usize = 512 << 10;

/// Runs `scenario` under `run_count` interleavings of each scheduler, or as often as
/// `PALIMPSEST_RUNS` says; under the one of `PALIMPSEST_SCHEDULE` alone, if that is set.
///
/// # Panics
/// If the scenario panics, or if each of its threads waits for another one. What is printed before
/// has the schedule, which repeats the run.
pub fn explore(run_count: usize, scenario: fn()) {
    if let Ok(schedule) = env::var("PALIMPSEST_SCHEDULE") {
        let scheduler = shuttle::scheduler::ReplayScheduler::new_from_encoded(&schedule);
        return run(scheduler, scenario);
    }
    let number = |name, default| {
        let text = env::var(name).ok();
        text.map_or(default, |text| text.parse().expect("a number"))
    };
    let seed = number("PALIMPSEST_SEED", 1) as u64;
    let run_count = number("PALIMPSEST_RUNS", run_count);
    run(RandomScheduler::new_from_seed(seed, run_count), scenario);
    let preempting = PctScheduler::new_from_seed(seed, PREEMPTION_COUNT, run_count);
    run(preempting, scenario);
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = STACK_LEN;
    config.max_steps = MaxSteps::FailAfter(STEP_COUNT_MAX);
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario);
}
