//! A timeline is shut down while others use it, and opened again in the same engine.
//!
//! ```text
//!  shutdown ─▶ begin_shutdown ─▶ close ─┬─ Clean, Lossy ─▶ unused ─▶ end_shutdown ─▶ reopen
//!                                       └─ Not ──────────────────▶ end_shutdown: it stays open
//! ```
//!
//! 1. From `begin_shutdown` to `end_shutdown` each call on the timeline, and on its descendants,
//!    may return `Closed`; so may a call that overlaps any part of this.
//! 2. What is true of the new instance is known only once the last user of the old one has left:
//!    `Users` counts them, and the open waits for that.
//! 3. Closed in good order, everything that was acknowledged is durable: the new instance ends at
//!    or above the old one's last record. Closed after a failed sync (lossy), it may lack what was
//!    not durable, and is not latched.
//! 4. Once it is closed, no job of the old instance makes a call: with maintenance off, the count
//!    of such calls does not move while the open waits.
//! 5. Two shutdowns may race, one by the engine and one by the timeline. One of them closes it, and
//!    the other returns `Closed` or `Latched`.
//! 6. A shutdown is refused while a child is open or being made; then the timeline stays open. One
//!    that is cancelled may leave it open or closed: a read shows which.
//! 7. Handles that were kept of the old instance are closed for good. They are dropped later, and
//!    must not touch the new instance.

use palimpsest::base::KeyRange;
use palimpsest::io::Job;
use palimpsest::{Engine, Error, Scan, Timeline};

use super::held::HeldInstance;
use super::life::{heal_late, stuck_on};
use super::{Driver, TRIES_MAX};
use crate::checkers::durable::Acknowledged;
use crate::checkers::{Depth, closed, recovery};
use crate::faults::FaultClass;
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle;
use crate::plan::{Closing, Effort, How, Kept, Shutdowns};
use crate::verdict::Verdict;
use crate::world::{Join, SimIo, TaskName};

/// The outcome of a shutdown.
enum ShutdownResult {
    /// Everything that was acknowledged is durable.
    Clean,
    /// It is closed, and may have lost what was not durable.
    Lossy,
    /// It is still open.
    Not,
}

impl Driver {
    /// Shuts a timeline down, and opens it again.
    pub(super) async fn shutdown(
        &self,
        number: u32,
        (label, Closing { shutdowns, kept }): (TimelineLabel, Closing),
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let mut scan = match kept {
            // A scan holds up collections of all ancestors, which go on: no scan is kept of a
            // branch.
            Kept::Handles if timeline.ancestor().is_none() => {
                self.begin_scan(label, &timeline).await?
            }
            Kept::Nothing | Kept::Handles => None,
        };
        if self.timeline(label).is_none() || self.judge.is_shutting_down(label) {
            return Ok(());
        }
        self.judge.begin_shutdown(label);
        self.world.count_fault(FaultClass::Shutdown);
        let other = match shutdowns {
            Shutdowns::Two => Some(self.second_shutdown(number, label, timeline.clone())),
            Shutdowns::One => None,
        };
        let closed = self.close(label, how).await;
        if let Ok(ShutdownResult::Not) = closed {
            // A collection may wait for the scan.
            scan = None;
        }
        let closed = match other {
            Some(other) => match other.wait().await.and(closed) {
                // The engine refused, since a branch was being made, but the timeline's own call
                // closed it. The engine's call succeeds once the branch has failed.
                Ok(ShutdownResult::Not) => {
                    self.users.until(|| !self.users.is_used(label)).await;
                    self.close(label, How::Wait).await
                }
                closed => closed,
            },
            None => closed,
        };
        if let Ok(ShutdownResult::Clean | ShutdownResult::Lossy) = closed {
            self.handles().timelines.remove(&label);
        }
        match closed? {
            ShutdownResult::Not => {
                self.judge.end_shutdown(label);
                self.users.wake();
                Ok(())
            }
            closed => {
                let held = (kept == Kept::Handles).then_some((timeline, scan));
                self.reopen(label, closed, held).await
            }
        }
    }

    /// Begins a scan that is not run to its end.
    async fn begin_scan(
        &self,
        label: TimelineLabel,
        timeline: &Timeline<SimIo>,
    ) -> Result<Option<Scan<SimIo>>, Verdict> {
        let _using = self.users.enter(label);
        let guard = self.judge.begin(Some(label));
        match timeline
            .scan(KeyRange::ALL, timeline.last_record_lsn())
            .await
        {
            Ok(scan) => Ok(Some(scan)),
            // A concurrent collection may have passed the LSN.
            Err(Error::BelowCutoff { .. }) => Ok(None),
            Err(error) => guard.check("begin a scan", &error).map(|()| None),
        }
    }

