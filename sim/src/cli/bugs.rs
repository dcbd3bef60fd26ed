//! `cargo sim bugs`: hunts all planted bugs.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and goes by the clock"
)]

use std::path::Path;

use super::args::BugsArgs;
use super::bug_json;
use super::exit::{CommandError, code};
use super::signals::Signals;
use super::{console, fleet, plan_file};
use crate::bugs::{Budget, Bug, BugHunt, Exhausted, Findings, Simulators, Trouble};
use crate::text::{Align, Columns, counted};

/// The columns of the report: heading, alignment, and smallest width.
const COLUMNS: [(&str, Align, usize); 12] = [
    ("bug", Align::Left, 40),
    ("found", Align::Right, 0),
    ("seed", Align::Right, 8),
    ("plans", Align::Right, 6),
    ("CPU-s", Align::Right, 6),
    ("1 s", Align::Right, 5),
    ("10 s", Align::Right, 5),
    ("60 s", Align::Right, 5),
    ("operations", Align::Right, 0),
    ("rules", Align::Right, 0),
    ("shrunk in s", Align::Right, 0),
    ("exhaust", Align::Left, 0),
];

/// Hunts the bugs and returns the exit code.
///
/// # Errors
/// `Input` if no bug has such a name, or, after all others were hunted, if one does not apply or
/// compile; `Harness` if files cannot be copied, or a simulator cannot be run.
pub fn bugs(args: &BugsArgs) -> Result<u8, CommandError> {
    let signals = Signals::heed()?;
    let root = repository()?;
    let all = Bug::read_all(&root.join("sim/bugs")).map_err(refusal)?;
    let bugs = choose(all, &args.ids)?;
    let folder = std::path::absolute(&args.worktree)
        .map_err(|error| CommandError::Input(format!("{}: {error}", args.worktree.display())))?;
    console::complain("building a simulator with a switch for each bug");
    let simulators = Simulators::build(root, &folder, &bugs).map_err(refusal)?;
    let count = COLUMNS.len() - usize::from(args.exhaust.is_none());
    let columns = Columns::new(&COLUMNS[..count]);
    console::print(&columns.head())?;
    let (mut records, mut unbuilt, mut broken_off) = (Vec::new(), Vec::new(), Vec::new());
    for (index, bug) in bugs.iter().enumerate() {
        let (id, number, count) = (&bug.id, index + 1, bugs.len());
        console::complain(&format!("{number} of {count}: building and hunting {id}"));
        let found = simulators.of(index, bug).and_then(|simulator| {
            let hunt = BugHunt {
                bug,
                simulator: &simulator,
                folder: &folder.join("plans"),
            };
            hunt.carry_out(&root.join("sim/certified"), budget(args))
        });
        // A signal ends the children as well, so that a hunt fails for no other reason.
        if signals.interrupted().is_some() {
            break;
        }
        let findings = match found {
            // The hunt goes on: the error at the end names this bug.
            Err(Trouble::Input(why)) => {
                console::complain(&why);
                unbuilt.push(id.as_str());
                continue;
            }
            Err(Trouble::Machine(why)) => {
                console::complain(&why);
                broken_off.push(id.as_str());
                continue;
            }
            Ok(findings) => findings,
        };
        let size = size(&findings)?;
        console::print(&columns.row(&cells(bug, &findings, size)))?;
        records.push((bug, findings, size));
    }
    if let Some(file) = &args.json {
        bug_json::write(file, args.budget, &records)?;
    }
    if !unbuilt.is_empty() {
        let ids = unbuilt.join(" ");
        return Err(CommandError::Input(format!(
            "not planted, for the reasons above: {ids}"
        )));
    }
    if !broken_off.is_empty() {
        let ids = broken_off.join(" ");
        let why = format!("not hunted to the end, for the reasons above: {ids}");
        return Err(CommandError::Harness(why));
    }
    let survived = records.iter().filter(|(_, found, _)| found.has_survived());
    end(records.len(), survived.count(), &signals)
}

