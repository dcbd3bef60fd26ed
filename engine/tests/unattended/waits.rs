//! Readers that never end delay nothing but themselves.

use std::time::Duration;

use palimpsest::{Engine, Key, KeyRange, Lsn, Options, OsIo, block_on};

use super::{ONE, get, keep_nothing, put, until};

fn options() -> Options {
    Options {
        freeze_len_max: 2000,
        l0_count_trigger: 3,
        layer_len_target: 4000,
        maintenance_period: Some(Duration::from_millis(10)),
        ..keep_nothing()
    }
}

/// Regression: the one task of a timeline waited inside of a collection for a scan that was held
/// and not polled, and nothing was flushed, compacted or imaged meanwhile.
#[test]
fn a_scan_that_is_held_stops_no_maintenance() {
    let dir = tempfile::tempdir().unwrap();
    let engine = block_on(Engine::open(OsIo::new(), dir.path(), options())).unwrap();
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    put(&timeline, 1, &[1; 500]).unwrap();
    let keys = KeyRange::new(Key::MIN, Key::MIN.next());
    let mut scan = block_on(timeline.scan(keys, Lsn(1))).unwrap();
    for lsn in 2..=100 {
        put(&timeline, lsn, &[lsn as u8; 500]).unwrap();
    }
    until("all frozen layers are flushed", || {
        timeline.layers().backlog() < 3 && Lsn(90) < timeline.disk_consistent_lsn()
    });
    until("history is collected below the scan", || {
        Lsn(90) < timeline.gc_cutoff()
    });
    let batch = block_on(scan.next_batch()).unwrap().unwrap();
    assert_eq!(batch[0].1.as_ref().unwrap(), &vec![1; 500]);
    drop(scan);
    assert_eq!(get(&timeline, 100).unwrap(), Some(vec![100; 500]));
    block_on(engine.shutdown()).unwrap();
}

/// It has no timer but that for the hour in which a clock may be set.
#[test]
fn one_put_and_then_silence_becomes_durable() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        freeze_age_max: Duration::from_millis(50),
        ..options()
    };
    let engine = block_on(Engine::open(OsIo::new(), dir.path(), options)).unwrap();
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    put(&timeline, 1, b"alone").unwrap();
    until("it is durable", || timeline.disk_consistent_lsn() == Lsn(1));
    block_on(engine.shutdown()).unwrap();
}
