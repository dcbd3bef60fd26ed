//! How the cost of a call grows with the number of timelines, branches and layers: `cargo bench -p
//! palimpsest --bench growth`.
//!
//! Each cell has the time in the middle of some calls, and of the call in the middle the number of
//! allocations and of calls to the system: these two are the same on every machine, and what growth
//! is judged by. Locks are counted by the scenario `growth` of `engine/races`: a call takes as many
//! among 32 timelines, branches and layers as among 4. Syncs are counted and not made, so that
//! times are those of the engine and not of the device. Nothing is asserted. `quick` behind `--`
//! leaves the largest size out.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark stands outside of any run: it asks the clock"
)]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use palimpsest::base::Time;
use palimpsest::io::{Entry, File, Io, Op, OsFile, OsLock};
use palimpsest::{Batch, Engine, Key, Lsn, Options, OsIo, Timeline, TimelineId, Value, block_on};
use tempfile::TempDir;

const SIZES: [u32; 4] = [10, 100, 1_000, 10_000];

/// The number of calls of which the one in the middle is shown.
const RUN_COUNT: u64 = 21;

/// The operating system, with a count of calls and without syncs.
#[derive(Clone, Default)]
struct CountedIo {
    os: OsIo,
    calls: Arc<AtomicU64>,
}

struct CountedFile {
    file: OsFile,
    calls: Arc<AtomicU64>,
}

impl CountedIo {
    fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn file(&self, file: OsFile) -> CountedFile {
        let calls = self.calls.clone();
        CountedFile { file, calls }
    }
}

/// Methods that count a call and forward it.
macro_rules! count {
    ($($call:ident($($name:ident: $type:ty),*) -> $output:ty;)*) => {$(
        async fn $call(&self, op: Op, $($name: $type),*) -> io::Result<$output> {
            self.count();
            self.os.$call(op, $($name),*).await
        }
    )*};
}

impl Io for CountedIo {
    type File = CountedFile;
    type Lock = OsLock;

    count! {
        lock(path: &Path) -> OsLock; list(dir: &Path) -> Vec<Entry>;
        rename(from: &Path, to: &Path) -> (); replace(from: &Path, to: &Path) -> ();
        link(from: &Path, to: &Path) -> (); remove(path: &Path) -> ();
        create_dir(dir: &Path) -> (); remove_dir(dir: &Path) -> ();
    }

    async fn create(&self, op: Op, path: &Path) -> io::Result<CountedFile> {
        self.count();
        Ok(self.file(self.os.create(op, path).await?))
    }

    async fn open(&self, op: Op, path: &Path) -> io::Result<CountedFile> {
        self.count();
        Ok(self.file(self.os.open(op, path).await?))
    }

    async fn sync_dir(&self, _: Op, _: &Path) -> io::Result<()> {
        self.count();
        Ok(())
    }

    fn now(&self) -> Time {
        self.os.now()
    }

    fn random(&self) -> u64 {
        self.os.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.os.sleep(duration).await;
    }

    fn spawn(&self, op: Op, task: impl Future<Output = ()> + Send + 'static) {
        self.os.spawn(op, task);
    }

    async fn yield_now(&self) {
        self.os.yield_now().await;
    }

    async fn interleave(&self, _: Op) {}
}

impl File for CountedFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.file.read_at(op, offset, buf).await
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.file.write_at(op, offset, bytes).await
    }

    async fn sync(&self, _: Op) -> io::Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn len(&self, op: Op) -> io::Result<u64> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.file.len(op).await
    }
}

/// What a call cost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    time: Duration,
    allocations: u64,
    calls: u64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.time.as_secs_f64() * 1e6;
        let time = match micros {
            ..10.0 => format!("{micros:.1} µs"),
            ..10_000.0 => format!("{micros:.0} µs"),
            _ => format!("{:.0} ms", micros / 1e3),
        };
        write!(f, "{time} · {} · {}", self.allocations, self.calls)
    }
}

/// A directory and the engine in it.
struct Stage {
    io: CountedIo,
    dir: TempDir,
    engine: Option<Engine<CountedIo>>,
    last: u64,
}

