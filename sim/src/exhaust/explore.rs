//! From a plan to a certificate, on several threads.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own, by the clock"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::case::{Case, share};
use super::certificate::{Certificate, Counterexample, Level, ROUNDING};
use super::point::{Point, Recovery, Want, collect};
use super::{Limits, with_full_look};
use crate::faults::{Crash, Fault, Rule, Survival};
use crate::plan::Plan;
use crate::run::{Keep, STACK_LEN, run};
use crate::verdict::Verdict;

/// So many cases of one point are run at most.
const CASES_MAX: u64 = 1_000_000;

/// Tries every crash of a plan.
///
/// # Errors
/// What is wrong with the plan itself, without a crash of ours.
pub fn exhaust(plan: &Plan, limits: Limits<'_>) -> Result<Certificate, Verdict> {
    let started = Instant::now();
    let plan = with_full_look(plan);
    let mut points = collect(&plan)?;
    points.retain(|point| limits.from_line < point.line_count);
    let search = Search::new(&plan, limits);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            if search.is_over() {
                return;
            }
            search.explore(&Trail::default(), point, 1);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..limits.thread_count.min(points.len() as u64) {
            let thread = std::thread::Builder::new().stack_size(STACK_LEN);
            // Where no thread can be had, those that there are do more.
            let _ = thread.spawn_scoped(scope, work);
        }
        work();
    });
    Ok(search.end(started))
}

/// The crashes on the way to a point: each call, and what happened at it.
#[derive(Clone, Default)]
struct Trail {
    crashes: Vec<(Point, Crash)>,
}

impl Trail {
    fn then(&self, point: &Point, crash: Crash) -> Trail {
        let last = [(point.clone(), crash)];
        Trail {
            crashes: self.crashes.iter().cloned().chain(last).collect(),
        }
    }
}

/// A search that is under way.
struct Search<'a> {
    plan: &'a Plan,
    /// The plan without its lines: what is left of it behind a crash.
    rest: Arc<Plan>,
    limits: Limits<'a>,
    sum: Mutex<Certificate>,
    /// The points that were explored, by depth and fingerprint.
    seen: Mutex<BTreeSet<(u32, u128)>>,
}

impl<'a> Search<'a> {
    fn new(plan: &'a Plan, limits: Limits<'a>) -> Search<'a> {
        let mut rest = plan.clone();
        rest.ops.clear();
        Search {
            plan,
            rest: Arc::new(rest),
            limits,
            sum: Mutex::new(Certificate::new(limits.depth)),
            seen: Mutex::default(),
        }
    }

    /// Whether none was explored yet whose crashes go alike.
    fn is_new(&self, point: &Point, depth: u32) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert((depth, point.fingerprint()))
    }

    fn sum(&self) -> std::sync::MutexGuard<'_, Certificate> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(self, started: Instant) -> Certificate {
        let is_cut_off = self.is_cut_off();
        let sum = self
            .sum
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Certificate {
            is_cut_off,
            elapsed: started.elapsed(),
            ..sum
        }
    }

    fn is_cut_off(&self) -> bool {
        let is_late = self
            .limits
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        is_late || (self.limits.is_over)()
    }

    fn is_over(&self) -> bool {
        self.is_cut_off() || self.sum().counterexample.is_some()
    }

    /// Tries all cases of a point, and what comes behind each of them.
    fn explore(&self, trail: &Trail, point: &Point, depth: u32) {
        let mut level = Level {
            point_count: 1,
            log2_of_images: point.log2_of_images(),
            ..Level::default()
        };
        if !self.is_new(point, depth) {
            level.double_count = 1;
            self.sum().levels[depth as usize - 1].add(&level);
            return;
        }
        if depth < self.limits.depth {
            // What survives a kill is all, and that is not yet durable.
            level.recovery_count += 1;
            self.recover(trail, (point, Crash::Kill), depth, None);
        }
        let mut covered = 0.0;
        let mut is_bounded = false;
        let mut case = Case::default();
        while !self.is_over() {
            let crash = Crash::Power(Survival::Case(case.number()));
            let recovery = self.recover(trail, (point, crash), depth, case.changed());
            level.recovery_count += 1;
            is_bounded |= recovery.is_bounded || CASES_MAX < level.recovery_count;
            covered += share(&recovery.counts);
            let (next, has_left_out) = case.next(&recovery.counts);
            is_bounded |= has_left_out;
            match next {
                Some(next) if level.recovery_count <= CASES_MAX => case = next,
                _ => {
                    assert!(
                        is_bounded || (covered - 1.0_f64).abs() < ROUNDING,
                        "{covered}"
                    );
                    break;
                }
            }
        }
        level.bounded_count = u64::from(is_bounded);
        self.sum().levels[depth as usize - 1].add(&level);
    }

    /// Runs one case, and explores the points of its recovery that are none of a case before it:
    /// those before which a choice was made that this case makes otherwise.
    fn recover(
        &self,
        trail: &Trail,
        (point, crash): (&Point, Crash),
        depth: u32,
        changed: Option<usize>,
    ) -> Recovery {
        let want = match depth < self.limits.depth {
            true => Want::Points,
            false => Want::Verdict,
        };
        let mut recovery = point.recover(&self.rest, crash, want);
        let trail = trail.then(point, crash);
        if recovery.verdict.is_some() {
            self.found(&trail);
            return recovery;
        }
        for point in std::mem::take(&mut recovery.points) {
            if self.is_over() {
                break;
            }
            if changed.is_none_or(|changed| changed < point.choice_count) {
                self.explore(&trail, &point, depth + 1);
            }
        }
        recovery
    }

    /// Makes a plan of what failed, and runs it.
    fn found(&self, trail: &Trail) {
        let mut plan = self.plan.clone();
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
                "what fails behind a crash fails in a run of its own",
                "it does not: that is a fault of the simulator's",
            )
        });
        let mut sum = self.sum();
        if sum.counterexample.is_none() {
            sum.counterexample = Some(Counterexample { plan, verdict });
        }
    }
}
