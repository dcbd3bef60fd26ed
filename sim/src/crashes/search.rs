//! The search over all points and all cases, on several threads.
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

/// So many cases of one point are run at most.
const CASES_MAX: u64 = 1_000_000;

/// The shares of the images that the cases of a point cover add up to 1, but for rounding.
const ROUNDING: f64 = 1e-6;

/// How far to go.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// How many crashes one behind another, 1 or 2.
    pub depth: u32,
    /// When to stop, if it is not through by then.
    pub deadline: Option<Instant>,
    /// How many recoveries are run at the same time.
    pub thread_count: u64,
    /// The stack of each thread, in bytes.
    pub stack_len: usize,
    /// Whether the caller wants to have what there is at once.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
}

/// The crashes on the way to a point: each call, and what happened at it.
#[derive(Clone, Debug)]
pub struct Trail<P> {
    /// The first crash comes first.
    pub crashes: Vec<(P, Crash)>,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Found<P> {
    /// The first crash, and the second if it was asked for.
    pub levels: Vec<Level>,
    /// The crashes behind which something was wrong, if something was.
    pub failure: Option<Trail<P>>,
    /// Whether it was stopped before it was through.
    pub is_cut_off: bool,
}

/// Tries every crash at these points, until one is found that fails.
pub fn search<S: Subject>(subject: &S, points: &[S::Point], limits: Limits<'_>) -> Found<S::Point> {
    let search = Search {
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
    Found {
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

/// A search that is under way.
struct Search<'a, S: Subject> {
    subject: &'a S,
    limits: Limits<'a>,
    levels: Mutex<Vec<Level>>,
    failure: Mutex<Option<Trail<S::Point>>>,
    /// The points that were explored, by depth and fingerprint.
    seen: Mutex<BTreeSet<(u32, u128)>>,
}

impl<S: Subject> Search<'_, S> {
    /// Whether no point was explored yet whose crashes go alike.
    fn is_new(&self, point: &S::Point, depth: u32) -> bool {
        lock(&self.seen).insert((depth, self.subject.fingerprint(point)))
    }

    fn is_cut_off(&self) -> bool {
        let deadline = self.limits.deadline;
        let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
        is_late || (self.limits.is_over)()
    }

    fn is_over(&self) -> bool {
        self.is_cut_off() || lock(&self.failure).is_some()
    }

    fn add(&self, depth: u32, level: &Level) {
        lock(&self.levels)[depth as usize - 1].add(level);
    }

    /// Tries all cases of a point, and what comes behind each of them.
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
            // What survives a kill is all, and that is not yet durable.
            level.recovery_count += 1;
            self.recover(trail, (point, Crash::Kill), depth, None);
        }
        self.try_cases(trail, point, depth, &mut level);
        self.add(depth, &level);
    }

    /// Loses power at a point, in every case.
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

    /// Runs one case, and explores the points of its recovery that are none of a case before it:
    /// those before which a choice was made that this case makes otherwise.
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
