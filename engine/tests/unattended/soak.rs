//! Many timelines on a disk that fills up and empties, with writers, branches, readers that stall
//! and restarts: at the end every answer is right, and nothing has grown that should not.
//!
//! For longer, on more timelines, by any seed:
//!
//! ```sh
//! PALIMPSEST_SOAK=1800 PALIMPSEST_TIMELINES=200 PALIMPSEST_SEED=7 \
//!     cargo test --release -p palimpsest --test unattended soak -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use palimpsest::store::DirStore;
use palimpsest::{Batch, Engine, Error, Key, KeyRange, Lsn, Options, TimelineId, Value, block_on};

use super::budget::Budget;
use super::{PATIENCE, Timeline, is_full, until};

/// The keys of each timeline.
const KEY_COUNT: u32 = 16;
/// How much more memory the process may hold at the end than at first, in bytes: the caches fill.
const MEMORY_GROWTH_MAX: u64 = 256 << 20;
/// The free bytes of the disk while it is not full: more than all files need.
const ROOMY: i64 = 1 << 40;

type Scan = palimpsest::timeline::Scan<DirStore<Budget>>;

/// A timeline that is written, and what it must answer.
struct Line {
    id: TimelineId,
    last: u64,
    /// The last value of each key that was acknowledged, and the one that may be there.
    expected: BTreeMap<u32, u64>,
}

/// Draws numbers that follow from the seed alone.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// What one `OsIo` starts at most, as it needs them: two threads for tasks, 32 for calls that wait
/// for the device, and a timer. Another test may run beside this one.
const THREAD_COUNT_OF_IO: usize = 35;

/// What must not grow with time.
#[derive(Debug, Clone, Copy)]
struct Figures {
    descriptor_count: usize,
    thread_count: usize,
    temporary_count: usize,
    memory_len: u64,
}

impl Figures {
    fn now(root: &Path) -> Figures {
        let count = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = status
            .split(' ')
            .nth(1)
            .and_then(|it| it.parse::<u64>().ok());
        Figures {
            descriptor_count: count("/proc/self/fd"),
            thread_count: count("/proc/self/task"),
            temporary_count: temporary_count(root),
            memory_len: pages.unwrap_or(0) * 4096,
        }
    }
}

fn temporary_count(root: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(root) else {
        return 0;
    };
    let count = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("it can be listed");
        match entry.file_type().is_ok_and(|it| it.is_dir()) {
            true => temporary_count(&entry.path()),
            false => usize::from(entry.file_name().to_string_lossy().ends_with("temp")),
        }
    };
    entries.map(count).sum()
}

fn options() -> Options {
    Options {
        freeze_len_max: 64 << 10,
        freeze_age_max: Duration::from_secs(1),
        open_len_max: 4 << 20,
        layer_len_target: 256 << 10,
        l0_count_trigger: 4,
        l0_delay: Duration::from_millis(1),
        gc_distance: 200,
        gc_age: Duration::ZERO,
        reserve_len: 1 << 20,
        maintenance_period: Some(Duration::from_millis(50)),
        ..Options::default()
    }
}

