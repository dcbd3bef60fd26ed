//! The pool's threads, its tasks, and `block_on`.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::Poll;

use super::desk::op;
use crate::io::{Io, OsIo, block_on};
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::sync::{Event, Mutex, thread};

fn threads(count: usize) -> OsIo {
    OsIo::with_thread_count(NonZeroUsize::new(count).expect("scenarios ask for some"))
}

/// A flag that can be awaited.
#[derive(Default)]
pub(super) struct Flag {
    is_set: AtomicBool,
    changed: Event,
}

impl Flag {
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        self.changed.notify(usize::MAX);
    }

    pub(super) async fn wait(&self) {
        while !self.is_set.load(Ordering::SeqCst) {
            let listener = self.changed.listen();
            if self.is_set.load(Ordering::SeqCst) {
                return;
            }
            listener.await;
        }
    }
}

/// Threads go idle between the tasks, and the last spawn is the last that wakes one.
pub fn each_spawned_task_runs() {
    let io = threads(2);
    let flags = [(); 3].map(|()| Arc::new(Flag::default()));
    let spawner = {
        let (io, flag) = (io.clone(), flags[0].clone());
        thread::spawn(move || io.spawn(op(), async move { flag.set() }))
    };
    for flag in &flags[1..] {
        let flag = flag.clone();
        io.spawn(op(), async move { flag.set() });
    }
    flags.iter().for_each(|flag| block_on(flag.wait()));
    spawner.join().unwrap();
}

/// With two threads a task that blocks one of them, for the other task, holds nothing up.
pub fn two_tasks_have_two_threads() {
    let io = threads(2);
    let warm_up = Arc::new(Flag::default());
    let flags = [(); 2].map(|()| Arc::new(Flag::default()));
    // One thread is idle, or about to be, when the two come.
    let flag = warm_up.clone();
    io.spawn(op(), async move { flag.set() });
    block_on(warm_up.wait());
    let spawners = [(0, 1), (1, 0)].map(|(own, other)| {
        let (io, own, other) = (io.clone(), flags[own].clone(), flags[other].clone());
        thread::spawn(move || {
            io.spawn(op(), async move {
                own.set();
                block_on(other.wait());
            });
        })
    });
    flags.iter().for_each(|flag| block_on(flag.wait()));
    for spawner in spawners {
        spawner.join().unwrap();
    }
}

/// The wake-up may come before the poll, during it, or after it.
pub fn a_task_that_is_woken_while_it_runs_is_polled_again() {
    let io = threads(1);
    let is_ready = Arc::new(AtomicBool::new(false));
    let waker = Arc::new(Mutex::new(None::<std::task::Waker>));
    let done = Arc::new(Flag::default());
    let task = {
        let (is_ready, waker) = (is_ready.clone(), waker.clone());
        poll_fn(move |context| {
            *waker.lock().unwrap() = Some(context.waker().clone());
            match is_ready.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    };
    let flag = done.clone();
    io.spawn(op(), async move {
        task.await;
        flag.set();
    });
    is_ready.store(true, Ordering::SeqCst);
    let waker = waker.lock().unwrap().take();
    if let Some(waker) = waker {
        waker.wake();
    }
    block_on(done.wait());
}

/// A thread that looks at an empty queue just before the pool is closed must still learn of it.
pub fn a_pool_that_is_dropped_runs_what_is_queued_and_its_threads_stop() {
    let run_count = Arc::new(AtomicU32::new(0));
    let io = threads(2);
    for _ in 0..3 {
        let (io_there, run_count) = (io.clone(), run_count.clone());
        io.spawn(op(), async move {
            io_there.yield_now().await;
            run_count.fetch_add(1, Ordering::SeqCst);
        });
    }
    drop(io);
    // A thread that does not stop is a deadlock, and a task that was lost holds the pool.
    while Arc::strong_count(&run_count) != 1 {
        thread::yield_now();
    }
    assert_eq!(run_count.load(Ordering::SeqCst), 3);
}

/// Woken once, by the last one that knows of it.
pub fn a_future_is_polled_again_after_a_wake_up_at_any_moment() {
    let (is_ready, changed) = (Arc::new(AtomicBool::new(false)), Arc::new(Event::new()));
    let waking = {
        let (is_ready, changed) = (is_ready.clone(), changed.clone());
        thread::spawn(move || {
            is_ready.store(true, Ordering::SeqCst);
            changed.notify(usize::MAX);
        })
    };
    block_on(async {
        let listener = changed.listen();
        if !is_ready.load(Ordering::SeqCst) {
            listener.await;
        }
    });
    assert!(is_ready.load(Ordering::SeqCst));
    waking.join().unwrap();
}
