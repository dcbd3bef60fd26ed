//! An engine with one timeline in memory, and short forms of its calls.

use std::path::Path;
use std::time::Duration;

use crate::base::{Error, Key, Lsn, Result, TimelineId};
use crate::engine::{Engine, Timeline, Writer};
use crate::format::{Compression, Value};
use crate::io::{Job, Op, block_on};
use crate::layer::Batch;
use crate::sync::thread::{self, JoinHandle};
use crate::timeline::{Collected, Mode, Options};
use crate::world::World;

pub(super) const MAIN: TimelineId = TimelineId([1; 16]);
pub(super) const BRANCH: TimelineId = TimelineId([2; 16]);

pub(super) fn op() -> Op {
    Op::new(None, Job::Open, 1)
}

/// No job is due by itself, and all history above LSN 0 may be collected.
pub(super) fn options() -> Options {
    Options {
        freeze_age_max: Duration::MAX,
        image_compression: Compression::None,
        gc_distance: 0,
        gc_age: Duration::ZERO,
        ..Options::default()
    }
}

pub(super) struct Desk {
    pub(super) engine: Engine<World>,
    pub(super) main: Timeline<World>,
}

impl Desk {
    pub(super) fn new(options: Options) -> Desk {
        block_on(async {
            let engine = Engine::open(World::default(), Path::new("/pages"), options).await?;
            let main = engine.create_timeline(MAIN, Lsn(0)).await?;
            Ok::<Desk, Error>(Desk { engine, main })
        })
        .unwrap()
    }

    /// Starts a compaction and an image creation, each on a thread.
    pub(super) fn start_jobs(&self) -> [JoinHandle<Result<()>>; 2] {
        [0, 1].map(|job| {
            let main = self.main.clone();
            thread::spawn(move || match job {
                0 => block_on(main.compact(Mode::Forced)).map(drop),
                _ => block_on(main.create_images(Mode::Forced)).map(drop),
            })
        })
    }

    /// Starts a collection on a thread.
    pub(super) fn start_collection(&self) -> JoinHandle<Result<Collected>> {
        let main = self.main.clone();
        thread::spawn(move || block_on(main.gc()))
    }

    /// Ends the run: nothing is left undone, and each thread stops.
    pub(super) fn close(self) {
        block_on(self.engine.shutdown()).unwrap();
    }
}

/// The value that was written at an LSN.
pub(super) fn value(lsn: u64) -> Vec<u8> {
    lsn.to_be_bytes().to_vec()
}

pub(super) fn put(writer: &mut Writer<World>, lsn: u64) -> Result<()> {
    let mut batch = Batch::new();
    batch.push(Key::MIN, Lsn(lsn), &Value::Image(value(lsn)))?;
    block_on(writer.put_batch(&batch))
}

/// Puts one record at each of these LSNs, each into an L0 of its own.
pub(super) fn fill(timeline: &Timeline<World>, lsns: impl IntoIterator<Item = u64>) {
    let mut writer = timeline.writer().unwrap();
    for lsn in lsns {
        put(&mut writer, lsn).unwrap();
        block_on(timeline.flush()).unwrap();
    }
}

pub(super) fn get(timeline: &Timeline<World>, lsn: u64) -> Result<Option<Vec<u8>>> {
    block_on(timeline.get(Key::MIN, Lsn(lsn)))
}

pub(super) fn make_images(timeline: &Timeline<World>) {
    block_on(timeline.create_images(Mode::Forced)).unwrap();
}
