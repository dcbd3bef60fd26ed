//! Jobs as a listener hears them: each that has begun ends once.

use std::future::Future;

use super::Timeline;
use super::events::{Event, JobOutcome};
use super::job::Progress;
use super::job_stats::{JobStats, Stopwatch};
use super::shared::Shared;
use crate::base::{IoFailure, Lsn, Result};
use crate::io::{Io, Job, Op};
use crate::store::Store;

/// A job that has begun, and whose end is to be told.
struct Running<'a, S: Store> {
    shared: &'a Shared<S>,
    op: Op,
    /// How many jobs of its kind had counted before it.
    run_count: u64,
    is_over: bool,
}

/// A batch that waits for fewer L0s.
pub(super) struct Stalled<'a, S: Store> {
    shared: &'a Shared<S>,
}

impl<S: Store> Shared<S> {
    /// Tells the listener, if there is one. The state must not be locked.
    pub(super) fn tell(&self, event: &Event<'_>) {
        if let Some(listener) = &self.options.listener {
            listener.on_event(event);
        }
    }

    /// Runs a job, and tells that it begins and ends. The lock of its kind is held.
    pub(super) async fn watched<T>(
        &self,
        op: Op,
        job: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut running = Running::begin(self, op);
        let result = job.await;
        running.end(match &result {
            Ok(_) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error),
        });
        result
    }

    /// Notes what a job has counted, which has changed the map.
    pub(super) fn note_run(&self, job: Job, stats: JobStats) {
        let mut state = self.state();
        state.job_runs.entry(job).or_default().note(stats);
    }

    /// Ends a run of a job: makes what it has published durable, and notes what it has counted. It
    /// was superseded if it has published nothing.
    pub(super) async fn settle(
        &self,
        (op, publication): (Op, Option<u64>),
        (job, mut watch, mut stats): (Job, Stopwatch, JobStats),
    ) -> Result<Progress> {
        let saved = self.save_published(op, publication).await;
        stats.time_to_publish = watch.lap(self.io());
        self.note_run(job, stats);
        saved
    }

    /// Makes what a job has published durable; it was superseded if that is nothing.
    pub(super) async fn save_published(
        &self,
        op: Op,
        publication: Option<u64>,
    ) -> Result<Progress> {
        match publication {
            None => Ok(Progress::Superseded),
            Some(publication) => self
                .save_index(op, publication)
                .await
                .map(|()| Progress::Done),
        }
    }

    /// Tells that a sync has failed.
    pub(super) fn tell_latched(&self, failure: &IoFailure) {
        self.io().probe("a failed sync latches a timeline");
        let timeline = self.id;
        self.tell(&Event::TimelineLatched { timeline, failure });
    }

    /// Tells that the cutoff has moved, if it has.
    pub(super) fn tell_cutoff(&self, from: Lsn, to: Lsn) {
        if from < to {
            let timeline = self.id;
            self.tell(&Event::CutoffMoved { timeline, from, to });
        }
    }
}

impl<S: Store> Timeline<S> {
    /// Tells that it was opened.
    pub(crate) fn tell_opened(&self) {
        let (timeline, generation) = (self.shared.id, self.shared.generation);
        self.shared.tell(&Event::TimelineOpened {
            timeline,
            generation,
        });
    }
}

impl<'a, S: Store> Running<'a, S> {
    fn begin(shared: &'a Shared<S>, op: Op) -> Running<'a, S> {
        let runs = shared.state().job_runs.get(&op.job).copied();
        shared.tell(&Event::JobBegun { op });
        Running {
            shared,
            op,
            run_count: runs.map_or(0, |runs| runs.total.run_count),
            is_over: false,
        }
    }

    fn end(&mut self, outcome: JobOutcome<'_>) {
        assert!(!self.is_over, "it ends once");
        self.is_over = true;
        let op = self.op;
        // Its lock lets no other job of the kind count meanwhile.
        let runs = self.shared.state_in_drop().job_runs.get(&op.job).copied();
        let runs = runs.filter(|runs| self.run_count < runs.total.run_count);
        let stats = runs.map(|runs| runs.last);
        self.shared.tell(&Event::JobEnded { op, stats, outcome });
    }
}

impl<S: Store> Drop for Running<'_, S> {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(JobOutcome::Dropped);
        }
    }
}

impl<'a, S: Store> Stalled<'a, S> {
    /// Tells that a batch begins to wait.
    pub(super) fn begin(shared: &'a Shared<S>) -> Stalled<'a, S> {
        let (timeline, backlog) = (shared.id, shared.state().map.backlog());
        shared.tell(&Event::WriterStalled { timeline, backlog });
        Stalled { shared }
    }
}

impl<S: Store> Drop for Stalled<'_, S> {
    fn drop(&mut self) {
        let timeline = self.shared.id;
        self.shared.tell(&Event::WriterResumed { timeline });
    }
}
