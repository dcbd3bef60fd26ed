//! A pool of threads that run spawned tasks, and [`block_on`], which runs one future on its
//! caller's thread.
//!
//! 1. A task is in the queue at most once, and at most one thread polls it.
//! 2. No lock is held while a task is polled or dropped: both may call back into the pool and would
//!    deadlock.
//! 3. A thread starts when a task waits and no thread is idle, up to the pool's number. Once the
//!    pool is closed a thread stops when the queue is empty; a task that is woken after that starts
//!    one again.
//!
//! ```text
//!                 ┌───── pause ◀─────┐
//!                 ▼                  │
//! wake ────▶    Idle               Running ── ready, panic ─▶ Done
//!   │             │ wake             ▲   │ wake
//!   │             ▼                  │   ▼
//!   └──────▶   Queued ──── begin ────┘  Woken ── ready, panic ─▶ Done
//!                 ▲                      │
//!                 └───────── pause ──────┘
//! ```
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the door to the system's threads"
)]

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The future of a task.
type PoolWork = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A pool of threads that run tasks. When it is dropped the threads finish the queued tasks and
/// stop.
pub(super) struct Pool {
    shared: Arc<PoolShared>,
}

/// The state that the threads, the tasks and the pool share.
pub(super) struct PoolShared {
    thread_count_max: usize,
    state: Mutex<PoolState>,
    ready: Condvar,
}

#[derive(Default)]
struct PoolState {
    queue: VecDeque<Arc<Task>>,
    thread_count: usize,
    idle_count: usize,
    is_closed: bool,
}

struct Task {
    phase: Mutex<PoolPhase>,
    pool: Arc<PoolShared>,
}

/// The phase of a task, with its future while no thread polls it.
enum PoolPhase {
    Idle(PoolWork),
    Queued(PoolWork),
    Running,
    /// Running, and woken since the poll began: it must be polled again.
    Woken,
    Done,
}

/// Locks `mutex`. A poisoned one is sound too: no foreign code runs under these locks.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// A pool without threads.
    pub(super) fn new(thread_count_max: NonZeroUsize) -> Pool {
        Pool {
            shared: Arc::new(PoolShared {
                thread_count_max: thread_count_max.get(),
                state: Mutex::default(),
                ready: Condvar::new(),
            }),
        }
    }

    /// Runs `work` on one of the threads.
    ///
    /// # Panics
    /// If there is no thread and none can be started.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let task = Task {
            phase: Mutex::new(PoolPhase::Queued(Box::pin(work))),
            pool: Arc::clone(&self.shared),
        };
        self.shared.push(Arc::new(task));
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Arc<PoolShared> {
        &self.shared
    }
}

impl Drop for Pool {
    /// Does not join the threads: the last owner of the pool may be a task, on one of them.
    fn drop(&mut self) {
        lock(&self.shared.state).is_closed = true;
        self.shared.ready.notify_all();
    }
}

impl PoolShared {
    fn push(self: &Arc<Self>, task: Arc<Task>) {
        let mut state = lock(&self.state);
        state.queue.push_back(task);
        let is_short = state.idle_count < state.queue.len();
        if is_short && state.thread_count < self.thread_count_max {
            let started = self.start_thread(state.thread_count);
            state.thread_count += usize::from(started.is_ok());
            let is_served = 0 < state.thread_count;
            drop(state);
            // With fewer threads than wanted tasks still run, only slower.
            assert!(is_served, "no thread for tasks: {started:?}");
        } else {
            drop(state);
        }
        self.ready.notify_one();
    }

    fn start_thread(self: &Arc<Self>, thread_index: usize) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        let name = format!("palimpsest-{thread_index}");
        let run = move || {
            while let Some(task) = shared.next() {
                task.run();
            }
        };
        thread::Builder::new().name(name).spawn(run).map(drop)
    }

    /// Waits for a task to run; `None` when the thread is to stop.
    fn next(&self) -> Option<Arc<Task>> {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.queue.pop_front() {
                return Some(task);
            }
            if state.is_closed {
                state.thread_count -= 1;
                return None;
            }
            state.idle_count += 1;
            let woken = self.ready.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.idle_count -= 1;
        }
    }
}

impl Task {
    /// Polls the task once.
    ///
    /// A panic ends this task and nothing else: the panic hook has reported it, with the thread's
    /// name, before it is caught here, and what the task held is dropped, so that tasks that wait
    /// for it are woken.
    fn run(self: Arc<Self>) {
        let mut work = self.begin();
        let waker = Waker::from(Arc::clone(&self));
        let polled = catch_unwind(AssertUnwindSafe(move || {
            match work.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => Some(work),
                Poll::Ready(()) => None, // Dropped here, since a drop may panic too.
            }
        }));
        match polled {
            Ok(Some(work)) => self.pause(work),
            Ok(None) | Err(_) => *lock(&self.phase) = PoolPhase::Done,
        }
    }

    fn begin(&self) -> PoolWork {
        match mem::replace(&mut *lock(&self.phase), PoolPhase::Running) {
            PoolPhase::Queued(work) => work,
            _ => unreachable!("a task in the queue is in the phase Queued: fact 1"),
        }
    }

    fn pause(self: Arc<Self>, work: PoolWork) {
        let mut phase = lock(&self.phase);
        let is_woken = matches!(*phase, PoolPhase::Woken);
        *phase = if is_woken {
            PoolPhase::Queued(work)
        } else {
            PoolPhase::Idle(work)
        };
        drop(phase);
        if is_woken {
            let pool = Arc::clone(&self.pool);
            pool.push(self);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut phase = lock(&self.phase);
        match mem::replace(&mut *phase, PoolPhase::Woken) {
            PoolPhase::Idle(work) => {
                *phase = PoolPhase::Queued(work);
                drop(phase);
                self.pool.push(Arc::clone(self));
            }
            PoolPhase::Running => {}
            unmoved => *phase = unmoved,
        }
    }
}

/// Wakes a thread that is parked in [`block_on`].
struct Unpark {
    thread: Thread,
    /// The thread's own token is not enough: code inside the future that parks may consume it.
    is_woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Runs `future` on the calling thread, which is parked while the future is pending.
///
/// It needs no pool and no runtime, and works on any thread that may block.
///
/// # Examples
/// ```
/// assert_eq!(palimpsest::block_on(async { 7 }), 7);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        is_woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while !unpark.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}
