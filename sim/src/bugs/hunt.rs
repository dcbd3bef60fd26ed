//! The hunt for one planted bug, by the simulator that was built with it.
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
use super::score::{BugSearch, Score, Shot};
use super::{Bug, Trouble};
use crate::report::Headline;
use crate::run::STACK_LEN;
use crate::threads::{Numbers, side_by_side};

/// How far apart the first seeds of two bases are: further than any budget goes.
const BASE_LEN: u64 = 1_000_000;

/// What is tried on a bug, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How many times it is hunted, each from another seed on.
    pub base_count: u64,
    /// The longest time of each hunt, on one core, by the clock.
    pub hunt: Duration,
    /// The time to shrink the plan that found it, on all cores.
    pub shrink: Duration,
    /// The time to try every crash of the certified plans, on one core; nothing to leave that out.
    pub exhaust: Option<Duration>,
    /// How many hunts run at the same time.
    pub thread_count: u64,
}

/// What came of a bug.
#[derive(Clone, Debug)]
pub struct Findings {
    /// What `run` made of it, from each base on.
    pub score: Score,
    /// What every crash of the certified plans made of it, if that was asked for.
    pub exhausted: Option<Exhausted>,
    /// The plan of the first base that found it, as it was shrunk.
    pub shrunk: Option<ShrunkSize>,
}

impl Findings {
    /// Whether a base missed it, and no crash of the certified plans showed it.
    pub fn has_survived(&self) -> bool {
        let is_exhausted = matches!(self.exhausted, Some(Exhausted::Found { .. }));
        self.score.has_survived() && !is_exhausted
    }
}

/// A plan that was shrunk.
#[derive(Clone, Debug)]
pub struct ShrunkSize {
    /// Where it stands.
    pub plan: PathBuf,
    /// How long it took.
    pub seconds: f64,
}

/// A simulator that has a bug, and the folder for what comes of it.
#[derive(Clone, Copy, Debug)]
pub struct BugHunt<'a> {
    /// The bug.
    pub bug: &'a Bug,
    /// The program.
    pub simulator: &'a Path,
    /// The folder.
    pub folder: &'a Path,
}

impl BugHunt<'_> {
    /// Lets each base run until it finds the bug, shrinks the first one's plan, and tries the
    /// certified plans of `certified`.
    ///
    /// # Errors
    /// `Machine` if the simulator cannot be run, or failed itself.
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
                let hunted = self.hunt(base, budget.hunt);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push((base, hunted));
            }
        });
        let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort_by_key(|(base, _)| *base);
        all.into_iter().map(|(_, hunted)| hunted).collect()
    }

    fn hunt(&self, base: u64, time: Duration) -> Result<BugSearch, Trouble> {
        let (start, end) = (base * BASE_LEN, (base + 1) * BASE_LEN);
        let mut command = Command::new(self.simulator);
        command.args(["run", "--jobs", "1", "--shrink-time", "1ms"]);
        command.args(["--time", &milliseconds(time)]);
        command.args(["--seeds", &format!("{start}..{end}")]);
        let unshrunk = self.folder.join("unshrunk").join(base.to_string());
        // What an earlier hunt has left there says nothing of this one.
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
                // A run that goes on for ever is given up, and no plan is written of it.
                ends: unshrunk.join(format!("seed-{seed}.plan")).exists(),
            })),
            _ => Err(self.failed(&output)),
        }
    }

    fn shrink(&self, seed: u64, time: Duration) -> Result<ShrunkSize, Trouble> {
        let plan = self.folder.join(format!("{}.plan", self.bug.id));
        let mut command = Command::new(self.simulator);
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
