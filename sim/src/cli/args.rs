//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};

use super::fleet::core_count;
use crate::weakness::HuntLimits;

/// The default time to shrink a plan.
const SHRINK_TIME: &str = "30s";

/// The default time to hunt a planted bug.
const HUNT_TIME: &str = "60s";

/// The default time of a `matrix`.
const MATRIX_TIME: &str = "5m";

/// The largest number of bases from which a bug is searched for.
const BASES_MAX: u64 = 99;

/// The default folder for the copy of the sources in which bugs are planted.
const WORKTREE: &str = "target/bugs";

/// The default folder for plans that failed.
const FAILURES: &str = "target/sim";

/// The default file for a counterexample.
const COUNTEREXAMPLE: &str = "target/sim/counterexample.plan";
/// The default folder for capsules.
const BASE: &str = "target/base";

/// The largest number of threads: no machine has more cores.
const JOBS_MAX: u64 = 1024;

/// The default length of a `life`: within an hour, enough to show what grows.
const LIFE_OPERATIONS: u64 = 2_000_000;

/// The longest `life`: it counts its lines in 32 bits.
const LIFE_OPERATIONS_MAX: u64 = 1_000_000_000;

/// The longest time that is accepted; a longer one is a typing error.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "palimpsest-sim", bin_name = "cargo sim", version)]
#[command(about = "Runs the engine in a simulated world and compares every answer with a model")]
#[command(after_help = EXIT_CODES)]
pub struct CommandLine {
    /// What to do; without a command, `run`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl CommandLine {
    /// The command that was given; `run` with its defaults if none was.
    ///
    /// # Errors
    /// The errors of clap.
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
    /// One plan in twenty is run twice, to check that both runs are equal. The first failure ends
    /// the run: it is reported with the command that replays it, then shrunk.
    Run(RunArgs),
    /// Runs one plan again, drawn from a seed or read from a file
    ///
    /// The plan is run twice, to detect two runs that differ. A capsule is compared with this
    /// build: the same failure, another one or none. Its shrunk plan is run and, if that passes,
    /// the full one.
    Replay(ReplayArgs),
    /// Writes a page for a browser that shows the run of a plan
    ///
    /// It shows the layers at the last good moment and at the first bad one, the layers that a
    /// wrong read visited, what became of each call around the last crash, and the plan beside its
    /// trace.
    Explain(ExplainArgs),
    /// Keeps capsules in a folder, one for each signature
    Base(BaseArgs),
    /// Makes a plan that fails smaller, and writes it to a file
    ///
    /// It leaves out operations, crashes and faults, then simplifies the schedule, the knobs, the
    /// values and the names, as long as the plan fails alike. If interrupted, it writes the best
    /// plan so far.
    Shrink(ShrinkArgs),
    /// Tries every crash of a short plan, and prints a certificate or a counterexample
    ///
    /// Each call that changes the disk is a point; each state that a power loss at it can leave on
    /// the disk is a case, unless recovery and checks cannot tell it from another. A counterexample
    /// is written to a file.
    Exhaust(ExhaustArgs),
    /// Runs one plan under several policies of compaction and images, and compares the answers
    ///
    /// One run never compacts; the others compact into fine pieces, into coarse ones, or
    /// compressed. All crash at the same steps, and no answer may differ.
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
    /// Runs plans and reports which fault was delivered to which job, and what was never tried
    ///
    /// A gap is a class of faults that no run delivered to a job, a probe that no run reached, or a
    /// state after a power loss that no run produced, unless sim/waivers.txt gives a reason for it.
    /// The exit code is 7 if there is a gap.
    Matrix(MatrixArgs),
    /// Runs plans again under conditions that must not matter, and compares the runs
    ///
    /// Each plan is run alone, at other addresses and on another stack, with every event kept, and
    /// concurrently with another run. The first event that differs is named.
    Meta(MetaArgs),
    /// Runs one timeline for millions of operations, in bounded memory
    ///
    /// Batches, reads, scans, flushes, compactions, images, collections, restarts and crashes. The
    /// model forgets history below the cutoff, so memory or disk space that still grows is a leak.
    Life(LifeArgs),
    /// Plants bugs in a copy of the sources, one at a time, and hunts each
    ///
    /// Each bug is a patch in sim/bugs that opens with its story. The report says how many plans
    /// and seconds it took to find the bug on one core (the median of the bases), how many bases
    /// had found it by 1, 10 and 60 s, and how small the plan became, shrunk on all cores. A bug
    /// that one base misses has survived, unless a crash of the certified plans shows it.
    Bugs(BugsArgs),
    /// Leaves out each sync of the engine, one at a time, and looks for a plan that misses it
    ///
    /// The device acknowledges all calls of one sync and makes none. First every crash of the plans
    /// in sim/certified is tried, then crashes in recovery as well, then seeds. The exit code is 7
    /// if no plan misses a sync and sim/syncs.txt does not say why it stays.
    Syncs(SyncsArgs),
    /// Takes away each guarantee of the device, one at a time, and looks for a plan that fails
    ///
    /// A guarantee that the engine needs gets a counterexample; the others are reported as not
    /// needed. The README says what follows for file systems.
    Weaken(WeakenArgs),
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// From seed A up to but not including B, or to no end as in 500.. [default: 0..]
    #[arg(long, value_name = "A..B", value_parser = read_seeds)]
    pub seeds: Option<Seeds>,
    /// A file that `pg_waldump` has printed: its records are the batches of the plans
    ///
    /// Everything else is drawn as ever. Pages become keys in their order; images have 8192 bytes,
    /// other records the log's own length; a page that begins without a base begins empty. A plan
    /// that fails is written to a file that contains its batches.
    #[arg(long, value_name = "FILE")]
    pub workload: Option<PathBuf>,
    /// When to stop: 250ms, 30s, 5m or 1h [default: 30s if the seeds have no end]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub time: Option<Duration>,
    /// When to stop, by the CPU time of all cores together: other work on the machine does not
    /// count
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub cpu_time: Option<Duration>,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// Go on behind failures, until so many different ones were found
    ///
    /// Failures with one signature count as one: the report says how often it was met, and the
    /// lowest seed of each is shrunk.
    #[arg(
        long, value_name = "N", default_value = "1", value_parser = value_parser!(u64).range(1..)
    )]
    pub keep_going: u64,
    /// How long to shrink each plan that failed
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub shrink_time: Duration,
    /// The folder that the shrunk plan is written to, as seed-SEED.plan, and its capsule
    #[arg(long, value_name = "DIR", default_value = FAILURES)]
    pub failures: PathBuf,
    /// Show which fault was delivered to which job, and the outcome
    #[arg(long)]
    pub matrix: bool,
    /// Exit with 7 if something was not tried that sim/waivers.txt does not waive
    #[arg(long)]
    pub strict: bool,
}

