//! How soon bugs are found: `cargo bench -p palimpsest-sim --bench hunt`.
//!
//! ```text
//!  seed ─draw▶ plan ─run, all bugs on▶ green: the next plan
//!                ▲                      red: halves are turned off until one bug is left
//!                └── without that bug ──────┘
//! ```
//!
//! A plan counts for the bugs that it finds, each by itself, and with the time of the run that
//! passes: what it costs where a simulator has one bug and does not find it. The time to find a bug
//! is then the time of all plans, divided by the number of those that found it. A bug that was
//! found often enough stays off, so that the time goes to the others.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::plan::Plan;
use crate::run::{Keep, run};

/// The bugs of the bench: those of `BUGS.md` that took longest, as far as they can be in one build.
pub const BENCH_BUGS: [&str; 40] = [
    "branch-in-doubt-loses-its-claim",
    "branch-put-on-what-is-shut-down",
    "branch-vouches-for-itself",
    "checksum-skipped-beside-a-checked-block",
    "clock-backwards-overflows",
    "compaction-spans-a-gap",
    "created-before-it-is-durable",
    "delete-at-unlink",
    "deleted-before-it-is-durable",
    "deletion-resumed-before-it-is-durable",
    "failed-append-forgotten",
    "failed-branch-keeps-its-point",
    "file-fsynced-instead-of-directory",
    "fsync-retried",
    "gc-forgets-grandchildren",
    "generation-used-again",
    "housekeeper-collects-only-what-is-new",
    "housekeeper-ends-at-an-error",
    "idle-leaves-an-index-unwritten",
    "images-overtaken-by-a-collection",
    "index-before-layer",
    "index-checksum-skipped",
    "index-removed-with-its-layers",
    "latch-told-to-nobody",
    "moments-moved-up",
    "piece-over-all-keys",
    "put-beside-a-shutdown",
    "read-error-taken-for-the-end",
    "rerun-deletes-its-own-output",
    "retained-read-before-the-cutoff",
    "save-wakes-no-job",
    "scan-forgets-what-is-left",
    "short-read-accepted",
    "short-write-accepted",
    "shutdown-beside-an-image-creation",
    "temp-file-leak-on-rename-error",
    "unknown-stays-unknown",
    "unlinked-before-the-index",
    "unreadable-index-taken-for-none",
    "visit-without-floor",
];

/// How often a bug is found until it stays off.
const HITS_ENOUGH: u64 = 16;

/// What is run, and for how long.
#[derive(Clone, Debug)]
pub struct Extent {
    /// The seed of the first plan.
    pub seed: u64,
    /// The CPU time after which no further plan is drawn.
    pub time: Duration,
    /// Bugs that stay off.
    pub without: Vec<String>,
}

/// The plans that found each bug, and the time of all.
#[derive(Clone, Debug)]
pub struct Hits {
    names: Vec<&'static str>,
    counts: Vec<u64>,
    /// For each bug, the time of the plans for which it was on.
    seconds: Vec<f64>,
    /// The bugs that stay off from the start.
    excluded: u64,
    plan_count: u64,
    /// Plans that fail only where two bugs are on.
    joint_count: u64,
    seconds_in_all: f64,
}

/// Hunts the bugs of a build that has [`BENCH_BUGS`] behind switches.
///
/// # Errors
/// The seed of a plan that fails without any of them.
pub fn hunt_together(extent: &Extent, turn_on: fn(u64)) -> Result<Hits, u64> {
    let started = thread_seconds();
    let mut hits = Hits::new(&BENCH_BUGS);
    let is_off = |name: &&str| extent.without.iter().any(|off| off == name);
    hits.excluded = mask(BENCH_BUGS.iter().map(is_off));
    let mut seed = extent.seed;
    while thread_seconds() - started < extent.time.as_secs_f64() {
        let begun = thread_seconds();
        let plan = Plan::draw(seed);
        let drawn = thread_seconds() - begun;
        let is_red = |bugs| {
            turn_on(bugs);
            let begun = thread_seconds();
            let verdict = run(&plan, Keep::Tail).verdict;
            (verdict.is_some(), thread_seconds() - begun)
        };
        hits.add(drawn, is_red).ok_or(seed)?;
        seed += 1;
    }
    Ok(hits)
}

