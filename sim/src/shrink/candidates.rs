//! Runs candidates and keeps the best.
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

/// A candidate may make one in this many of the steps that a plan may make, if the first plan made
/// no more or was stuck: a livelock shows long before the full limit.
const STEPS_SHARE: u64 = 20;

/// The limits of a shrinking.
#[derive(Clone, Copy)]
pub struct ShrinkLimits<'a> {
    /// When to stop and return the best so far.
    pub deadline: Instant,
    /// The number of plans that run concurrently.
    pub thread_count: u64,
    /// Whether the caller asks for the best so far at once.
    pub is_interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// A shrunk plan.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest plan that failed in the same way.
    pub plan: Plan,
    /// Its outcome.
    pub outcome: Outcome,
    /// The number of plans that were run.
    pub run_count: u64,
}

/// The smallest plan so far, and the failure that a smaller one must be like.
pub struct Candidates<'a> {
    best: Plan,
    outcome: Outcome,
    /// The plan to be shrunk, and its outcome.
    first: (Plan, Outcome),
    /// What a smaller plan must fail like.
    verdict: Verdict,
    limits: ShrinkLimits<'a>,
    run_count: AtomicU64,
}

/// A candidate that failed in the same way.
struct Failing {
    index: usize,
    plan: Plan,
    outcome: Outcome,
}

impl<'a> Candidates<'a> {
    /// Runs the plan; `None` if it passes.
    pub fn new(plan: &Plan, limits: ShrinkLimits<'a>) -> Option<Candidates<'a>> {
        let outcome = run_twice(plan);
        let verdict = outcome.verdict.clone()?;
        Some(Candidates {
            best: plan.clone(),
            first: (plan.clone(), outcome.clone()),
            outcome,
            verdict,
            limits,
            run_count: AtomicU64::new(2),
        })
    }

    pub fn best(&self) -> &Plan {
        &self.best
    }

    /// The outcome of the best.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether to stop now.
    pub fn is_over(&self) -> bool {
        self.limits.deadline <= Instant::now() || (self.limits.is_interrupted)()
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

    /// The best if it is still stuck with the full limit of steps, or else the first plan.
    fn with_all_steps(self) -> (Plan, Outcome) {
        let outcome = run(&self.best, Keep::Tail);
        if self.is_alike(&outcome) {
            (self.best, outcome)
        } else {
            self.first
        }
    }

    /// The most steps that a candidate may make.
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
        let found = outcome.verdict.as_ref();
        found.is_some_and(|found| found.is_like(&self.verdict))
    }

    /// Makes the first of `count` candidates that fails in the same way the best, and returns its
    /// index.
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
                // Only a candidate before the one that was found can still win.
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

    /// The candidate with its outcome, if it fails in the same way.
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
