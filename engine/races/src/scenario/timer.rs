//! The timer's thread and its sleepers.

use std::sync::Arc;
use std::time::Duration;

use crate::io::{Io, OsIo, block_on};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Instant, advance, thread};

const SECOND: Duration = Duration::from_secs(1);

/// Time goes on while a sleeper that was woken waits for its turn, but never as long as this.
const LATE_MAX: Duration = Duration::from_secs(50);

/// Moves the time on until this many sleepers are awake.
fn let_time_pass(awake_count: &AtomicU32, expected: u32) {
    while awake_count.load(Ordering::SeqCst) < expected {
        advance(SECOND);
        thread::yield_now();
    }
}

/// It may come while the timer's thread is about to wait for the deadline of the other one.
pub fn each_of_two_sleepers_is_woken_at_its_own_deadline() {
    let io = OsIo::new();
    let awake_count = Arc::new(AtomicU32::new(0));
    let sleepers = [100, 1].map(|seconds| {
        let (io, awake_count) = (io.clone(), awake_count.clone());
        thread::spawn(move || {
            let start = Instant::now();
            block_on(io.sleep(seconds * SECOND));
            let slept = Instant::now().saturating_duration_since(start);
            assert!(
                seconds * SECOND <= slept,
                "it sleeps as long as it was asked to"
            );
            assert!(
                slept <= seconds * SECOND + LATE_MAX,
                "it is woken at its own deadline"
            );
            awake_count.fetch_add(1, Ordering::SeqCst);
        })
    });
    let_time_pass(&awake_count, 2);
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
}

/// One that leaves early takes only its own place.
pub fn a_sleeper_that_leaves_wakes_no_other_and_keeps_none() {
    let io = OsIo::new();
    let awake_count = Arc::new(AtomicU32::new(0));
    let stays = {
        let (io, awake_count) = (io.clone(), awake_count.clone());
        thread::spawn(move || {
            block_on(io.sleep(2 * SECOND));
            awake_count.fetch_add(1, Ordering::SeqCst);
        })
    };
    let leaves = {
        let io = io.clone();
        thread::spawn(move || {
            let mut sleep = Box::pin(io.sleep(SECOND));
            let waker = std::task::Waker::noop();
            let polled = sleep
                .as_mut()
                .poll(&mut std::task::Context::from_waker(waker));
            drop((polled, sleep));
        })
    };
    let_time_pass(&awake_count, 1);
    leaves.join().unwrap();
    stays.join().unwrap();
}
