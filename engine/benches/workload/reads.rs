//! Reads of every depth, beside the file reads that they make, done by hand.

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use palimpsest::{Compression, KeyRange, KeySpace, Lsn, OsIo, Timeline, block_on};

use super::Scale;
use super::draw::{Draw, Spread, key};
use super::engine::{Open, pages, records};
use super::machine::{Pages, best, directory};
use super::meter::ns_each;
use super::table::{Table, figure};
use super::watched_io::{Read, WatchedIo};

/// The number of reads in one measurement.
const READ_COUNT: u32 = 4000;

/// The number of records between a page and the read of the past.
const DELTA_COUNT: u32 = 25;

const L0_COUNT: usize = 7;

const VECTOR_LEN: usize = 32;

/// A variant: how the pages are stored, and which of them are read.
#[derive(Clone, Copy)]
struct Variant {
    spread: Spread,
    compression: Compression,
}

/// The LSNs of the reads.
#[derive(Clone, Copy)]
struct Points {
    /// Reads find a page in an image, and records above it in an L1.
    old: Lsn,
    /// Reads find a page in an image.
    compacted: Lsn,
    /// Reads find a page in an image, and a record in each L0 above it.
    l0s: Lsn,
}

/// The file reads that the engine made for the reads of one row.
struct ByHand {
    files: BTreeMap<Arc<PathBuf>, File>,
    reads: Vec<Read>,
    len_max: usize,
}

impl ByHand {
    fn new(reads: Vec<Read>) -> ByHand {
        let mut files = BTreeMap::new();
        for read in &reads {
            let open = || File::open(&*read.path).expect("it is there");
            files.entry(read.path.clone()).or_insert_with(open);
        }
        ByHand {
            files,
            len_max: reads.iter().map(|read| read.len).max().unwrap_or(0),
            reads,
        }
    }

    /// Makes these file reads. The files are looked up before.
    fn run(&self) -> f64 {
        let with_file = |read: &Read| (&self.files[&read.path], read.offset, read.len);
        let reads: Vec<(&File, u64, usize)> = self.reads.iter().map(with_file).collect();
        let mut buf = vec![0; self.len_max];
        ns_each(READ_COUNT as usize, || {
            for (file, offset, len) in reads {
                file.read_exact_at(&mut buf[..len], offset)
                    .expect("it is there");
                black_box(&buf);
            }
        })
    }
}

/// Writes the layers that are read, and returns the LSNs.
fn build(open: &Open<WatchedIo>, compression: Compression, scale: Scale) -> Points {
    let all: Vec<u32> = (0..scale.key_count).collect();
    let put_records = || open.put(&records(open.last(), &all));
    let flush = || block_on(open.timeline.flush()).expect("the disk is well");
    open.put(&pages(open.last(), &all, compression));
    flush();
    open.compact();
    open.create_images();
    for _ in 0..DELTA_COUNT {
        put_records();
    }
    let old = open.last();
    put_records();
    let compacted = flush();
    open.compact();
    open.create_images();
    for _ in 0..L0_COUNT {
        put_records();
        flush();
    }
    let l0s = open.last();
    Points {
        old,
        compacted,
        l0s,
    }
}

fn get_all<I: palimpsest::io::Io>(timeline: &Timeline<I>, numbers: &[u32], lsn: Lsn) {
    for number in numbers {
        let page = block_on(timeline.get(key(*number), lsn)).expect("the disk is well");
        black_box(page.expect("each key has a page"));
    }
}

/// The file reads of the engine once it has the indexes in memory.
fn by_hand(open: &Open<WatchedIo>, io: &WatchedIo, (numbers, lsn): (&[u32], Lsn)) -> ByHand {
    get_all(&open.timeline, numbers, lsn);
    io.take_reads();
    get_all(&open.timeline, numbers, lsn);
    ByHand::new(io.take_reads())
}

impl Variant {
    fn name(&self) -> String {
        let zstd = match self.compression {
            Compression::None => "",
            Compression::Zstd { .. } => ", zstd",
        };
        format!("{}{zstd}", self.spread.name())
    }

