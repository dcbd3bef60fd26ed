//! What each strategy of compaction writes, and how many layers it leaves for a read.

use std::collections::BTreeMap;

use palimpsest::io::Job;
use palimpsest::{Compression, Options, Strategy, block_on};

use super::Scale;
use super::draw::{Draw, Spread, key};
use super::engine::{Open, byte_len, options, records};
use super::machine::directory;
use super::meter::{megabytes, spend};
use super::table::{Table, figure};
use super::watched_io::WatchedIo;

/// How many L0s are written, one after another: two levels and a half of tiers.
const L0_COUNT: u32 = 40;
/// How many L0s make a compaction due.
const TRIGGER: usize = 4;
/// How many keys are asked for, to see how many layers a read looks into.
const ASKED_COUNT: u32 = 200;

fn row(strategy: Strategy, scale: Scale) -> Vec<String> {
    let dir = directory();
    let io = WatchedIo::default();
    let record_count = scale.record_count / L0_COUNT;
    let options = Options {
        strategy,
        l0_count_trigger: TRIGGER,
        tier_distance: u64::from(record_count) * 8,
        layer_len_target: 8 << 20,
        ..options(Compression::None)
    };
    let open = Open::with_options(io.clone(), &dir.path().join("engine"), options);
    let mut draw = Draw::new(11);
    let mut len = 0;
    let mut written: BTreeMap<Job, u64> = BTreeMap::new();
    let mut cpu = 0.0;
    for _ in 0..L0_COUNT {
        let numbers = draw.numbers(Spread::Uniform, (scale.key_count, record_count));
        let puts = records(open.last(), &numbers);
        len += byte_len(&puts);
        open.ingest(&puts, u64::MAX);
        let ((), spent) = spend(|| open.compact_by_need());
        cpu += spent.cpu.as_secs_f64();
        for (job, len) in io.take_written() {
            *written.entry(job).or_default() += len;
        }
    }
    let timeline = &open.timeline;
    let visits = |number| block_on(timeline.visits(key(number), open.last()));
    let visits = (0..ASKED_COUNT).map(|it| visits(it * scale.key_count / ASKED_COUNT));
    let visit_count: usize = visits.map(|it| it.expect("the disk is well").len()).sum();
    let by = |job| figure(written.get(&job).copied().unwrap_or(0) as f64 / len as f64);
    let row = vec![
        strategy.to_string(),
        figure(megabytes(len)),
        by(Job::Flush),
        by(Job::Compact),
        figure(cpu),
        timeline.layers().files().len().to_string(),
        figure(visit_count as f64 / f64::from(ASKED_COUNT)),
    ];
    open.shutdown();
    row
}

pub fn table(scale: Scale) -> Table {
    let title = "Compaction by need, one L0 of records of 100 bytes after another and no image: \
                 a compaction is due at four L0s, or at four deltas in a level";
    let columns = [
        "strategy",
        "MB",
        "written per byte by flushes",
        "by compactions",
        "CPU s of compactions",
        "layers",
        "layers that a read looks into",
    ];
    let mut table = Table::new(title, &columns);
    for strategy in Strategy::ALL {
        table.push(row(strategy, scale));
    }
    table
}
