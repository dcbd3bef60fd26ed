//! Ground: what threads share. Locks, atomics, wake-ups, threads, and the clock of timed waits.
//!
//! The engine names these here and nowhere else. `races/` builds the engine's own sources with
//! another `sync`, whose every step is a point where another thread may run: see
//! `races/src/sync.rs`. Nothing of it is in this crate.
//!
//! `Arc` and `Weak` are std's everywhere: no other thread can come between a count and its use.
#![expect(
    clippy::disallowed_types,
    reason = "this is where the pool and the timer find what blocks a thread"
)]

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError, atomic};
pub(crate) use std::thread;
pub(crate) use std::time::Instant;

pub(crate) use event_listener::{Event, EventListener};
