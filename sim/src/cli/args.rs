//! What can be asked for, and how it is written.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};

/// How long a plan is shrunk, if it is not said.
const SHRINK_TIME: &str = "30s";

/// How long a planted bug is hunted, if it is not said.
const HUNT_TIME: &str = "60s";

/// Where bugs are planted, if it is not said.
const YARD: &str = "target/bugs";

/// Where the plans go that failed, if it is not said.
const FAILURES: &str = "target/sim";

/// No machine has so many cores, and more threads would only be in each other's way.
const JOBS_MAX: u64 = 1024;

/// So many operations show what grows, within the hour.
const LIFE_OPERATIONS: u64 = 2_000_000;

/// A life counts its lines in 32 bits.
const LIFE_OPERATIONS_MAX: u64 = 1_000_000_000;

/// A longer time is a slip of the finger.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "palimpsest-sim", bin_name = "cargo sim", version)]
#[command(about = "Runs the engine in a simulated world and compares every answer with a model")]
#[command(after_help = EXIT_CODES)]
pub struct CommandLine {
    /// What to do; to `run`, if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl CommandLine {
    /// What to do: to `run` with its defaults, if nothing is said.
    ///
    /// # Errors
    /// As clap has them.
    pub fn command(self) -> Result<Command, clap::Error> {
        match self.command {
            Some(command) => Ok(command),
            None => {
                let line = CommandLine::try_parse_from(["cargo sim", "run"])?;
                Ok(line.command.expect("it was just said"))
            }
        }
    }
}

const EXIT_CODES: &str = "\
Without a command: run, with its defaults.

Exit codes:
  0  all right
  1  wrong usage or input
  2  wrong answer, broken law or panic
  3  stuck
  4  the simulator itself failed
  5  two runs of one plan differ
  7  a planted bug survived
  130, 143  interrupted; run, meta and bugs have written their report first";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the plans of many seeds on all cores, until one fails
    ///
    /// One plan in twenty is run twice, to see that both runs are the same. The first
    /// failure ends the run: it is reported with the command that replays it, then shrunk.
    Run(RunArgs),
    /// Runs one plan again, drawn from a seed or read from a file
    ///
    /// It is run twice, as one that failed by making two different runs must fail again.
    Replay(ReplayArgs),
    /// Makes a plan that fails smaller, and writes it to a file
    ///
    /// Operations, crashes and faults are left out, then the schedule, the knobs, the values and
    /// the names are made plain, as long as it fails alike. Interrupted, it writes the best so far.
    Shrink(ShrinkArgs),
    /// Prints the plan that a seed draws
    Plan {
        /// The seed that draws the plan
        #[arg(value_parser = read_seed)]
        seed: u64,
    },
    /// Runs the plans of some seeds twice each and compares the runs
    Meta(MetaArgs),
    /// Runs one timeline for millions of operations, in bounded memory
    ///
    /// Batches, reads, scans, flushes, compactions, images, collections, restarts and crashes, and
    /// the model forgets what is below the cutoff: what grows all the same is a leak.
    Life(LifeArgs),
    /// Plants bugs in a copy of the sources, one at a time, and hunts each
    ///
    /// Each bug is a patch in sim/bugs that opens with its story. It prints how many plans and
    /// seconds it took to find it on one core, and to how much the plan was shrunk on all cores.
    Bugs(BugsArgs),
}

/// What `run` is told.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// From seed A up to but not including B, or to no end as in 500.. [default: 0..]
    #[arg(long, value_name = "A..B", value_parser = read_seeds)]
    pub seeds: Option<Seeds>,
    /// When to end: 250ms, 30s, 5m or 1h [default: 30s if the seeds have no end]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub time: Option<Duration>,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// For how long to shrink the plan that failed
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub shrink_time: Duration,
    /// The folder that the shrunk plan is written to, as seed-SEED.plan
    #[arg(long, value_name = "DIR", default_value = FAILURES)]
    pub failures: PathBuf,
}

