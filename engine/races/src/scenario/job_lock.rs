//! The lock of jobs.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use crate::io::block_on;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::thread;
use crate::timeline::job_lock::JobLock;

/// Two of the three release it as the last one: nothing comes after that could wake a waiter.
pub fn one_job_at_a_time_holds_the_lock_and_the_last_release_wakes_the_last_waiter() {
    let (job_lock, inside) = (Arc::new(JobLock::default()), Arc::new(AtomicU32::new(0)));
    let threads = [1, 1, 2].map(|turn_count| {
        let (job_lock, inside) = (job_lock.clone(), inside.clone());
        thread::spawn(move || {
            for _ in 0..turn_count {
                let guard = block_on(job_lock.take());
                assert_eq!(
                    inside.fetch_add(1, Ordering::SeqCst),
                    0,
                    "one holder at a time"
                );
                assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                drop(guard);
            }
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

/// It may have been notified already, and nothing else would wake the other waiter.
pub fn a_waiter_that_leaves_passes_its_wake_up_on() {
    let job_lock = Arc::new(JobLock::default());
    let guard = block_on(job_lock.take());
    let leaves = {
        let job_lock = job_lock.clone();
        thread::spawn(move || {
            let mut take = pin!(job_lock.take());
            let polled = take.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop(polled);
        })
    };
    let stays = {
        let job_lock = job_lock.clone();
        thread::spawn(move || drop(block_on(job_lock.take())))
    };
    drop(guard);
    leaves.join().unwrap();
    stays.join().unwrap();
}
