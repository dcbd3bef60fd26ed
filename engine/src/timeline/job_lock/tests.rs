//! One holder at a time, and no wake-up is lost.
#![expect(
    clippy::disallowed_methods,
    reason = "real threads take the lock: nothing here is simulated"
)]

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use super::JobLock;
use crate::io::block_on;

/// Polls a future once.
macro_rules! poll {
    ($future:expr) => {
        $future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    };
}

#[test]
fn a_second_job_waits_until_the_first_releases_the_lock() {
    let job_lock = JobLock::default();
    let first = block_on(job_lock.take());
    let mut second = pin!(job_lock.take());
    for _ in 0..3 {
        assert!(poll!(second).is_pending());
    }
    drop(first);
    assert!(poll!(second).is_ready());
}

#[test]
fn waiters_get_the_lock_in_the_order_in_which_they_came() {
    let job_lock = JobLock::default();
    let mut guard = Some(block_on(job_lock.take()));
    let (mut one, mut other) = (pin!(job_lock.take()), pin!(job_lock.take()));
    assert!(poll!(one).is_pending() && poll!(other).is_pending());
    guard.take();
    let Poll::Ready(held) = poll!(one) else {
        panic!("the first to wait is the first to get the lock");
    };
    assert!(poll!(other).is_pending());
    drop(held);
    assert!(poll!(other).is_ready());
}

/// A waiter that was notified and is cancelled before its next poll.
#[test]
fn a_cancelled_waiter_passes_its_wake_up_on() {
    let job_lock = JobLock::default();
    let guard = block_on(job_lock.take());
    let mut stays = pin!(job_lock.take());
    {
        let mut leaves = pin!(job_lock.take());
        assert!(poll!(leaves).is_pending());
        assert!(poll!(stays).is_pending());
        drop(guard);
    }
    assert!(poll!(stays).is_ready());
    let job_lock = block_on(job_lock.take());
    drop(job_lock);
}

#[test]
fn threads_share_the_lock_and_none_waits_for_ever() {
    const THREAD_COUNT: u32 = 4;
    const TURN_COUNT: u32 = 2000;
    let (job_lock, inside, taken) = (JobLock::default(), AtomicU32::new(0), AtomicU32::new(0));
    let take_turns = || {
        for _ in 0..TURN_COUNT {
            let guard = block_on(job_lock.take());
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            taken.fetch_add(1, Ordering::SeqCst);
            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
            drop(guard);
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREAD_COUNT {
            scope.spawn(take_turns);
        }
    });
    assert_eq!(taken.into_inner(), THREAD_COUNT * TURN_COUNT);
}
