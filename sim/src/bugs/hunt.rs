//! The search for one planted bug, by the simulator that was built with it.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs another simulator, outside of any run of its own"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::certified::{self, Exhausted};
use super::merge::SWITCH;
use super::score::{BugSearch, Score, Shot};
use super::{Bug, Simulator, Trouble};
use crate::report::Headline;
use crate::run::STACK_LEN;
use crate::threads::{Numbers, side_by_side};

/// The distance between the first seeds of two bases: more seeds than any budget runs.
const BASE_LEN: u64 = 1_000_000;

/// The searches for one bug, and the time for each.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The number of searches, each from another base of seeds.
    pub base_count: u64,
    /// The longest CPU time of each search.
    pub hunt: Duration,
    /// The wall time to shrink the plan that found the bug, on all cores.
    pub shrink: Duration,
    /// The wall time to try every crash of the certified plans, on one core; `None` to leave that
    /// out.
    pub exhaust: Option<Duration>,
    /// The number of concurrent searches.
    pub thread_count: u64,
}

/// The findings about one bug.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The result of `run`, for each base.
    pub score: Score,
    /// The result of every crash of the certified plans, if that was asked for.
    pub exhausted: Option<Exhausted>,
    /// The shrunk plan of the first base that found the bug.
    pub shrunk: Option<ShrunkSize>,
}

impl Findings {
    /// Whether a base missed it, and no crash of the certified plans showed it.
    pub fn has_survived(&self) -> bool {
        let is_exhausted = matches!(self.exhausted, Some(Exhausted::Found { .. }));
        self.score.has_survived() && !is_exhausted
    }
}

/// A shrunk plan.
#[derive(Clone, Debug)]
pub struct ShrunkSize {
    /// The path of its file.
    pub plan: PathBuf,
    /// The time to shrink it, in seconds.
    pub seconds: f64,
}

/// A simulator with a planted bug, and the folder for the results.
#[derive(Clone, Copy, Debug)]
pub struct BugHunt<'a> {
    /// The bug.
    pub bug: &'a Bug,
    /// The simulator that has it.
    pub simulator: &'a Simulator,
    /// The folder.
    pub folder: &'a Path,
}

impl BugHunt<'_> {
    /// Searches from each base, shrinks the plan of the first one that finds the bug, and tries the
    /// certified plans of `certified`.
    ///
    /// # Errors
    /// `Machine` if the simulator cannot be run, or if it failed itself.
    pub fn carry_out(&self, certified: &Path, budget: Budget) -> Result<Findings, Trouble> {
        let bases = self.hunt_all(budget)?;
        let score = Score { bases };
        let shrunk = match score.first_shot() {
            Some(shot) if shot.ends => Some(self.shrink(shot.seed, budget.shrink)?),
            _ => None,
        };
        let exhausted = match budget.exhaust {
            Some(time) => Some(certified::exhaust(self, certified, time)?),
            None => None,
        };
        Ok(Findings {
            score,
            exhausted,
            shrunk,
        })
    }

    fn hunt_all(&self, budget: Budget) -> Result<Vec<BugSearch>, Trouble> {
        let bases = Numbers::new(0, budget.base_count);
        let all = Mutex::new(Vec::new());
        let thread_count = budget.thread_count.min(budget.base_count);
        side_by_side(thread_count, STACK_LEN, &|| {
            while let Some(base) = bases.take() {
                let search = self.hunt(base, budget.hunt);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push((base, search));
            }
        });
        let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort_by_key(|(base, _)| *base);
        all.into_iter().map(|(_, search)| search).collect()
    }

    fn hunt(&self, base: u64, time: Duration) -> Result<BugSearch, Trouble> {
        let (start, end) = (base * BASE_LEN, (base + 1) * BASE_LEN);
        let mut command = Command::new(&self.simulator.program);
        command.args(["run", "--jobs", "1", "--shrink-time", "1ms"]);
        command.args(["--cpu-time", &milliseconds(time)]);
        command.args(["--seeds", &format!("{start}..{end}")]);
        let unshrunk = self.folder.join("unshrunk").join(base.to_string());
        // Results of an earlier search would pass for those of this one.
        let _ = fs::remove_dir_all(&unshrunk);
        command.arg("--failures").arg(&unshrunk);
        let output = self.run(&mut command)?;
        let said = String::from_utf8_lossy(&output.stdout);
        match (output.status.code(), Headline::read(&said)) {
            (Some(0), Some(headline)) => Ok(BugSearch::Survived {
                plan_count: headline.plan_count,
            }),
            (
                Some(2 | 3 | 5),
                Some(Headline {
                    seed: Some(seed),
                    plan_count,
                    cpu_seconds,
                }),
            ) => Ok(BugSearch::Found(Shot {
                seed,
                plan_count,
                seconds: cpu_seconds,
                // A run that does not end is killed, and no plan of it is written.
                ends: unshrunk.join(format!("seed-{seed}.plan")).exists(),
            })),
            _ => Err(self.failed(&output)),
        }
    }

    fn shrink(&self, seed: u64, time: Duration) -> Result<ShrunkSize, Trouble> {
        let plan = self.folder.join(format!("{}.plan", self.bug.id));
        let mut command = Command::new(&self.simulator.program);
        command.args(["shrink", &seed.to_string(), "--time", &milliseconds(time)]);
        command.arg("--out").arg(&plan);
        let started = Instant::now();
        let output = self.run(&mut command)?;
        match output.status.code() {
            Some(2 | 3 | 5) => Ok(ShrunkSize {
                plan,
                seconds: started.elapsed().as_secs_f64(),
            }),
            _ => Err(self.failed(&output)),
        }
    }

    pub(super) fn run(&self, command: &mut Command) -> Result<Output, Trouble> {
        let id = &self.bug.id;
        let failed = |error| Trouble::Machine(format!("bug {id}: cannot run it: {error}"));
        if let Some(number) = self.simulator.switch {
            command.env(SWITCH, number.to_string());
        }
        command.output().map_err(failed)
    }

    pub(super) fn failed(&self, output: &Output) -> Trouble {
        let said = String::from_utf8_lossy(&output.stderr);
        Trouble::Machine(format!(
            "bug {}: the simulator ended with {}:\n{said}",
            self.bug.id, output.status
        ))
    }
}

pub(super) fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis().max(1))
}
