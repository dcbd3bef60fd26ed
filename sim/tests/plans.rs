//! The plans that once found a bug, planted or real: each passes on an engine without the bug.
#![expect(
    clippy::disallowed_methods,
    reason = "the plans are read from outside of any run"
)]

use std::fs;
use std::path::{Path, PathBuf};

use palimpsest_sim::bugs::Bug;
use palimpsest_sim::{Plan, run_twice};

/// The files of a folder of this package, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn bugs() -> Vec<Bug> {
    bugs_of("bugs")
}

fn bugs_of(folder: &str) -> Vec<Bug> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    Bug::read_all(&folder).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_kept_plan_passes() {
    let paths = files("plans");
    assert!(!paths.is_empty());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let plan: Plan = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let outcome = run_twice(&plan);
        if let Some(verdict) = outcome.verdict {
            panic!("{}: {verdict}", path.display());
        }
        let silent = outcome.silent_rules;
        assert!(silent.is_empty(), "{}: {silent:?}", path.display());
    }
}

#[test]
fn every_planted_bug_has_a_story_and_a_plan() {
    for bug in bugs() {
        assert!(60 < bug.story.len(), "{} opens without a story", bug.id);
        let plan = format!("plans/{}.plan", bug.id);
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join(plan);
        assert!(plan.exists(), "{} has no plan that found it", bug.id);
    }
}

#[test]
fn every_planted_bug_applies_and_changes_something() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Those of the engine are planted by `.ci/planted`, and move with the sources as these do.
    for bug in bugs().into_iter().chain(bugs_of("../engine/bugs")) {
        let changed = bug.apply(&root).unwrap_or_else(|error| panic!("{error}"));
        for (path, text) in changed {
            let before = fs::read_to_string(root.join(&path)).unwrap();
            assert_ne!(before, text, "{}: {path}", bug.id);
        }
    }
}
