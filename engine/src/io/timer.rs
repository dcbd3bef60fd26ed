//! A thread that wakes sleepers at their deadlines. It starts with the first sleeper.
//!
//! A waker is foreign code: it is not cloned, called or dropped under the lock, since it may call
//! back and deadlock.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the door to the system's clock and its waits"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::pool::lock;
use crate::sync::{Condvar, Instant, Mutex, MutexGuard, PoisonError, thread};

/// Owns the timer's thread. When it is dropped the thread stops; no [`Sleep`] can outlive it.
pub(super) struct Timer {
    shared: Arc<TimerShared>,
}

/// The state that the thread and the timer share.
#[derive(Default)]
pub(super) struct TimerShared {
    state: Mutex<TimerState>,
    changed: Condvar,
}

#[derive(Default)]
struct TimerState {
    sleepers: BTreeMap<Ticket, Waker>,
    ticket_count: u64,
    is_started: bool,
    is_closed: bool,
}

/// A sleeper's place in the queue: by deadline, then by arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    deadline: Instant,
    index: u64,
}

/// A future that is ready after its deadline. If it is dropped before, its waker is not called.
pub(super) struct Sleep<'timer> {
    timer: &'timer Timer,
    /// The deadline; `None` if it is later than the clock can represent, so that the sleep never
    /// ends.
    deadline: Option<Instant>,
    ticket: Option<Ticket>,
}

impl Timer {
    /// A timer whose thread does not run yet.
    pub(super) fn new() -> Timer {
        Timer {
            shared: Arc::default(),
        }
    }

    /// Waits at least `duration` from this call on.
    ///
    /// # Panics
    /// When it is polled, if the thread cannot be started.
    pub(super) fn sleep(&self, duration: Duration) -> Sleep<'_> {
        Sleep {
            timer: self,
            deadline: Instant::now().checked_add(duration),
            ticket: None,
        }
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Arc<TimerShared> {
        &self.shared
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        lock(&self.shared.state).is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        if deadline <= Instant::now() {
            return Poll::Ready(());
        }
        let ticket = match self.ticket {
            Some(ticket) => ticket,
            None => self.timer.shared.draw_ticket(deadline),
        };
        self.ticket = Some(ticket);
        self.timer.shared.enter(ticket, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = lock(&self.timer.shared.state).sleepers.remove(&ticket);
            drop(waker); // The lock is released by now.
        }
    }
}

impl TimerShared {
    fn draw_ticket(&self, deadline: Instant) -> Ticket {
        let mut state = lock(&self.state);
        let index = state.ticket_count;
        state.ticket_count += 1;
        Ticket { deadline, index }
    }

    /// Registers `waker` for the ticket's deadline, in place of an earlier waker of the ticket.
    fn enter(self: &Arc<Self>, ticket: Ticket, waker: Waker) {
        let mut state = lock(&self.state);
        let replaced = state.sleepers.insert(ticket, waker);
        let is_first = state.sleepers.first_key_value().map(|(first, _)| *first) == Some(ticket);
        let started = if state.is_started {
            Ok(())
        } else {
            self.start_thread()
        };
        state.is_started = started.is_ok();
        drop(state);
        drop(replaced);
        assert!(started.is_ok(), "no thread for the timer: {started:?}");
        if is_first {
            self.changed.notify_one();
        }
    }

    fn start_thread(self: &Arc<Self>) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        // Linux keeps 15 bytes of a name, and these are 15.
        let builder = thread::Builder::new().name("palimpsest-time".to_string());
        builder.spawn(move || shared.run()).map(drop)
    }

    fn run(&self) {
        let mut state = lock(&self.state);
        while !state.is_closed {
            let now = Instant::now();
            let due = state.take_due(now);
            if !due.is_empty() {
                drop(state);
                due.into_iter().for_each(wake);
                state = lock(&self.state);
                continue;
            }
            let rest = state.sleepers.first_key_value();
            let rest = rest.map(|(first, _)| first.deadline.saturating_duration_since(now));
            state = self.wait(state, rest);
        }
    }

    /// Waits for a change, at most for the time `rest`. It may also wake up spuriously.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, TimerState>,
        rest: Option<Duration>,
    ) -> MutexGuard<'a, TimerState> {
        match rest {
            None => {
                let woken = self.changed.wait(state);
                woken.unwrap_or_else(PoisonError::into_inner)
            }
            Some(rest) => {
                let woken = self.changed.wait_timeout(state, rest);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}

impl TimerState {
    /// Removes and returns the wakers that are due, the earliest first.
    fn take_due(&mut self, now: Instant) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(first) = self.sleepers.first_entry() {
            if now < first.key().deadline {
                break;
            }
            due.push(first.remove());
        }
        due
    }
}

/// Calls a waker and catches its panic, which the panic hook has reported: the thread has to go on
/// for the other sleepers.
fn wake(waker: Waker) {
    let _reported = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}
