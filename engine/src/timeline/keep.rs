//! Housekeeping: a task that does by need what can be called one by one.
//!
//! ```text
//!  sleep ─ period over, or something changed ─▶ flush ─▶ compact ─▶ images ─▶ gc ─▶ sleep …
//! ```
//!
//! It holds the timeline only while it works: who lets go of the last handle ends it. An error is
//! the next round's business: what failed is due still. A failed sync ends it, as it ends all work.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::Timeline;
use super::job::{Mode, Progress};
use super::shared::Shared;
use crate::base::Result;
use crate::io::{Io, Job};
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// Starts the task, if the options want one.
    pub(crate) fn keep_house(&self) {
        let shared = &self.shared;
        let Some(period) = shared.options.housekeeping_period else {
            return;
        };
        let (io, op) = (shared.io().clone(), shared.op(Job::Keep, 1));
        let task = keep(Arc::downgrade(shared), io.clone(), period);
        io.spawn(op, task);
    }

    /// Flushes what is frozen, compacts, makes images and collects garbage, all by need.
    ///
    /// # Errors
    /// Of the first of them that fails; the others are tried all the same.
    pub async fn tidy(&self) -> Result<()> {
        let flushed = self.flush_frozen().await;
        let compacted = self.compact_all().await;
        let imaged = self.create_images(Mode::ByNeed).await.map(|_| ());
        let collected = self.gc().await.map(|_| ());
        flushed.and(compacted).and(imaged).and(collected)
    }

    async fn compact_all(&self) -> Result<()> {
        while self.compact(Mode::ByNeed).await? == Progress::Done {}
        Ok(())
    }
}

async fn keep<S: Store>(shared: Weak<Shared<S>>, io: S::Io, period: Duration) {
    loop {
        let Some(signal) = shared.upgrade().map(|shared| shared.work.clone()) else {
            return;
        };
        let listener = signal.listen();
        first_of(listener, io.sleep(period)).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let timeline = Timeline { shared };
        // A shutdown waits for the end of the round: then nobody holds the timeline here.
        let _turn = timeline.shared.turns.keep.take().await;
        if timeline.shared.state().is_over() {
            return;
        }
        // What fails is due still when the next round comes.
        let _ = timeline.tidy().await;
    }
}

/// Waits until one of two is done.
async fn first_of(left: impl Future, right: impl Future) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        let is_left = left.as_mut().poll(context).is_ready();
        match is_left || right.as_mut().poll(context).is_ready() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}
