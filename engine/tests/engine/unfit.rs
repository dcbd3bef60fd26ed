//! Values that no image can hold, and records that no redo knows: what is refused at the door, and
//! what a job leaves out to go on with the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use palimpsest::base::KeySpace;
use palimpsest::format::{IMAGE_LEN_MAX, RecordRef, Redo, RedoError};
use palimpsest::timeline::{Effect, HistoryRange, Mode, Progress, WhyLeftOut};
use palimpsest::{
    Batch, Edit, Engine, Error, Key, KeyRange, Lsn, Options, OsIo, Record, Strategy, Timeline,
    TimelineId, Value, block_on,
};
use tempfile::TempDir;

const FIT: u32 = 0;
const TOO_LONG: u32 = 1;
const FAILS: u32 = 2;
const COUNTS: u32 = 3;

/// A redo that appends, but for the keys named above. It counts how often it makes a value of the
/// key that is too long.
#[derive(Default)]
struct Unfit {
    too_long_count: AtomicUsize,
}

impl Redo for Unfit {
    fn check(&self, _: Key, record: &RecordRef<'_>) -> Result<(), String> {
        match record {
            RecordRef::Postgres { .. } => Ok(()),
            other => Err(format!("{} is nothing to append", other.kind())),
        }
    }

    fn redo(
        &self,
        key: Key,
        base: Option<&[u8]>,
        records: &[(Lsn, RecordRef<'_>)],
    ) -> Result<Vec<u8>, RedoError> {
        let mut page = base.unwrap_or_default().to_vec();
        for (lsn, record) in records {
            let RecordRef::Postgres { rec, .. } = record else {
                panic!("another kind was refused at the door");
            };
            if key.field6 == FAILS {
                let why = "it always fails".to_owned();
                return Err(RedoError { lsn: *lsn, why });
            }
            page.extend_from_slice(rec);
        }
        Ok(match key.field6 {
            TOO_LONG => {
                self.too_long_count.fetch_add(1, Ordering::Relaxed);
                vec![0; IMAGE_LEN_MAX + 1]
            }
            // No function of the value and the records above it.
            COUNTS => vec![u8::try_from(records.len()).expect("a short history")],
            _ => page,
        })
    }
}

struct Stage {
    redo: Arc<Unfit>,
    engine: Engine<OsIo>,
    timeline: Timeline<OsIo>,
    _dir: TempDir,
}

impl Stage {
    /// A timeline with five keys: an image each at LSN 10, and a record at 20.
    fn new(options: Options) -> Stage {
        let dir = tempfile::tempdir().unwrap();
        let redo = Arc::new(Unfit::default());
        let options = Options {
            gc_distance: 0,
            gc_age: Duration::ZERO,
            redo: redo.clone(),
            ..options
        };
        block_on(async {
            let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
            let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
            let stage = Stage {
                redo,
                engine,
                timeline,
                _dir: dir,
            };
            stage.put(10, |byte| Value::Image(vec![byte; 9000])).await?;
            stage.put(20, |byte| record(&[byte; 9000])).await?;
            Ok::<Stage, Error>(stage)
        })
        .unwrap()
    }

    /// Puts a value of each key, and flushes.
    async fn put(&self, lsn: u64, value: impl Fn(u8) -> Value) -> Result<(), Error> {
        let mut batch = Batch::new();
        for number in 0..5 {
            let byte = u8::try_from(lsn).expect("a small LSN");
            batch.push(Key::MIN.add(number), Lsn(lsn), &value(byte))?;
        }
        self.timeline.writer()?.put_batch(&batch).await?;
        self.timeline.flush().await.map(|_| ())
    }

    /// The keys that are images at this LSN.
    fn imaged(&self, lsn: u64) -> Vec<u32> {
        let map = self.timeline.layers();
        let images = map.files().names().filter(|name| name.is_image());
        let images: Vec<KeyRange> = images
            .filter(|name| name.lsns().start == Lsn(lsn))
            .map(|name| name.keys())
            .collect();
        let is_imaged = |number: &u32| images.iter().any(|it| it.contains(Key::MIN.add(*number)));
        (0..5).filter(is_imaged).collect()
    }

    /// What a read at this LSN finds of each key.
    async fn values(&self, lsn: u64) -> Vec<String> {
        let mut values = Vec::new();
        for number in 0..5 {
            values.push(
                match self.timeline.get(Key::MIN.add(number), Lsn(lsn)).await {
                    Ok(Some(value)) => format!("{} bytes", value.len()),
                    Ok(None) => "none".to_owned(),
                    Err(Error::Redo { .. }) => "no redo".to_owned(),
                    Err(error) => panic!("{error}"),
                },
            );
        }
        values
    }
}

fn record(rec: &[u8]) -> Value {
    let (will_init, rec) = (false, rec.to_vec());
    Value::Record(Record::Postgres { will_init, rec })
}

fn single(number: u32) -> KeyRange {
    KeyRange::single(Key::MIN.add(number))
}

/// One key with too long a value stopped the images of all keys: "a value of 268435456 bytes".
#[test]
fn images_are_made_of_all_keys_but_those_that_are_unfit_and_those_are_not_tried_again() {
    let options = Options {
        image_delta_count_trigger: 2,
        ..Options::default()
    };
    let stage = Stage::new(options);
    block_on(async {
        let imaged = stage.timeline.create_images(Mode::ByNeed).await?;
        assert_eq!(imaged.progress, Progress::Done);
        let unfit = [
            (single(TOO_LONG), WhyLeftOut::TooLong),
            (single(FAILS), WhyLeftOut::NoReplay),
        ];
        assert_eq!(imaged.left_out, unfit);
        assert_eq!(stage.imaged(20), [FIT, COUNTS, 4]);
        let tried_count = stage.redo.too_long_count.load(Ordering::Relaxed);
        let imaged = stage.timeline.create_images(Mode::ByNeed).await?;
        assert_eq!(imaged.left_out, [(KeyRange::ALL, WhyLeftOut::NotDue)]);
        stage.put(30, |byte| record(&[byte])).await?;
        stage.timeline.create_images(Mode::ByNeed).await?;
        assert_eq!(
            stage.redo.too_long_count.load(Ordering::Relaxed),
            tried_count,
            "nothing is due for the key before there are two deltas more"
        );
        let values = stage.values(20).await;
        assert_eq!(
            values,
            [
                "18000 bytes",
                "268435444 bytes",
                "no redo",
                "1 bytes",
                "18000 bytes"
            ]
        );
        stage.engine.shutdown().await
    })
    .unwrap();
}

/// One key over which the redo is no function of what is below it stopped the job for all keys.
#[test]
fn a_gc_compaction_leaves_what_is_unfit_as_it_is_and_says_so() {
    let stage = Stage::new(Options::default());
    block_on(async {
        let branch = TimelineId([2; 16]);
        let branch = stage
            .engine
            .branch_timeline(branch, TimelineId([1; 16]), Lsn(20));
        let branch = branch.await?;
        stage.put(30, |byte| record(&[byte])).await?;
        stage.timeline.gc().await?;
        let before = stage.values(30).await;
        let one = |number| {
            let all = HistoryRange::ALL;
            let keys = single(number);
            let range = HistoryRange { keys, ..all };
            stage.timeline.gc_compact(range, Effect::DryRun)
        };
        assert!(one(FIT).await?.left_out.is_empty());
        let differs = (single(COUNTS), WhyLeftOut::Differs);
        assert_eq!(one(COUNTS).await?.left_out, [differs]);
        let compacted = stage.timeline.gc_compact_all(Mode::Forced).await?;
        assert_eq!(compacted.progress, Progress::Done);
        let unfit = [
            (single(TOO_LONG), WhyLeftOut::TooLong),
            (single(FAILS), WhyLeftOut::NoReplay),
            differs,
        ];
        assert_eq!(compacted.left_out, unfit);
        assert_eq!(compacted.stats.left_out_count, 3);
        assert!(0 < compacted.stats.dropped.count, "the others are reduced");
        assert_eq!(stage.imaged(20), [FIT, 4]);
        assert_eq!(stage.values(30).await, before);
        drop(branch);
        stage.engine.shutdown().await
    })
    .unwrap();
}

#[test]
fn a_level_gets_images_of_all_keys_but_those_that_are_unfit() {
    let options = Options {
        strategy: Strategy::Tiered,
        l0_count_trigger: 2,
        tier_distance: 10,
        ..Options::default()
    };
    let stage = Stage::new(options);
    block_on(async {
        let keys = KeyRange::new(Key::MIN, Key::MIN.add(5));
        stage.timeline.declare_keys(KeySpace::from_ranges([keys]));
        assert_eq!(stage.timeline.compact(Mode::ByNeed).await?, Progress::Done);
        assert_eq!(stage.imaged(20), [FIT, COUNTS, 4]);
        stage.engine.shutdown().await
    })
    .unwrap();
}

/// Initial data becomes images at once, but for a value that no image can hold.
#[test]
fn initial_data_that_is_unfit_stays_in_a_delta() {
    let stage = Stage::new(Options::default());
    block_on(async {
        let engine = &stage.engine;
        let timeline = engine.create_timeline(TimelineId([3; 16]), Lsn(9)).await?;
        let keys = KeyRange::new(Key::MIN, Key::MIN.add(5));
        timeline.declare_keys(KeySpace::from_ranges([keys]));
        let mut batch = Batch::new();
        for number in 0..5 {
            let rec = vec![number as u8];
            let value = Value::Record(Record::Postgres {
                will_init: true,
                rec,
            });
            batch.push(Key::MIN.add(number), Lsn(10), &value)?;
        }
        timeline.writer()?.put_batch(&batch).await?;
        timeline.flush().await?;
        let map = timeline.layers();
        assert_eq!(map.l0_count(), 1, "of the keys that are unfit");
        let images = map.files().names().filter(|name| name.is_image());
        let images: Vec<KeyRange> = images.map(|name| name.keys()).collect();
        assert!(images.iter().any(|keys| keys.contains(Key::MIN)));
        assert!(
            !images
                .iter()
                .any(|keys| keys.contains(Key::MIN.add(TOO_LONG)))
        );
        stage.engine.shutdown().await
    })
    .unwrap();
}

#[test]
fn a_record_that_no_redo_knows_is_refused_before_anything_of_its_batch_is_written() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
        let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
        let mut writer = timeline.writer()?;
        let clear = Value::Record(Edit::Clear.into_init_record());
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(10), &clear)?;
        batch.push(Key::MIN.next(), Lsn(10), &record(b"\xFF"))?;
        match writer.put_batch(&batch).await {
            Err(Error::Refused { why }) => {
                assert!(why.contains(&Key::MIN.next().to_string()), "{why}");
                assert!(why.contains("edit has version 255"), "{why}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(timeline.last_record_lsn(), Lsn(0));
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(10), &clear)?;
        writer.put_batch(&batch).await?;
        assert_eq!(timeline.get(Key::MIN, Lsn(10)).await?, Some(Vec::new()));
        drop(writer);
        engine.shutdown().await
    })
    .unwrap();
}
