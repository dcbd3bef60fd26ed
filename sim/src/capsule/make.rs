//! Makes a capsule of a failure.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and goes by the clock"
)]

use std::time::Instant;

use super::{Capsule, Origin};
use crate::divergence::run_twice;
use crate::explain::watch;
use crate::plan::Plan;
use crate::run::{Keep, Outcome, run};
use crate::verdict::Verdict;

/// The number of last steps that are kept.
const STEPS_KEPT: usize = 40;

/// The length at which a step is cut, in characters.
const STEP_LEN_MAX: usize = 200;

/// Makes a capsule of `shrunk`, which came from `full`; returns nothing if `shrunk` does not fail.
/// Until `deadline` it also tries which of the rules are necessary.
pub fn make(
    seed: Option<u64>,
    (full, shrunk): (&Plan, &Plan),
    deadline: Instant,
) -> Option<Capsule> {
    let story = watch(shrunk);
    let outcome = match story.outcome.verdict {
        Some(_) => story.outcome,
        // The failure may be that two runs of the plan differ.
        None => run_twice(shrunk),
    };
    let verdict = outcome.verdict.clone()?;
    let signature = verdict.signature();
    let full_digest = match full == shrunk {
        true => outcome.digest,
        false => run(full, Keep::Tail).digest,
    };
    let lines = |text: String| text.lines().map(str::to_string).collect();
    Some(Capsule {
        seed,
        origin: Origin::present(),
        verdict: verdict.name().to_string(),
        full_digest,
        shrunk_digest: outcome.digest,
        failure: verdict.to_string().lines().skip(1).map(told).collect(),
        rules: rules(shrunk, &signature, deadline),
        read: story.reading.map_or(Vec::new(), |reading| reading.lines()),
        steps: last_steps(&outcome),
        shrunk_plan: lines(shrunk.to_string()),
        full_plan: lines(full.to_string()),
        signature,
    })
}

fn told(line: &str) -> String {
    line.trim().to_string()
}

fn last_steps(outcome: &Outcome) -> Vec<String> {
    let first = outcome.trace.len().saturating_sub(STEPS_KEPT);
    let cut = |line: &String| line.chars().take(STEP_LEN_MAX).collect();
    outcome.trace[first..].iter().map(cut).collect()
}

/// Leaves out each rule once, and says what the plan's verdict is without it.
fn rules(plan: &Plan, signature: &str, deadline: Instant) -> Vec<String> {
    let tell = |index: usize| {
        let rule = &plan.faults[index];
        if deadline <= Instant::now() {
            return format!("not tried  {rule}");
        }
        let mut without = plan.clone();
        without.faults.remove(index);
        match outcome_of(&without, signature) {
            Some(found) if found == signature => format!("not needed  {rule}"),
            Some(found) => format!("needed  {rule}  (without it: {found})"),
            None => format!("needed  {rule}  (without it all is right)"),
        }
    };
    (0..plan.faults.len()).map(tell).collect()
}

/// The signature of a plan's verdict. Runs the plan twice if `signature` is that of two runs that
/// differ.
pub(super) fn outcome_of(plan: &Plan, signature: &str) -> Option<String> {
    let diverged = Verdict::Diverged {
        first: 0,
        second: 1,
        at: String::new(),
    };
    let outcome = match signature == diverged.signature() {
        true => run_twice(plan),
        false => run(plan, Keep::Tail),
    };
    outcome.verdict.map(|verdict| verdict.signature())
}