    fn run(&self, scale: Scale, table: &mut Table) {
        let dir = directory();
        let root = dir.path().join("engine");
        let numbers = Draw::new(10).numbers(self.spread, (scale.key_count, READ_COUNT));
        let machine = Pages::new(scale.key_count);
        let io = WatchedIo::default();
        let open = Open::new(io.clone(), &root, self.compression);
        let points = build(&open, self.compression, scale);
        let at = |lsn| by_hand(&open, &io, (&numbers, lsn));
        let hands = [points.compacted, points.old, points.l0s].map(at);
        open.shutdown();

        let open = Open::new(OsIo::new(), &root, self.compression);
        let timeline = &open.timeline;
        let mut row = Row {
            variant: self.name(),
            numbers: &numbers,
            machine: &machine,
            table,
        };
        let titles = [
            "latest get, compacted",
            "old get, 25 records over an image",
            "latest get, over seven L0s",
        ];
        let points_of = [points.compacted, points.old, points.l0s];
        for ((title, lsn), hand) in titles.into_iter().zip(points_of).zip(&hands) {
            row.push(title, Some(hand), || get_all(timeline, &numbers, lsn));
        }
        row.push("get_vectored of 32, per page", None, || {
            get_vectored(timeline, &numbers, points.compacted);
        });
        let all: Vec<u32> = (0..scale.key_count).collect();
        open.put(&pages(open.last(), &all, self.compression));
        let last = open.last();
        row.push("latest get, in the open layer", None, || {
            get_all(timeline, &numbers, last);
        });
        row.numbers = &all;
        row.push("scan, per page", None, || scan(timeline, points.compacted));
    }
}

fn get_vectored(timeline: &Timeline, numbers: &[u32], lsn: Lsn) {
    for numbers in numbers.chunks(VECTOR_LEN) {
        let ranges = numbers.iter().map(|number| KeyRange::single(key(*number)));
        let keys = KeySpace::from_ranges(ranges);
        let pages = block_on(timeline.get_vectored(&keys, lsn)).expect("the disk is well");
        black_box(pages);
    }
}

fn scan(timeline: &Timeline, lsn: Lsn) {
    block_on(async {
        let mut scan = timeline.scan(KeyRange::ALL, lsn).await?;
        while let Some(pages) = scan.next_batch().await? {
            black_box(pages);
        }
        Ok::<_, palimpsest::Error>(())
    })
    .expect("the disk is well");
}

/// Measures the rows of one variant.
struct Row<'a> {
    variant: String,
    /// The pages that one measurement reads.
    numbers: &'a [u32],
    machine: &'a Pages,
    table: &'a mut Table,
}

impl Row<'_> {
    /// Measures passes in turn: the engine, the reads by hand, plain pages.
    fn push(&mut self, title: &str, hand: Option<&ByHand>, pass: impl Fn()) {
        pass();
        let (mut by_hand, mut pread) = (f64::INFINITY, f64::INFINITY);
        let engine = best(|_| {
            let engine = ns_each(self.numbers.len(), &pass);
            by_hand = by_hand.min(hand.map_or(f64::INFINITY, ByHand::run));
            pread = pread.min(self.machine.read(self.numbers));
            engine
        });
        let with_hand = |figures: &dyn Fn(&ByHand) -> String| hand.map_or(String::new(), figures);
        let read_count = |hand: &ByHand| hand.reads.len() as f64 / self.numbers.len() as f64;
        self.table.push(vec![
            title.to_owned(),
            self.variant.clone(),
            figure(engine),
            figure(engine / pread),
            figure(1e9 / engine),
            with_hand(&|hand| figure(read_count(hand))),
            with_hand(&|_| figure(by_hand)),
            with_hand(&|_| figure(engine / by_hand)),
        ]);
    }
}

pub fn tables(scale: Scale) -> String {
    let title = "Reading. A pread is a cached one of 8 KiB, of the same keys in the same run; by \
                 hand are the very calls that the engine makes, without the engine";
    let columns = [
        "read",
        "keys",
        "ns",
        "preads",
        "per second",
        "calls",
        "by hand ns",
        "engine to by hand",
    ];
    let mut table = Table::new(title, &columns);
    let plain = |spread| Variant {
        spread,
        compression: Compression::None,
    };
    let compressed = Variant {
        spread: Spread::Uniform,
        compression: Compression::Zstd { level: 1 },
    };
    for variant in [plain(Spread::Uniform), plain(Spread::Zipf), compressed] {
        variant.run(scale, &mut table);
    }
    table.to_string()
}
