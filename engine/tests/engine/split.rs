//! Splitting a directory: what each shard answers for, what the jobs of a shard leave, and calls
//! that fail on the way.

use std::path::PathBuf;

use palimpsest::base::{Generation, LayerName};
use palimpsest::timeline::{Mode, Progress};
use palimpsest::{
    Batch, Engine, Error, Key, KeyRange, Lsn, Options, Result, ShardIdentity, Split, Timeline,
    TimelineId, Value, block_on,
};

use crate::faulty::{Call, FaultyIo};

const ID: TimelineId = TimelineId([1; 16]);
const BRANCH: TimelineId = TimelineId([2; 16]);
/// The number of blocks of the relation.
const BLOCK_COUNT: u32 = 12;

fn block(number: u32) -> Key {
    Key {
        field4: 0xae,
        field6: number,
        ..Key::MIN
    }
}

fn options(shard: ShardIdentity) -> Options {
    Options {
        shard,
        gc_distance: 0,
        gc_age: std::time::Duration::ZERO,
        ..Options::default()
    }
}

/// A directory to be split, and where its children come.
struct Stage {
    dir: tempfile::TempDir,
    io: FaultyIo,
}

impl Stage {
    /// A history of blocks and of a global key at LSNs 10, 20 and 30, with an image at 20; and a
    /// branch at 20.
    async fn new() -> Stage {
        let stage = Stage {
            dir: tempfile::tempdir().unwrap(),
            io: FaultyIo::new(),
        };
        let engine = stage.open("whole", ShardIdentity::UNSHARDED).await.unwrap();
        let timeline = engine.create_timeline(ID, Lsn(0)).await.unwrap();
        for lsn in [10, 20, 30] {
            put(&timeline, lsn).await.unwrap();
            timeline.flush().await.unwrap();
            if lsn == 20 {
                timeline.compact(Mode::Forced).await.unwrap();
                timeline.create_images(Mode::Forced).await.unwrap();
            }
        }
        engine.branch_timeline(BRANCH, ID, Lsn(20)).await.unwrap();
        engine.shutdown().await.unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn open(&self, name: &str, shard: ShardIdentity) -> Result<Engine<FaultyIo>> {
        Engine::open(self.io.clone(), &self.path(name), options(shard)).await
    }

    fn into(&self, count: u32) -> Split {
        Split {
            children: (0..count)
                .map(|number| self.path(&format!("child-{number}")))
                .collect(),
            stripe: 2,
        }
    }

    async fn split(&self, count: u32) -> Result<Vec<ShardIdentity>> {
        let options = options(ShardIdentity::UNSHARDED);
        Engine::split(
            self.io.clone(),
            &self.path("whole"),
            &self.into(count),
            &options,
        )
        .await
    }

    /// Checks that each child answers for its own keys, and refuses all others.
    async fn check_children(&self, shards: &[ShardIdentity]) {
        for (number, shard) in shards.iter().enumerate() {
            let engine = self.open(&format!("child-{number}"), *shard).await.unwrap();
            let branch = engine.open_timeline(BRANCH).await.unwrap();
            let timeline = engine.open_timeline(ID).await.unwrap();
            check_answers(&timeline, *shard, &[10, 20, 30]).await;
            check_answers(&branch, *shard, &[10, 20]).await;
            engine.shutdown().await.unwrap();
        }
    }
}

fn value(key: Key, lsn: u64) -> Vec<u8> {
    format!("{key} at {lsn}").into_bytes()
}

fn keys() -> impl Iterator<Item = Key> {
    [Key::MIN].into_iter().chain((0..BLOCK_COUNT).map(block))
}

/// Writes all keys that the timeline's shard holds.
async fn put(timeline: &Timeline<FaultyIo>, lsn: u64) -> Result<()> {
    let mut batch = Batch::new();
    for key in keys() {
        batch.push(key, Lsn(lsn), &Value::Image(value(key, lsn)))?;
    }
    timeline.writer()?.put_batch(&batch).await
}

async fn check_answers(timeline: &Timeline<FaultyIo>, shard: ShardIdentity, lsns: &[u64]) {
    for lsn in lsns {
        let mut own = Vec::new();
        for key in keys() {
            let found = timeline.get(key, Lsn(*lsn)).await;
            match shard.holds(key) {
                true => {
                    assert_eq!(found.unwrap(), Some(value(key, *lsn)), "{key} at {lsn}");
                    own.push(key);
                }
                false => {
                    let owner = shard.owner(key);
                    let is_told = matches!(
                        found,
                        Err(Error::Foreign { key: of, owner: by, .. }) if (of, by) == (key, owner)
                    );
                    assert!(is_told, "{key} at {lsn}: {found:?}");
                }
            }
        }
        let mut scan = timeline.scan(KeyRange::ALL, Lsn(*lsn)).await.unwrap();
        let mut scanned = Vec::new();
        while let Some(batch) = scan.next_batch().await.unwrap() {
            scanned.extend(batch.into_iter().map(|(key, _)| key));
        }
        assert_eq!(scanned, own, "at {lsn}");
    }
}

fn is_refused<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Refused { .. }))
}

