//! A simulator that finds nothing is broken until it has found what was planted.

use palimpsest_sim::faults::{Address, Counted, Fault, Rule, Scope, StepKind};
use palimpsest_sim::{Keep, Plan, run};

/// So many seeds are looked through at most.
const SEEDS: u64 = 60;

/// Every sync of this kind is acknowledged, and none is made.
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

/// The first seed whose plan goes wrong on a device that lies so.
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
