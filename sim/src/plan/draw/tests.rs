mod log;
mod sites;
mod traits;
mod words;

use insta::{Settings, assert_snapshot};

use crate::plan::{How, Plan, PlanOp};

/// The most operations that are in flight together, counted from the last operation that waits for
/// all.
fn in_flight_max(plan: &Plan) -> usize {
    let mut count = 0;
    let mut most = 0;
    for line in &plan.ops {
        match line.op {
            PlanOp::Join | PlanOp::Restart | PlanOp::Crash(_) => count = 0,
            _ if line.how == How::Beside => count += 1,
            _ => {}
        }
        most = most.max(count);
    }
    most
}

#[test]
fn every_drawn_plan_has_crashes_and_operations_in_flight() {
    for seed in 0..500 {
        let plan = Plan::draw(seed);
        let crashes = plan.ops.iter().map(|line| &line.op);
        let crash_count = crashes.filter(|op| matches!(op, PlanOp::Crash(_))).count();
        assert_eq!(plan.check(), Ok(()), "seed {seed}");
        let (least, crash_count_min) = if seed % 7 < 2 { (60, 2) } else { (20, 1) };
        assert!((least..=110).contains(&plan.ops.len()), "seed {seed}");
        assert!(crash_count_min <= crash_count, "seed {seed}");
        assert!(3 <= in_flight_max(&plan), "seed {seed}");
        assert!(plan.faults.len() <= 20, "seed {seed}");
    }
}

#[test]
fn about_one_plan_in_twenty_is_large() {
    let plans = (0..500).map(Plan::draw);
    let large_count = plans.filter(|plan| 300 <= plan.knobs.key_count).count();
    assert!((15..=35).contains(&large_count), "{large_count}");
}

#[test]
fn seed_7_draws_the_plan_that_was_seen() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!("plan_drawn_from_seed_7", Plan::draw(7)));
}
