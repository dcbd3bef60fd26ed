//! `cargo sim replay`: runs one plan again.

use super::args::ReplayArgs;
use super::exit::{CommandError, code};
use super::plan_file::PlanInput;
use super::{console, plan_file};
use crate::capsule::{self, Capsule};
use crate::divergence::run_twice;
use crate::plan::Plan;
use crate::report::{Failure, Single, Summary};
use crate::run::{Keep, Outcome, run};
use crate::verdict::Verdict;

/// Runs a plan again and returns the exit code.
///
/// # Errors
/// `Input` if the plan cannot be read.
pub fn replay(args: &ReplayArgs) -> Result<u8, CommandError> {
    let subject = plan_file::read(&args.plan)?;
    if let PlanInput::Capsule(capsule) = &subject {
        return replay_capsule(capsule, args);
    }
    let plan = subject.plan()?;
    let outcome = run_twice(&plan);
    console::print(&shown(&plan, &outcome, args))?;
    let verdict = outcome.verdict.as_ref();
    Ok(verdict.map_or(code::ALL_RIGHT, Verdict::exit_code))
}

/// Runs a capsule again, and compares the outcome with it.
fn replay_capsule(capsule: &Capsule, args: &ReplayArgs) -> Result<u8, CommandError> {
    let replayed = capsule::replay(capsule);
    let mut text = replayed.told(capsule).to_string();
    if let Some(replay) = replayed.replay() {
        text.push('\n');
        text.push_str(&shown(&replay.plan, &replay.outcome, args));
    }
    console::print(&text)?;
    Ok(replayed.exit_code())
}

/// The report of a plan's run, after its trace if that was asked for.
fn shown(plan: &Plan, outcome: &Outcome, args: &ReplayArgs) -> String {
    let mut text = String::new();
    if args.trace {
        let trace = run(plan, Keep::Everything).trace;
        text = format!("{}\n\n", trace.join("\n"));
    }
    text.push_str(&judge(plan, outcome.clone(), args).to_string());
    text
}

fn judge(plan: &Plan, outcome: Outcome, args: &ReplayArgs) -> Single {
    let mut summary = Summary::default();
    summary.add(plan, &outcome);
    let trace = match &outcome.verdict {
        // The event that differs is not in the trace that was printed.
        Some(Verdict::Diverged { .. }) => outcome.trace,
        _ if args.trace => Vec::new(),
        _ => outcome.trace,
    };
    let failure = outcome.verdict.map(|verdict| Failure {
        verdict,
        trace,
        replay: format!("cargo sim replay {}", plan_file::quoted(&args.plan)),
    });
    Single {
        summary,
        digest: outcome.digest,
        silent_rules: outcome.silent_rules,
        failure,
    }
}
