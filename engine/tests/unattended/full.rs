//! A full disk: who is told, and the way out.

use std::time::Duration;

use palimpsest::io::Job;
use palimpsest::{Engine, Lsn, Options, block_on};

use super::budget::Budget;
use super::{ONE, TWO, entries, get, is_full, keep_nothing, put, until};

/// Regression: where maintenance could not flush, every batch was taken, nothing became durable, no
/// call said why, and each attempt left a file.
#[test]
fn a_writer_is_told_why_maintenance_cannot_flush() {
    let dir = tempfile::tempdir().unwrap();
    let io = Budget::new(1 << 30);
    let options = Options {
        freeze_len_max: 4000,
        buffer_len: 1 << 20,
        l0_delay: Duration::ZERO,
        maintenance_period: Some(Duration::from_millis(5)),
        ..Options::default()
    };
    let engine = block_on(Engine::open(io.clone(), dir.path(), options)).unwrap();
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    assert!(timeline.health().is_good() && engine.health().is_empty());
    // Space for the values of memory layers, which are buffered, and for no layer's file.
    io.set_free(1);
    let mut taken = 0;
    let refused = loop {
        match put(&timeline, taken + 1, &[1; 1000]) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        std::thread::sleep(Duration::from_millis(2));
        assert!(taken < 200, "a batch is told");
    };
    assert!(is_full(&refused), "{refused}");
    let health = engine.health();
    let failing = &health[&ONE].failing[&Job::Flush];
    assert!(is_full(&failing.last.error));
    assert!(failing.first.at <= failing.last.at && failing.last.at < failing.next_try);
    assert!(1 <= failing.count);
    let temporary = entries(&dir.path().join(ONE.to_string()));
    let temporary = temporary.iter().filter(|name| name.ends_with("temp"));
    assert!(temporary.count() <= 1, "attempts leave nothing behind");

    io.set_free(1 << 30);
    until("it is well again", || timeline.health().is_good());
    put(&timeline, taken + 1, &[2; 1000]).unwrap();
    assert_eq!(block_on(timeline.flush()).unwrap(), Lsn(taken + 1));
    assert_eq!(get(&timeline, taken).unwrap(), Some(vec![1; 1000]));
    block_on(engine.shutdown()).unwrap();
}

/// Regression: no timeline could be opened, not even to read it, and none could be deleted, so that
/// the engine could not free space by itself.
#[test]
fn a_full_disk_can_be_read_collected_and_deleted_from() {
    let dir = tempfile::tempdir().unwrap();
    let io = Budget::new(1 << 30);
    let engine = block_on(Engine::open(io.clone(), dir.path(), keep_nothing())).unwrap();
    for id in [ONE, TWO] {
        let timeline = block_on(engine.create_timeline(id, Lsn(0))).unwrap();
        put(&timeline, 10, &[1; 100_000]).unwrap();
    }
    block_on(engine.shutdown()).unwrap();
    drop(engine);
    io.set_free(0);
    let engine = block_on(Engine::open(io.clone(), dir.path(), keep_nothing())).unwrap();
    let timeline = block_on(engine.open_timeline_to_read(ONE)).unwrap();
    assert_eq!(get(&timeline, 10).unwrap(), Some(vec![1; 100_000]));
    assert!(timeline.is_read_only());
    assert_eq!(io.free(), 0, "nothing is written to read");
    block_on(engine.shutdown_timeline(ONE)).unwrap();
    // To write it takes the reserve, which the deletion of another gives back.
    let timeline = block_on(engine.open_timeline(ONE)).unwrap();
    block_on(engine.delete_timeline(TWO)).unwrap();
    assert!(100_000 < io.free());
    put(&timeline, 20, b"small").unwrap();
    block_on(timeline.flush()).unwrap();
    block_on(engine.shutdown()).unwrap();
}

/// Without a reserve it cannot be opened to write, and says so.
#[test]
fn a_full_disk_without_a_reserve_can_be_read_alone() {
    let dir = tempfile::tempdir().unwrap();
    let io = Budget::new(1 << 30);
    let options = || Options {
        reserve_len: 0,
        ..keep_nothing()
    };
    let engine = block_on(Engine::open(io.clone(), dir.path(), options())).unwrap();
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    put(&timeline, 10, b"kept").unwrap();
    block_on(engine.shutdown_timeline(ONE)).unwrap();
    assert!(!entries(dir.path()).contains(&"reserve".to_owned()));
    io.set_free(0);
    let refused = block_on(engine.open_timeline(ONE)).map(|_| ()).unwrap_err();
    assert!(is_full(&refused), "{refused}");
    let timeline = block_on(engine.open_timeline_to_read(ONE)).unwrap();
    assert_eq!(get(&timeline, 10).unwrap(), Some(b"kept".to_vec()));
    let refused = put(&timeline, 20, b"more").unwrap_err();
    assert!(refused.to_string().contains("read alone"), "{refused}");
    let refused = block_on(engine.open_timeline(ONE)).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("shut it down"), "{refused}");
    block_on(engine.shutdown()).unwrap();
}
