//! Calls that may wait for the device, on threads of their own, so that no executor is blocked.
//!
//! ```text
//!             first poll          a thread takes it          it has returned
//!  Unasked ───────────────▶ Queued ───────────────▶ Running ───────────────▶ Done ─▶ the caller
//!                             │ drop                   │ drop
//!                             ▼                        ▼
//!                      never made            the drop waits until it has returned
//! ```
//!
//! A call that is cancelled has no effect after the drop: so a drop waits for one that is running,
//! unless it changes nothing.
#![expect(
    clippy::disallowed_types,
    reason = "this is where a dropped call is waited for"
)]

use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::pool::{Pool, lock};
use crate::sync::{Condvar, Mutex, PoisonError};

/// Threads for calls that may wait for the device.
pub(super) struct Blocking {
    pool: Pool,
}

/// What a caller does when its future is dropped while the call is running.
#[derive(Clone, Copy)]
pub(super) enum OnDrop {
    /// Leaves it: it changes nothing.
    Leave,
    /// Waits until it has returned.
    Wait,
}

/// A call that is made on another thread, from its first poll on.
pub(super) struct BlockingCall<T: Send + 'static> {
    blocking: Arc<Blocking>,
    on_drop: OnDrop,
    slot: Arc<Slot<T>>,
    is_asked: bool,
}

struct Slot<T> {
    phase: Mutex<CallPhase<T>>,
    returned: Condvar,
}

type Call<T> = Box<dyn FnOnce() -> io::Result<T> + Send>;

enum CallPhase<T> {
    Waiting(Call<T>, Option<Waker>),
    Running(Option<Waker>),
    Returned(io::Result<T>),
    /// The result was taken, or the call was dropped before it began.
    Over,
}

impl Blocking {
    /// At most so many calls at a time, the others wait.
    pub(super) fn new(thread_count_max: NonZeroUsize) -> Blocking {
        Blocking {
            pool: Pool::new(thread_count_max),
        }
    }

    /// Makes a call on one of the threads.
    pub(super) fn call<T: Send + 'static>(
        self: &Arc<Self>,
        on_drop: OnDrop,
        call: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> BlockingCall<T> {
        BlockingCall {
            blocking: self.clone(),
            on_drop,
            slot: Arc::new(Slot {
                phase: Mutex::new(CallPhase::Waiting(Box::new(call), None)),
                returned: Condvar::new(),
            }),
            is_asked: false,
        }
    }
}

impl<T: Send + 'static> Future for BlockingCall<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        {
            let mut phase = lock(&self.slot.phase);
            match mem::replace(&mut *phase, CallPhase::Over) {
                CallPhase::Waiting(call, _) => {
                    *phase = CallPhase::Waiting(call, Some(context.waker().clone()));
                }
                CallPhase::Running(_) => {
                    *phase = CallPhase::Running(Some(context.waker().clone()));
                }
                CallPhase::Returned(result) => return Poll::Ready(result),
                CallPhase::Over => panic!("a future that is ready is polled no more"),
            }
        }
        if !mem::replace(&mut self.is_asked, true) {
            let slot = self.slot.clone();
            self.blocking.pool.spawn(async move { slot.run() });
        }
        Poll::Pending
    }
}

impl<T: Send> Slot<T> {
    fn run(&self) {
        let call = {
            let mut phase = lock(&self.phase);
            match mem::replace(&mut *phase, CallPhase::Over) {
                CallPhase::Waiting(call, waker) => {
                    *phase = CallPhase::Running(waker);
                    call
                }
                // It was dropped before.
                _ => return,
            }
        };
        let result = call();
        let waker = match mem::replace(&mut *lock(&self.phase), CallPhase::Returned(result)) {
            CallPhase::Running(waker) => waker,
            _ => None,
        };
        self.returned.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Send + 'static> Drop for BlockingCall<T> {
    fn drop(&mut self) {
        let mut phase = lock(&self.slot.phase);
        while let CallPhase::Running(_) = *phase {
            match self.on_drop {
                OnDrop::Leave => return,
                OnDrop::Wait => {}
            }
            let woken = self.slot.returned.wait(phase);
            phase = woken.unwrap_or_else(PoisonError::into_inner);
        }
        // A file or a lock that its caller did not take is closed before the drop ends.
        let left = mem::replace(&mut *phase, CallPhase::Over);
        drop(phase);
        drop(left);
    }
}
