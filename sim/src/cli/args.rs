//! What can be asked for, and how it is written.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};

use super::fleet::core_count;
use crate::lack::Limits;

/// How long a plan is shrunk, if it is not said.
const SHRINK_TIME: &str = "30s";

/// How long a planted bug is hunted, if it is not said.
const HUNT_TIME: &str = "60s";

/// How long it takes to try everything, if it is not said.
const MATRIX_TIME: &str = "5m";

/// From how many bases a bug is hunted at most.
const BASES_MAX: u64 = 99;

/// Where bugs are planted, if it is not said.
const YARD: &str = "target/bugs";

/// Where the plans go that failed, if it is not said.
const FAILURES: &str = "target/sim";

/// Where a counterexample goes, if it is not said.
const COUNTEREXAMPLE: &str = "target/sim/counterexample.plan";
/// Where capsules are gathered, if it is not said.
const BASE: &str = "target/base";

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
  6  a capsule does not fit this build
  7  a planted bug survived, a sync was not missed, or something was never tried
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
    /// It is run twice, as one that failed by making two different runs must fail again. Of a
    /// capsule it says whether this build has the same failure, another one or none: its shrunk
    /// plan is run and, if that is right, the full one.
    Replay(ReplayArgs),
    /// Writes a page that shows what a plan came to, for any browser
    ///
    /// The layers at the last good moment and at the first bad one, what a wrong read looked into,
    /// what became of each call around the last crash, and the plan beside its trace.
    Explain(ExplainArgs),
    /// Keeps capsules in a folder, one for each signature
    Base(BaseArgs),
    /// Makes a plan that fails smaller, and writes it to a file
    ///
    /// Operations, crashes and faults are left out, then the schedule, the knobs, the values and
    /// the names are made plain, as long as it fails alike. Interrupted, it writes the best so far.
    Shrink(ShrinkArgs),
    /// Tries every crash of a short plan, and prints a certificate or a counterexample
    ///
    /// Each call that changes the disk is a point; each way in which the disk can look after a
    /// power loss at it is a case, unless recovery and checks cannot tell it from another. A
    /// counterexample is written to a file.
    Exhaust(ExhaustArgs),
    /// Runs one plan under several policies of compaction and images, and compares the answers
    ///
    /// Nothing is compacted, or everything, in fine pieces, in coarse ones, or compressed: the same
    /// crashes come at the same steps, and no answer may differ.
    Diff {
        /// The seed that draws the plan, or a file with the plan's text or a capsule
        #[arg(value_name = "SEED|FILE")]
        plan: OsString,
    },
    /// Prints the plan that a seed draws
    Plan {
        /// The seed that draws the plan
        #[arg(value_parser = read_seed)]
        seed: u64,
    },
    /// Runs plans and says which fault met which job, and what was never tried
    ///
    /// A class of faults that no run has delivered to a job, or a corner that none has reached, is
    /// a gap, unless sim/waivers.txt says why it may be; so is what a power loss can leave and none
    /// has. Then it ends with 7.
    Matrix(MatrixArgs),
    /// Runs the plans of some seeds again where nothing may matter, and compares the runs
    ///
    /// Each is run alone, at other addresses and on another stack, with every event kept, and
    /// beside another run. The first event that differs is named.
    Meta(MetaArgs),
    /// Runs one timeline for millions of operations, in bounded memory
    ///
    /// Batches, reads, scans, flushes, compactions, images, collections, restarts and crashes, and
    /// the model forgets what is below the cutoff: what grows all the same is a leak.
    Life(LifeArgs),
    /// Plants bugs in a copy of the sources, one at a time, and hunts each
    ///
    /// Each bug is a patch in sim/bugs that opens with its story. It prints how many plans and
    /// seconds it took to find it on one core (the median of the bases), how many bases had found
    /// it by 1, 10 and 60 s, and to how much the plan was shrunk on all cores. A bug that a base
    /// missed has survived, unless a crash of the certified plans shows it.
    Bugs(BugsArgs),
    /// Leaves out each sync of the engine, one at a time, and looks for a plan that misses it
    ///
    /// All calls of a sync are acknowledged and not made. First every crash of the plans in
    /// sim/certified is tried, then crashes in recovery as well, then seeds. One that nothing
    /// misses is needless, unless sim/syncs.txt says why it stays: then it ends with 7.
    Syncs(SyncsArgs),
    /// Takes away each guarantee of the device, one at a time, and looks for a plan that fails
    ///
    /// What the engine needs has a counterexample, and those that it does not need are said to be
    /// so. What follows for file systems stands in the README.
    Weaken(WeakenArgs),
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
    /// The folder that the shrunk plan is written to, as seed-SEED.plan, and its capsule
    #[arg(long, value_name = "DIR", default_value = FAILURES)]
    pub failures: PathBuf,
    /// Show which fault met which job, and what came of it
    #[arg(long)]
    pub matrix: bool,
    /// End with 7 if something was not tried that sim/waivers.txt does not waive
    #[arg(long)]
    pub strict: bool,
}