/// Hunts the bugs of a build that has [`BENCH_BUGS`] behind switches, as a program whose arguments
/// are the first seed, the CPU time in seconds, and the bugs that stay off.
pub fn hunt_as_program(turn_on: fn(u64)) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(extent) = Extent::read(&words) else {
        eprintln!("write the first seed, the CPU time in seconds, and bugs that stay off");
        return ExitCode::FAILURE;
    };
    match hunt_together(&extent, turn_on) {
        Ok(hits) => println!("{hits}"),
        Err(seed) => {
            eprintln!("seed {seed} fails without any bug: `cargo sim replay {seed}`");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

impl Extent {
    fn read(words: &[String]) -> Option<Extent> {
        let [seed, seconds, without @ ..] = words else {
            return None;
        };
        Some(Extent {
            seed: seed.parse().ok()?,
            time: Duration::from_secs(seconds.parse().ok()?),
            without: without.to_vec(),
        })
    }
}

/// The numbers of the bits that are set.
fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (0..u64::BITS as usize).filter(move |bit| mask >> bit & 1 == 1)
}

/// The bits whose bool is true.
fn mask(bools: impl Iterator<Item = bool>) -> u64 {
    let bits = bools.zip(0..).filter(|(is_set, _)| *is_set);
    bits.fold(0, |mask, (_, bit)| mask | 1 << bit)
}

fn thread_seconds() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default().as_secs_f64()
}

impl Hits {
    fn new(names: &[&'static str]) -> Hits {
        assert!(names.len() <= super::merge::BUG_COUNT_MAX);
        Hits {
            names: names.to_vec(),
            counts: vec![0; names.len()],
            seconds: vec![0.0; names.len()],
            excluded: 0,
            plan_count: 0,
            joint_count: 0,
            seconds_in_all: 0.0,
        }
    }

    /// Adds a plan that took `drawn` seconds to draw. `run` runs it with some bugs on, and returns
    /// whether it fails, and its time. `None` if it fails with none.
    fn add(&mut self, drawn: f64, run: impl Fn(u64) -> (bool, f64)) -> Option<()> {
        let is_enough = |count: &u64| HITS_ENOUGH <= *count;
        let all = mask(self.names.iter().map(|_| true));
        let sought = all & !self.excluded & !mask(self.counts.iter().map(is_enough));
        let mut on = sought;
        let seconds = loop {
            let (is_red, seconds) = run(on);
            if !is_red {
                break seconds;
            }
            if on == 0 {
                return None;
            }
            match find_one(on, &|bugs| run(bugs).0) {
                Some(bug) => {
                    self.counts[bug] += 1;
                    on &= !(1 << bug);
                }
                None => {
                    self.joint_count += 1;
                    on = 0;
                }
            }
        };
        self.plan_count += 1;
        self.seconds_in_all += drawn + seconds;
        for bug in bits(sought) {
            self.seconds[bug] += drawn + seconds;
        }
        Some(())
    }

    fn seconds_to_find(&self, bug: usize) -> f64 {
        self.seconds[bug] / self.counts[bug].max(1) as f64
    }

    /// The bugs that were on.
    fn bugs(&self) -> impl Iterator<Item = usize> {
        bits(mask(self.names.iter().map(|_| true)) & !self.excluded)
    }

    /// The geometric mean of the times to find each bug, and its standard error, as a share of it.
    fn mean(&self) -> (f64, f64) {
        let count = self.bugs().count() as f64;
        let logs = self.bugs().map(|bug| self.seconds_to_find(bug).ln());
        let hits = self.bugs().map(|bug| 1.0 / self.counts[bug].max(1) as f64);
        let mean = (logs.sum::<f64>() / count).exp();
        (mean, hits.sum::<f64>().sqrt() / count)
    }
}

impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| bug | hits | CPU-seconds to find |\n|---|---:|---:|")?;
        for bug in self.bugs() {
            let (name, hits) = (self.names[bug], self.counts[bug]);
            let least = if hits == 0 { "> " } else { "" };
            let seconds = self.seconds_to_find(bug);
            writeln!(f, "| `{name}` | {hits} | {least}{seconds:.2} |")?;
        }
        let seconds = self.seconds_in_all;
        let plans_a_second = self.plan_count as f64 / seconds;
        let found = self.bugs().filter(|bug| 0 < self.counts[*bug]);
        let hits_a_second: f64 = found.map(|bug| 1.0 / self.seconds_to_find(bug)).sum();
        let missed = self.bugs().filter(|bug| self.counts[*bug] == 0).count();
        let (mean, error) = self.mean();
        writeln!(f, "\n| all | |\n|---|---:|")?;
        writeln!(f, "| plans | {} |", self.plan_count)?;
        writeln!(f, "| CPU-seconds | {seconds:.1} |")?;
        writeln!(f, "| plans/CPU-s | {plans_a_second:.0} |")?;
        writeln!(f, "| hits/CPU-s, all bugs on | {hits_a_second:.2} |")?;
        writeln!(f, "| plans that need two bugs | {} |", self.joint_count)?;
        writeln!(f, "| bugs without a hit | {missed} |")?;
        let percent = error * 100.0;
        write!(f, "| geometric mean, CPU-s | {mean:.2} ± {percent:.0} % |")
    }
}

