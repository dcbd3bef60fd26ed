//! The failures of a timeline's maintenance.
//!
//! A job that fails is tried again after one maintenance period, then after twice as long, and so
//! on, up to [`BACKOFF_PERIODS_MAX`] periods or half a minute, whichever is less, but never sooner
//! than after a period. The other jobs go on. A run that succeeds ends the failure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::{Error, Result, Time};
use crate::io::Job;

/// How many periods lie between two attempts at most.
const BACKOFF_PERIODS_MAX: u32 = 64;
/// How long a failed job waits at most, if the period is not longer.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// A job that fails, again and again.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The first failure in a row.
    pub first: Failure,
    /// The last one.
    pub last: Failure,
    /// The number of failures in a row.
    pub count: u32,
    /// When it is tried again at the latest.
    pub next_try: Time,
}

/// One failure.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The time by the clock of `Io`.
    pub at: Time,
    /// The error.
    pub error: Error,
}

/// The failures of the maintenance of one timeline.
#[derive(Default)]
pub(crate) struct Failures {
    failing: BTreeMap<Job, Failing>,
    count: u64,
}

impl Failures {
    /// The jobs that fail, and how many runs have failed of all jobs.
    pub(super) fn all(&self) -> (BTreeMap<Job, Failing>, u64) {
        (self.failing.clone(), self.count)
    }

    /// Notes how a run of a job has ended. An end of the timeline is no failure, and a latch is
    /// told by the timeline.
    pub(crate) fn note(&mut self, job: Job, (now, period): (Time, Duration), result: Result<()>) {
        let error = match result {
            Ok(()) => {
                self.failing.remove(&job);
                return;
            }
            Err(Error::Closed | Error::Latched(_)) => return,
            Err(error) => error,
        };
        self.count += 1;
        let failure = Failure { at: now, error };
        let failing = self.failing.entry(job).or_insert_with(|| Failing {
            first: failure.clone(),
            last: failure.clone(),
            count: 0,
            next_try: now,
        });
        failing.next_try = now.saturating_add(backoff(period, failing.count));
        failing.count = failing.count.saturating_add(1);
        failing.last = failure;
    }

    /// The error with which a job fails.
    pub(crate) fn of(&self, job: Job) -> Option<&Error> {
        self.failing.get(&job).map(|it| &it.last.error)
    }

    /// When a job that fails is to be tried again, if that is still to come.
    pub(crate) fn next_try(&self, job: Job, now: Time) -> Option<Time> {
        let failing = self.failing.get(&job)?;
        // Where the clock has stepped back, that would be long after.
        let is_to_come = failing.last.at <= now && now < failing.next_try;
        is_to_come.then_some(failing.next_try)
    }
}

/// How long to wait after a failure that came after so many others in a row.
fn backoff(period: Duration, before: u32) -> Duration {
    let factor = 2_u32.saturating_pow(before).min(BACKOFF_PERIODS_MAX);
    let limit = BACKOFF_MAX.max(period);
    period.saturating_mul(factor).min(limit)
}
