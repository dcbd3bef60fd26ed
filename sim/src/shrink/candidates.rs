//! Runs candidates, and keeps the best.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own, by the clock"
)]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::divergence::run_twice;
use crate::plan::Plan;
use crate::run::{Keep, Outcome, STACK_LEN, run, run_within};
use crate::threads::side_by_side;
use crate::verdict::Verdict;
use crate::world::steps_max;

/// A candidate makes at most one in so many of the steps that a plan may make, if the first plan
/// did so or was stuck: who goes round in circles does so long before anybody must believe it.
const STEPS_SHARE: u64 = 20;

/// How long to go on, and with what.
#[derive(Clone, Copy)]
pub struct ShrinkLimits<'a> {
    /// When to stop, with the best so far.
    pub deadline: Instant,
    /// How many plans are run at the same time.
    pub thread_count: u64,
    /// Whether somebody wants the best so far at once.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
}

/// What a plan was shrunk to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest plan that failed alike.
    pub plan: Plan,
    /// What came of it.
    pub outcome: Outcome,
    /// How many plans were run on the way.
    pub run_count: u64,
}

/// The smallest plan so far, and what a smaller one must come to.
pub struct Candidates<'a> {
    best: Plan,
    outcome: Outcome,
    /// What was to be shrunk, and what came of it.
    first: (Plan, Outcome),
    signature: String,
    limits: ShrinkLimits<'a>,
    run_count: AtomicU64,
}

/// A candidate that failed alike.
struct Failing {
    index: usize,
    plan: Plan,
    outcome: Outcome,
}

impl<'a> Candidates<'a> {
    /// Runs the plan; nothing if all is right with it.
    pub fn new(plan: &Plan, limits: ShrinkLimits<'a>) -> Option<Candidates<'a>> {
        let outcome = run_twice(plan);
        let signature = outcome.verdict.as_ref()?.signature();
        Some(Candidates {
            best: plan.clone(),
            first: (plan.clone(), outcome.clone()),
            outcome,
            signature,
            limits,
            run_count: AtomicU64::new(2),
        })
    }

    pub fn best(&self) -> &Plan {
        &self.best
    }

    /// What came of the best.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether to stop here.
    pub fn is_over(&self) -> bool {
        self.limits.deadline <= Instant::now() || (self.limits.is_over)()
    }

    pub fn end(self) -> Shrunk {
        let run_count = self.run_count.load(Ordering::Relaxed);
        let is_cut_short = self.steps_max(&self.best) < self.outcome.counts.steps;
        let (plan, outcome) = if is_cut_short {
            self.with_all_steps()
        } else {
            (self.best, self.outcome)
        };
        Shrunk {
            plan,
            outcome,
            run_count,
        }
    }

    /// The best, if it is stuck when it may make all its steps as well, or else the first plan.
    fn with_all_steps(self) -> (Plan, Outcome) {
        let outcome = run(&self.best, Keep::Tail);
        if self.is_alike(&outcome) {
            (self.best, outcome)
        } else {
            self.first
        }
    }

    /// How many steps a candidate may make.
    fn steps_max(&self, plan: &Plan) -> u64 {
        let all = steps_max(plan);
        let share = all / STEPS_SHARE;
        let is_stuck = matches!(self.first.1.verdict, Some(Verdict::Stuck { .. }));
        match is_stuck || self.first.1.counts.steps < share {
            true => share,
            false => all,
        }
    }

    fn is_alike(&self, outcome: &Outcome) -> bool {
        let signature = outcome.verdict.as_ref().map(Verdict::signature);
        signature.as_ref() == Some(&self.signature)
    }

    /// Takes the first of `count` candidates that fails alike, as the best, and says which it was.
    ///
    /// `change` makes a candidate from the best and its index, or nothing.
    pub fn take_first(
        &mut self,
        count: usize,
        change: impl Fn(&Plan, usize) -> Option<Plan> + Sync,
    ) -> Option<usize> {
        let next = AtomicUsize::new(0);
        let end = AtomicUsize::new(count);
        let found: Mutex<Option<Failing>> = Mutex::new(None);
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                // Those behind one that was found are not needed, those before it are.
                if end.load(Ordering::Relaxed) <= index || self.is_over() {
                    return;
                }
                let Some((plan, outcome)) = self.test(change(&self.best, index)) else {
                    continue;
                };
                end.fetch_min(index, Ordering::Relaxed);
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                if found.as_ref().is_none_or(|found| index < found.index) {
                    *found = Some(Failing {
                        index,
                        plan,
                        outcome,
                    });
                }
            }
        };
        side_by_side(self.limits.thread_count.min(count as u64), STACK_LEN, &work);
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        self.best = found.plan;
        self.outcome = found.outcome;
        Some(found.index)
    }

    /// The candidate with what came of it, if it fails alike.
    fn test(&self, plan: Option<Plan>) -> Option<(Plan, Outcome)> {
        let plan = plan.filter(|plan| *plan != self.best && plan.check().is_ok())?;
        self.run_count.fetch_add(1, Ordering::Relaxed);
        let outcome = match self.outcome.verdict {
            Some(Verdict::Diverged { .. }) => run_twice(&plan),
            _ => run_within(&plan, Keep::Tail, self.steps_max(&plan)),
        };
        self.is_alike(&outcome).then_some((plan, outcome))
    }
}