/// One of the bugs that are `on` with which alone a plan fails that fails with all of them.
fn find_one(on: u64, is_red: &impl Fn(u64) -> bool) -> Option<usize> {
    let mut left = on;
    while 1 < left.count_ones() {
        let (low, high) = halves(left);
        left = match (is_red(low), is_red(high)) {
            (true, _) => low,
            (false, true) => high,
            (false, false) => return None,
        };
    }
    Some(left.trailing_zeros() as usize)
}

fn halves(bugs: u64) -> (u64, u64) {
    let mut high = bugs;
    for _ in 0..bugs.count_ones() / 2 {
        high &= high - 1;
    }
    (bugs & !high, high)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Bug;
    use super::super::merge::merge;
    use super::*;

    #[test]
    fn a_plan_counts_for_each_bug_that_it_finds() {
        let mut hits = Hits::new(&["a", "b", "c", "d", "e"]);
        let found = 0b10010;
        let plan = |on: u64| (on & found != 0, if on & found == 0 { 2.0 } else { 0.5 });
        assert_eq!(hits.add(1.0, plan), Some(()));
        assert_eq!(hits.counts, [0, 1, 0, 0, 1]);
        assert_eq!((hits.seconds_in_all, hits.joint_count), (3.0, 0));
    }

    #[test]
    fn a_bug_that_was_found_often_enough_stays_off() {
        let mut hits = Hits::new(&["a", "b"]);
        for _ in 0..2 * HITS_ENOUGH {
            assert_eq!(hits.add(0.0, |on| (on & 1 == 1, 1.0)), Some(()));
        }
        assert_eq!(hits.counts, [HITS_ENOUGH, 0]);
        assert_eq!(hits.seconds_to_find(0), 1.0);
        assert_eq!(hits.seconds_to_find(1), 2.0 * HITS_ENOUGH as f64);
    }

    #[test]
    fn a_plan_that_needs_two_bugs_counts_for_none() {
        let mut hits = Hits::new(&["a", "b", "c"]);
        assert_eq!(hits.add(0.0, |on| (on & 0b101 == 0b101, 1.0)), Some(()));
        assert_eq!((hits.counts, hits.joint_count), (vec![0, 0, 0], 1));
        let mut hits = Hits::new(&["a", "b", "c"]);
        assert_eq!(hits.add(0.0, |_| (true, 1.0)), None);
    }

    #[test]
    fn a_bug_without_a_hit_counts_as_one_that_the_next_plan_finds() {
        let mut hits = Hits::new(&["a", "b"]);
        (hits.counts, hits.seconds) = (vec![4, 0], vec![16.0, 16.0]);
        assert_eq!(hits.mean().0.round(), 8.0);
    }

    #[test]
    fn the_bugs_of_the_bench_are_in_one_build() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let bugs = Bug::read_all(&root.join("sim/bugs")).unwrap();
        let bugs = Bug::named(&bugs, &BENCH_BUGS).unwrap();
        let merged = merge(&root, &bugs).map(|files| files.len());
        assert!(merged.is_ok(), "{}", merged.unwrap_err());
    }
}
