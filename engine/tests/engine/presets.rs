//! Presets: a short life with each, with maintenance on.

use std::thread::sleep;
use std::time::{Duration, Instant};

use palimpsest::io::Job;
use palimpsest::{
    Batch, Edit, Engine, Error, Key, Lsn, Options, OsIo, Policy, Timeline, TimelineId, Value,
    block_on,
};

const A: TimelineId = TimelineId([0xA; 16]);
const KEY_COUNT: u32 = 64;

/// What a key has at an LSN: it is set once in a hundred LSNs, and appended to at all others.
fn value(lsn: u64) -> Value {
    match lsn % 100 {
        1 => Value::Image(vec![7; 500]),
        _ => Value::Record(Edit::Append { suffix: vec![8] }.into_record()),
    }
}

fn len_at(lsn: u64) -> usize {
    500 + ((lsn - 1) % 100) as usize
}

fn is_done(timeline: &Timeline, job: Job) -> bool {
    timeline.job_runs().contains_key(&job)
}

/// The policy makes layers so short that every job is due within a second.
fn live_with(options: Options) {
    let dir = tempfile::tempdir().unwrap();
    let short = Policy {
        freeze_len_max: Some(64 << 10),
        l0_count_trigger: Some(3),
        image_delta_count_trigger: Some(1),
        gc_distance: Some(10),
        gc_age: Some(Duration::ZERO),
        ..Policy::default()
    };
    let jobs = [Job::Flush, Job::Compact, Job::Image, Job::Gc];
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), options.clone()).await?;
        let timeline = engine.create_timeline(A, Lsn(0)).await?;
        timeline.set_policy(short).await?;
        let mut writer = timeline.writer()?;
        let (begun, mut last) = (Instant::now(), 0);
        while !jobs.iter().all(|job| is_done(&timeline, *job)) {
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{jobs:?} are due"
            );
            for lsn in last + 1..last + 101 {
                let mut batch = Batch::new();
                for number in 0..KEY_COUNT {
                    batch.push(Key::MIN.add(number), Lsn(lsn), &value(lsn))?;
                }
                writer.put_batch(&batch).await?;
            }
            last += 100;
            sleep(Duration::from_millis(50));
        }
        drop(writer);
        engine.shutdown().await?;
        drop((timeline, engine));
        let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
        let timeline = engine.open_timeline(A).await?;
        for number in 0..KEY_COUNT {
            for lsn in [last, last - 5] {
                let page = timeline.get(Key::MIN.add(number), Lsn(lsn)).await?;
                assert_eq!(page.map(|page| page.len()), Some(len_at(lsn)));
            }
        }
        engine.shutdown().await?;
        Ok::<(), Error>(())
    })
    .unwrap();
}

#[test]
fn a_life_with_the_small_preset() {
    live_with(Options::small());
}

#[test]
fn a_life_with_the_server_preset() {
    live_with(Options::server());
}

#[test]
fn a_period_that_keeps_a_core_busy_and_a_start_above_all_records_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let options = Options {
            maintenance_period: Some(Duration::from_micros(1)),
            ..Options::default()
        };
        let refused = Engine::open(OsIo::new(), dir.path(), options).await;
        assert!(matches!(refused, Err(Error::Refused { .. })));
        let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
        for start in [Lsn(u64::MAX - 1), Lsn::MAX] {
            let refused = engine.create_timeline(A, start).await;
            assert!(matches!(refused, Err(Error::Refused { .. })));
        }
        engine.create_timeline(A, Lsn(u64::MAX - 2)).await?;
        engine.shutdown().await
    })
    .unwrap();
}
