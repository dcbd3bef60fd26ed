//! A job lets other tasks run after a bounded number of bytes, also where all is in the page cache.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use palimpsest::timeline::{Effect, HistoryRange, Mode};
use palimpsest::{Batch, Engine, Error, Key, KeyRange, KeySpace, Lsn, TimelineId, Value, block_on};

use crate::faulty::FaultyIo;
use crate::script::keep;

const KEY_COUNT: u32 = 1024;
const PAGE_LEN: usize = 8192;
/// Twice what a job may handle at a time.
const HANDLED_LEN_MAX: usize = 1 << 20;

/// The result, and how often it let other tasks run. Each call of this `Io` is done in its poll.
fn polled<T>(call: impl Future<Output = T>) -> (T, usize) {
    let mut call = pin!(call);
    let mut count = 0;
    loop {
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => return (result, count),
            Poll::Pending => count += 1,
        }
        assert!(count < 10_000, "it waits for something else");
    }
}

#[test]
fn a_job_lets_others_run_after_a_megabyte_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Engine::open(FaultyIo::new(), dir.path(), keep(0));
    let engine = block_on(opened).unwrap();
    let timeline = block_on(engine.create_timeline(TimelineId([1; 16]), Lsn(0))).unwrap();
    let keys = KeyRange::new(Key::MIN, Key::MIN.add(KEY_COUNT));
    let mut writer = timeline.writer().unwrap();
    for lsn in 1..=2 {
        for number in 0..KEY_COUNT {
            let mut batch = Batch::new();
            let page = [&number.to_be_bytes()[..], &[lsn as u8; PAGE_LEN - 4]].concat();
            let at = Lsn(lsn * 10_000 + u64::from(number));
            batch
                .push(Key::MIN.add(number), at, &Value::Image(page))
                .unwrap();
            block_on(writer.put_batch(&batch)).unwrap();
        }
        block_on(timeline.flush()).unwrap();
    }
    let len = KEY_COUNT as usize * PAGE_LEN;
    let least = |len: usize| len / HANDLED_LEN_MAX;
    let (compacted, count) = polled(timeline.compact(Mode::Forced));
    compacted.unwrap();
    assert!(least(2 * len) <= count, "compaction: {count}");
    block_on(timeline.gc()).unwrap();
    let (reduced, count) = polled(timeline.gc_compact(HistoryRange::ALL, Effect::DryRun));
    reduced.unwrap();
    assert!(least(2 * len) <= count, "gc compaction: {count}");
    timeline.declare_keys(KeySpace::from_ranges([keys]));
    let (imaged, count) = polled(timeline.create_images(Mode::Forced));
    imaged.unwrap();
    assert!(least(len) <= count, "images: {count}");
    let (scanned, count) = polled(async {
        let mut scan = timeline.scan(keys, timeline.last_record_lsn()).await?;
        while scan.next_batch().await?.is_some() {}
        Ok::<(), Error>(())
    });
    scanned.unwrap();
    assert!(least(len) <= count, "scan: {count}");
    block_on(engine.shutdown()).unwrap();
}