/// What `matrix` is told.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// From seed A up to but not including B, or to no end as in 500..
    #[arg(long, value_name = "A..B", value_parser = read_seeds, default_value = "0..")]
    pub seeds: Seeds,
    /// When to end
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = MATRIX_TIME)]
    pub time: Duration,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
}

/// What `shrink` is told.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// The seed that draws the plan, or a file with the plan's text, or a capsule
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// For how long to go on at most
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub time: Duration,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// The file to write [default: SEED.plan, or FILE with the ending small.plan]; the capsule
    /// goes beside it, with the ending capsule
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What `exhaust` is told.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct ExhaustArgs {
    /// The seeds that draw the plans, or files with their texts
    #[arg(value_name = "SEED|FILE", group = "what")]
    pub plans: Vec<OsString>,
    /// All sequences of so many operations from a small alphabet, instead of a plan
    #[arg(long, value_name = "N", group = "what", value_parser = value_parser!(u32).range(1..=4))]
    pub all_of: Option<u32>,
    /// How many crashes one behind another; the second is inside the recovery from the first
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = value_parser!(u32).range(1..=2))]
    pub depth: u32,
    /// When to end if it is not through by then [default: never]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub time: Option<Duration>,
    /// How many recoveries to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// The file that a counterexample is written to
    #[arg(long, value_name = "FILE", default_value = COUNTEREXAMPLE)]
    pub out: PathBuf,
}

/// What `replay` is told.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The seed that draws the plan, or a file with the plan's text, or a capsule
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// Show every step, not only the last ones of a run that failed
    #[arg(long)]
    pub trace: bool,
}

/// What `explain` is told.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The seed that draws the plan, or a file with the plan's text, or a capsule
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// The file to write [default: SEED.html, or FILE with the ending html]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What `base` is told.
#[derive(Debug, Args)]
pub struct BaseArgs {
    /// The folder
    #[arg(long, value_name = "DIR", default_value = BASE, global = true)]
    pub base: PathBuf,
    /// What to do with it
    #[command(subcommand)]
    pub command: BaseCommand,
}

/// What to do with a base.
#[derive(Debug, Subcommand)]
pub enum BaseCommand {
    /// Adds capsules: those that fail alike are counted, and the smallest is kept
    Add {
        /// The capsules
        #[arg(value_name = "CAPSULE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Lists what is in it
    List,
    /// Prints a capsule
    Show {
        /// Its id, or how that begins
        id: String,
    },
    /// Runs every capsule again, and says what it comes to on this build
    Recheck,
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
    /// How many times each is hunted, from seeds 0, 1000000, 2000000 and so on
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u64).range(1..=BASES_MAX))]
    pub bases: u64,
    /// For how long every crash of the plans in sim/certified is tried on it too [default: not]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub exhaust: Option<Duration>,
    /// A file that all figures are written to, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// For how long the plan that found it is shrunk, on all cores
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub shrink_time: Duration,
    /// Where the copy of the sources stands, its build, and the plans that found bugs
    #[arg(long, value_name = "DIR", default_value = YARD)]
    pub yard: PathBuf,
}

/// How long to look for a plan, and where it goes.
#[derive(Debug, Args)]
pub struct HuntArgs {
    /// For how long to look for each
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = HUNT_TIME)]
    pub budget: Duration,
    /// For how long to shrink each plan
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = "10s")]
    pub shrink_time: Duration,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// The folder that the plans are written to [default: none is written]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl HuntArgs {
    /// As limits of a search.
    pub fn limits<'a>(&self, is_over: &'a (dyn Fn() -> bool + Sync)) -> Limits<'a> {
        Limits {
            time: self.budget,
            shrink_time: self.shrink_time,
            thread_count: self.jobs.unwrap_or_else(core_count),
            is_over,
        }
    }
}

/// What `syncs` is told.
#[derive(Debug, Args)]
pub struct SyncsArgs {
    /// Which syncs, by what is in their address: flush/delta [default: all]
    #[arg(value_name = "WORD")]
    pub only: Vec<String>,
    /// How each is looked for
    #[command(flatten)]
    pub hunt: HuntArgs,
}

/// What `weaken` is told.
#[derive(Debug, Args)]
pub struct WeakenArgs {
    /// Which guarantees, by name [default: all]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// How each is looked for
    #[command(flatten)]
    pub hunt: HuntArgs,
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
    /// Compare with the runs of another build of this simulator instead, a debug build's say
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["jobs", "digests"])]
    pub other: Option<PathBuf>,
    /// Print the digest of each run instead, as the other build of --other is asked for
    #[arg(long, conflicts_with = "jobs")]
    pub digests: bool,
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
