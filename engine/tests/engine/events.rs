//! What a listener hears: each job once, with what it came to, and what else happens.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use palimpsest::{
    Batch, Engine, Event, JobOutcome, Key, Listener, Lsn, Mode, Options, Timeline, TimelineId,
    Value, block_on,
};

use crate::aside::poll_times;
use crate::faulty::{FaultyIo, Pace};
use crate::script::keep;

const A: TimelineId = TimelineId([0xA; 16]);

/// Records what it hears in few words.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Listener for Log {
    fn on_event(&self, event: &Event<'_>) {
        let text = match event {
            Event::JobBegun { op } => format!("{}#{} begins", op.job.name(), op.job_index),
            Event::JobEnded { op, stats, outcome } => {
                let written = stats.map_or(0, |stats| stats.layers_written.count);
                if let JobOutcome::Failed(error) = outcome {
                    assert!(!error.to_string().is_empty());
                }
                let (job, index) = (op.job.name(), op.job_index);
                format!("{job}#{index} {}, {written} written", outcome.name())
            }
            Event::TimelineOpened { .. } => "open".to_owned(),
            Event::TimelineClosed { .. } => "closed".to_owned(),
            Event::TimelineLatched { .. } => "latched".to_owned(),
            Event::CutoffMoved { from, to, .. } => format!("cutoff {} to {}", from.0, to.0),
            Event::WriterDelayed { backlog, .. } => format!("delayed by {backlog}"),
            Event::WriterStalled { backlog, .. } => format!("stalled by {backlog}"),
            Event::WriterResumed { .. } => "resumed".to_owned(),
            other => panic!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

async fn put(timeline: &Timeline<FaultyIo>, lsn: u64) {
    let mut batch = Batch::new();
    let value = Value::Image(vec![7; 100]);
    batch.push(Key::MIN, Lsn(lsn), &value).unwrap();
    timeline.writer().unwrap().put_batch(&batch).await.unwrap();
}

#[test]
fn a_listener_hears_of_each_job_when_it_begins_and_what_it_came_to() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Arc::new(Log::default()));
    let options = Options {
        listener: Some(log.clone()),
        ..keep(0)
    };
    block_on(async {
        let engine = Engine::open(FaultyIo::new(), dir.path(), options).await?;
        let timeline = engine.create_timeline(A, Lsn(0)).await?;
        put(&timeline, 10).await;
        timeline.flush().await?;
        put(&timeline, 20).await;
        timeline.flush().await?;
        let flushed = [
            "open",
            "flush#1 begins",
            "flush#1 done, 1 written",
            "flush#2 begins",
            "flush#2 done, 1 written",
        ];
        assert_eq!(log.take(), flushed);
        timeline.compact(Mode::Forced).await?;
        timeline.create_images(Mode::Forced).await?;
        timeline.create_images(Mode::Forced).await?; // It has nothing to do.
        timeline.gc().await?;
        timeline.gc_compact_all(Mode::Forced).await?;
        engine.shutdown().await?;
        let others = [
            "compact#1 begins",
            "compact#1 done, 1 written",
            "image#1 begins",
            "image#1 done, 1 written",
            "cutoff 0 to 20",
            "gc#1 begins",
            "gc#1 done, 0 written",
            "closed",
        ];
        assert_eq!(log.take(), others);
        Ok::<(), palimpsest::Error>(())
    })
    .unwrap();
}

#[test]
fn a_job_that_fails_or_is_dropped_ends_once() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Arc::new(Log::default()));
    let options = Options {
        listener: Some(log.clone()),
        ..Options::default()
    };
    block_on(async {
        let io = FaultyIo::new();
        let engine = Engine::open(io.clone(), dir.path(), options).await?;
        let timeline = engine.create_timeline(A, Lsn(0)).await?;
        put(&timeline, 10).await;
        log.take();
        io.set_pace(Pace::Slow);
        assert!(poll_times(Box::pin(timeline.flush()), 6).is_none());
        io.set_pace(Pace::Prompt);
        assert_eq!(log.take(), ["flush#1 begins", "flush#1 dropped, 0 written"]);
        io.fail(1, |call, _| call.is_sync());
        assert!(timeline.flush().await.is_err());
        let failed = ["flush#2 begins", "latched", "flush#2 failed, 0 written"];
        assert_eq!(log.take(), failed);
        Ok::<(), palimpsest::Error>(())
    })
    .unwrap();
}

#[test]
fn a_listener_hears_why_a_batch_waits() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Arc::new(Log::default()));
    let options = Options {
        listener: Some(log.clone()),
        freeze_distance_max: 1,
        l0_count_trigger: 1,
        l0_delay_count: 1,
        l0_delay: Duration::from_millis(1),
        l0_stall_count: Some(2),
        ..keep(1000)
    };
    block_on(async {
        let engine = Engine::open(FaultyIo::new(), dir.path(), options).await?;
        let timeline = engine.create_timeline(A, Lsn(0)).await?;
        put(&timeline, 1).await;
        timeline.flush().await?;
        put(&timeline, 10).await;
        log.take();
        let heard = || log.0.lock().unwrap().clone();
        let stalled = poll_fn(|context| {
            context.waker().wake_by_ref();
            match heard().iter().any(|it| it == "stalled by 2") {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        let compact = async {
            stalled.await;
            timeline.flush().await?;
            timeline.compact(Mode::ByNeed).await
        };
        let both = futures_util::future::join(put(&timeline, 20), compact);
        both.await.1?;
        assert_eq!(heard()[..2], ["delayed by 2", "stalled by 2"]);
        assert_eq!(heard().iter().filter(|it| *it == "resumed").count(), 1);
        engine.shutdown().await
    })
    .unwrap();
}