#[test]
fn each_child_answers_for_its_keys_and_the_parent_is_refused() {
    block_on(async {
        let stage = Stage::new().await;
        let shards = stage.split(3).await.unwrap();
        stage.check_children(&shards).await;
        assert!(is_refused(
            &stage.open("whole", ShardIdentity::UNSHARDED).await
        ));
        // Again, it changes nothing, also where a child has gone on.
        assert_eq!(stage.split(3).await.unwrap(), shards);
        stage.check_children(&shards).await;
        assert!(is_refused(&stage.split(2).await));
    });
}

#[test]
fn a_child_is_opened_as_its_shard_alone_and_can_be_split_again() {
    block_on(async {
        let stage = Stage::new().await;
        let shards = stage.split(2).await.unwrap();
        let other = stage.open("child-1", shards[0]).await.unwrap();
        assert!(is_refused(&other.open_timeline(ID).await));
        drop(other);
        let children = ["a", "b"].map(|name| stage.path(name));
        let into = Split {
            children: children.to_vec(),
            stripe: 7,
        };
        let (io, root) = (stage.io.clone(), stage.path("child-1"));
        let again = Engine::split(io, &root, &into, &options(shards[1]))
            .await
            .unwrap();
        let parts = again
            .iter()
            .map(|it| (it.number(), it.count(), it.stripe()));
        assert_eq!(parts.collect::<Vec<_>>(), [(1, 4, 2), (3, 4, 2)]);
        for (name, shard) in ["a", "b"].into_iter().zip(again) {
            let engine = stage.open(name, shard).await.unwrap();
            let timeline = engine.open_timeline(ID).await.unwrap();
            check_answers(&timeline, shard, &[10, 20, 30]).await;
            engine.shutdown().await.unwrap();
        }
    });
}

#[test]
fn a_split_that_cannot_be_is_refused_and_makes_nothing() {
    block_on(async {
        let stage = Stage::new().await;
        assert!(is_refused(&stage.split(1).await));
        std::fs::create_dir(stage.path("child-1")).unwrap();
        std::fs::write(stage.path("child-1/notes"), "mine").unwrap();
        assert!(is_refused(&stage.split(2).await));
        std::fs::remove_file(stage.path("child-1/notes")).unwrap();
        // The first child was begun, and is refused until the split is done.
        let first = ShardIdentity::new(0, 2, 2).unwrap();
        assert!(is_refused(&stage.open("child-0", first).await));
        let engine = stage.open("whole", ShardIdentity::UNSHARDED).await.unwrap();
        assert!(matches!(stage.split(2).await, Err(Error::Busy { .. })));
        let timeline = engine.open_timeline(ID).await.unwrap();
        check_answers(&timeline, ShardIdentity::UNSHARDED, &[10, 20, 30]).await;
        engine.shutdown().await.unwrap();
        drop((timeline, engine));
        let shards = stage.split(2).await.unwrap();
        stage.check_children(&shards).await;
    });
}

/// At each call in turn: the parent is whole or refused, and the next split comes to its end.
#[test]
fn a_split_that_failed_at_any_call_can_be_repeated() {
    for reopens in [false, true] {
        for ordinal in 1.. {
            let has_fired = block_on(async {
                let stage = Stage::new().await;
                stage.io.fail(ordinal, |_, _| true);
                let split = stage.split(2).await;
                let has_fired = stage.io.heal();
                assert!(split.is_err() || !has_fired, "call {ordinal}");
                if reopens && let Ok(engine) = stage.open("whole", ShardIdentity::UNSHARDED).await {
                    let timeline = engine.open_timeline(ID).await.unwrap();
                    check_answers(&timeline, ShardIdentity::UNSHARDED, &[10, 20, 30]).await;
                    engine.shutdown().await.unwrap();
                }
                let shards = stage.split(2).await.unwrap();
                stage.check_children(&shards).await;
                has_fired
            });
            if !has_fired {
                assert!(30 < ordinal, "only {ordinal} calls");
                break;
            }
        }
    }
}

