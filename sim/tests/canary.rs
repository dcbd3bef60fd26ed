//! Canaries: a simulator that does not find these faults is broken.

use palimpsest_sim::faults::{Address, Counted, Fault, Rule, Scope, StepKind};
use palimpsest_sim::{Keep, Plan, run};

/// The largest number of seeds that are tried.
const SEEDS: u64 = 60;

/// A rule by which every sync of this kind is acknowledged, and none is made.
fn lie(step: StepKind) -> Rule {
    let any = |kind| Counted { kind, index: None };
    Rule {
        address: Address::Call {
            life: None,
            scope: Scope::Any,
            job: Counted {
                kind: None,
                index: None,
            },
            part: Counted {
                kind: None,
                index: None,
            },
            step: any(Some(step)),
        },
        fault: Fault::Lie,
        times: u32::MAX,
        one_in: 1,
    }
}

/// The first seed whose plan fails with such a rule.
fn found(step: StepKind) -> Option<u64> {
    (0..SEEDS).find(|&seed| {
        let mut plan = Plan::draw(seed);
        plan.faults.insert(0, lie(step));
        run(&plan, Keep::Tail).verdict.is_some()
    })
}

#[test]
fn file_syncs_that_are_not_made_are_found() {
    assert!(found(StepKind::Sync).is_some());
}

#[test]
fn directory_syncs_that_are_not_made_are_found() {
    assert!(found(StepKind::SyncDir).is_some());
}
