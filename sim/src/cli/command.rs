//! From the words of a command line to an exit code.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use super::args::{Command, CommandLine, MetaArgs, RunArgs, Seeds};
use super::console;
use super::fleet::{self, Work};
use super::life;
use super::replay;
use crate::plan::Plan;

/// How long a run goes on if nothing else bounds it.
const TIME: Duration = Duration::from_secs(30);

/// Of so many plans, `run` runs one twice.
const TWICE_ONE_IN: u64 = 20;

/// How a command ends that found nothing wrong with the engine. A verdict has a code of its own.
pub mod code {
    /// All right.
    pub const ALL_RIGHT: u8 = 0;
    /// Wrong usage or input.
    pub const WRONG_INPUT: u8 = 1;
    /// The simulator itself failed.
    pub const HARNESS_FAILED: u8 = 4;
}

/// Why a command came to no verdict.
#[derive(Debug)]
pub enum Refusal {
    /// It was asked for what cannot be: whoever asked must ask otherwise.
    Input(String),
    /// The simulator or the machine failed, whatever the engine does.
    Harness(String),
}

impl Refusal {
    fn code(&self) -> u8 {
        match self {
            Refusal::Input(_) => code::WRONG_INPUT,
            Refusal::Harness(_) => code::HARNESS_FAILED,
        }
    }

    fn text(&self) -> &str {
        match self {
            Refusal::Input(text) | Refusal::Harness(text) => text,
        }
    }
}

/// Does what the command line says, and returns how it ended.
pub fn main() -> ExitCode {
    // Whatever fails in here is no fault of the engine's, and a panic's own code would say nothing.
    let ended = std::panic::catch_unwind(obey);
    ExitCode::from(ended.unwrap_or(code::HARNESS_FAILED))
}

fn obey() -> u8 {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return tell_usage(&error),
    };
    let command = line.command.unwrap_or(Command::Run(RunArgs::default()));
    let ended = match command {
        Command::Run(args) => run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Plan { seed } => {
            console::print(&Plan::draw(seed).to_string()).map(|()| code::ALL_RIGHT)
        }
        Command::Meta(args) => meta(&args),
        Command::Life(args) => life::live(&args),
    };
    ended.unwrap_or_else(|refusal| {
        console::complain(&format!("error: {}", refusal.text()));
        refusal.code()
    })
}

/// Prints what clap has to say: help and version were asked for, all else is wrong usage.
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

fn run(args: &RunArgs) -> Result<u8, Refusal> {
    let seeds = args.seeds.unwrap_or(Seeds::ALL);
    let time = match seeds.end {
        Some(_) => args.time,
        None => Some(args.time.unwrap_or(TIME)),
    };
    carry_out(&Work {
        seeds,
        time,
        job_count: args.jobs,
        twice_one_in: TWICE_ONE_IN,
    })
}

fn meta(args: &MetaArgs) -> Result<u8, Refusal> {
    carry_out(&Work {
        seeds: args.seeds,
        time: None,
        job_count: args.jobs,
        twice_one_in: 1,
    })
}

fn carry_out(work: &Work) -> Result<u8, Refusal> {
    let report = fleet::carry_out(work)?;
    console::print(&report.to_string())?;
    let failure = report.failure.as_ref();
    let otherwise = report.interrupted.unwrap_or(code::ALL_RIGHT);
    Ok(failure.map_or(otherwise, |(_, failure)| failure.verdict.exit_code()))
}