#[test]
fn layers_are_copied_where_they_cannot_be_linked() {
    block_on(async {
        let stage = Stage::new().await;
        stage.io.refuse_links();
        stage.io.take_calls();
        let shards = stage.split(2).await.unwrap();
        let calls = stage.io.take_calls();
        let count = |wanted| calls.iter().filter(|(call, _)| *call == wanted).count();
        assert_eq!(count(Call::Link), count(Call::Rename));
        assert!(0 < count(Call::Link));
        stage.check_children(&shards).await;
    });
}

/// The names of a timeline's layers, with whether each is older than the split.
fn layers(timeline: &Timeline<FaultyIo>, through: Generation) -> Vec<(LayerName, bool)> {
    let layers = timeline.layers();
    let files = layers.files().iter();
    files
        .map(|(name, layer)| (name, layer.entry().generation <= through))
        .collect()
}

#[test]
fn the_jobs_of_a_shard_leave_foreign_keys_out_and_drop_what_is_not_its_own() {
    block_on(async {
        let stage = Stage::new().await;
        let shards = stage.split(2).await.unwrap();
        for (number, shard) in shards.iter().enumerate() {
            let engine = stage
                .open(&format!("child-{number}"), *shard)
                .await
                .unwrap();
            let timeline = engine.open_timeline(ID).await.unwrap();
            engine.open_timeline(BRANCH).await.unwrap();
            let through = Generation(timeline.generation().0 - 1);
            assert!(layers(&timeline, through).iter().all(|(_, is_old)| *is_old));
            // The L0 holds foreign keys, and what it becomes holds none.
            assert_eq!(
                timeline.compact(Mode::Forced).await.unwrap(),
                Progress::Done
            );
            timeline.create_images(Mode::Forced).await.unwrap();
            timeline.gc().await.unwrap();
            let shed = timeline.shed().await.unwrap();
            assert_eq!(shed.pending_count, 0);
            // The image at 20 stays for the branch: of all keys, and so with its own keys alone.
            assert!(!shed.rewritten.is_empty(), "{shed:?}");
            assert_eq!(timeline.shed().await.unwrap().progress, Progress::Idle);
            let old = layers(&timeline, through)
                .into_iter()
                .filter(|(_, is_old)| *is_old);
            assert!(
                old.clone().all(|(name, _)| name.is_delta()),
                "{:?}",
                old.collect::<Vec<_>>()
            );
            check_answers(&timeline, *shard, &[20, 30]).await;
            timeline.check_laws();
            engine.shutdown().await.unwrap();
        }
        stage.check_after_jobs(&shards).await;
    });
}

impl Stage {
    async fn check_after_jobs(&self, shards: &[ShardIdentity]) {
        for (number, shard) in shards.iter().enumerate() {
            let engine = self.open(&format!("child-{number}"), *shard).await.unwrap();
            let branch = engine.open_timeline(BRANCH).await.unwrap();
            check_answers(&branch, *shard, &[20]).await;
            engine.shutdown().await.unwrap();
        }
    }
}

#[test]
fn a_batch_with_a_foreign_key_is_refused_whole() {
    block_on(async {
        let stage = Stage::new().await;
        let shards = stage.split(2).await.unwrap();
        let engine = stage.open("child-0", shards[0]).await.unwrap();
        let timeline = engine.open_timeline(ID).await.unwrap();
        let put = put(&timeline, 40).await;
        let foreign = keys().find(|key| !shards[0].holds(*key)).unwrap();
        let is_told = matches!(
            put,
            Err(Error::Foreign { key, shard, owner: 1 }) if (key, shard) == (foreign, shards[0])
        );
        assert!(is_told, "{put:?}");
        assert_eq!(timeline.last_record_lsn(), Lsn(30));
        engine.shutdown().await.unwrap();
    });
}