fn budget(args: &BugsArgs) -> Budget {
    Budget {
        base_count: args.bases,
        hunt: args.budget,
        shrink: args.shrink_time,
        exhaust: args.exhaust,
        thread_count: args.jobs.unwrap_or_else(fleet::core_count),
    }
}

fn end(records: usize, survived: usize, signals: &Signals) -> Result<u8, CommandError> {
    let found = records - survived;
    let survivors = counted(survived as u64, "survivor");
    console::print(&format!("\n{found} found, {survivors}\n"))?;
    Ok(match (survived, signals.interrupted()) {
        (_, Some(code)) => code,
        (0, None) => code::ALL_RIGHT,
        (_, None) => code::SURVIVED,
    })
}

/// The root of the sources that this program was built from.
fn repository() -> Result<&'static Path, CommandError> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package
        .parent()
        .filter(|root| root.join("sim/bugs").is_dir());
    root.ok_or_else(|| {
        let at = package.display();
        CommandError::Input(format!(
            "no sources at {at}: run it with `cargo sim bugs` in a clone"
        ))
    })
}

fn choose(all: Vec<Bug>, ids: &[String]) -> Result<Vec<Bug>, CommandError> {
    if let Some(unknown) = ids.iter().find(|id| all.iter().all(|bug| bug.id != **id)) {
        let known: Vec<&str> = all.iter().map(|bug| bug.id.as_str()).collect();
        let known = known.join(" ");
        return Err(CommandError::Input(format!(
            "no bug is called {unknown}; there are: {known}"
        )));
    }
    let is_meant = |bug: &Bug| ids.is_empty() || ids.contains(&bug.id);
    Ok(all.into_iter().filter(is_meant).collect())
}

/// The size of a shrunk plan.
#[derive(Clone, Copy)]
pub(super) struct PlanSize {
    pub(super) op_count: usize,
    pub(super) rule_count: usize,
}

fn size(findings: &Findings) -> Result<Option<PlanSize>, CommandError> {
    let Some(shrunk) = &findings.shrunk else {
        return Ok(None);
    };
    let plan = plan_file::read_file(&shrunk.plan)?;
    Ok(Some(PlanSize {
        op_count: plan.ops.len(),
        rule_count: plan.faults.len(),
    }))
}

fn cells(bug: &Bug, findings: &Findings, size: Option<PlanSize>) -> Vec<String> {
    let score = &findings.score;
    let found = format!("{}/{}", score.found_count(), score.bases.len());
    let median = match score.median() {
        Some(shot) => [
            shot.seed.to_string(),
            shot.plan_count.to_string(),
            format!("{:.1}", shot.seconds),
        ],
        None => ["survived".to_string(), String::new(), String::new()],
    };
    let rates = [1.0, 10.0, 60.0].map(|seconds| format!("{} %", score.rate(seconds)));
    let shrunk = match findings.shrunk.as_ref().zip(size) {
        Some((shrunk, size)) => [
            size.op_count.to_string(),
            size.rule_count.to_string(),
            format!("{:.1}", shrunk.seconds),
        ],
        None => [const { String::new() }; 3],
    };
    let exhausted = match &findings.exhausted {
        None => String::new(),
        Some(Exhausted::Survived) => "-".to_string(),
        Some(Exhausted::Found {
            plan,
            depth,
            seconds,
        }) => format!("{plan} at depth {depth}, {seconds:.1} s"),
    };
    let mut cells = vec![bug.id.clone(), found];
    cells.extend(median);
    cells.extend(rates);
    cells.extend(shrunk);
    cells.push(exhausted);
    cells
}

fn refusal(trouble: Trouble) -> CommandError {
    match trouble {
        Trouble::Input(text) => CommandError::Input(text),
        Trouble::Machine(text) => CommandError::Harness(text),
    }
}
