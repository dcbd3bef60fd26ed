//! Events as spans and events of `tracing`.

use std::collections::BTreeMap;

use tracing::{Span, debug, info, info_span, warn};

use crate::io::Op;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::timeline::{Event, JobOutcome, Listener};

/// A span for each job, from its begin to its end, and an event for all else.
///
/// # Shape
/// A span is named `job`, with the fields `job`, `index` and `timeline` of its address; at its end
/// it has `outcome`, `layers_written`, `bytes_written` and `layers_removed`. It has no parent: a
/// job may move from thread to thread. A failure is a warning within it.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use palimpsest::{Options, observe::TracingListener};
///
/// let listener = Arc::new(TracingListener::default());
/// let options = Options { listener: Some(listener), ..Options::default() };
/// ```
#[derive(Debug, Default)]
pub struct TracingListener {
    running: Mutex<BTreeMap<Op, Span>>,
}

impl TracingListener {
    fn running(&self) -> MutexGuard<'_, BTreeMap<Op, Span>> {
        // A subscriber that panicked has left the spans as they were.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, op: Op) {
        let timeline = op.timeline.map(|it| it.to_string()).unwrap_or_default();
        let span = info_span!(
            parent: None,
            "job",
            job = op.job.name(),
            index = op.job_index,
            timeline,
            outcome = tracing::field::Empty,
            layers_written = tracing::field::Empty,
            bytes_written = tracing::field::Empty,
            layers_removed = tracing::field::Empty,
        );
        self.running().insert(op, span);
    }
}

impl Listener for TracingListener {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::JobBegun { op } => self.begin(*op),
            Event::JobEnded { op, stats, outcome } => {
                let Some(span) = self.running().remove(op) else {
                    return;
                };
                if let Some(stats) = stats {
                    span.record("layers_written", stats.layers_written.count);
                    span.record("bytes_written", stats.layers_written.len);
                    span.record("layers_removed", stats.layers_removed.count);
                }
                span.record("outcome", outcome.name());
                if let JobOutcome::Failed(error) = outcome {
                    warn!(parent: &span, %error, "a job failed");
                }
            }
            Event::TimelineOpened {
                timeline,
                generation,
            } => info!(%timeline, %generation, "a timeline is open"),
            Event::TimelineClosed { timeline } => info!(%timeline, "a timeline is shut down"),
            Event::TimelineLatched { timeline, failure } => {
                warn!(%timeline, %failure, "a failed sync latches a timeline");
            }
            Event::CutoffMoved { timeline, from, to } => {
                debug!(%timeline, %from, %to, "the cutoff moves");
            }
            Event::WriterDelayed {
                timeline,
                backlog,
                delay,
            } => debug!(%timeline, backlog, ?delay, "a batch is delayed"),
            Event::WriterStalled { timeline, backlog } => {
                warn!(%timeline, backlog, "a batch waits for compaction");
            }
            Event::WriterResumed { timeline } => info!(%timeline, "a batch waits no longer"),
        }
    }
}
