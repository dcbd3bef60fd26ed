//! Sleep, and the time of day.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::{PATIENCE, millis, wait_until};
use crate::io::pool::lock;
use crate::io::{Io, OsIo, block_on};

/// A waker that writes its name into a log.
struct Logged {
    name: u64,
    log: Arc<Mutex<Vec<u64>>>,
}

impl Logged {
    fn new(name: u64, log: &Arc<Mutex<Vec<u64>>>) -> Arc<Logged> {
        let log = Arc::clone(log);
        Arc::new(Logged { name, log })
    }
}

impl Wake for Logged {
    fn wake(self: Arc<Self>) {
        lock(&self.log).push(self.name);
    }
}

/// Polls `sleep` once with the waker `wake`, and asserts that it is pending.
#[track_caller]
fn start<W: Wake + Send + Sync + 'static>(sleep: Pin<&mut impl Future>, wake: &Arc<W>) {
    let waker = Waker::from(Arc::clone(wake));
    let polled = sleep.poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
}

#[test]
fn a_panic_in_a_waker_leaves_the_timer_alive() {
    struct Broken;
    impl Wake for Broken {
        fn wake(self: Arc<Self>) {
            panic!("this panic is part of the test");
        }
    }
    let io = OsIo::new();
    let mut sleep = pin!(io.sleep(millis(1)));
    start(sleep.as_mut(), &Arc::new(Broken));
    block_on(io.sleep(millis(20)));
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let io = OsIo::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut sleeps = Vec::new();
    for name in [400, 200, 300, 500, 100] {
        let mut sleep = Box::pin(io.sleep(millis(name)));
        start(sleep.as_mut(), &Logged::new(name, &log));
        sleeps.push(sleep);
    }
    drop(sleeps.remove(2)); // 300: dropped, so never woken.
    wait_until("all are woken", || lock(&log).len() == 4);
    assert_eq!(*lock(&log), [100, 200, 400, 500]);
}

#[test]
fn a_sleep_keeps_the_last_waker_only_and_a_dropped_one_none() {
    let io = OsIo::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let (first, second) = (Logged::new(1, &log), Logged::new(2, &log));
    let mut sleep = Box::pin(io.sleep(PATIENCE));
    start(sleep.as_mut(), &first);
    start(sleep.as_mut(), &second);
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(Arc::strong_count(&second), 2);
    drop(sleep);
    assert_eq!(Arc::strong_count(&second), 1);
}

#[test]
fn a_sleep_may_be_longer_than_the_clock_can_say() {
    let io = OsIo::new();
    let mut sleep = pin!(io.sleep(Duration::MAX));
    let polled = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

#[test]
fn now_is_a_time_of_day() {
    let now = OsIo::new().now();
    let year = 365 * 24 * 3600 * 1_000_000_000_u64;
    assert!(55 * year < now.0, "{now:?} is before 2025");
    assert!(now.0 < 130 * year, "{now:?} is after 2099");
}
