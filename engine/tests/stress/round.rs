//! One round: a directory, its threads, a shutdown while they run, and checks afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use palimpsest::base::KeyRange;
use palimpsest::{Engine, Error, Key, KeySpace, Lsn, Mode, Options, OsIo, Timeline, block_on};

use crate::branches::Branches;
use crate::history::{Draw, KEY_COUNT, Point, START, Tree, key, mix, timeline_id};
use crate::judge::Ground;
use crate::rest;

/// The permanent timelines, each with its parent, of which it is created as a branch at the
/// parent's end.
const TIMELINES: [(u8, Option<u8>); 3] = [(1, None), (2, Some(1)), (3, Some(2))];

/// The threads of a round, besides the writers and the one that branches.
const THREADS: [&str; 7] = ["read", "read", "read", "flush", "compact", "image", "gc"];

/// The number of L0s and frozen layers from which on a writer waits, since it is faster than the
/// jobs.
pub const BACKLOG_MAX: usize = 10;

/// Counts events by name.
pub type Tally = BTreeMap<&'static str, u64>;

/// The state that the threads of a round share.
struct Round {
    engine: Engine,
    ground: Ground,
    /// The number of acknowledged batches.
    put_count: AtomicU64,
    /// Whether the writers have written enough, and the branching thread has to end.
    is_winding_down: AtomicBool,
    /// Whether a shutdown may have begun.
    is_ending: AtomicBool,
    /// Whether a thread has panicked, so that the others stop.
    has_failed: AtomicBool,
    /// The last acknowledged LSN of each timeline.
    ends: Mutex<BTreeMap<u8, u64>>,
    tally: Mutex<Tally>,
}

/// Sets `has_failed` when its thread panics.
struct Alarm<'a>(&'a Round);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.has_failed.store(true, Ordering::SeqCst);
        }
    }
}

/// Runs one round.
pub fn run(seed: u64, round_index: u64, put_count: u64) -> Tally {
    let seed = mix(seed, round_index);
    let mut draw = Draw::new(seed);
    let home = tempfile::tempdir().expect("a directory");
    let root = home.path().join("engine");
    let round = begin(&root, seed, &mut draw);
    let tree = round.live(&mut draw, put_count);
    let tally = round.tally.into_inner();
    let mut ends = round.ends.into_inner().expect("no thread has panicked");
    drop((round.ground, round.engine));
    let options = rest::options(&mut draw);
    let engine =
        block_on(Engine::open(OsIo::new(), &root, options)).expect("no engine has it open");
    let open = rest::open_all(&engine);
    let numbers: Vec<u8> = open.keys().copied().collect();
    assert_eq!(numbers, tree.timelines());
    for (number, timeline) in &open {
        let acknowledged = ends.remove(number).expect("each has an end");
        let last = timeline.last_record_lsn().0;
        assert_eq!(last, acknowledged, "timeline {number} after a shutdown");
    }
    rest::check_files(&root, &open);
    rest::check_answers(&open, &tree, &mut draw);
    tally.expect("no thread has panicked")
}

/// Opens a new engine, with the permanent timelines and some history on each.
fn begin(root: &Path, seed: u64, draw: &mut Draw) -> Round {
    let period = Duration::from_millis(draw.within(1, 5));
    let options = Options {
        maintenance_period: draw.one_of(&[None, Some(period)]),
        ..rest::options(draw)
    };
    let engine = block_on(Engine::open(OsIo::new(), root, options)).expect("it opens");
    let mut tree = Tree::new(seed);
    let mut timelines: BTreeMap<u8, Timeline> = BTreeMap::new();
    for (number, on) in TIMELINES {
        let id = timeline_id(number);
        let timeline = match on {
            None => block_on(engine.create_timeline(id, Lsn(START))).expect("it is new"),
            Some(on) => {
                let last = timelines[&on].last_record_lsn();
                let branched = engine.branch_timeline(id, timeline_id(on), last);
                block_on(branched).expect("the end can be read")
            }
        };
        tree.add(number, rest::ancestor(&timeline));
        let first = tree.start(number) + 1;
        let batch = tree.batch(number, first, first + draw.below(150));
        let mut writer = timeline.writer().expect("there is no other");
        block_on(writer.put_batch(&batch)).expect("it is open");
        if draw.below(2) == 0 {
            timeline.declare_keys(rest::key_space());
        }
        timelines.insert(number, timeline);
    }
    Round {
        engine,
        ground: Ground::new(tree, timelines),
        put_count: AtomicU64::new(0),
        is_winding_down: AtomicBool::new(false),
        is_ending: AtomicBool::new(false),
        has_failed: AtomicBool::new(false),
        ends: Mutex::default(),
        tally: Mutex::default(),
    }
}

