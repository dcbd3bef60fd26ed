//! The plans that found a bug once: planted or real, each passes on an engine without it.
#![expect(
    clippy::disallowed_methods,
    reason = "the plans are read from outside of any run"
)]

use std::fs;
use std::path::{Path, PathBuf};

use palimpsest_sim::{Plan, run_twice};

/// The files of a folder of this package, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
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
    }
}

#[test]
fn every_planted_bug_has_a_story_and_a_plan() {
    for path in files("bugs") {
        let text = fs::read_to_string(&path).unwrap();
        let story = text.split("\ndiff --git").next().unwrap();
        assert!(60 < story.len(), "{} opens without a story", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        let plan = format!("plans/{name}.plan");
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join(plan);
        assert!(plan.exists(), "{name} has no plan that found it");
    }
}