/// The arguments of `matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// From seed A up to but not including B, or to no end as in 500..
    #[arg(long, value_name = "A..B", value_parser = read_seeds, default_value = "0..")]
    pub seeds: Seeds,
    /// When to stop
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = MATRIX_TIME)]
    pub time: Duration,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
}

/// The arguments of `shrink`.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// The seed that draws the plan, or a file with the plan's text, or a capsule
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// How long to shrink at most
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

/// The arguments of `exhaust`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct ExhaustArgs {
    /// The seeds that draw the plans, or files with their texts
    #[arg(value_name = "SEED|FILE", group = "what")]
    pub plans: Vec<OsString>,
    /// All sequences of N operations from a small alphabet, instead of a plan
    #[arg(long, value_name = "N", group = "what", value_parser = value_parser!(u32).range(1..=4))]
    pub all_of: Option<u32>,
    /// How many crashes in a row; the second strikes during the recovery from the first
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = value_parser!(u32).range(1..=2))]
    pub depth: u32,
    /// When to stop if it has not finished [default: never]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub time: Option<Duration>,
    /// How many recoveries to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// The file that a counterexample is written to
    #[arg(long, value_name = "FILE", default_value = COUNTEREXAMPLE)]
    pub out: PathBuf,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The seed that draws the plan, or a file with the plan's text, or a capsule
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// Show every step, not only the last ones before a failure
    #[arg(long)]
    pub trace: bool,
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The seed that draws the plan, or a file with the plan's text, or a capsule
    #[arg(value_name = "SEED|FILE")]
    pub plan: OsString,
    /// The file to write [default: SEED.html, or FILE with the ending html]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The arguments of `base`.
#[derive(Debug, Args)]
pub struct BaseArgs {
    /// The folder of capsules
    #[arg(long, value_name = "DIR", default_value = BASE, global = true)]
    pub base: PathBuf,
    /// What to do with it
    #[command(subcommand)]
    pub command: BaseCommand,
}