impl Round {
    /// Starts the threads, waits for enough batches, and shuts down while they run. Returns the
    /// timelines that are left.
    fn live(&self, draw: &mut Draw, put_count: u64) -> Tree {
        thread::scope(|scope| {
            for (number, _) in TIMELINES {
                let draw = Draw::new(draw.next());
                scope.spawn(move || self.write(number, draw));
            }
            for what in THREADS {
                let draw = Draw::new(draw.next());
                scope.spawn(move || self.work(what, draw));
            }
            let branches = Branches::new(&self.engine, &self.ground, Draw::new(draw.next()));
            let branches = scope.spawn(|| self.branch(branches));
            while !self.has_failed.load(Ordering::SeqCst)
                && self.put_count.load(Ordering::SeqCst) < put_count
            {
                thread::sleep(Duration::from_millis(1));
            }
            self.is_winding_down.store(true, Ordering::SeqCst);
            let branched = branches.join();
            self.is_ending.store(true, Ordering::SeqCst);
            block_on(self.engine.shutdown()).expect("all of it is durable");
            branched.expect("the branching thread has not panicked")
        })
    }

    fn note(&self, what: &'static str, count: u64) {
        let mut tally = self.tally.lock().expect("nothing panics while it is held");
        *tally.entry(what).or_default() += count;
    }

    /// Reads, or runs one kind of job, until the end.
    fn work(&self, what: &'static str, mut draw: Draw) {
        let count = self.until_closed(&mut || match what {
            "read" => {
                thread::sleep(Duration::from_micros(draw.below(500)));
                self.read(&mut draw)
            }
            _ => self.job(what, &mut draw),
        });
        self.note(what, count);
    }

    /// Repeats `step` until it is refused as closed, which must not happen before the shutdown;
    /// returns the number of steps.
    fn until_closed(&self, step: &mut dyn FnMut() -> Result<(), Error>) -> u64 {
        let _alarm = Alarm(self);
        for count in 0.. {
            match step() {
                Ok(()) => {}
                Err(Error::Closed) if self.is_ending.load(Ordering::SeqCst) => return count,
                Err(error) => panic!("a step failed: {error}"),
            }
        }
        0
    }

