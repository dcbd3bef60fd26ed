//! The listeners behind features, as far as they can be seen without a subscriber or a recorder.

use std::sync::Arc;

use palimpsest::observe::{MetricsListener, TracingListener};
use palimpsest::{
    Batch, Engine, Event, Key, Listener, Lsn, Mode, Options, OsIo, TimelineId, Value, block_on,
};

/// Both at once.
struct Both(TracingListener, MetricsListener);

impl Listener for Both {
    fn on_event(&self, event: &Event<'_>) {
        self.0.on_event(event);
        self.1.on_event(event);
    }
}

#[test]
fn observers_hear_a_life_and_keep_no_job_that_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let both = Arc::new(Both(TracingListener::default(), MetricsListener));
    let options = Options {
        listener: Some(both.clone()),
        ..Options::default()
    };
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
        let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(10), &Value::Image(vec![7; 100]))?;
        timeline.writer()?.put_batch(&batch).await?;
        timeline.flush().await?;
        timeline.create_images(Mode::Forced).await?;
        timeline.gc().await?;
        assert!(format!("{:?}", both.0).contains("{}"), "no job runs");
        engine.shutdown().await
    })
    .unwrap();
}
