//! The points at which a life may end, and the recovery from each.
#![expect(
    clippy::disallowed_types,
    reason = "a fingerprint is compared within one search, and what it stands for is skipped: the \
              hash must be a good one, and need not be the same tomorrow"
)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crate::crashes::{Recovery, Want};
use crate::drive::{Driver, Session};
use crate::faults::{Address, Crash, StepKind, Survival};
use crate::plan::Plan;
use crate::run;
use crate::verdict::Verdict;
use crate::world::{CrashPoint, Watch};

/// A call before which the process may end.
#[derive(Clone)]
pub struct Point {
    /// The call.
    pub address: Address,
    /// The number of lines of the plan that had begun.
    pub line_count: usize,
    /// The number of choices of the crash before that had been made.
    pub choice_count: usize,
    crash_point: CrashPoint,
    session: Session,
}

/// The points, while they are collected.
type Points = Arc<Mutex<Vec<Point>>>;

/// Runs the plan as it is, and returns its points, or its verdict if it fails.
///
/// The points are all calls that change the disk, and the first call after the last line.
pub fn collect(plan: &Plan) -> Result<Vec<Point>, Verdict> {
    let points = Points::default();
    let theirs = points.clone();
    let end = plan.ops.len();
    let verdict = run::run_watched(plan, |session| watch(session.clone(), theirs, end));
    match verdict {
        Some(verdict) => Err(verdict),
        None => Ok(take(&points)),
    }
}

/// Records points until a line after `end` was asked for.
fn watch(session: Arc<Mutex<Session>>, points: Points, end: usize) -> Watch {
    let mut is_over = false;
    Box::new(move |state, site| {
        let session = session.lock().unwrap_or_else(PoisonError::into_inner);
        let is_behind = end < session.next_line;
        if is_over || !(is_behind || changes(site.step)) {
            return;
        }
        is_over = is_behind;
        let crash_point = state.crash_point();
        let point = Point {
            address: site.address(),
            line_count: session.next_line.min(end),
            choice_count: crash_point.disk().choice_counts().len(),
            crash_point,
            session: session.clone(),
        };
        let mut points = points.lock().unwrap_or_else(PoisonError::into_inner);
        points.push(point);
    })
}

/// Whether a call of this kind changes the disk, or what of it is durable.
fn changes(step: StepKind) -> bool {
    match step {
        StepKind::Create
        | StepKind::Rename
        | StepKind::Replace
        | StepKind::Link
        | StepKind::Remove
        | StepKind::CreateDir
        | StepKind::RemoveDir
        | StepKind::SyncDir
        | StepKind::Lock
        | StepKind::Write
        | StepKind::Sync => true,
        StepKind::Open | StepKind::List | StepKind::Read | StepKind::Len | StepKind::Pass => false,
    }
}

fn take(points: &Points) -> Vec<Point> {
    let mut points = points.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *points)
}

impl Point {
    /// A hash: points with equal fingerprints have the same crashes and recoveries.
    ///
    /// It covers the disk, the expected state of the timelines, and the rest of the schedule, the
    /// rules and the random choices. The time of day is not part of it.
    pub fn fingerprint(&self) -> u128 {
        let mut halves = [DefaultHasher::new(), DefaultHasher::new()];
        1_u8.hash(&mut halves[1]);
        let session = &self.session;
        let expected = (&session.expectations, &session.shards, &session.splitting);
        let expectations = format!("{expected:?}");
        for hasher in &mut halves {
            self.crash_point.fingerprint(hasher);
            expectations.hash(hasher);
        }
        let [low, high] = halves.map(|hasher| u128::from(hasher.finish()));
        high << 64 | low
    }

    /// The binary logarithm of the number of images that a power loss at the point can leave.
    pub fn log2_of_images(&self) -> f64 {
        let survival = Survival::Case(0);
        self.crash_point.disk().crash(survival).log2_of_images()
    }

    /// Crashes, recovers and compares all answers. `plan` is the plan without its lines.
    pub fn recover(&self, plan: &Arc<Plan>, crash: Crash, want: Want) -> Recovery<Point> {
        let world = self.crash_point.after(plan, crash);
        let session = Arc::new(Mutex::new(Session {
            next_line: 0,
            ..self.session.clone()
        }));
        let points = Points::default();
        if want == Want::Points {
            world.watch(watch(session.clone(), points.clone(), 0));
        }
        run::carry_out(&Driver::new(&world, plan, &session).for_crashes());
        let state = world.state();
        let session = session.lock().unwrap_or_else(PoisonError::into_inner);
        Recovery {
            has_failed: session.verdict.is_some(),
            counts: state.disk.choice_counts().to_vec(),
            is_bounded: state.disk.is_bounded(),
            points: take(&points),
        }
    }
}