fn id(number: u64) -> TimelineId {
    let mut bytes = [0x50; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    TimelineId(bytes)
}

fn value(id: TimelineId, key: u32, lsn: u64) -> Vec<u8> {
    let mut value = vec![key as u8; 200 + (lsn % 1000) as usize];
    value[..8].copy_from_slice(&lsn.to_be_bytes());
    value[8..24].copy_from_slice(&id.0);
    value
}

/// Opens the engine. One that was dropped before without a shutdown holds the directory until its
/// jobs have come to their ends.
fn open(io: &Budget, root: &Path) -> Engine<Budget> {
    let begun = Instant::now();
    loop {
        match block_on(Engine::open(io.clone(), root, options())) {
            Err(Error::Busy { .. }) if begun.elapsed() < PATIENCE => {}
            opened => return opened.expect("the directory is free"),
        }
    }
}

impl Line {
    fn new(id: TimelineId) -> Line {
        Line {
            id,
            last: 10,
            expected: BTreeMap::new(),
        }
    }

    /// Puts one value. On a full disk it may be refused, and then it is not there.
    fn put(&mut self, timeline: &Timeline<Budget>, key: u32) {
        let lsn = self.last + 8;
        let mut batch = Batch::new();
        let image = Value::Image(value(self.id, key, lsn));
        let key_at = Key::MIN.add(key);
        batch
            .push(key_at, Lsn(lsn), &image)
            .expect("it is in order");
        let put = timeline
            .writer()
            .map(|mut writer| block_on(writer.put_batch(&batch)));
        match put {
            Ok(Ok(())) => {
                self.last = lsn;
                self.expected.insert(key, lsn);
            }
            Ok(Err(error)) | Err(error) => assert!(is_full(&error), "{error}"),
        }
    }

    /// Compares every key with what was acknowledged.
    fn check(&self, timeline: &Timeline<Budget>) {
        let lsn = timeline.last_record_lsn();
        for (key, at) in &self.expected {
            let found = block_on(timeline.get(Key::MIN.add(*key), lsn)).expect("it is readable");
            assert_eq!(
                found,
                Some(value(self.id, *key, *at)),
                "key {key} of {}",
                self.id
            );
        }
    }
}

/// The disk fills up and empties, in turns.
fn fill_and_empty(io: &Budget, is_over: &AtomicBool) {
    let mut is_roomy = true;
    while !is_over.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(if is_roomy { 400 } else { 150 }));
        is_roomy = !is_roomy;
        io.set_free(if is_roomy { ROOMY } else { 20_000 });
    }
    io.set_free(ROOMY);
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

struct Soak {
    io: Budget,
    root: tempfile::TempDir,
    draw: Draw,
    lines: Vec<Line>,
}

impl Soak {
    /// One life: writers, branches and readers that stall, until it is time.
    fn live(&mut self, engine: &Engine<Budget>, until: Instant) {
        let mut held: Vec<Scan> = Vec::new();
        let mut next_branch = 1_000_000 + self.draw.below(1 << 20) * 1000;
        while Instant::now() < until {
            let index = self.draw.below(self.lines.len() as u64) as usize;
            let line = &mut self.lines[index];
            let Ok(timeline) = block_on(engine.open_timeline(line.id)) else {
                continue; // The disk is full, and the reserve is taken.
            };
            for _ in 0..self.draw.below(20) {
                line.put(&timeline, self.draw.below(u64::from(KEY_COUNT)) as u32);
            }
            match self.draw.below(20) {
                0 => {
                    let lsn = timeline.last_record_lsn();
                    held.extend(block_on(timeline.scan(KeyRange::ALL, lsn)).ok());
                    if 8 < held.len() {
                        drop(held.remove(0));
                    }
                }
                1 => {
                    next_branch += 1;
                    branch_and_delete(engine, &timeline, id(next_branch));
                }
                2 => line.check(&timeline),
                _ => {}
            }
        }
        for mut scan in held {
            while let Some(batch) = block_on(scan.next_batch()).expect("a held scan goes on") {
                assert!(batch.iter().all(|(_, value)| value.is_ok()));
            }
        }
    }

    /// Ends a life: by a shutdown, or without one, so that what was not durable is lost.
    fn end(&mut self, engine: Engine<Budget>) {
        if self.draw.below(2) == 0 {
            self.io.set_free(ROOMY);
            let ended = block_on(engine.shutdown());
            assert!(ended.as_ref().err().is_none_or(is_full), "{ended:?}");
        }
        drop(engine);
    }

    /// Opens all timelines again, and takes what they have for what is expected from now on: all
    /// that was durable, and nothing that was never put.
    fn recover(&mut self) -> Engine<Budget> {
        self.io.set_free(ROOMY);
        let engine = open(&self.io, self.root.path());
        for line in &mut self.lines {
            let timeline = block_on(engine.open_timeline(line.id)).expect("there is space");
            let last = timeline.last_record_lsn();
            assert!(last.0 <= line.last, "no record is there that was not put");
            let mut found = BTreeMap::new();
            for key in 0..KEY_COUNT {
                let read = block_on(timeline.get(Key::MIN.add(key), last)).expect("readable");
                let Some(bytes) = read else { continue };
                let at = u64::from_be_bytes(bytes[..8].try_into().expect("8 bytes"));
                assert_eq!(bytes, value(line.id, key, at));
                assert!(at <= last.0);
                let before = line.expected.get(&key);
                assert!(before.is_some_and(|before| at <= *before || last.0 < line.last));
                assert!(before.is_none_or(|before| last.0 < *before || at == *before));
                found.insert(key, at);
            }
            line.expected = found;
            line.last = last.0;
        }
        engine
    }
}

