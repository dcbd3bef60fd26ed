#![expect(
    clippy::disallowed_methods,
    reason = "a deadline is told by the clock, outside of any run"
)]

use std::time::{Duration, Instant};

use super::{ShrinkLimits, Shrunk, shrink};
use crate::plan::{Look, Plan};
use crate::run::{Keep, run};

/// A deadline that no test reaches: a smaller plan is found or not, whatever the time.
const TIME: Duration = Duration::from_secs(600);

/// A plan with these operations and rules, and the knobs of a drawn plan.
fn plan(ops: &str, faults: &str) -> Plan {
    let drawn = Plan::draw(0).to_string();
    let (knobs, _) = drawn.split_once("ops\n").expect("a plan has operations");
    let text = format!(
        "{knobs}ops\n{ops}\nfaults\n{faults}\nschedule\n  choices 3 1 2\n  then uniform 5\n"
    );
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// A flush is lost on a device that lies; the rest of the plan does not matter.
fn lost() -> Plan {
    let ops = "
        create b 5000
        create a 100
        put b +8 k1 image:900:7
        put a +800 k2 image:100:1, +3 k1 image:20:2, +5 k2 append:7:9
        & get a k2 -1
        wait 90s
        join
        drop 3 flush b
        flush a
        scan a -4
        flush a
        crash power draw:9
        get a k2 0
        put a +1 k1 image:1:1";
    let faults = "
        at life*/b/*/*/write#3 eio
        at life*/*/*/*/sync lie times 1000
        at life1/io#7 short:100";
    plan(ops, faults)
}

fn shrunk(plan: &Plan, is_interrupted: &(dyn Fn() -> bool + Sync)) -> Option<Shrunk> {
    let limits = ShrinkLimits {
        deadline: Instant::now() + TIME,
        thread_count: 2,
        is_interrupted,
    };
    shrink(plan, limits)
}

fn signature(plan: &Plan) -> Option<String> {
    let verdict = run(plan, Keep::Tail).verdict;
    verdict.map(|verdict| verdict.signature())
}

#[test]
fn a_plan_shrinks_to_what_its_failure_needs() {
    let small = shrunk(&lost(), &|| false).expect("it fails").plan;
    let wanted = signature(&lost());
    assert_eq!(signature(&small), wanted, "{small}");
    assert!(small.ops.len() <= 4 && small.faults.len() <= 2, "{small}");
    for at in 0..small.ops.len() {
        let mut smaller = small.clone();
        smaller.ops.remove(at);
        assert_ne!(
            signature(&smaller),
            wanted,
            "without line {}: {small}",
            at + 1
        );
    }
    // The shrunk plan prints and parses as any plan does.
    assert_eq!(small.to_string().parse(), Ok(small));
}

/// Images that are due only when six layers lie below them.
fn due_late() -> Plan {
    let stack: String = (1..=6)
        .map(|number| format!("put a +8 k0 image:100:{number}\nflush a\n"))
        .collect();
    let mut plan = plan(
        &format!("create a 0\n{stack}images a\ncrash power none"),
        "at life*/a/image/image/sync lie",
    );
    plan.knobs.image_delta_count_trigger = 6;
    // Images of sparse keys are due by another count.
    plan.knobs.sparse_count = 0;
    plan
}

#[test]
fn a_late_job_is_traded_for_one_due_sooner() {
    let small = shrunk(&due_late(), &|| false).expect("it fails").plan;
    assert_eq!(signature(&small), signature(&due_late()), "{small}");
    assert!(small.ops.len() <= 5 && small.faults.len() <= 1, "{small}");
}

#[test]
fn the_oracle_is_turned_off_where_the_failure_is_found_without_it() {
    let small = shrunk(&lost(), &|| false).expect("it fails").plan;
    assert_eq!(small.knobs.look, Look::Nothing);
}

#[test]
fn a_plan_that_passes_is_not_shrunk() {
    assert!(shrunk(&plan("create a 0", ""), &|| false).is_none());
}

#[test]
fn an_interrupt_returns_the_best_so_far() {
    let best = shrunk(&lost(), &|| true).expect("it fails");
    assert_eq!((best.plan, best.run_count), (lost(), 2));
}