    /// Starts a second shutdown of the timeline, by the timeline itself instead of the engine.
    fn second_shutdown(
        &self,
        number: u32,
        label: TimelineLabel,
        timeline: Timeline<SimIo>,
    ) -> Join<Result<(), Verdict>> {
        let driver = self.clone();
        Join::spawn(&self.world, TaskName::Line(number), async move {
            let guard = driver.judge.begin(Some(label));
            match timeline.shutdown().await {
                Ok(()) | Err(Error::Closed) => Ok(()),
                // A branch was made on it meanwhile.
                Err(Error::Busy { .. })
                    if oracle::may_have_children(&driver.session().expectations, label) =>
                {
                    Ok(())
                }
                // The engine's call has closed it, and reports what it lost.
                Err(Error::Latched(_)) if driver.judge.is_lossy(label) => Ok(()),
                Err(error) => guard.check("shut down as well", &error),
            }
        })
    }

    async fn close(&self, label: TimelineLabel, how: How) -> Result<ShutdownResult, Verdict> {
        let engine = self.engine();
        for attempt in 0..TRIES_MAX {
            let how = if attempt == 0 { how } else { How::Wait };
            heal_late(&self.world, attempt);
            if let Some(closed) = self.try_close(label, &engine, how).await? {
                return Ok(closed);
            }
        }
        Err(stuck_on("shut down"))
    }

    /// Tries once to shut the timeline down; `None` if it is to be retried.
    async fn try_close(
        &self,
        label: TimelineLabel,
        engine: &Engine<SimIo>,
        how: How,
    ) -> Result<Option<ShutdownResult>, Verdict> {
        let guard = self.judge.begin(Some(label));
        let ended = engine.shutdown_timeline(keys::timeline(label));
        match self.call_of((Job::Keep, how), [label], ended).await? {
            // The second shutdown may have closed it first.
            Some(Ok(()) | Err(Error::Closed)) if self.judge.has_failed_sync(Some(label)) => {
                self.judge.closed_lossy(label);
                Ok(Some(ShutdownResult::Lossy))
            }
            Some(Ok(()) | Err(Error::Closed)) => Ok(Some(ShutdownResult::Clean)),
            Some(Err(Error::Busy { .. }))
                if oracle::may_have_children(&self.session().expectations, label) =>
            {
                Ok(Some(ShutdownResult::Not))
            }
            Some(Err(error)) => {
                guard.check("shut down", &error)?;
                if !matches!(error, Error::Latched(_)) {
                    return Ok(None);
                }
                self.judge.closed_lossy(label);
                Ok(Some(ShutdownResult::Lossy))
            }
            None => {
                let Some(timeline) = self.timeline(label) else {
                    return Ok(None);
                };
                let said = self.show(|sight, checkers| checkers.answers.at_start(sight, &timeline));
                if matches!(said, Err(Error::Closed)) {
                    return Ok(None);
                }
                // It may have frozen the open layer already.
                self.with_expected(label, |expected| expected.maybe_closed = true);
                Ok(Some(ShutdownResult::Not))
            }
        }
    }

    async fn reopen(
        &self,
        label: TimelineLabel,
        closed: ShutdownResult,
        held: Option<(Timeline<SimIo>, Option<Scan<SimIo>>)>,
    ) -> Result<(), Verdict> {
        let instance = closed::Closed::begin(&self.world, label);
        self.users.until(|| !self.users.is_used(label)).await;
        self.look(|sight, _| instance.check_quiet(sight))?;
        self.judge.end_shutdown(label);
        self.users.wake();
        let writer = self.handles().writers.remove(&label);
        if let Some((timeline, scan)) = held {
            let held = HeldInstance {
                timeline,
                _scan: scan,
                _writer: writer,
            };
            self.handles().held.push((label, held));
        }
        let (last, is_still) = self.with_expected(label, |expected| {
            (expected.last, expected.pending.is_none())
        });
        if is_still && matches!(closed, ShutdownResult::Clean) {
            self.check_durable(label, &Acknowledged::Flushed(last))?;
        }
        let Some(timeline) = self
            .open_timeline(label, Effort::UntilDone, How::Wait)
            .await?
        else {
            return Ok(());
        };
        self.recovered(label, timeline)?;
        if matches!(closed, ShutdownResult::Clean) {
            self.look(|sight, _| recovery::check_shut_down_beside(sight, label, last))?;
        }
        self.session().tally.did("shut down beside others");
        self.check_points(label, Depth::Sample)?;
        self.explain(label)
    }

    /// Drops the handles kept of instances that were shut down, after checking that they are
    /// closed.
    pub(super) fn drop_held(&self) -> Result<(), Verdict> {
        let held = std::mem::take(&mut self.handles().held);
        for (label, held) in held {
            let old = &held.timeline;
            self.look(|sight, checkers| {
                closed::check_handle(sight, &mut checkers.answers, (label, old))
            })?;
            self.session()
                .tally
                .did("dropped handles of closed instances");
        }
        Ok(())
    }
}
