//! Policies: options of one timeline, which hold from the next decision on, and over restarts.

use std::time::Duration;

use palimpsest::{
    Batch, Engine, Error, Key, Lsn, Mode, Options, OsIo, Policy, Progress, Result, Timeline,
    TimelineId, Value, block_on,
};

use crate::script::keep;

const A: TimelineId = TimelineId([0xA; 16]);
const B: TimelineId = TimelineId([0xB; 16]);

async fn put(timeline: &Timeline, lsn: u64) -> Result<()> {
    let mut batch = Batch::new();
    batch.push(Key::MIN, Lsn(lsn), &Value::Image(vec![7; 100]))?;
    timeline.writer()?.put_batch(&batch).await
}

/// Puts a value, and flushes it.
async fn flush(timeline: &Timeline, lsn: u64) -> Result<()> {
    put(timeline, lsn).await?;
    timeline.flush().await.map(|_| ())
}

#[test]
fn each_timeline_keeps_as_much_history_as_its_own_policy_says_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), keep(10)).await?;
        let a = engine.create_timeline(A, Lsn(0)).await?;
        let b = engine.create_timeline(B, Lsn(0)).await?;
        let far = Policy {
            gc_distance: Some(50),
            ..Policy::default()
        };
        a.set_policy(far).await?;
        assert_eq!((a.policy(), b.policy()), (far, Policy::default()));
        flush(&a, 100).await?;
        flush(&b, 100).await?;
        assert_eq!(a.gc().await?.cutoff, Lsn(50));
        assert_eq!(b.gc().await?.cutoff, Lsn(90));
        engine.shutdown().await?;
        drop((a, b, engine));
        let engine = Engine::open(OsIo::new(), dir.path(), keep(10)).await?;
        let a = engine.open_timeline(A).await?;
        assert_eq!(a.policy(), far);
        flush(&a, 120).await?;
        assert_eq!(a.gc().await?.cutoff, Lsn(70));
        let near = Policy {
            gc_distance: Some(0),
            ..far
        };
        a.set_policy(near).await?;
        assert_eq!(a.gc().await?.cutoff, Lsn(120));
        a.set_policy(far).await?;
        assert_eq!(a.gc().await?.cutoff, Lsn(120), "what is collected stays so");
        let branch = engine.branch_timeline(TimelineId([0xC; 16]), A, Lsn(120));
        assert_eq!(branch.await?.policy(), Policy::default());
        engine.shutdown().await
    })
    .unwrap();
}

#[test]
fn a_policy_decides_when_layers_are_frozen_compacted_and_imaged() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), keep(1000)).await?;
        let a = engine.create_timeline(A, Lsn(0)).await?;
        let mut own = Policy {
            freeze_distance_max: Some(5),
            ..Policy::default()
        };
        a.set_policy(own).await?;
        put(&a, 1).await?;
        put(&a, 10).await?;
        assert_eq!(a.layers().frozen().len(), 1);
        own = Policy {
            freeze_len_max: Some(150),
            ..Policy::default()
        };
        a.set_policy(own).await?;
        put(&a, 20).await?;
        assert_eq!(a.layers().frozen().len(), 2);
        own = Policy {
            freeze_age_max: Some(Duration::ZERO),
            ..Policy::default()
        };
        a.set_policy(own).await?;
        put(&a, 21).await?;
        assert_eq!(a.layers().frozen().len(), 3);
        a.flush().await?;
        assert_eq!(a.compact(Mode::ByNeed).await?, Progress::Idle);
        own = Policy {
            l0_count_trigger: Some(2),
            image_delta_count_trigger: Some(1),
            ..Policy::default()
        };
        a.set_policy(own).await?;
        assert_eq!(a.compact(Mode::ByNeed).await?, Progress::Done);
        let imaged = a.create_images(Mode::ByNeed).await?;
        assert_eq!(imaged.progress, Progress::Done);
        engine.shutdown().await
    })
    .unwrap();
}

#[test]
fn a_batch_that_waits_goes_on_when_a_policy_lets_it() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let options = Options {
            freeze_distance_max: 1,
            l0_count_trigger: 1,
            l0_stall_count: Some(1),
            ..keep(1000)
        };
        let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
        let a = engine.create_timeline(A, Lsn(0)).await?;
        flush(&a, 1).await?;
        put(&a, 10).await?;
        let waiting = put(&a, 20);
        let lets = async {
            let never = Policy {
                l0_stall_count: Some(usize::MAX),
                ..Policy::default()
            };
            a.set_policy(never).await
        };
        let (put, set) = futures_util::future::join(waiting, lets).await;
        put.and(set)?;
        engine.shutdown().await
    })
    .unwrap();
}

#[test]
fn a_policy_is_refused_alone_and_against_the_options_also_at_an_open() {
    let dir = tempfile::tempdir().unwrap();
    let stalls = |count| Options {
        l0_count_trigger: 2,
        l0_stall_count: Some(count),
        ..keep(1000)
    };
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), stalls(5)).await?;
        let a = engine.create_timeline(A, Lsn(0)).await?;
        let own = |count| Policy {
            l0_count_trigger: Some(count),
            ..Policy::default()
        };
        let long = Policy {
            gc_age: Some(Duration::MAX),
            ..Policy::default()
        };
        for (wrong, why) in [
            (own(0), "l0_count_trigger is 0"),
            (own(6), "l0_stall_count is 5"),
            (long, "gc_age of a policy is too long"),
        ] {
            match a.set_policy(wrong).await {
                Err(Error::Refused { why: found }) => assert!(found.contains(why), "{found}"),
                other => panic!("{other:?}"),
            }
            assert_eq!(a.policy(), Policy::default());
        }
        a.set_policy(own(5)).await?;
        engine.shutdown().await?;
        drop((a, engine));
        let engine = Engine::open(OsIo::new(), dir.path(), stalls(4)).await?;
        match engine.open_timeline(A).await {
            Err(Error::Refused { why }) => {
                assert!(why.contains("has a policy, l0_count_trigger 5"), "{why}");
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it is open"),
        }
        engine.shutdown().await?;
        drop(engine);
        let engine = Engine::open(OsIo::new(), dir.path(), stalls(5)).await?;
        engine.open_timeline(A).await?;
        engine.shutdown().await
    })
    .unwrap();
}
