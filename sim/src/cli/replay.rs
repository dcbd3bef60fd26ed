//! One plan, run again.
#![expect(
    clippy::disallowed_types,
    reason = "it reads the file that the caller names, outside of any run"
)]

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::args::ReplayArgs;
use super::command::{Refusal, code};
use super::console;
use crate::plan::{Plan, PlanError};
use crate::report::{Failure, Single, Summary};
use crate::run::{Keep, Outcome, run, run_twice};
use crate::verdict::Verdict;

/// No plan that can be run is longer, in bytes.
const FILE_LEN_MAX: u64 = 256 << 20;

/// What to name instead of what cannot be read.
const REMEDY: &str = "name a seed, or a file with what `cargo sim plan SEED` prints";

/// Runs a plan again and returns the exit code.
///
/// # Errors
/// `Input` if there is no such plan.
pub fn replay(args: &ReplayArgs) -> Result<u8, Refusal> {
    let plan = read_plan(&args.plan)?;
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
        replay: format!("cargo sim replay {}", quoted(&args.plan)),
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

fn read_plan(name: &OsStr) -> Result<Plan, Refusal> {
    let text = name.to_string_lossy();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return read_file(Path::new(name));
    }
    let seed = text.parse().map_err(|_| {
        Refusal::Input(format!(
            "{text} is no seed: the last is {}; a file of that name is ./{text}",
            u64::MAX
        ))
    })?;
    Ok(Plan::draw(seed))
}

fn read_file(path: &Path) -> Result<Plan, Refusal> {
    let refuse = |why: &dyn Display| {
        let path = quoted(path.as_os_str());
        Refusal::Input(format!("{path}: {why}"))
    };
    let bytes = read_bytes(path)
        .map_err(|error| refuse(&format_args!("cannot be read: {error}; {REMEDY}")))?;
    if FILE_LEN_MAX < bytes.len() as u64 {
        return Err(refuse(&format_args!("too long for a plan; {REMEDY}")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refuse(&format_args!(
            "no text, for byte {at} is not UTF-8; {REMEDY}"
        ))
    })?;
    text.parse().map_err(|error: PlanError| refuse(&error))
}

/// Reads a file up to one byte more than a plan may have.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name as a shell takes it for one word.
fn quoted(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.into_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
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

    #[test]
    fn a_shell_takes_a_name_for_one_word() {
        assert_eq!(quoted(OsStr::new("plans/7.plan")), "plans/7.plan");
        assert_eq!(quoted(OsStr::new("my plan")), "'my plan'");
        assert_eq!(quoted(OsStr::new("it's")), r"'it'\''s'");
    }
}
