//! What threads share, under shuttle: the names of `engine/src/sync.rs`, each step of which is a
//! point where another thread may run.
//!
//! * Locks, condition variables, atomics and threads are shuttle's. Atomics are sequentially
//!   consistent, whatever order the engine asks for: a missing fence is out of sight.
//! * [`Event`] is event_listener's, with a point before each of its calls. Each call is one step:
//!   races inside that crate are out of sight.
//! * Time stands still until a scenario calls [`advance`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
pub(crate) use shuttle::thread;
pub(crate) use std::sync::PoisonError;

/// A lock that no thread holds when another one may run, so that shuttle need not know it.
type StepLock<T> = std::sync::Mutex<T>;

fn hold<T>(lock: &StepLock<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets another thread run first.
pub(crate) fn step() {
    thread::sleep(Duration::ZERO); // To shuttle it is a switch, and no time.
}

/// std's cell, with a point before each call.
#[derive(Clone, Default)]
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    pub(crate) fn new() -> OnceLock<T> {
        OnceLock(std::sync::OnceLock::new())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        step();
        self.0.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        step();
        self.0.set(value)
    }

    /// `init` must not step: a second caller would wait for the first outside of shuttle.
    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        step();
        self.0.get_or_init(init)
    }
}

/// event_listener's event, with a point before each call.
///
/// # Shape
/// The event calls wakers under a lock of its own. The engine's wakers step, and another thread
/// would then wait for that lock outside of shuttle: so they are collected, and called after it.
#[derive(Default)]
pub(crate) struct Event {
    event: event_listener::Event,
    woken: Arc<StepLock<Vec<Waker>>>,
}

/// A registered waiter of an [`Event`].
pub(crate) struct EventListener {
    listener: Option<event_listener::EventListener>,
    woken: Arc<StepLock<Vec<Waker>>>,
}

/// Collects a waker in place of calling it.
struct Collect {
    waker: Waker,
    woken: Arc<StepLock<Vec<Waker>>>,
}

impl Wake for Collect {
    fn wake(self: Arc<Self>) {
        hold(&self.woken).push(self.waker.clone());
    }
}

fn wake_collected(woken: &StepLock<Vec<Waker>>) {
    let wakers = std::mem::take(&mut *hold(woken));
    wakers.into_iter().for_each(Waker::wake);
}

impl Event {
    pub(crate) fn new() -> Event {
        Event::default()
    }

    pub(crate) fn listen(&self) -> EventListener {
        step();
        EventListener {
            listener: Some(self.event.listen()),
            woken: self.woken.clone(),
        }
    }

    pub(crate) fn notify(&self, count: usize) -> usize {
        step();
        let notified = self.event.notify(count);
        wake_collected(&self.woken);
        notified
    }
}

impl Future for EventListener {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        step();
        let collect = Collect {
            waker: context.waker().clone(),
            woken: self.woken.clone(),
        };
        let waker = Waker::from(Arc::new(collect));
        let listener = self.listener.as_mut().expect("it is not dropped");
        Pin::new(listener).poll(&mut Context::from_waker(&waker))
    }
}

impl Drop for EventListener {
    /// A waiter that was notified passes its wake-up on.
    fn drop(&mut self) {
        self.listener = None;
        wake_collected(&self.woken);
    }
}

/// A point of the time that a scenario makes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Instant {
        step();
        Instant(hold(&CLOCK).now)
    }

    pub(crate) fn checked_add(self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The time of one run, and the threads that wait for a deadline.
#[derive(Default)]
struct Clock {
    now: Duration,
    waits: Vec<Wait>,
    wait_count: u64,
}

struct Wait {
    number: u64,
    deadline: Duration,
    condvar: Arc<shuttle::sync::Condvar>,
}

shuttle::lazy_static! {
    static ref CLOCK: StepLock<Clock> = StepLock::default();
}

/// Moves the time on, and returns when each thread whose deadline has come has been told.
pub(crate) fn advance(duration: Duration) {
    step();
    hold(&CLOCK).now += duration;
    loop {
        let due: Vec<_> = {
            let clock = hold(&CLOCK);
            let due = clock.waits.iter().filter(|wait| wait.deadline <= clock.now);
            due.map(|wait| wait.condvar.clone()).collect()
        };
        if due.is_empty() {
            return;
        }
        // A thread that is just about to wait misses this, and is told in the next round.
        due.iter().for_each(|condvar| condvar.notify_all());
        thread::yield_now();
    }
}

/// shuttle's condition variable, whose waits end at the deadline.
#[derive(Default)]
pub(crate) struct Condvar(Arc<shuttle::sync::Condvar>);

type Waited<T> = Result<T, PoisonError<T>>;

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar::default()
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> Waited<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    /// Returns the guard, and whether the deadline has come.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> Waited<(MutexGuard<'a, T>, bool)> {
        let (number, deadline) = {
            let mut clock = hold(&CLOCK);
            let (number, deadline) = (clock.wait_count, clock.now.saturating_add(timeout));
            clock.wait_count += 1;
            let condvar = self.0.clone();
            clock.waits.push(Wait {
                number,
                deadline,
                condvar,
            });
            (number, deadline)
        };
        let waited = self.0.wait(guard);
        let mut clock = hold(&CLOCK);
        clock.waits.retain(|wait| wait.number != number);
        let is_over = deadline <= clock.now;
        match waited {
            Ok(guard) => Ok((guard, is_over)),
            Err(poison) => Err(PoisonError::new((poison.into_inner(), is_over))),
        }
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