/// What `shrink` is told.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// The seed that draws the plan, or a file with the plan's text
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// For how long to go on at most
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub time: Duration,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// The file to write [default: SEED.plan, or FILE with the ending small.plan]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What `replay` is told.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The seed that draws the plan, or a file with the plan's text
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// Show every step, not only the last ones of a run that failed
    #[arg(long)]
    pub trace: bool,
}

/// What `life` is told.
#[derive(Debug, Args)]
pub struct LifeArgs {
    /// How many operations it has
    #[arg(long, value_name = "N", default_value_t = LIFE_OPERATIONS,
        value_parser = value_parser!(u64).range(1..=LIFE_OPERATIONS_MAX))]
    pub operations: u64,
    /// What draws them
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = read_seed)]
    pub seed: u64,
}

/// What `bugs` is told.
#[derive(Debug, Args)]
pub struct BugsArgs {
    /// Which bugs, by the names of their files without .patch [default: all]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// For how long each is hunted, on one core
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = HUNT_TIME)]
    pub budget: Duration,
    /// For how long the plan that found it is shrunk, on all cores
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub shrink_time: Duration,
    /// Where the copy of the sources stands, its build, and the plans that found bugs
    #[arg(long, value_name = "DIR", default_value = YARD)]
    pub yard: PathBuf,
}

/// What `meta` is told.
#[derive(Debug, Args)]
pub struct MetaArgs {
    /// From seed A up to but not including B
    #[arg(long, value_name = "A..B", value_parser = read_bounded_seeds)]
    pub seeds: Seeds,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
}

/// Seeds in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first.
    pub start: u64,
    /// The one after the last, if there is a last.
    pub end: Option<u64>,
}

impl Seeds {
    /// All there are.
    pub const ALL: Seeds = Seeds {
        start: 0,
        end: None,
    };
}

fn read_seeds(text: &str) -> Result<Seeds, String> {
    let Some((start, end)) = text.split_once("..") else {
        return Err("a range of seeds is two numbers with two dots between them: 0..1000".into());
    };
    let start = read_seed(start)?;
    if end.is_empty() {
        return Ok(Seeds { start, end: None });
    }
    let end = read_seed(end)?;
    if end <= start {
        return Err(format!(
            "no seed is in it, for its end does not count and must lie above {start}: {start}..{}",
            start.saturating_add(1000)
        ));
    }
    let end = Some(end);
    Ok(Seeds { start, end })
}

fn read_bounded_seeds(text: &str) -> Result<Seeds, String> {
    let seeds = read_seeds(text)?;
    if seeds.end.is_none() {
        return Err(format!(
            "it has no end: write {}..{}, say",
            seeds.start,
            seeds.start.saturating_add(1000)
        ));
    }
    Ok(seeds)
}

fn read_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` is no seed: write a whole number from 0 to {}",
            u64::MAX
        )
    })
}

fn read_time(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60 * 1000),
        "h" => Some(60 * 60 * 1000),
        _ => None,
    };
    let (Ok(number), Some(scale)) = (number.parse::<u64>(), scale) else {
        return Err("a time is a whole number and ms, s, m or h: 250ms, 30s, 5m, 1h".into());
    };
    let time = number.checked_mul(scale).map(Duration::from_millis);
    match time {
        Some(Duration::ZERO) => Err("in no time nothing can be run: write 30s, say".into()),
        Some(time) if time <= TIME_MAX => Ok(time),
        _ => Err(format!("at most {}h", TIME_MAX.as_secs() / 3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let pairs = [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
        ];
        for (text, millis) in pairs {
            assert_eq!(read_time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "30",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "30 s",
            "1d",
            "9000h",
            "99999999999999999h",
        ] {
            assert!(read_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_of_seeds_is_half_open_and_not_empty() {
        let seeds = |start, end| Ok(Seeds { start, end });
        assert_eq!(read_seeds("3..5"), seeds(3, Some(5)));
        assert_eq!(read_seeds("3.."), seeds(3, None));
        for text in [
            "",
            "3",
            "..5",
            "3..3",
            "5..2",
            "a..b",
            "1...3",
            "-1..3",
            "0..18446744073709551616",
        ] {
            assert!(read_seeds(text).is_err(), "{text}");
        }
        assert!(read_bounded_seeds("3..").is_err());
    }
}
