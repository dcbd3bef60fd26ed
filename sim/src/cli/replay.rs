//! One plan, run again.

use super::args::ReplayArgs;
use super::command::{Refusal, code};
use super::{console, plan_file};
use crate::plan::Plan;
use crate::report::{Failure, Single, Summary};
use crate::run::{Keep, Outcome, run, run_twice};
use crate::verdict::Verdict;

/// Runs a plan again and returns the exit code.
///
/// # Errors
/// `Input` if there is no such plan.
pub fn replay(args: &ReplayArgs) -> Result<u8, Refusal> {
    let plan = plan_file::read(&args.plan)?;
    let outcome = run_twice(&plan);
    let mut text = String::new();
    if args.trace {
        let trace = run(&plan, Keep::Everything).trace;
        text = format!("{}\n\n", trace.join("\n"));
    }
    let single = judge(&plan, outcome, args);
    text.push_str(&single.to_string());
    console::print(&text)?;
    let failure = single.failure.as_ref();
    Ok(failure.map_or(code::ALL_RIGHT, |failure| failure.verdict.exit_code()))
}

fn judge(plan: &Plan, outcome: Outcome, args: &ReplayArgs) -> Single {
    let mut summary = Summary::default();
    summary.add(plan, &outcome);
    let trace = match &outcome.verdict {
        Some(Verdict::Diverged { .. }) => divergence(plan),
        // They have been printed.
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

/// Where two runs of the plan part, and what came before.
fn divergence(plan: &Plan) -> Vec<String> {
    let first = run(plan, Keep::Everything).trace;
    let second = run(plan, Keep::Everything).trace;
    parting(&first, &second)
}

fn parting(first: &[String], second: &[String]) -> Vec<String> {
    let pairs = first.iter().zip(second);
    let same = pairs.take_while(|(left, right)| left == right).count();
    let mut lines = first[..same].to_vec();
    if same == first.len() && same == second.len() {
        lines.push("two more runs did not differ".to_string());
        return lines;
    }
    let at = |trace: &[String]| trace.get(same).map_or("its end".to_string(), String::clone);
    lines.push(format!("first:  {}", at(first)));
    lines.push(format!("second: {}", at(second)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(first: &[&str], second: &[&str]) -> String {
        let owned = |trace: &[&str]| {
            trace
                .iter()
                .map(|line| line.to_string())
                .collect::<Vec<_>>()
        };
        parting(&owned(first), &owned(second)).join(" | ")
    }

    #[test]
    fn two_runs_part_at_the_first_step_that_differs() {
        let found = parted(&["a", "b", "c"], &["a", "x", "c"]);
        assert_eq!(found, "a | first:  b | second: x");
        assert_eq!(
            parted(&["a"], &["a", "b"]),
            "a | first:  its end | second: b"
        );
        assert_eq!(parted(&["a"], &["a"]), "a | two more runs did not differ");
    }
}
