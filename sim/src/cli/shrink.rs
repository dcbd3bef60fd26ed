//! `cargo sim shrink`: makes one failing plan smaller.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and goes by the clock"
)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::args::ShrinkArgs;
use super::exit::{CommandError, code};
use super::plan_file::PlanInput;
use super::signals::Signals;
use super::{console, fleet, plan_file};
use crate::capsule;
use crate::plan::Plan;
use crate::report::Smaller;
use crate::shrink::{self, ShrinkLimits};

/// The longest time to try which rules are necessary.
const LEAVING_OUT_TIME_MAX: Duration = Duration::from_secs(10);

/// How a plan is shrunk, and where the result goes.
pub struct Wish<'a> {
    /// How long to shrink.
    pub time: Duration,
    /// The number of plans that run concurrently; by default, one for each core.
    pub job_count: Option<u64>,
    /// The file for the shrunk plan.
    pub file: &'a Path,
    /// The name of the original plan, for the comment in the file.
    pub name: &'a str,
    /// The seed that drew the plan, if one did.
    pub seed: Option<u64>,
}

/// Shrinks a plan and returns the exit code.
///
/// # Errors
/// `Input` if the plan cannot be read, or the smaller one not be written.
pub fn shrink(args: &ShrinkArgs) -> Result<u8, CommandError> {
    let subject = plan_file::read(&args.plan)?;
    let plan = subject.plan()?;
    let name = plan_file::quoted(&args.plan);
    let file = args.out.clone().unwrap_or_else(|| default_file(&args.plan));
    let wish = Wish {
        time: args.time,
        job_count: args.jobs,
        file: &file,
        name: &name,
        seed: match subject {
            PlanInput::Seed(seed) => Some(seed),
            PlanInput::Plan(_) => None,
            PlanInput::Capsule(capsule) => capsule.seed,
        },
    };
    let Some(smaller) = carry_out(&plan, &wish, &Signals::heed()?)? else {
        console::print(&format!(
            "all right: {name} does not fail, so nothing is shrunk\n"
        ))?;
        return Ok(code::ALL_RIGHT);
    };
    console::print(&smaller.to_string())?;
    Ok(smaller.verdict.exit_code())
}

/// The default output file: `17` becomes `17.plan`, `a.plan` becomes `a.small.plan`.
fn default_file(name: &OsStr) -> PathBuf {
    let path = Path::new(name);
    match path.extension() {
        Some(_) => path.with_extension("small.plan"),
        None => path.with_extension("plan"),
    }
}

/// Shrinks a plan and writes it to its file; returns nothing if it does not fail.
///
/// # Errors
/// `Input` if the file cannot be written.
pub fn carry_out(
    plan: &Plan,
    wish: &Wish<'_>,
    signals: &Signals,
) -> Result<Option<Smaller>, CommandError> {
    let started = Instant::now();
    let limits = ShrinkLimits {
        deadline: started + wish.time,
        thread_count: wish.job_count.unwrap_or_else(fleet::core_count),
        is_interrupted: &|| signals.interrupted().is_some(),
    };
    let Some(shrunk) = shrink::shrink(plan, limits) else {
        return Ok(None);
    };
    let verdict = shrunk.outcome.verdict.expect("it was kept for its verdict");
    let comment = format!("{}, shrunk: {verdict}", wish.name);
    plan_file::write(wish.file, &shrunk.plan, &comment)?;
    let time = match signals.interrupted() {
        Some(_) => Duration::ZERO,
        None => wish.time.min(LEAVING_OUT_TIME_MAX),
    };
    let deadline = Instant::now() + time;
    let capsule = capsule::make(wish.seed, (plan, &shrunk.plan), deadline);
    let capsule_file = wish.file.with_extension("capsule");
    if let Some(capsule) = &capsule {
        plan_file::write_text(&capsule_file, &capsule.to_string())?;
    }
    Ok(Some(Smaller {
        op_count: plan.ops.len(),
        rule_count: plan.faults.len(),
        plan: shrunk.plan,
        verdict,
        trace: shrunk.outcome.trace,
        run_count: shrunk.run_count,
        elapsed: started.elapsed(),
        capsule: capsule.map(|_| plan_file::quoted(capsule_file.as_os_str())),
        replay: format!(
            "cargo sim replay {}",
            plan_file::quoted(wish.file.as_os_str())
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_plan_does_not_replace_the_one_it_came_from() {
        let named = |name: &str| default_file(OsStr::new(name));
        assert_eq!(named("17"), Path::new("17.plan"));
        assert_eq!(named("a/b.plan"), Path::new("a/b.small.plan"));
    }
}
