//! Real threads: one writes, some read, some freeze and flush.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use palimpsest::{Batch, Edit, Engine, Error, Lsn, Options, OsIo, Timeline, Value, block_on};

use crate::script::TIMELINE;
use crate::words::key;

const BATCH_COUNT: u64 = 400;
const KEYS: [&str; 3] = ["a", "b", "c"];
const START: u64 = 10;

/// Each batch puts its LSN to all keys: to the first as an image, to the others as an append.
fn batch(lsn: u64) -> Batch {
    let mut batch = Batch::new();
    for name in KEYS {
        let text = format!("{lsn},").into_bytes();
        let is_base = name == KEYS[0] || lsn == START + 1;
        let value = match is_base {
            true => Value::Image(text),
            false => Value::Record(Edit::Append { suffix: text }.into_record()),
        };
        batch.push(key(name), Lsn(lsn), &value).unwrap();
    }
    batch
}

/// The value of a key at an LSN.
fn expected(name: &str, lsn: u64) -> Option<Vec<u8>> {
    if lsn == START {
        return None;
    }
    let first = if name == KEYS[0] { lsn } else { START + 1 };
    let texts = (first..=lsn).map(|lsn| format!("{lsn},"));
    Some(texts.collect::<String>().into_bytes())
}

/// Checks that the last batch is visible whole, and so is every batch below it.
fn check_reads(timeline: &Timeline<OsIo>, salt: u64) {
    let last = timeline.last_record_lsn().0;
    let older = START + salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (last - START + 1);
    for lsn in [last, older] {
        for name in KEYS {
            let found = block_on(timeline.get(key(name), Lsn(lsn))).unwrap();
            assert!(found == expected(name, lsn), "{name} at {lsn}");
        }
    }
}

/// Sets the flag that ends the other threads, also when its own thread panics.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn readers_see_whole_batches_during_concurrent_writes_freezes_and_flushes() {
    let root = tempfile::tempdir().expect("a directory");
    let options = || Options {
        freeze_len_max: 2000,
        ..Options::default()
    };
    let engine = block_on(Engine::open(OsIo::new(), root.path(), options())).unwrap();
    let timeline = block_on(engine.create_timeline(TIMELINE, Lsn(START))).unwrap();
    let is_done = AtomicBool::new(false);
    let until_done = |mut step: Box<dyn FnMut(u64) + Send>| {
        let is_done = &is_done;
        move || {
            (0..)
                .take_while(|_| !is_done.load(Ordering::SeqCst))
                .for_each(&mut step)
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            let timeline = timeline.clone();
            scope.spawn(until_done(Box::new(move |round| {
                check_reads(&timeline, round)
            })));
        }
        for _ in 0..2 {
            let timeline = timeline.clone();
            let flush = move |_| {
                let last = timeline.last_record_lsn();
                assert!(last <= block_on(timeline.flush()).unwrap());
            };
            scope.spawn(until_done(Box::new(flush)));
        }
        let _done = Done(&is_done);
        let mut writer = timeline.writer().unwrap();
        for lsn in START + 1..=START + BATCH_COUNT {
            block_on(writer.put_batch(&batch(lsn))).unwrap();
        }
    });
    timeline.check_laws();
    drop(timeline);
    block_on(engine.shutdown()).unwrap();
    drop(engine);
    let engine = block_on(Engine::open(OsIo::new(), root.path(), options())).unwrap();
    let timeline = block_on(engine.open_timeline(TIMELINE)).unwrap();
    assert_eq!(timeline.last_record_lsn(), Lsn(START + BATCH_COUNT));
    (0..200).for_each(|round| check_reads(&timeline, round));
}

#[test]
fn a_shutdown_refuses_concurrent_users() {
    let root = tempfile::tempdir().expect("a directory");
    let engine = block_on(Engine::open(OsIo::new(), root.path(), Options::default())).unwrap();
    let timeline = block_on(engine.create_timeline(TIMELINE, Lsn(START))).unwrap();
    let is_done = AtomicBool::new(false);
    // Repeats a step until it is refused, which must happen soon after the shutdown.
    let until_refused = |step: &mut dyn FnMut(u64) -> Result<(), Error>| {
        let mut beyond = 0;
        (START + 1..).try_for_each(|lsn| {
            step(lsn)?;
            beyond += u32::from(is_done.load(Ordering::SeqCst));
            assert!(beyond < 10, "nothing is refused");
            Ok(())
        })
    };
    let (written, read) = thread::scope(|scope| {
        let mut writer = timeline.writer().unwrap();
        let write = move || until_refused(&mut |lsn| block_on(writer.put_batch(&batch(lsn))));
        let read = || {
            until_refused(&mut |_| {
                let lsn = timeline.last_record_lsn();
                let found = block_on(timeline.get(key("b"), lsn))?;
                assert!(found == expected("b", lsn.0), "b at {lsn}");
                Ok(())
            })
        };
        let write = scope.spawn(write);
        let read = scope.spawn(read);
        let done = Done(&is_done);
        while !write.is_finished() && timeline.last_record_lsn() < Lsn(START + 50) {
            thread::yield_now();
        }
        block_on(engine.shutdown()).unwrap();
        drop(done);
        (write.join().unwrap(), read.join().unwrap())
    });
    assert!(matches!(written, Err(Error::Closed)), "{written:?}");
    assert!(matches!(read, Err(Error::Closed)), "{read:?}");
    let last = timeline.last_record_lsn();
    drop(timeline);
    let timeline = block_on(engine.open_timeline(TIMELINE)).unwrap();
    // Batches between the shutdown's flush and its end were never acknowledged as durable.
    assert!(Lsn(START + 50) <= timeline.last_record_lsn());
    assert!(timeline.last_record_lsn() <= last);
    check_reads(&timeline, 7);
}
