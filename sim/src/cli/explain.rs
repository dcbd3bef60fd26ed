//! `cargo sim explain`: a page that shows the run of a plan.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::args::ExplainArgs;
use super::exit::{CommandError, code};
use super::plan_file::PlanInput;
use super::{console, plan_file};
use crate::capsule::Which;
use crate::divergence::run_twice;
use crate::explain;
use crate::explain::Story;
use crate::explain::watch;
use crate::plan::Plan;
use crate::verdict::Verdict;

/// Writes the page and returns the exit code.
///
/// # Errors
/// `Input` if the plan cannot be read, or the page not be written; `Unfit` if it is a capsule of
/// another release.
pub fn explain(args: &ExplainArgs) -> Result<u8, CommandError> {
    let subject = plan_file::read(&args.plan)?;
    let mut plan = subject.plan()?;
    let mut story = watch_twice(&plan);
    if let (PlanInput::Capsule(capsule), None) = (&subject, &story.outcome.verdict)
        && let Ok(full) = capsule.plan(Which::Full)
    {
        // A small change of timing can hide the bug from the short plan and not from the long one.
        let other = watch_twice(&full);
        if other.outcome.verdict.is_some() {
            (plan, story) = (full, other);
        }
    }
    let name = plan_file::quoted(&args.plan);
    let now = story.outcome.verdict.as_ref();
    let told = explain::PageSubject {
        replay: format!("cargo sim replay {name}"),
        name: match &subject {
            PlanInput::Seed(seed) => format!("seed {seed}"),
            PlanInput::Plan(_) | PlanInput::Capsule(_) => file_name(&args.plan),
        },
        facts: facts(&subject, now),
        rules: match &subject {
            PlanInput::Capsule(capsule) => capsule.rules.clone(),
            PlanInput::Seed(_) | PlanInput::Plan(_) => Vec::new(),
        },
    };
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new(&args.plan).with_extension("html"));
    plan_file::write_text(&out, &explain::page(&told, &plan, &story))?;
    let words = now.map_or("all right", Verdict::name);
    let path = plan_file::quoted(out.as_os_str());
    console::print(&format!("{words}: {path} shows it\n"))?;
    Ok(now.map_or(code::ALL_RIGHT, Verdict::exit_code))
}

/// Records the run of a plan. If it passes, the plan is run twice, to see whether runs differ.
fn watch_twice(plan: &Plan) -> Story {
    let mut story = watch(plan);
    if story.outcome.verdict.is_none() {
        // The failure may be that two runs of the plan differ.
        story.outcome = run_twice(plan);
    }
    story
}

/// Facts for the page's head: where a capsule comes from, and its outcome on this build.
fn facts(subject: &PlanInput, now: Option<&Verdict>) -> Vec<(String, String)> {
    let PlanInput::Capsule(capsule) = subject else {
        return Vec::new();
    };
    let came_to = match now.map(Verdict::signature) {
        Some(found) if found == capsule.signature => "the same failure on this build".to_string(),
        Some(_) => format!(
            "another failure on this build; it was: {}",
            capsule.signature
        ),
        None => format!("fixed on this build; it was: {}", capsule.signature),
    };
    let mut facts = vec![
        ("capsule".to_string(), came_to),
        (
            "made by".to_string(),
            format!("revision {}", capsule.origin.revision),
        ),
    ];
    facts.extend(
        capsule
            .seed
            .map(|seed| ("drawn by".to_string(), format!("seed {seed}"))),
    );
    facts
}

fn file_name(path: &OsStr) -> String {
    let name = PathBuf::from(path);
    let name = name.file_name().unwrap_or(path);
    name.to_string_lossy().into_owned()
}