fn options() -> Options {
    Options {
        gc_distance: 0,
        gc_age: Duration::ZERO,
        l0_delay_count: usize::MAX,
        ..Options::default()
    }
}

fn id(number: u32) -> TimelineId {
    TimelineId(u128::from(number).to_be_bytes())
}

impl Stage {
    fn new() -> Stage {
        let mut stage = Stage {
            io: CountedIo::default(),
            dir: tempfile::tempdir().expect("a directory"),
            engine: None,
            last: 0,
        };
        stage.open_engine();
        stage
    }

    fn open_engine(&mut self) {
        let opened = Engine::open(self.io.clone(), self.dir.path(), options());
        self.engine = Some(block_on(opened).expect("it opens"));
    }

    fn engine(&self) -> &Engine<CountedIo> {
        self.engine.as_ref().expect("it is open")
    }

    fn create(&self, number: u32) -> Timeline<CountedIo> {
        block_on(self.engine().create_timeline(id(number), Lsn(0))).expect("it is new")
    }

    fn branch(&self, number: u32, ancestor: u32, lsn: u64) -> Timeline<CountedIo> {
        let branched = self
            .engine()
            .branch_timeline(id(number), id(ancestor), Lsn(lsn));
        block_on(branched).expect("it can be branched off")
    }

    fn open_timeline(&self, number: u32) -> Timeline<CountedIo> {
        block_on(self.engine().open_timeline(id(number))).expect("it exists")
    }

    /// Puts one page, and returns its LSN.
    fn put(&mut self, timeline: &Timeline<CountedIo>) -> u64 {
        self.last += 1;
        let mut batch = Batch::new();
        let key = Key::MIN.add((self.last % 64) as u32);
        batch
            .push(key, Lsn(self.last), &Value::Image(vec![7; 64]))
            .expect("the LSNs ascend");
        let mut writer = timeline.writer().expect("one at a time");
        block_on(writer.put_batch(&batch)).expect("it is taken");
        self.last
    }

    /// The call in the middle of several, by time.
    fn cost(&mut self, mut call: impl FnMut(&mut Stage, u64)) -> Cost {
        let mut costs: Vec<Cost> = (0..RUN_COUNT)
            .map(|run| {
                let before = self.io.calls.load(Ordering::Relaxed);
                let start = Instant::now();
                let allocated = allocation_counter::measure(|| call(self, run));
                Cost {
                    time: start.elapsed(),
                    allocations: allocated.count_total,
                    calls: self.io.calls.load(Ordering::Relaxed) - before,
                }
            })
            .collect();
        costs.sort();
        costs[costs.len() / 2]
    }

    /// The costs of the calls that each table has, on one timeline.
    fn costs(&mut self, timeline: &Timeline<CountedIo>, lsn: u64) -> Vec<(&'static str, Cost)> {
        let read = self.cost(|_, run| {
            let read = timeline.get(Key::MIN.add(run as u32), Lsn(lsn));
            block_on(read).expect("it can be read");
        });
        // The first put opens a layer.
        self.put(timeline);
        let put = self.cost(|stage, _| _ = stage.put(timeline));
        let flush = self.cost(|stage, _| {
            stage.put(timeline);
            block_on(timeline.flush()).expect("it is flushed");
        });
        vec![("read", read), ("put", put), ("put and flush", flush)]
    }

    /// The costs of opening the engine, and then a timeline.
    fn open_costs(&mut self, number: u32) -> Vec<(&'static str, Cost)> {
        self.engine = None;
        // Its last removals of files may still hold the lock.
        std::thread::sleep(Duration::from_millis(300));
        let engine = self.once(Stage::open_engine);
        let timeline = self.once(|stage| _ = stage.open_timeline(number));
        vec![("open the engine", engine), ("open the timeline", timeline)]
    }

