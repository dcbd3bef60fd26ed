//! Counts the users of each timeline's instance, so that a reopen can wait until all have left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use crate::label::TimelineLabel;

/// How many operations use each timeline's present instance, in one life.
#[derive(Clone, Default)]
pub(super) struct Users {
    state: Arc<Mutex<UserCounts>>,
}

#[derive(Default)]
struct UserCounts {
    counts: BTreeMap<TimelineLabel, u32>,
    waiting: Vec<Waker>,
}

/// Counts one user of a timeline's present instance until it is dropped.
pub(super) struct UseGuard {
    users: Users,
    label: TimelineLabel,
}

impl Drop for UseGuard {
    fn drop(&mut self) {
        if let Some(count) = self.users.state().counts.get_mut(&self.label) {
            *count -= 1;
        }
        self.users.wake();
    }
}

impl Users {
    fn state(&self) -> MutexGuard<'_, UserCounts> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a user of a timeline's present instance, until the guard is dropped.
    pub(super) fn enter(&self, label: TimelineLabel) -> UseGuard {
        *self.state().counts.entry(label).or_insert(0) += 1;
        UseGuard {
            users: self.clone(),
            label,
        }
    }

    /// Whether a timeline's instance has a user.
    pub(super) fn is_used(&self, label: TimelineLabel) -> bool {
        0 < self.state().counts.get(&label).copied().unwrap_or(0)
    }

    /// Waits until a condition holds that changes when a user leaves or a shutdown ends.
    pub(super) async fn until(&self, is_so: impl Fn() -> bool) {
        std::future::poll_fn(|context| {
            if is_so() {
                return Poll::Ready(());
            }
            self.state().waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Wakes all waiters, which check their conditions again.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut self.state().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }
}