/// A command on a base.
#[derive(Debug, Subcommand)]
pub enum BaseCommand {
    /// Adds capsules: those that fail alike are counted, and the smallest is kept
    Add {
        /// The capsules
        #[arg(value_name = "CAPSULE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Lists all entries
    List,
    /// Prints a capsule
    Show {
        /// The capsule's id, or a prefix of it
        id: String,
    },
    /// Runs every capsule again, and reports its outcome on this build
    Recheck,
}

/// The arguments of `life`.
#[derive(Debug, Args)]
pub struct LifeArgs {
    /// How many operations to run
    #[arg(long, value_name = "N", default_value_t = LIFE_OPERATIONS,
        value_parser = value_parser!(u64).range(1..=LIFE_OPERATIONS_MAX))]
    pub operations: u64,
    /// The seed that draws them
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = read_seed)]
    pub seed: u64,
}

/// The arguments of `bugs`.
#[derive(Debug, Args)]
pub struct BugsArgs {
    /// Which bugs, by the names of their files without .patch [default: all]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// How long to hunt each bug, in CPU time
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = HUNT_TIME)]
    pub budget: Duration,
    /// How many times to hunt each, from seeds 0, 1000000, 2000000 and so on
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u64).range(1..=BASES_MAX))]
    pub bases: u64,
    /// How many hunts to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// How long to try every crash of the plans in sim/certified on each bug [default: not]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub exhaust: Option<Duration>,
    /// A file that all figures are written to, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// How long to shrink the plan that found a bug, on all cores
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = SHRINK_TIME)]
    pub shrink_time: Duration,
    /// The folder for the copy of the sources, its build, and the plans that found bugs
    #[arg(long, value_name = "DIR", default_value = WORKTREE)]
    pub worktree: PathBuf,
}

/// The limits of a search for a plan, and where the plan goes.
#[derive(Debug, Args)]
pub struct HuntArgs {
    /// How long to search for each
    #[arg(long, value_name = "TIME", value_parser = read_time, default_value = HUNT_TIME)]
    pub budget: Duration,
    /// How long to shrink each plan
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
    /// Turns the arguments into the limits of a search.
    pub fn limits<'a>(&self, is_interrupted: &'a (dyn Fn() -> bool + Sync)) -> HuntLimits<'a> {
        HuntLimits {
            time: self.budget,
            shrink_time: self.shrink_time,
            thread_count: self.jobs.unwrap_or_else(core_count),
            is_interrupted,
        }
    }
}

/// The arguments of `syncs`.
#[derive(Debug, Args)]
pub struct SyncsArgs {
    /// Which syncs, by a part of their address: flush/delta [default: all]
    #[arg(value_name = "WORD")]
    pub only: Vec<String>,
    /// How each is searched for.
    #[command(flatten)]
    pub hunt: HuntArgs,
}

/// The arguments of `weaken`.
#[derive(Debug, Args)]
pub struct WeakenArgs {
    /// Which guarantees, by name [default: all]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// How each is searched for.
    #[command(flatten)]
    pub hunt: HuntArgs,
}

/// The arguments of `meta`.
#[derive(Debug, Args)]
pub struct MetaArgs {
    /// From seed A up to but not including B
    #[arg(long, value_name = "A..B", value_parser = read_bounded_seeds)]
    pub seeds: Seeds,
    /// How many plans to run at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=JOBS_MAX))]
    pub jobs: Option<u64>,
    /// Compare with the runs of another build of this simulator instead, such as a debug build
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["jobs", "digests"])]
    pub other: Option<PathBuf>,
    /// Print the digest of each run instead; --other calls the other build with this option
    #[arg(long, conflicts_with = "jobs")]
    pub digests: bool,
}

/// A range of seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first seed.
    pub start: u64,
    /// The seed after the last; none if the range has no end.
    pub end: Option<u64>,
}

impl Seeds {
    /// All seeds.
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
            "the range is empty: its end is exclusive and must be above {start}: {start}..{}",
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
            "the range has no end: write {}..{}, for example",
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
        Some(Duration::ZERO) => Err("a time of zero runs nothing: write 30s, for example".into()),
        Some(time) if time <= TIME_MAX => Ok(time),
        _ => Err(format!(
            "the longest time is {}h",
            TIME_MAX.as_secs() / 3600
        )),
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