    fn once(&mut self, call: impl FnOnce(&mut Stage)) -> Cost {
        let before = self.io.calls.load(Ordering::Relaxed);
        let start = Instant::now();
        let allocated = allocation_counter::measure(|| call(self));
        Cost {
            time: start.elapsed(),
            allocations: allocated.count_total,
            calls: self.io.calls.load(Ordering::Relaxed) - before,
        }
    }
}

type Costs = Vec<(&'static str, Cost)>;

/// Timelines that are open and idle, beside the one that is used.
fn timelines(count: u32) -> Costs {
    let mut stage = Stage::new();
    for number in 1..=count {
        stage.create(number);
    }
    let timeline = stage.open_timeline(count / 2);
    let lsn = stage.put(&timeline);
    let mut costs = stage.costs(&timeline, lsn);
    drop(timeline);
    costs.extend(stage.open_costs(count / 2));
    costs
}

/// Branches of one parent, each at an LSN of its own below the parent's cutoff.
fn branches_in_width(count: u32) -> Costs {
    let mut stage = Stage::new();
    let parent = stage.create(1);
    for _ in 0..=count {
        stage.put(&parent);
    }
    block_on(parent.flush()).expect("it is flushed");
    for number in 0..count {
        stage.branch(2 + number, 1, u64::from(number) + 1);
    }
    let collect = stage.cost(|_, _| _ = block_on(parent.gc()).expect("it is collected"));
    let middle = 2 + count / 2;
    let timeline = stage.open_timeline(middle);
    let lsn = u64::from(count / 2) + 1;
    let mut costs = stage.costs(&timeline, lsn);
    costs.push(("collect the parent's garbage", collect));
    let mut number = 2 + count;
    let branch = stage.cost(|stage, _| {
        stage.branch(number, 1, lsn);
        number += 1;
    });
    costs.push(("branch", branch));
    drop((timeline, parent));
    costs.extend(stage.open_costs(middle));
    costs
}

/// A chain of branches, each of the one before.
fn branches_in_depth(count: u32) -> Costs {
    let mut stage = Stage::new();
    let root = stage.create(1);
    let lsn = stage.put(&root);
    drop(root);
    // One level is left for the branch that is measured.
    for number in 1..count {
        stage.branch(1 + number, number, lsn);
    }
    let timeline = stage.open_timeline(count);
    let mut costs = stage.costs(&timeline, lsn);
    let mut number = 1 + count;
    let branch = stage.cost(|stage, _| {
        stage.branch(number, count, lsn);
        number += 1;
    });
    costs.push(("branch", branch));
    drop(timeline);
    costs.extend(stage.open_costs(count));
    costs
}

/// L0s of one timeline, which no compaction has met.
fn layers(count: u32) -> Costs {
    let mut stage = Stage::new();
    let timeline = stage.create(1);
    for _ in 0..count {
        stage.put(&timeline);
        block_on(timeline.flush()).expect("it is flushed");
    }
    // Each key is in one of 64 layers, so that a read looks into that many at most.
    let lsn = stage.last;
    let mut costs = stage.costs(&timeline, lsn);
    drop(timeline);
    costs.extend(stage.open_costs(1));
    costs
}

fn print(title: &str, sizes: &[u32], measure: fn(u32) -> Costs) {
    println!("\n{title}\n");
    let heads: Vec<String> = sizes.iter().map(u32::to_string).collect();
    println!("| | {} |", heads.join(" | "));
    println!("|---|{}", "---|".repeat(sizes.len()));
    let columns: Vec<Costs> = sizes.iter().map(|size| measure(*size)).collect();
    for (row, (name, _)) in columns[0].iter().enumerate() {
        let cells = columns.iter().map(|column| column[row].1.to_string());
        println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

fn main() {
    let is_quick = std::env::args().any(|word| word == "quick");
    let sizes = &SIZES[..SIZES.len() - usize::from(is_quick)];
    println!("Each cell: time, allocations, calls to the system.");
    print("Open timelines", sizes, timelines);
    print("Branches of one parent", sizes, branches_in_width);
    print("Branches one on the other", sizes, branches_in_depth);
    print("L0s of one timeline", sizes, layers);
}
