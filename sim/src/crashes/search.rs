//! Searches all points and all cases, on several threads.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own, by the clock"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::case::{Case, share};
use super::level::Level;
use super::subject::{Recovery, Subject, Want};
use crate::faults::{Crash, Survival};
use crate::threads::side_by_side;

/// The largest number of cases of one point that are run.
const CASES_MAX: u64 = 1_000_000;

/// The rounding error that is allowed when the shares of a point's cases are added up to 1.
const ROUNDING: f64 = 1e-6;

/// The limits of a search.
#[derive(Clone, Copy)]
pub struct SearchLimits<'a> {
    /// The number of crashes in a row, 1 or 2.
    pub depth: u32,
    /// When to stop, even if the search has not finished.
    pub deadline: Option<Instant>,
    /// The number of recoveries that run concurrently.
    pub thread_count: u64,
    /// The stack of each thread, in bytes.
    pub stack_len: usize,
    /// Whether the caller asks to stop now, with the result so far.
    pub is_interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// The crashes on the way to a point: each call, and the crash at it.
#[derive(Clone, Debug)]
pub struct Trail<P> {
    /// The crashes, the first one first.
    pub crashes: Vec<(P, Crash)>,
}

/// The result of a search.
#[derive(Clone, Debug)]
pub struct SearchResult<P> {
    /// The counts for the first crash, and for the second at depth 2.
    pub levels: Vec<Level>,
    /// The crashes after which a check failed, if one did.
    pub failure: Option<Trail<P>>,
    /// Whether the search stopped before it had finished.
    pub is_cut_off: bool,
}

/// Tries every crash at these points, until one fails.
pub fn search<S: Subject>(
    subject: &S,
    points: &[S::Point],
    limits: SearchLimits<'_>,
) -> SearchResult<S::Point> {
    let search = Exploration {
        subject,
        limits,
        levels: Mutex::new(vec![Level::default(); limits.depth as usize]),
        failure: Mutex::new(None),
        seen: Mutex::default(),
    };
    let next = AtomicUsize::new(0);
    let start = Trail {
        crashes: Vec::new(),
    };
    let work = || {
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            if search.is_over() {
                return;
            }
            search.explore(&start, point, 1);
        }
    };
    let thread_count = limits.thread_count.min(points.len() as u64);
    side_by_side(thread_count, limits.stack_len, &work);
    SearchResult {
        is_cut_off: search.is_cut_off(),
        levels: into_inner(search.levels),
        failure: into_inner(search.failure),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl<P: Clone> Trail<P> {
    fn then(&self, point: &P, crash: Crash) -> Trail<P> {
        let last = [(point.clone(), crash)];
        Trail {
            crashes: self.crashes.iter().cloned().chain(last).collect(),
        }
    }
}

/// A search in progress.
struct Exploration<'a, S: Subject> {
    subject: &'a S,
    limits: SearchLimits<'a>,
    levels: Mutex<Vec<Level>>,
    failure: Mutex<Option<Trail<S::Point>>>,
    /// The points that were explored, by depth and fingerprint.
    seen: Mutex<BTreeSet<(u32, u128)>>,
}

impl<S: Subject> Exploration<'_, S> {
    /// Whether no point with this fingerprint was explored at this depth.
    fn is_new(&self, point: &S::Point, depth: u32) -> bool {
        lock(&self.seen).insert((depth, self.subject.fingerprint(point)))
    }

    fn is_cut_off(&self) -> bool {
        let deadline = self.limits.deadline;
        let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
        is_late || (self.limits.is_interrupted)()
    }

    fn is_over(&self) -> bool {
        self.is_cut_off() || lock(&self.failure).is_some()
    }

    fn add(&self, depth: u32, level: &Level) {
        lock(&self.levels)[depth as usize - 1].add(level);
    }

    /// Tries all cases of a point; at depth 2, also the crashes within each recovery.
    fn explore(&self, trail: &Trail<S::Point>, point: &S::Point, depth: u32) {
        let mut level = Level {
            point_count: 1,
            log2_of_images: self.subject.log2_of_images(point),
            ..Level::default()
        };
        if !self.is_new(point, depth) {
            level.double_count = 1;
            self.add(depth, &level);
            return;
        }
        if depth < self.limits.depth {
            // A kill keeps all changes, and they are not yet durable.
            level.recovery_count += 1;
            self.recover(trail, (point, Crash::Kill), depth, None);
        }
        self.try_cases(trail, point, depth, &mut level);
        self.add(depth, &level);
    }

    /// Loses power at a point, once for each case.
    fn try_cases(&self, trail: &Trail<S::Point>, point: &S::Point, depth: u32, level: &mut Level) {
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
                    let is_all = (covered - 1.0_f64).abs() < ROUNDING;
                    assert!(
                        is_bounded || is_all,
                        "the cases cover {covered} of the images"
                    );
                    break;
                }
            }
        }
        level.bounded_count = u64::from(is_bounded);
    }

    /// Runs one case, and explores those points of its recovery that no case before it had: the
    /// points that come after the choice in which this case differs.
    fn recover(
        &self,
        trail: &Trail<S::Point>,
        (point, crash): (&S::Point, Crash),
        depth: u32,
        changed: Option<usize>,
    ) -> Recovery<S::Point> {
        let want = match depth < self.limits.depth {
            true => Want::Points,
            false => Want::Verdict,
        };
        let mut recovery = self.subject.recover(point, crash, want);
        let trail = trail.then(point, crash);
        if recovery.has_failed {
            lock(&self.failure).get_or_insert(trail);
            return recovery;
        }
        for point in std::mem::take(&mut recovery.points) {
            if self.is_over() {
                break;
            }
            let made_before = self.subject.choice_count(&point);
            if changed.is_none_or(|changed| changed < made_before) {
                self.explore(&trail, &point, depth + 1);
            }
        }
        recovery
    }
}
