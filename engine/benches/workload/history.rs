//! What a gc compaction costs beside the compaction of L0s, and what it leaves, of a history that
//! is ten times as long as what is to be kept.

use std::path::Path;
use std::process::Command;

use palimpsest::io::Job;
use palimpsest::timeline::{Effect, HistoryRange};
use palimpsest::{Compression, Options, block_on};

use super::Scale;
use super::draw::{Draw, PAGE_LEN, RECORD_LEN, Spread};
use super::engine::{Open, byte_len, options, pages, records};
use super::machine::directory;
use super::meter::{megabytes, memory_peak, restart_memory_peak, spend};
use super::table::{Table, figure};
use super::watched_io::WatchedIo;

/// The word before those of [`run_one`].
pub const ONE_JOB: &str = "one-job";

/// The records of each key, beside its page.
const RECORDS_OF_A_KEY: u32 = 400;
/// The distance from one record to the next, in LSNs: see `engine.rs`.
const LSN_STEP: u64 = 8;
/// The records that are put at once, each time in an L0 of their own.
const L0_RECORD_COUNT: u32 = 100_000;

/// A job, which a process of its own runs: what the ones before it have left in memory would hide
/// what it takes.
#[derive(Clone, Copy)]
enum Measured {
    Compaction,
    GcCompaction,
}

impl Measured {
    const ALL: [Measured; 2] = [Measured::Compaction, Measured::GcCompaction];

    fn name(self) -> &'static str {
        match self {
            Measured::Compaction => "L0 to L1",
            Measured::GcCompaction => "gc compaction",
        }
    }

    fn job(self) -> Job {
        match self {
            Measured::Compaction => Job::Compact,
            Measured::GcCompaction => Job::GcCompact,
        }
    }

    fn run(self, open: &Open<WatchedIo>) {
        match self {
            Measured::Compaction => open.compact(),
            Measured::GcCompaction => {
                let reduced = open.timeline.gc_compact(HistoryRange::ALL, Effect::Write);
                block_on(reduced).expect("the disk is well");
            }
        }
    }
}

fn file_len(open: &Open<WatchedIo>) -> u64 {
    let layers = open.timeline.layers();
    let lens = layers.files().iter().map(|(_, layer)| layer.entry().len);
    lens.sum()
}

/// The options of a history of this many keys.
fn options_of(key_count: u32) -> Options {
    Options {
        gc_distance: u64::from(key_count * RECORDS_OF_A_KEY / 10) * LSN_STEP,
        block_cache_len: 1 << 20,
        ..options(Compression::None)
    }
}

/// Puts the history of this many keys; returns the length of its values.
fn fill(dir: &Path, key_count: u32) -> u64 {
    let open = Open::with_options(WatchedIo::default(), dir, options_of(key_count));
    let numbers: Vec<u32> = (0..key_count).collect();
    let mut len = 0;
    for numbers in numbers.chunks(1000) {
        let puts = pages(open.last(), numbers, Compression::None);
        len += byte_len(&puts);
        open.ingest(&puts, u64::MAX);
    }
    let mut draw = Draw::new(13);
    let mut left = key_count * RECORDS_OF_A_KEY;
    while 0 < left {
        let count = left.min(L0_RECORD_COUNT);
        let numbers = draw.numbers(Spread::Uniform, (key_count, count));
        let puts = records(open.last(), &numbers);
        len += byte_len(&puts);
        open.ingest(&puts, u64::MAX);
        left -= count;
    }
    open.shutdown();
    len
}

/// Runs one job in this process, and prints its figures: the words are what [`rows`] gives.
pub fn run_one(words: &[String]) {
    let [job, dir, key_count] = words else {
        panic!("the words of one job are its number, a directory and a number of keys");
    };
    let job = Measured::ALL[usize::from(job == "1")];
    let key_count: u32 = key_count.parse().expect("a number of keys");
    let io = WatchedIo::default();
    let open = Open::with_options(io.clone(), Path::new(dir), options_of(key_count));
    open.gc();
    let input = file_len(&open);
    io.take_written();
    let before = restart_memory_peak();
    let ((), spent) = spend(|| job.run(&open));
    let peak = memory_peak();
    let written = io.take_written().get(&job.job()).copied().unwrap_or(0);
    // Each key has a page where the cutoff is, and the records above it.
    let kept_count = f64::from(key_count * RECORDS_OF_A_KEY / 10);
    let kept = f64::from(key_count) * PAGE_LEN as f64 + kept_count * RECORD_LEN as f64;
    let figures = [
        spent.rate(input),
        spent.cpu_rate(input),
        written as f64 / input as f64,
        megabytes(before),
        megabytes(peak),
        megabytes(file_len(&open)),
        file_len(&open) as f64 / kept,
    ];
    open.shutdown();
    println!("{}", figures.map(figure).join("\t"));
}

/// Measures both jobs on this many keys.
fn rows(key_count: u32) -> Vec<Vec<String>> {
    let dir = directory();
    let dir = dir.path().join("engine");
    let len = fill(&dir, key_count);
    let row = |(number, job): (usize, Measured)| {
        let this = std::env::current_exe().expect("this program has a path");
        let mut one = Command::new(this);
        one.arg(ONE_JOB).arg(number.to_string()).arg(&dir);
        let ended = one.arg(key_count.to_string()).output();
        let ended = ended.expect("this program can be started again");
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        let figures = String::from_utf8(ended.stdout).expect("it prints figures");
        let figures = figures.trim().split('\t').map(str::to_owned);
        let head = [figure(megabytes(len)), job.name().to_owned()];
        head.into_iter().chain(figures).collect()
    };
    Measured::ALL.into_iter().enumerate().map(row).collect()
}

pub fn table(scale: Scale) -> Table {
    let title = "History ten times as long as what is kept: pages of 8 KiB, each with 400 records \
                 of 100 bytes, and only the last tenth of these is young; the cache has 1 MiB, \
                 each job a process of its own";
    let columns = [
        "MB put",
        "job",
        "MB/s of input",
        "MB per CPU s",
        "written per byte of input",
        "MB of memory before",
        "at its peak",
        "MB of files behind it",
        "of what must be kept",
    ];
    let mut table = Table::new(title, &columns);
    for share in [10, 3, 1] {
        rows(scale.key_count / share)
            .into_iter()
            .for_each(|row| table.push(row));
    }
    table
}
