//! Events: what happens in an engine, told to a listener of the caller's.

use std::time::Duration;

use super::job_stats::JobStats;
use crate::base::{Error, Generation, IoFailure, Lsn, TimelineId};
use crate::io::Op;

/// Hears what happens in an engine: it is an option of the engine, for all its timelines.
///
/// The engine calls it on whichever thread does the work, outside of its mutexes, and never within
/// a read or for each record. It may ask a timeline for figures, as
/// [`stats`](crate::timeline::Timeline::stats) does; what it awaits of the engine may wait for the
/// very job that tells it.
///
/// # Shape
/// Each job that has begun ends once, also if its future is dropped. Events of different jobs and
/// timelines come from several threads at once.
/// # Panics
/// A listener must not panic: the job that tells it would be cut off as if its future was dropped,
/// and a maintenance task with it. One that blocks holds up the job, or the batch, that tells it,
/// and what waits for that, and nothing else.
///
/// # Examples
/// ```
/// # use palimpsest::*;
/// # use std::sync::{Arc, Mutex};
/// #[derive(Default)]
/// struct Log(Mutex<Vec<String>>);
///
/// impl Listener for Log {
///     fn on_event(&self, event: &Event<'_>) {
///         if let Event::JobEnded { op, outcome: JobOutcome::Done, .. } = event {
///             self.0.lock().unwrap().push(format!("{}#{}", op.job.name(), op.job_index));
///         }
///     }
/// }
///
/// # let dir = tempfile::tempdir().unwrap();
/// # block_on(async {
/// let log = Arc::new(Log::default());
/// let options = Options { listener: Some(log.clone()), ..Options::default() };
/// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
/// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
/// # let mut batch = Batch::new();
/// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
/// # timeline.writer()?.put_batch(&batch).await?;
/// timeline.flush().await?;
/// assert_eq!(*log.0.lock().unwrap(), ["flush#1"]);
/// # engine.shutdown().await }).unwrap();
/// ```
pub trait Listener: Send + Sync + 'static {
    /// Hears an event.
    fn on_event(&self, event: &Event<'_>);
}

/// Something that happens in an engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A flush, a compaction, an image creation, a collection, a gc compaction or a shed has
    /// something to do, and begins.
    JobBegun {
        /// Its address: the timeline, the job, and which of its kind in this life.
        op: Op,
    },
    /// It has ended, also if its future was dropped.
    JobEnded {
        /// Its address, as when it began.
        op: Op,
        /// What it has counted, once it has changed which layers there are.
        stats: Option<JobStats>,
        /// How it ended.
        outcome: JobOutcome<'a>,
    },
    /// A timeline was created, branched or opened.
    TimelineOpened {
        /// The timeline.
        timeline: TimelineId,
        /// The generation of this opening.
        generation: Generation,
    },
    /// A timeline was shut down.
    TimelineClosed {
        /// The timeline.
        timeline: TimelineId,
    },
    /// A sync has failed: the timeline writes nothing any more until it is opened again.
    TimelineLatched {
        /// The timeline.
        timeline: TimelineId,
        /// The first failure.
        failure: &'a IoFailure,
    },
    /// A collection has published a higher cutoff.
    CutoffMoved {
        /// The timeline.
        timeline: TimelineId,
        /// The cutoff before.
        from: Lsn,
        /// The cutoff from now on.
        to: Lsn,
    },
    /// A batch is delayed, since L0s wait.
    WriterDelayed {
        /// The timeline.
        timeline: TimelineId,
        /// The L0s and frozen layers.
        backlog: usize,
        /// For how long.
        delay: Duration,
    },
    /// A batch waits until there are fewer L0s.
    WriterStalled {
        /// The timeline.
        timeline: TimelineId,
        /// The L0s and frozen layers.
        backlog: usize,
    },
    /// A batch that waited goes on, or was dropped.
    WriterResumed {
        /// The timeline.
        timeline: TimelineId,
    },
}

/// How a job ended.
#[derive(Clone, Copy, Debug)]
pub enum JobOutcome<'a> {
    /// It has done its work, or has found that another job has overtaken it.
    Done,
    /// It has failed. What it had published before stays.
    Failed(&'a Error),
    /// Its future was dropped.
    Dropped,
}

impl JobOutcome<'_> {
    /// Its name: `done`, `failed` or `dropped`.
    pub fn name(&self) -> &'static str {
        match self {
            JobOutcome::Done => "done",
            JobOutcome::Failed(_) => "failed",
            JobOutcome::Dropped => "dropped",
        }
    }
}