    /// Writes at the end of a timeline, as its only writer.
    fn write(&self, number: u8, mut draw: Draw) {
        let timeline = &self.ground.timelines[&number];
        let mut writer = timeline.writer().expect("there is no other");
        let mut end = timeline.last_record_lsn().0;
        let count = self.until_closed(&mut || {
            while self.is_to_wait(timeline) {
                thread::sleep(Duration::from_millis(1));
            }
            if self.is_ending.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            let last = end + 1 + draw.below(3);
            let batch = self.ground.tree.batch(number, end + 1, last);
            block_on(writer.put_batch(&batch))?;
            end = last;
            assert_eq!(timeline.last_record_lsn().0, end);
            self.put_count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        self.note("put", count);
        let mut ends = self.ends.lock().expect("nothing panics while it is held");
        ends.insert(number, end);
    }

    /// Whether a writer has to wait for the jobs.
    fn is_to_wait(&self, timeline: &Timeline) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        let is_over = is_set(&self.is_ending) || is_set(&self.has_failed);
        let has_backlog = BACKLOG_MAX <= timeline.layers().backlog();
        !is_over && (has_backlog || is_set(&self.is_winding_down))
    }

    fn timeline(&self, draw: &mut Draw) -> &Timeline {
        let (number, _) = draw.one_of(&TIMELINES);
        &self.ground.timelines[&number]
    }

    fn job(&self, what: &str, draw: &mut Draw) -> Result<(), Error> {
        let timeline = self.timeline(draw);
        let mode = draw.one_of(&[Mode::ByNeed, Mode::Forced]);
        let last = timeline.last_record_lsn();
        match what {
            "flush" => {
                let durable = block_on(timeline.flush())?;
                assert!(last <= durable, "{last} <= {durable}");
                assert!(durable <= timeline.disk_consistent_lsn());
            }
            "compact" => {
                block_on(timeline.compact(mode))?;
            }
            "image" => {
                block_on(timeline.create_images(mode))?;
            }
            _ => {
                let cutoff = block_on(timeline.gc())?.cutoff;
                assert!(cutoff <= timeline.gc_cutoff());
            }
        }
        timeline.check_laws();
        // Leaves time to the other threads.
        thread::sleep(Duration::from_micros(draw.below(2000)));
        Ok(())
    }

    fn branch(&self, mut branches: Branches) -> Tree {
        let _alarm = Alarm(self);
        while !self.is_winding_down.load(Ordering::SeqCst) {
            branches.step();
        }
        let mut ends = self.ends.lock().expect("nothing panics while it is held");
        ends.extend(branches.ends());
        self.note("branch", branches.made_count);
        branches.tree
    }

    /// Reads at a random point, and checks the answer against the history.
    fn read(&self, draw: &mut Draw) -> Result<(), Error> {
        let timeline = self.timeline(draw);
        let (cutoff, last) = (timeline.gc_cutoff().0, timeline.last_record_lsn().0);
        let lsn = match draw.below(8) {
            0 => draw.within(0, last),
            1 => last + draw.within(1, 3),
            2 => last,
            3 => cutoff,
            _ => draw.within(cutoff, last),
        };
        let at = Point {
            timeline: timeline.id().0[0],
            lsn,
        };
        let before = self.ground.before(at);
        let read = match draw.below(3) {
            0 => self.get(timeline, at, draw),
            1 => self.get_vectored(timeline, at, draw),
            _ => self.scan(timeline, at, draw),
        };
        match read {
            Err(Error::Closed) => return Err(Error::Closed),
            Err(error) => self.ground.check_refused(&before, &error),
            Ok(()) => self.ground.check_readable(&before),
        }
        Ok(())
    }

    fn get(&self, timeline: &Timeline, at: Point, draw: &mut Draw) -> Result<(), Error> {
        let index = draw.below(KEY_COUNT);
        let found = block_on(timeline.get(key(index), Lsn(at.lsn)))?;
        let expected = self.ground.tree.page(at.timeline, index, at.lsn);
        let found: Vec<_> = found.into_iter().map(|page| (key(index), page)).collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|page| (key(index), page))
            .collect();
        rest::check_equal(at, &found, &expected);
        Ok(())
    }

    fn get_vectored(&self, timeline: &Timeline, at: Point, draw: &mut Draw) -> Result<(), Error> {
        let asked = (0..4).map(|_| KeyRange::single(key(draw.below(KEY_COUNT))));
        let asked = KeySpace::from_ranges(asked);
        let found = block_on(timeline.get_vectored(&asked, Lsn(at.lsn)))?;
        let found: Result<Vec<(Key, Vec<u8>)>, Error> = found
            .into_iter()
            .map(|(key, page)| Ok((key, page?)))
            .collect();
        let mut expected = self.ground.tree.pages(at.timeline, at.lsn);
        expected.retain(|(key, _)| asked.contains(*key));
        rest::check_equal(at, &found?, &expected);
        Ok(())
    }

    /// A scan that waits between its registration and its first visit of a layer: what it may read
    /// stays.
    fn scan(&self, timeline: &Timeline, at: Point, draw: &mut Draw) -> Result<(), Error> {
        let mut scan = block_on(timeline.scan(KeyRange::ALL, Lsn(at.lsn)))?;
        let pause = draw.one_of(&[1, 300, 3000, 60_000]);
        thread::sleep(Duration::from_micros(draw.below(pause)));
        let mut found = Vec::new();
        while let Some(batch) = block_on(scan.next_batch())? {
            for (key, page) in batch {
                found.push((key, page?));
            }
        }
        let expected = self.ground.tree.pages(at.timeline, at.lsn);
        rest::check_equal(at, &found, &expected);
        Ok(())
    }
}
