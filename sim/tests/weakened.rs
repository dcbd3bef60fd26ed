//! What the engine needs of a device: each plan of `weakened/` fails on one that does not keep it,
//! in the way in which it always did, and is right on one that does. A plan that is right on both
//! says that the contract in `DEVICE.md` asks for more than is needed.
#![expect(
    clippy::disallowed_methods,
    reason = "the plans are read from outside of any run"
)]

use std::fs;
use std::path::Path;

use palimpsest_sim::faults::Fault;
use palimpsest_sim::weaken::GUARANTEES;
use palimpsest_sim::{Plan, run_twice};

/// What the table in `DEVICE.md` calls needed.
const NEEDED: [&str; 6] = [
    "atomic-replace",
    "complete-list",
    "directory-sync",
    "file-sync",
    "reads-see-writes",
    "removed-is-readable",
];

/// The plans, each with its name and its text.
fn weakened() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("weakened");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        (name.to_string(), fs::read_to_string(path).unwrap())
    };
    let mut plans: Vec<_> = paths.map(|path| read(&path)).collect();
    plans.sort();
    plans
}

/// The plan on a device that keeps its word.
fn kept(mut plan: Plan) -> Plan {
    let is_kept = |fault: Fault| !matches!(fault, Fault::Lie | Fault::Tear);
    plan.faults.retain(|rule| is_kept(rule.fault));
    plan
}

#[test]
fn what_a_plan_needs_it_still_needs() {
    for (name, text) in weakened() {
        let wanted = text
            .lines()
            .find_map(|line| line.strip_prefix("# Signature: "));
        let wanted = wanted.unwrap_or_else(|| panic!("{name} says no signature"));
        let plan: Plan = text.parse().unwrap();
        let verdict = run_twice(&plan).verdict;
        let signature = verdict.map(|verdict| verdict.signature());
        assert_eq!(signature.as_deref(), Some(wanted), "{name}");
    }
}

#[test]
fn on_a_device_that_keeps_its_word_each_plan_is_right() {
    for (name, text) in weakened() {
        let plan: Plan = text.parse().unwrap();
        let verdict = run_twice(&kept(plan)).verdict;
        assert_eq!(verdict, None, "{name}");
    }
}

#[test]
fn every_plan_is_named_after_what_it_needs() {
    let names: Vec<String> = weakened().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, NEEDED);
    for name in names {
        assert!(GUARANTEES.iter().any(|it| it.id == name), "{name}");
    }
}
