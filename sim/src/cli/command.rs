//! Parses the command line, carries out the command and returns its exit code.

use std::ffi::OsStr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use super::args::{Command, CommandLine, MatrixArgs, RunArgs, Seeds};
use super::exhaust;
use super::exit::{CommandError, code};
use super::fleet::{self, Again, Fleet};
use super::life;
use super::matrix;
use super::meta;
use super::replay;
use super::shrink::{self, Wish};
use super::signals::Signals;
use super::syncs;
use super::weaken;
use super::{base, bugs, console, explain, plan_file, workload_file};
use crate::diff;
use crate::plan::Plan;
use crate::report::{Report, Summary};
use crate::verdict::Verdict;

/// The time of a `run` without bounds.
const TIME: Duration = Duration::from_secs(30);

/// `run` runs one plan of this many twice.
const TWICE_ONE_IN: u64 = 20;

/// Carries out the command line, and returns the exit code.
pub fn main() -> ExitCode {
    // A panic in here is a failure of the simulator, so it gets the simulator's exit code.
    let ended = std::panic::catch_unwind(obey);
    ExitCode::from(ended.unwrap_or(code::HARNESS_FAILED))
}

fn obey() -> u8 {
    let command = match CommandLine::try_parse().and_then(CommandLine::command) {
        Ok(command) => command,
        Err(error) => return tell_usage(&error),
    };
    let ended = match command {
        Command::Run(args) => run(&args),
        Command::Diff { plan } => diff(&plan),
        Command::Exhaust(args) => exhaust::exhaust(&args),
        Command::Shrink(args) => shrink::shrink(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Base(args) => base::base(&args),
        Command::Plan { seed } => {
            console::print(&Plan::draw(seed).to_string()).map(|()| code::ALL_RIGHT)
        }
        Command::Matrix(args) => try_all(&args),
        Command::Meta(args) => meta::meta(&args),
        Command::Bugs(args) => bugs::bugs(&args),
        Command::Syncs(args) => syncs::syncs(&args),
        Command::Weaken(args) => weaken::weaken(&args),
        Command::Life(args) => life::live(&args),
    };
    ended.unwrap_or_else(|refusal| {
        console::complain(&format!("error: {}", refusal.text()));
        refusal.code()
    })
}

/// Prints clap's text: help and version go to stdout; all else is wrong usage, to stderr.
fn tell_usage(error: &clap::Error) -> u8 {
    if error.use_stderr() {
        console::complain(error.to_string().trim_end());
        return code::WRONG_INPUT;
    }
    match console::print(&error.to_string()) {
        Ok(()) => code::ALL_RIGHT,
        Err(refusal) => refusal.code(),
    }
}

fn run(args: &RunArgs) -> Result<u8, CommandError> {
    let seeds = args.seeds.unwrap_or(Seeds::ALL);
    let time = match seeds.end {
        Some(_) => args.time,
        None if args.cpu_time.is_some() => args.time,
        None => Some(args.time.unwrap_or(TIME)),
    };
    let workload = args.workload.as_deref().map(workload_file::read);
    let work = Fleet {
        seeds,
        workload: workload.transpose()?.map(Arc::new),
        time,
        cpu_time: args.cpu_time,
        job_count: args.jobs,
        again: Again::OneIn(TWICE_ONE_IN),
        failure_count_max: args.keep_going,
    };
    let signals = Signals::heed()?;
    let mut report = fleet::carry_out(&work, &signals)?;
    let kept = work
        .workload
        .as_deref()
        .map(|workload| workload_file::keep_plans(&mut report, workload, &args.failures));
    console::print(&report.to_string())?;
    kept.transpose()?;
    for kind in &report.failures {
        if !kind.failure.ends() || signals.interrupted().is_some() {
            continue;
        }
        // The failure that was found decides the exit code, whether or not it can be shrunk.
        let plan = Plan::draw_with(kind.seed, work.workload.as_deref());
        if let Err(refusal) = shrink_failure((kind.seed, &plan), args, &signals) {
            console::complain(&format!("error: {}", refusal.text()));
        }
    }
    if args.matrix {
        matrix::print_table(&report.summary)?;
    }
    judge(&report, args.strict.then_some(&report.summary))
}

/// The exit code of a run; if it found no failure and is strict, that of its gaps.
fn judge(report: &Report, strict: Option<&Summary>) -> Result<u8, CommandError> {
    match (exit_code(report), strict) {
        (code::ALL_RIGHT, Some(summary)) => matrix::judge(summary),
        (code, _) => Ok(code),
    }
}

fn try_all(args: &MatrixArgs) -> Result<u8, CommandError> {
    let work = Fleet {
        seeds: args.seeds,
        workload: None,
        time: Some(args.time),
        cpu_time: None,
        job_count: args.jobs,
        again: Again::OneIn(TWICE_ONE_IN),
        failure_count_max: 1,
    };
    let report = carry_out(&work, &Signals::heed()?)?;
    matrix::print_table(&report.summary)?;
    judge(&report, Some(&report.summary))
}

/// Shrinks the plan of a seed, and prints the result.
fn shrink_failure(
    (seed, plan): (u64, &Plan),
    args: &RunArgs,
    signals: &Signals,
) -> Result<(), CommandError> {
    let seconds = args.shrink_time.as_secs_f64();
    console::complain(&format!("shrinking seed {seed}, for {seconds} s at most"));
    let name = match &args.workload {
        None => format!("seed {seed}"),
        Some(file) => format!("seed {seed} of {}", plan_file::quoted(file.as_os_str())),
    };
    let wish = Wish {
        time: args.shrink_time,
        job_count: args.jobs,
        file: &args.failures.join(format!("seed-{seed}.plan")),
        // The seed alone draws another plan than with a workload.
        seed: args.workload.is_none().then_some(seed),
        name: &name,
    };
    match shrink::carry_out(plan, &wish, signals)? {
        Some(smaller) => console::print(&format!("\n{smaller}")),
        None => console::print("\nit did not fail again, so it was not shrunk\n"),
    }
}

/// Runs plans, prints the report, and returns it.
///
/// # Errors
/// `Harness` if threads or the output failed.
pub fn carry_out(work: &Fleet, signals: &Signals) -> Result<Report, CommandError> {
    let report = fleet::carry_out(work, signals)?;
    console::print(&report.to_string())?;
    Ok(report)
}

/// Runs a plan under several policies, prints the comparison, and returns the exit code.
fn diff(name: &OsStr) -> Result<u8, CommandError> {
    let found = diff::diff(&plan_file::read(name)?.plan()?);
    console::print(&found.to_string())?;
    Ok(found.verdict().map_or(code::ALL_RIGHT, Verdict::exit_code))
}

pub fn exit_code(report: &Report) -> u8 {
    let otherwise = report.interrupted.unwrap_or(code::ALL_RIGHT);
    let first = report.first_failure();
    first.map_or(otherwise, |first| first.failure.verdict.exit_code())
}