/// A branch answers as its ancestor did, and goes.
fn branch_and_delete(engine: &Engine<Budget>, timeline: &Timeline<Budget>, id: TimelineId) {
    let lsn = timeline.last_record_lsn();
    let Ok(branch) = block_on(engine.branch_timeline(id, timeline.id(), lsn)) else {
        return; // The disk is full.
    };
    let key = Key::MIN.add(3);
    let (above, below) = (
        block_on(branch.get(key, lsn)).expect("a branch is readable at its point"),
        block_on(timeline.get(key, lsn)),
    );
    match below {
        Ok(below) => assert_eq!(above, below),
        Err(error) => assert!(matches!(error, Error::BelowCutoff { .. }), "{error}"),
    }
    if block_on(engine.shutdown_timeline(id)).is_ok() {
        let deleted = block_on(engine.delete_timeline(id));
        assert!(deleted.as_ref().err().is_none_or(is_full), "{deleted:?}");
    }
}

#[test]
fn a_soak_ends_with_every_answer_right_and_nothing_grown() {
    let (seconds, seed) = (number("PALIMPSEST_SOAK", 6), number("PALIMPSEST_SEED", 1));
    let timeline_count = number("PALIMPSEST_TIMELINES", 20);
    println!("soak: {seconds} s on {timeline_count} timelines, seed {seed}");
    let root = tempfile::tempdir().expect("a directory");
    let io = Budget::new(ROOMY);
    let engine = open(&io, root.path());
    for number in 0..timeline_count {
        block_on(engine.create_timeline(id(number), Lsn(10))).expect("there is space");
    }
    drop(engine);
    let lines = (0..timeline_count)
        .map(|number| Line::new(id(number)))
        .collect();
    let mut soak = Soak {
        io: io.clone(),
        root,
        draw: Draw(seed),
        lines,
    };
    let (begun, length) = (Instant::now(), Duration::from_secs(seconds));
    let mut first = None;
    let mut life_count = 0;
    while begun.elapsed() < length {
        let engine = soak.recover();
        // Maintenance works on what the life before has left, and quiesces.
        let path = soak.root.path().to_path_buf();
        until("no file is half written", || temporary_count(&path) == 0);
        let figures = Figures::now(soak.root.path());
        println!("life {life_count}, {:?}: {figures:?}", begun.elapsed());
        let first = *first.get_or_insert(figures);
        let thread_count_max = first.thread_count + 2 * THREAD_COUNT_OF_IO;
        assert!(
            figures.thread_count <= thread_count_max,
            "{first:?}, {figures:?}"
        );
        assert!(figures.descriptor_count <= first.descriptor_count + 4 * soak.lines.len());
        life_count += 1;
        let is_over = Arc::new(AtomicBool::new(false));
        let disk = {
            let (io, is_over) = (io.clone(), is_over.clone());
            thread::spawn(move || fill_and_empty(&io, &is_over))
        };
        let life = length / 8;
        soak.live(&engine, (Instant::now() + life).min(begun + length));
        is_over.store(true, Ordering::SeqCst);
        disk.join().expect("it does not panic");
        until("all is well again", || engine.health().is_empty());
        soak.end(engine);
    }
    let engine = soak.recover();
    for line in &soak.lines {
        let timeline = block_on(engine.open_timeline(line.id)).expect("it is there");
        line.check(&timeline);
    }
    block_on(engine.shutdown()).expect("there is space");
    let last = Figures::now(soak.root.path());
    assert_eq!(last.temporary_count, 0, "{last:?}");
    println!("{life_count} lives: {last:?}");
    let grown = last
        .memory_len
        .saturating_sub(first.map_or(0, |first| first.memory_len));
    assert!(
        grown < MEMORY_GROWTH_MAX,
        "{grown} bytes more than at first"
    );
}
