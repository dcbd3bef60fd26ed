//! Tasks, time and random numbers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::desk::{op, until};
use crate::io::Io;

/// `spawn` starts every task, also from inside of a task, and no task has to wait until another
/// ends.
pub async fn check_spawn<I: Io>(io: &I, _root: &Path) {
    const TASK_COUNT: u64 = 100;
    let run_count = Arc::new(AtomicU64::new(0));
    for _ in 0..TASK_COUNT {
        let (inner, run_count) = (io.clone(), Arc::clone(&run_count));
        io.spawn(op(), async move {
            inner.interleave(op()).await;
            inner.spawn(op(), async move {
                run_count.fetch_add(1, Ordering::Release);
            });
        });
    }
    let is_done = || run_count.load(Ordering::Acquire) == TASK_COUNT;
    until(io, "every task runs once", is_done).await;
    for _ in 0..100 {
        io.yield_now().await;
    }
    assert!(is_done(), "no task runs twice");

    // More tasks than threads, each waiting for all the others.
    let met_count = Arc::new(AtomicU64::new(0));
    for _ in 0..TASK_COUNT {
        let (io_here, met_count) = (io.clone(), Arc::clone(&met_count));
        io.spawn(op(), async move {
            met_count.fetch_add(1, Ordering::Release);
            let is_met = || TASK_COUNT <= met_count.load(Ordering::Acquire);
            until(&io_here, "the tasks meet", is_met).await;
            met_count.fetch_add(1, Ordering::Release);
        });
    }
    let is_done = || met_count.load(Ordering::Acquire) == 2 * TASK_COUNT;
    until(io, "tasks that wait for each other end", is_done).await;
}

/// `sleep` waits at least the given time, by the clock of [`Io::now`].
pub async fn check_sleep<I: Io>(io: &I, _root: &Path) {
    io.sleep(Duration::ZERO).await;
    for milliseconds in [1, 7, 30] {
        let start = io.now();
        io.sleep(Duration::from_millis(milliseconds)).await;
        let slept = io.now().0.saturating_sub(start.0);
        let asked = milliseconds * 1_000_000;
        assert!(asked <= slept, "slept {slept} ns of {asked}");
    }
}

/// `yield_now` returns, and a task that only yields does not starve the others.
pub async fn check_yield<I: Io>(io: &I, _root: &Path) {
    /// Far more yields than another task needs to run, also on a busy machine.
    const YIELD_COUNT_MAX: u32 = 10_000_000;
    io.yield_now().await;
    let has_run = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&has_run);
    let other = io.clone();
    io.spawn(op(), async move {
        other.yield_now().await;
        flag.store(true, Ordering::Release);
    });
    for _ in 0..YIELD_COUNT_MAX {
        if has_run.load(Ordering::Acquire) {
            return;
        }
        io.yield_now().await;
    }
    panic!("a task that yields {YIELD_COUNT_MAX} times starves the others");
}

/// `random` draws each of its bits: in 256 draws none is always set, and none never.
pub async fn check_random<I: Io>(io: &I, _root: &Path) {
    let (mut ones, mut zeros) = (0, 0);
    for _ in 0..256 {
        let bits = io.random();
        ones |= bits;
        zeros |= !bits;
    }
    assert_eq!(ones, u64::MAX, "a bit is never set");
    assert_eq!(zeros, u64::MAX, "a bit is always set");
}
