use super::alphabet::KNOBS;
use super::{ExhaustLimits, exhaust};
use crate::faults::{Address, Counted, Fault, Rule, Scope, StepKind};
use crate::plan::Plan;
use crate::run::{Keep, run};

/// A plan with a creation, a batch and a flush.
fn plan() -> Plan {
    let lines = "  create a 16\n  put a +8 k0 image:100:1\n  flush a\n";
    let text = format!("{KNOBS}{lines}faults\nschedule\n  then in-order\n");
    text.parse().unwrap()
}

fn limits(depth: u32) -> ExhaustLimits<'static> {
    ExhaustLimits {
        depth,
        deadline: None,
        thread_count: 2,
        is_interrupted: &|| false,
        from_line: 0,
    }
}

/// A rule by which every sync of this kind is acknowledged, and none is made.
fn lie(step: StepKind) -> Rule {
    Rule {
        address: Address::Call {
            life: None,
            scope: Scope::Any,
            job: any(None),
            part: any(None),
            step: any(Some(step)),
        },
        fault: Fault::Lie,
        times: u32::MAX,
        one_in: 1,
    }
}

fn any<T>(kind: Option<T>) -> Counted<T> {
    Counted { kind, index: None }
}

#[test]
fn a_device_that_keeps_its_word_gets_a_certificate() {
    let plan = plan();
    for depth in [1, 2] {
        let certificate = exhaust(&plan, limits(depth)).unwrap();
        assert!(certificate.is_complete(), "{certificate}");
        assert_eq!(certificate.levels.len(), depth as usize);
        for level in &certificate.levels {
            assert!(level.point_count < level.recovery_count, "{certificate}");
            assert!(10.0 < level.log2_of_images, "{certificate}");
        }
    }
}

#[test]
fn a_device_that_lies_gets_a_counterexample_that_fails_by_itself() {
    for step in [StepKind::Sync, StepKind::SyncDir] {
        let mut plan = plan();
        plan.faults.push(lie(step));
        let certificate = exhaust(&plan, limits(1)).unwrap();
        let found = certificate.counterexample.expect("it lies");
        let verdict = run(&found.plan, Keep::Tail).verdict;
        assert_eq!(verdict.as_ref(), Some(&found.verdict), "{}", found.plan);
        let read: Plan = found.plan.to_string().parse().unwrap();
        assert_eq!(read, found.plan);
    }
}

#[test]
fn a_search_that_is_interrupted_says_so() {
    let plan = plan();
    let limits = ExhaustLimits {
        is_interrupted: &|| true,
        ..limits(1)
    };
    let certificate = exhaust(&plan, limits).unwrap();
    assert!(certificate.is_cut_off && !certificate.is_complete());
    assert_eq!(certificate.recovery_count(), 0);
}
