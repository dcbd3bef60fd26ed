//! Shutting down: flush, wait for the jobs, close.

use super::Timeline;
use super::events::Event;
use super::shared::Shared;
use super::upkeep::Lane;
use crate::base::{Error, Result};
use crate::io::{Io, Job};
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// Flushes the timeline and closes it: from then on every call is refused with `Closed`.
    ///
    /// Batches are refused from the start of the call on, so that none is acknowledged and then
    /// lost. Jobs that are running end with `Closed` at their next step.
    ///
    /// # Errors
    /// `Io` if the device refused: the timeline is still open; retry. `Latched` if a sync has
    /// failed: nothing is written, and the timeline is closed. `Closed` if it was closed before.
    /// `Busy` if a branch of it is open, or being created.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.shutdown().await?;
    /// assert!(matches!(timeline.flush().await, Err(Error::Closed)));
    /// # Ok::<(), Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown(&self) -> Result<()> {
        let shared = &self.shared;
        let _ending = ShutdownEnd::begin(shared)?;
        if shared.state().is_read_only() {
            // No job runs on it.
            shared.upkeep.close();
            shared.close();
            return Ok(());
        }
        let flushed = self.flush().await;
        if let Err(error) = &flushed
            && !matches!(error, Error::Latched(_))
        {
            return flushed.map(|_| ());
        }
        if flushed.is_err() {
            shared
                .io()
                .probe("a shutdown writes nothing after a failed sync");
        }
        // No job may be running when the layers are released.
        let job_locks = &shared.job_locks;
        let mut rounds = Vec::new();
        for lane in Lane::ALL {
            rounds.push(shared.upkeep.job_lock(lane).take().await);
        }
        let _compact = job_locks.compact.take().await;
        let _image = job_locks.image.take().await;
        let _gc = job_locks.gc.take().await;
        let _lease = job_locks.lease.take().await;
        let _flush = job_locks.flush.take().await;
        let ended = match flushed {
            // A job may have published layers that no index names yet.
            Ok(_) => {
                let publication = shared.state().publication();
                let op = shared.op(Job::Flush, 0);
                shared.save_index(op, publication).await
            }
            Err(error) => Err(error),
        };
        if ended.is_ok() {
            shared.state().check_durable();
        }
        if matches!(ended, Ok(()) | Err(Error::Latched(_))) {
            shared.upkeep.close();
            shared.close();
            let timeline = shared.id;
            shared.tell(&Event::TimelineClosed { timeline });
        }
        ended
    }

    /// Waits until the removals of layer files that are in flight have ended.
    pub(crate) async fn removals_ended(&self) {
        self.shared.context.names.removals_ended().await;
    }
}

impl<S: Store> Shared<S> {
    /// Counts a shutdown that begins. The caller must undo this when it ends, by [`ShutdownEnd`].
    ///
    /// # Errors
    /// `Busy` if a branch of this timeline is open.
    fn begin_ending(&self) -> Result<()> {
        let mut state = self.state();
        if let Some(branch) = state.open_branches.first() {
            let timeline = self.id;
            return Err(Error::Busy {
                what: format!(
                    "the open timeline {branch} stands on timeline {timeline}: shut it down first"
                ),
            });
        }
        state.ending_count += 1;
        Ok(())
    }
}

/// A shutdown under way. While it lives, batches are refused and running jobs end at their next
/// step.
struct ShutdownEnd<'a, S: Store> {
    shared: &'a Shared<S>,
}

impl<'a, S: Store> ShutdownEnd<'a, S> {
    fn begin(shared: &'a Shared<S>) -> Result<ShutdownEnd<'a, S>> {
        shared.begin_ending()?;
        shared.changed.notify(usize::MAX);
        Ok(ShutdownEnd { shared })
    }
}

impl<S: Store> Drop for ShutdownEnd<'_, S> {
    fn drop(&mut self) {
        // If the timeline was not closed, it accepts batches again, unless another shutdown is
        // under way.
        let mut state = self.shared.state_in_drop();
        assert!(
            0 < state.ending_count,
            "a shutdown that has begun ends once"
        );
        state.ending_count -= 1;
    }
}
