//! Tests of the operating system's backend alone: its threads, its timer, other processes.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about the system: nothing here is simulated"
)]

pub mod faulty;
mod open_files;
mod process;
mod task;
mod timer;

use std::thread;
use std::time::{Duration, Instant};

use super::{Job, Op};

/// Longer than anything here takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn op() -> Op {
    Op::new(None, Job::Open, 1)
}

pub(super) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[track_caller]
pub(super) fn wait_until(claim: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{claim}");
        thread::sleep(millis(1));
    }
}
