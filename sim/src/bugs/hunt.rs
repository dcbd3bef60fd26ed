//! The hunt for one planted bug, by the simulator that was built with it.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs another simulator, outside of any run of its own"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use super::{Bug, Trouble};
use crate::report::Headline;

/// For how long a bug is hunted, and what it leaves is shrunk.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The time to find it, on one core.
    pub hunt: Duration,
    /// The time to shrink the plan that found it, on all cores.
    pub shrink: Duration,
}

/// What came of a hunt.
#[derive(Clone, Debug, PartialEq)]
pub enum Hunted {
    /// It was found.
    Found(Shot),
    /// It was not, by so many plans.
    Survived {
        /// How many plans were run.
        plan_count: u64,
    },
}

/// How a bug was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// The seed of the plan that found it.
    pub seed: u64,
    /// How many plans were run, this one included.
    pub plan_count: u64,
    /// How long that took.
    pub seconds: f64,
    /// Where the shrunk plan stands.
    pub plan: PathBuf,
}

/// Lets the `simulator`, which has the bug, run until it finds it, and shrinks the plan into
/// `folder`.
///
/// # Errors
/// `Machine` if the simulator cannot be run, or failed itself.
pub fn hunt(bug: &Bug, simulator: &Path, folder: &Path, budget: Budget) -> Result<Hunted, Trouble> {
    let hunted = milliseconds(budget.hunt);
    let mut command = Command::new(simulator);
    command.args([
        "run",
        "--jobs",
        "1",
        "--shrink-time",
        "1ms",
        "--time",
        &hunted,
    ]);
    command.arg("--failures").arg(folder.join("unshrunk"));
    let output = run(&mut command, bug)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let headline = said.lines().next().and_then(Headline::read);
    match (output.status.code(), headline) {
        (Some(0), Some(headline)) => Ok(Hunted::Survived {
            plan_count: headline.plan_count,
        }),
        (
            Some(2 | 3 | 5),
            Some(Headline {
                seed: Some(seed),
                plan_count,
                seconds,
            }),
        ) => {
            let plan = folder.join(format!("{}.plan", bug.id));
            shrink(bug, simulator, (seed, &plan), budget.shrink)?;
            Ok(Hunted::Found(Shot {
                seed,
                plan_count,
                seconds,
                plan,
            }))
        }
        _ => Err(failed(bug, &output)),
    }
}

fn shrink(
    bug: &Bug,
    simulator: &Path,
    (seed, plan): (u64, &Path),
    time: Duration,
) -> Result<(), Trouble> {
    let mut command = Command::new(simulator);
    command.args(["shrink", &seed.to_string(), "--time", &milliseconds(time)]);
    command.arg("--out").arg(plan);
    let output = run(&mut command, bug)?;
    match output.status.code() {
        Some(2 | 3 | 5) => Ok(()),
        _ => Err(failed(bug, &output)),
    }
}

fn run(command: &mut Command, bug: &Bug) -> Result<Output, Trouble> {
    let failed = |error| Trouble::Machine(format!("bug {}: cannot run it: {error}", bug.id));
    command.output().map_err(failed)
}

fn failed(bug: &Bug, output: &Output) -> Trouble {
    let said = String::from_utf8_lossy(&output.stderr);
    Trouble::Machine(format!(
        "bug {}: the simulator ended with {}:\n{said}",
        bug.id, output.status
    ))
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis().max(1))
}
