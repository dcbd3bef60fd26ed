//! An engine on a directory of its own, and the data that is put into it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use palimpsest::base::TimelineId;
use palimpsest::io::Io;
use palimpsest::{
    Batch, Compression, Engine, Key, Lsn, Mode, Options, Progress, Timeline, Value, block_on,
};

use super::draw::{Draw, key};

pub const TIMELINE: TimelineId = TimelineId([0xB5; 16]);

/// The distance from one record to the next in the log, in LSNs.
const LSN_STEP: u64 = 8;

/// The length at which a batch is closed, in bytes.
const BATCH_LEN: u64 = 16 << 10;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One write: key, LSN and value.
pub struct Put {
    pub key: Key,
    pub lsn: Lsn,
    pub value: Value,
}

/// An engine with one timeline open.
pub struct Open<I: Io> {
    pub engine: Engine<I>,
    pub timeline: Timeline<I>,
}

/// The default options, but without maintenance, and with no history kept: the workload calls the
/// jobs.
pub fn options(compression: Compression) -> Options {
    Options {
        freeze_age_max: DAY,
        freeze_len_max: 1 << 30,
        freeze_distance_max: 1 << 40,
        image_compression: compression,
        gc_distance: 0,
        gc_age: Duration::ZERO,
        ..Options::default()
    }
}

impl<I: Io> Open<I> {
    /// Opens the engine in `dir`, and the timeline, which is created if it is missing.
    pub fn new(io: I, dir: &Path, compression: Compression) -> Open<I> {
        Open::with_options(io, dir, options(compression))
    }

    /// Opens the engine in `dir` with these options, and the timeline, which is created if it is
    /// missing.
    pub fn with_options(io: I, dir: &Path, options: Options) -> Open<I> {
        let opened = block_on(async {
            let engine = Engine::open(io, dir, options).await?;
            let timeline = match engine.timelines().await?.is_empty() {
                true => engine.create_timeline(TIMELINE, Lsn(LSN_STEP)).await?,
                false => engine.open_timeline(TIMELINE).await?,
            };
            Ok::<_, palimpsest::Error>(Open { engine, timeline })
        });
        opened.expect("the disk is well")
    }

    /// Shuts the engine down.
    pub fn shutdown(self) {
        block_on(self.engine.shutdown()).expect("the disk is well");
    }

    /// The last record's LSN.
    pub fn last(&self) -> Lsn {
        self.timeline.last_record_lsn()
    }

    /// Writes with a durable flush after every `flush_len` bytes. A flush runs concurrently with
    /// the writes until the next one is due. Everything is durable in the end.
    pub fn ingest(&self, puts: &[Put], flush_len: u64) {
        let flush = || block_on(self.timeline.flush()).expect("the disk is well");
        let mut writer = self.timeline.writer().expect("there is no other");
        thread::scope(|scope| {
            let mut flushing: Option<thread::ScopedJoinHandle<'_, Lsn>> = None;
            let mut len = 0;
            for batch in batches(puts) {
                block_on(writer.put_batch(&batch)).expect("the disk is well");
                len += batch.byte_len();
                if flush_len <= len {
                    len = 0;
                    let before = flushing.take();
                    before.map(|flush| flush.join().expect("it does not panic"));
                    flushing = Some(scope.spawn(flush));
                }
            }
        });
        assert!(flush() == self.last());
    }

    /// Writes into the open layer, without a flush.
    pub fn put(&self, puts: &[Put]) {
        let mut writer = self.timeline.writer().expect("there is no other");
        for batch in batches(puts) {
            block_on(writer.put_batch(&batch)).expect("the disk is well");
        }
    }

    /// Turns all L0s into L1s.
    pub fn compact(&self) {
        let compact = || block_on(self.timeline.compact(Mode::Forced)).expect("the disk is well");
        while compact() == Progress::Done {}
    }

    /// Compacts what is due.
    pub fn compact_by_need(&self) {
        let compact = || block_on(self.timeline.compact(Mode::ByNeed)).expect("the disk is well");
        while compact() == Progress::Done {}
    }

    /// Makes images of all keys.
    pub fn create_images(&self) {
        let created = block_on(self.timeline.create_images(Mode::Forced));
        created.expect("the disk is well");
    }

    /// Collects all history below the last record.
    pub fn gc(&self) -> usize {
        block_on(self.timeline.gc())
            .expect("the disk is well")
            .layer_count
    }
}

/// Cuts writes into batches, as the reader of a log does. Each value is serialised here, once.
fn batches(puts: &[Put]) -> impl Iterator<Item = Batch> {
    let mut left = puts.iter().peekable();
    std::iter::from_fn(move || {
        left.peek()?;
        let mut batch = Batch::new();
        while batch.byte_len() < BATCH_LEN
            && let Some(put) = left.next()
        {
            let pushed = batch.push(put.key, put.lsn, &put.value);
            pushed.expect("LSNs ascend");
        }
        Some(batch)
    })
}

/// The length of all values, as a batch serialises them, in bytes.
pub fn byte_len(puts: &[Put]) -> u64 {
    puts.iter().map(|put| put.value.encoded_len() as u64).sum()
}

/// One write for each of these keys, at ascending LSNs above `lsn`.
pub fn puts(lsn: Lsn, numbers: &[u32], mut value: impl FnMut() -> Value) -> Vec<Put> {
    let lsns = (1..).map(|step| Lsn(lsn.0 + step * LSN_STEP));
    let put = |(number, lsn): (&u32, Lsn)| Put {
        key: key(*number),
        lsn,
        value: value(),
    };
    numbers.iter().zip(lsns).map(put).collect()
}

/// Writes a page for each of these keys.
pub fn pages(lsn: Lsn, numbers: &[u32], compression: Compression) -> Vec<Put> {
    let mut draw = Draw::new(lsn.0 + 7);
    let is_compressible = compression != Compression::None;
    puts(lsn, numbers, || Value::Image(draw.page(is_compressible)))
}

/// Writes a record for each of these keys.
pub fn records(lsn: Lsn, numbers: &[u32]) -> Vec<Put> {
    let mut draw = Draw::new(lsn.0 + 8);
    puts(lsn, numbers, || draw.record())
}
