//! What jobs and reads hold in memory: it follows the options, however long the values are, and
//! whatever they come to once they are decompressed.

use allocation_counter::measure;
use palimpsest::timeline::Mode;
use palimpsest::{Batch, Engine, Key, KeyRange, KeySpace, Lsn, Options, OsIo, Value, block_on};

use super::{ONE, Timeline, keep_nothing};

const MIB: usize = 1 << 20;
const VALUE_LEN: usize = 2 * MIB;
const VALUE_COUNT: u32 = 32;

fn options() -> Options {
    Options {
        scan_len_max: 4 << 20,
        work_len_max: 16 << 20,
        l0_count_trigger: 1,
        ..keep_nothing()
    }
}

/// A value of one byte all over: in an image's file it is some hundred bytes long.
fn value(key: u32, lsn: u64) -> Vec<u8> {
    vec![key as u8 + lsn as u8; VALUE_LEN]
}

fn put_all(timeline: &Timeline<OsIo>, lsn: u64) {
    let mut writer = timeline.writer().expect("it is open");
    for key in 0..VALUE_COUNT {
        let mut batch = Batch::new();
        let image = Value::Image(value(key, lsn));
        batch.push(Key::MIN.add(key), Lsn(lsn), &image).unwrap();
        block_on(writer.put_batch(&batch)).unwrap();
    }
}

/// The most bytes that a call holds beside what was held before, in MiB.
fn held(call: impl FnOnce()) -> u64 {
    measure(call).bytes_max >> 20
}

#[test]
fn what_jobs_and_reads_hold_follows_the_options_whatever_the_values_length() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = block_on(Engine::open(OsIo::new(), dir.path(), options())).unwrap();
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    let all = VALUE_COUNT as usize * VALUE_LEN / MIB;
    assert_eq!(all, 64, "all values together, in MiB");
    put_all(&timeline, 10);
    let mut most = Vec::new();
    let mut note = |what: &'static str, call: &mut dyn FnMut()| most.push((what, held(call)));
    note("flush", &mut || {
        block_on(timeline.flush()).map(|_| ()).unwrap()
    });
    note("compact", &mut || {
        block_on(timeline.compact(Mode::Forced))
            .map(|_| ())
            .unwrap()
    });
    note("images", &mut || {
        block_on(timeline.create_images(Mode::Forced))
            .map(|_| ())
            .unwrap()
    });
    let mut scan_all = || {
        let mut scan = block_on(timeline.scan(KeyRange::ALL, Lsn(10))).unwrap();
        let mut next = 0;
        while let Some(batch) = block_on(scan.next_batch()).unwrap() {
            for (key, found) in batch {
                assert_eq!(key, Key::MIN.add(next));
                assert!(found.unwrap() == value(next, 10));
                next += 1;
            }
        }
        assert_eq!(next, VALUE_COUNT);
    };
    note("scan of images", &mut scan_all);
    put_all(&timeline, 20);
    note("flush of more", &mut || {
        block_on(timeline.flush()).map(|_| ()).unwrap()
    });
    note("gc", &mut || block_on(timeline.gc()).map(|_| ()).unwrap());
    note("gc compaction", &mut || {
        block_on(timeline.gc_compact_all(Mode::Forced))
            .map(|_| ())
            .unwrap()
    });
    block_on(engine.shutdown()).unwrap();
    println!("{most:?}");
    let too_much: Vec<_> = most.iter().filter(|(_, held)| 24 < *held).collect();
    assert!(too_much.is_empty(), "MiB: {too_much:?}");
}

/// One image file for each 16,384 declared keys was one file for each value, and many for none.
#[test]
fn ten_values_among_millions_of_declared_keys_are_one_image() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = block_on(Engine::open(OsIo::new(), dir.path(), options())).unwrap();
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    let mut keys = KeySpace::new();
    keys.add(KeyRange::new(Key::MIN, Key::MIN.add(1 << 24)));
    timeline.declare_keys(keys);
    let mut batch = Batch::new();
    for number in 0..10 {
        let key = Key::MIN.add(number << 20);
        batch
            .push(key, Lsn(10), &Value::Image(vec![7; 100]))
            .unwrap();
    }
    block_on(timeline.writer().unwrap().put_batch(&batch)).unwrap();
    block_on(timeline.flush()).unwrap();
    let imaged = block_on(timeline.create_images(Mode::Forced)).unwrap();
    assert_eq!(imaged.written.len(), 1, "{:?}", imaged.written);
    block_on(engine.shutdown()).unwrap();
}
