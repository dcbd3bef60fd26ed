//! Runs every crash of the certified plans on a simulator with a planted bug.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs another simulator, outside of any run of its own"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::Trouble;
use super::hunt::{BugHunt, milliseconds};

/// The result of every crash of the certified plans.
#[derive(Clone, Debug, PartialEq)]
pub enum Exhausted {
    /// One plan fails.
    Found {
        /// The name of the plan.
        plan: String,
        /// The number of crashes in a row with which it fails.
        depth: u32,
        /// The time until then, in seconds, including the plans before it.
        seconds: f64,
    },
    /// No plan fails, or the time ran out.
    Survived,
}

/// Tries all plans of `folder` with one crash, then with two.
pub(super) fn exhaust(
    hunt: &BugHunt<'_>,
    folder: &Path,
    time: Duration,
) -> Result<Exhausted, Trouble> {
    let started = Instant::now();
    let plans = plans(folder)?;
    let both = [1, 2].into_iter();
    for (depth, plan) in both.flat_map(|depth| plans.iter().map(move |plan| (depth, plan))) {
        let left = time.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        if fails(hunt, (plan, depth), left)? {
            let name = plan.file_stem().unwrap_or_default();
            return Ok(Exhausted::Found {
                plan: name.to_string_lossy().into_owned(),
                depth,
                seconds: started.elapsed().as_secs_f64(),
            });
        }
    }
    Ok(Exhausted::Survived)
}

fn plans(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let at = |error| Trouble::Input(format!("{}: cannot be read: {error}", folder.display()));
    let entries = fs::read_dir(folder).map_err(at)?;
    let plans: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut plans = plans.map_err(at)?;
    plans.sort();
    Ok(plans)
}

fn fails(hunt: &BugHunt<'_>, (plan, depth): (&Path, u32), time: Duration) -> Result<bool, Trouble> {
    let mut command = Command::new(&hunt.simulator.program);
    command.arg("exhaust").arg(plan);
    command.args(["--jobs", "1", "--depth", &depth.to_string()]);
    command.args(["--time", &milliseconds(time)]);
    let out = hunt.folder.join("exhausted").join(&hunt.bug.id);
    command.arg("--out").arg(out.with_extension("plan"));
    let output = hunt.run(&mut command)?;
    match output.status.code() {
        // All crashes passed, or those that fitted into the time.
        Some(0 | 7) => Ok(false),
        Some(2 | 3 | 5) => Ok(true),
        _ => Err(hunt.failed(&output)),
    }
}
