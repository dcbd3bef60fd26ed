//! The guarantees that the engine needs. Each plan of `weakened/` fails on a device that breaks one
//! guarantee, each plan of `unsynced/` fails without one sync, with the signature that it always
//! had; both pass on a device that keeps its promises. If a plan passes on both devices, the
//! contract in `DEVICE.md` asks for more than is needed, a sync is needless, or the simulator has
//! become weaker.
#![expect(
    clippy::disallowed_methods,
    reason = "the plans are read from outside of any run"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use palimpsest_sim::faults::Fault;
use palimpsest_sim::syncs::{SyncWaivers, collect};
use palimpsest_sim::weaken::GUARANTEES;
use palimpsest_sim::{Plan, run_twice};

/// The guarantees that the table in `DEVICE.md` calls needed.
const NEEDED: [&str; 6] = [
    "atomic-replace",
    "complete-list",
    "directory-sync",
    "file-sync",
    "reads-see-writes",
    "removed-is-readable",
];

/// The number of seeds that reach every sync, except those that hardly any plan makes.
const SEED_COUNT: u64 = 100;

/// The plans of a folder, each with its name and its text.
fn plans(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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

/// The plan without rules that break the device's promises.
fn kept(mut plan: Plan) -> Plan {
    let is_kept = |fault: Fault| !fault.is_lie();
    plan.faults.retain(|rule| is_kept(rule.fault));
    plan
}

fn all_plans() -> impl Iterator<Item = (String, String)> {
    ["weakened", "unsynced"].into_iter().flat_map(plans)
}

#[test]
fn what_a_plan_needs_it_still_needs() {
    for (name, text) in all_plans() {
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
    for (name, text) in all_plans() {
        let plan: Plan = text.parse().unwrap();
        let verdict = run_twice(&kept(plan)).verdict;
        assert_eq!(verdict, None, "{name}");
    }
}

#[test]
fn every_plan_is_named_after_what_it_needs() {
    let names: Vec<String> = plans("weakened")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, NEEDED);
    for name in names {
        assert!(GUARANTEES.iter().any(|it| it.id == name), "{name}");
    }
}

#[test]
fn every_sync_is_missed_by_a_plan_of_its_name_or_waived() {
    let waivers = SyncWaivers::of_the_repository().unwrap();
    let names: Vec<String> = plans("unsynced")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let sites = collect(0..SEED_COUNT, 2);
    for site in sites.keys() {
        let has_plan = names.contains(&site.name());
        let is_waived = waivers.reason(&site.to_string()).is_some();
        assert!(has_plan != is_waived, "{site}");
    }
    for (name, text) in plans("unsynced") {
        let plan: Plan = text.parse().unwrap();
        let lies = plan.faults.iter().filter(|rule| rule.fault == Fault::Lie);
        // The life and the timeline of the address do not matter: `life*/b/delete/dir#2/sync-dir`.
        let left_out = lies.map(|rule| rule.address.to_string());
        let left_out: BTreeSet<String> = left_out.map(|address| call_name(&address)).collect();
        assert_eq!(left_out, BTreeSet::from([name]));
    }
}

fn call_name(address: &str) -> String {
    let call: Vec<&str> = address.split('/').skip(2).collect();
    call.join("-").replace('#', "-")
}
