//! Explores a plan and makes its certificate.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and says how long it took"
)]

use std::sync::Arc;
use std::time::Instant;

use super::certificate::{Certificate, Counterexample};
use super::point::{Point, collect};
use super::{ExhaustLimits, with_full_look};
use crate::crashes::{self, Recovery, Subject, Trail, Want};
use crate::faults::{Crash, Fault, Rule};
use crate::plan::Plan;
use crate::run::{Keep, STACK_LEN, run};
use crate::verdict::Verdict;

/// Tries every crash of a plan.
///
/// # Errors
/// The verdict of the plan, if it fails without an added crash.
pub fn exhaust(plan: &Plan, limits: ExhaustLimits<'_>) -> Result<Certificate, Verdict> {
    let started = Instant::now();
    let plan = with_full_look(plan);
    let mut points = collect(&plan)?;
    points.retain(|point| limits.from_line < point.line_count);
    let limits = crashes::SearchLimits {
        depth: limits.depth,
        deadline: limits.deadline,
        thread_count: limits.thread_count,
        stack_len: STACK_LEN,
        is_interrupted: limits.is_interrupted,
    };
    let found = crashes::search(&PlanRest::of(&plan), &points, limits);
    Ok(Certificate {
        levels: found.levels,
        counterexample: found.failure.map(|trail| counterexample(&plan, &trail)),
        is_cut_off: found.is_cut_off,
        elapsed: started.elapsed(),
    })
}

/// A plan without its lines, as it runs after a crash.
struct PlanRest {
    plan: Arc<Plan>,
}

impl PlanRest {
    fn of(plan: &Plan) -> PlanRest {
        let mut rest = plan.clone();
        rest.ops.clear();
        PlanRest {
            plan: Arc::new(rest),
        }
    }
}

impl Subject for PlanRest {
    type Point = Point;

    fn fingerprint(&self, point: &Point) -> u128 {
        point.fingerprint()
    }

    fn log2_of_images(&self, point: &Point) -> f64 {
        point.log2_of_images()
    }

    fn choice_count(&self, point: &Point) -> usize {
        point.choice_count
    }

    fn recover(&self, point: &Point, crash: Crash, want: Want) -> Recovery<Point> {
        point.recover(&self.plan, crash, want)
    }
}

/// Makes a plan with the crashes that failed, and runs it.
fn counterexample(plan: &Plan, trail: &Trail<Point>) -> Counterexample {
    let mut plan = plan.clone();
    let (first, _) = &trail.crashes[0];
    plan.ops.truncate(first.line_count);
    let rules = trail.crashes.iter().map(|(point, crash)| Rule {
        address: point.address,
        fault: Fault::Crash(*crash),
        times: 1,
        one_in: 1,
    });
    plan.faults.extend(rules);
    let verdict = run(&plan, Keep::Tail).verdict;
    let verdict = verdict.unwrap_or_else(|| {
        Verdict::law(
            "what fails after a crash in the search fails in a run of its own",
            "it does not: this is a bug in the simulator",
        )
    });
    Counterexample { plan, verdict }
}
