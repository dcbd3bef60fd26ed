//! The hunt for all planted bugs.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and goes by the clock"
)]

use std::path::Path;
use std::time::Instant;

use super::args::BugsArgs;
use super::command::{Refusal, code};
use super::signals::Signals;
use super::{console, plan_file};
use crate::bugs::{Budget, Bug, Hunted, Trouble, Yard, hunt};
use crate::report::counted;

/// The longest name of a bug, about, in columns.
const ID_LEN: usize = 36;

/// Hunts the bugs and returns the exit code.
///
/// # Errors
/// `Input` if there is no such bug, or one does not apply or compile; `Harness` if files cannot be
/// copied, or one cannot be run.
pub fn bugs(args: &BugsArgs) -> Result<u8, Refusal> {
    let signals = Signals::heed()?;
    let root = repository()?;
    let all = Bug::read_all(&root.join("sim/bugs")).map_err(refusal)?;
    let bugs = choose(all, &args.ids)?;
    let folder = std::path::absolute(&args.yard)
        .map_err(|error| Refusal::Input(format!("{}: {error}", args.yard.display())))?;
    let yard = Yard::new(root, &folder);
    let budget = Budget {
        hunt: args.budget,
        shrink: args.shrink_time,
    };
    let heading = "bug";
    console::print(&format!(
        "{heading:ID_LEN$}    found    seed   plans       s  operations  rules  shrunk in s\n"
    ))?;
    let mut survivor_count = 0;
    let mut found_count = 0;
    for bug in &bugs {
        console::complain(&format!("building {}", bug.id));
        let built = yard.build(bug);
        let started = Instant::now();
        let hunted =
            built.and_then(|simulator| hunt(bug, &simulator, &folder.join("plans"), budget));
        // What a signal ends fails for that reason alone, for it ends the children as well.
        if signals.interrupted().is_some() {
            break;
        }
        let hunted = hunted.map_err(refusal)?;
        match hunted {
            Hunted::Survived { .. } => survivor_count += 1,
            Hunted::Found(_) => found_count += 1,
        }
        console::print(&row(bug, &hunted, started)?)?;
    }
    let survivors = counted(survivor_count, "survivor");
    console::print(&format!("\n{found_count} found, {survivors}\n"))?;
    Ok(match (survivor_count, signals.interrupted()) {
        (_, Some(code)) => code,
        (0, None) => code::ALL_RIGHT,
        (_, None) => code::SURVIVED,
    })
}

/// Where the sources stand that this program was built from.
fn repository() -> Result<&'static Path, Refusal> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package
        .parent()
        .filter(|root| root.join("sim/bugs").is_dir());
    root.ok_or_else(|| {
        let at = package.display();
        Refusal::Input(format!(
            "no sources at {at}: run it with `cargo sim bugs` in a clone"
        ))
    })
}

fn choose(all: Vec<Bug>, ids: &[String]) -> Result<Vec<Bug>, Refusal> {
    if let Some(unknown) = ids.iter().find(|id| all.iter().all(|bug| bug.id != **id)) {
        let known: Vec<&str> = all.iter().map(|bug| bug.id.as_str()).collect();
        let known = known.join(" ");
        return Err(Refusal::Input(format!(
            "no bug is called {unknown}; there are: {known}"
        )));
    }
    let is_meant = |bug: &Bug| ids.is_empty() || ids.contains(&bug.id);
    Ok(all.into_iter().filter(is_meant).collect())
}

fn row(bug: &Bug, hunted: &Hunted, started: Instant) -> Result<String, Refusal> {
    let id = &bug.id;
    Ok(match hunted {
        Hunted::Survived { plan_count } => {
            let seconds = started.elapsed().as_secs_f64();
            format!("{id:ID_LEN$} survived         {plan_count:>7} {seconds:>7.1}\n")
        }
        Hunted::Found(shot) => {
            let plan = plan_file::read_file(&shot.plan)?;
            let shrunk = (started.elapsed().as_secs_f64() - shot.seconds).max(0.0);
            let (ops, rules) = (plan.ops.len(), plan.faults.len());
            let (seed, plans, seconds) = (shot.seed, shot.plan_count, shot.seconds);
            format!(
                "{id:ID_LEN$}    found {seed:>7} {plans:>7} {seconds:>7.1} {ops:>11} {rules:>6} \
                 {shrunk:>12.1}\n"
            )
        }
    })
}

fn refusal(trouble: Trouble) -> Refusal {
    match trouble {
        Trouble::Input(text) => Refusal::Input(text),
        Trouble::Machine(text) => Refusal::Harness(text),
    }
}
