//! An ingest, the jobs, and a reopening after a crash, step by step, on files.

use std::fs;
use std::path::Path;

use palimpsest::io::Job;
use palimpsest::{Compression, Engine, Lsn, OsIo, block_on};

use super::draw::{Draw, PAGE_LEN, Spread, key};
use super::engine::{Open, Put, TIMELINE, byte_len, pages, records};
use super::machine::{directory, sequential_write};
use super::meter::{Spent, megabytes, memory_peak, restart_memory_peak, spend};
use super::table::{Table, figure};
use super::watched_io::WatchedIo;
use super::{Scale, log};

/// One row of the tables.
#[derive(Clone, Copy)]
struct Workload {
    what: What,
    spread: Spread,
    compression: Compression,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// Records of 100 bytes, over a page of each key that was written before.
    Records,
    /// Pages of 8 KiB.
    Pages,
    /// The records of a log, on the pages that it names.
    Log,
}

/// A workload of a log has a record for so many of another one.
const LOG_ONE_IN: u32 = 4;

/// The results of a workload.
struct Measured {
    /// The length that was ingested, in bytes.
    len: u64,
    /// The better one of a sequential write before and one after, in MB/s.
    disk_rate: f64,
    ingest: Spent,
    /// The peak of memory of the ingest, in bytes.
    memory: u64,
    to_l0: u64,
    compact: Spent,
    to_l1: u64,
    images: Spent,
    to_images: u64,
    gc: Spent,
    layers_collected: usize,
    before_gc: Files,
    after_gc: Files,
    clean: Spent,
    crashed: Spent,
}

/// The files in a timeline's directory.
#[derive(Clone, Copy, Default)]
struct Files {
    count: usize,
    len: u64,
}

impl Files {
    fn of(dir: &Path) -> Files {
        let mut files = Files::default();
        for entry in fs::read_dir(dir).expect("it is there") {
            let entry = entry.expect("it is there");
            // A dropped file may be removed concurrently.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let inside = match metadata.is_dir() {
                true => Files::of(&entry.path()),
                false => Files {
                    count: 1,
                    len: metadata.len(),
                },
            };
            files.count += inside.count;
            files.len += inside.len;
        }
        files
    }
}

impl Workload {
    fn all() -> Vec<Workload> {
        let mut all = Vec::new();
        for what in [What::Records, What::Pages] {
            for compression in [Compression::None, Compression::Zstd { level: 1 }] {
                all.extend([Spread::Uniform, Spread::Zipf].map(|spread| Workload {
                    what,
                    spread,
                    compression,
                }));
            }
        }
        for compression in [Compression::None, Compression::Zstd { level: 1 }] {
            all.push(Workload {
                what: What::Log,
                spread: Spread::Uniform,
                compression,
            });
        }
        all
    }

    fn name(&self) -> String {
        let what = match self.what {
            What::Records => format!("100 B records, {}", self.spread.name()),
            What::Pages => format!("8 KiB pages, {}", self.spread.name()),
            What::Log => "a log of pgbench".to_owned(),
        };
        let zstd = match self.compression {
            Compression::None => "",
            Compression::Zstd { .. } => ", zstd",
        };
        what + zstd
    }

    fn draw(&self, lsn: Lsn, scale: Scale) -> Vec<Put> {
        let mut draw = Draw::new(9);
        let mut numbers = |len| draw.numbers(self.spread, (scale.key_count, len));
        match self.what {
            What::Records => records(lsn, &numbers(scale.record_count)),
            What::Pages => pages(lsn, &numbers(scale.key_count), self.compression),
            What::Log => log::puts(lsn, scale.record_count / LOG_ONE_IN),
        }
    }

    /// The number of pages that are written.
    fn page_count(&self, scale: Scale) -> u32 {
        match self.what {
            What::Records | What::Pages => scale.key_count,
            What::Log => log::page_count(),
        }
    }

    /// One more write, so that the images stand above all the others and gc can remove their
    /// layers.
    fn one_more(&self, lsn: Lsn) -> Vec<Put> {
        match self.what {
            What::Records | What::Pages => records(lsn, &[0]),
            What::Log => pages(lsn, &[0], self.compression),
        }
    }

    fn run(&self, scale: Scale) -> Measured {
        let dir = directory();
        let root = dir.path().join("engine");
        let io = WatchedIo::default();
        let open = Open::new(io.clone(), &root, self.compression);
        if self.what == What::Records {
            self.lay_pages(&open, scale);
        }
        let puts = self.draw(open.last(), scale);
        let len = byte_len(&puts);
        io.take_written();

        let disk_rate = || sequential_write(dir.path(), len, scale.flush_len);
        let disk_rate_before = disk_rate();
        let memory = restart_memory_peak();
        let ((), ingest) = spend(|| open.ingest(&puts, scale.flush_len));
        let memory = memory_peak().saturating_sub(memory);
        let disk_rate = disk_rate().max(disk_rate_before);
        let to_l0 = written(&io);
        let ((), compact) = spend(|| open.compact());
        let to_l1 = written(&io);
        open.ingest(&self.one_more(open.last()), u64::MAX);
        io.take_written();
        let ((), images) = spend(|| open.create_images());
        let to_images = written(&io);
        let before_gc = Files::of(&root);
        let (layers_collected, gc) = spend(|| open.gc());
        let crashed_root = dir.path().join("crashed");
        // Records that are not flushed are in a file that a crash leaves behind.
        open.put(&self.draw(open.last(), scale)[..puts.len() / 4]);
        copy(&root, &crashed_root);
        open.shutdown();
        let (clean, crashed) = (self.reopen(&root), self.reopen(&crashed_root));
        Measured {
            len,
            disk_rate,
            ingest,
            memory,
            to_l0,
            compact,
            to_l1,
            images,
            to_images,
            gc,
            layers_collected,
            before_gc,
            // Removals run concurrently. In the directory that was opened last they are done.
            after_gc: Files::of(&crashed_root),
            clean,
            crashed,
        }
    }

    /// Writes a page of each key, and makes images of them.
    fn lay_pages(&self, open: &Open<WatchedIo>, scale: Scale) {
        let numbers: Vec<u32> = (0..scale.key_count).collect();
        open.ingest(&pages(open.last(), &numbers, self.compression), u64::MAX);
        open.create_images();
        open.gc();
    }

    /// Opens the engine and the timeline and reads one value.
    fn reopen(&self, root: &Path) -> Spent {
        let options = super::engine::options(self.compression);
        let (engine, spent) = spend(|| {
            let opened = block_on(async {
                let engine = Engine::open(OsIo::new(), root, options).await?;
                let timeline = engine.open_timeline(TIMELINE).await?;
                let last = timeline.last_record_lsn();
                timeline.get(key(0), last).await?;
                Ok::<_, palimpsest::Error>(engine)
            });
            opened.expect("the disk is well")
        });
        block_on(engine.shutdown()).expect("the disk is well");
        spent
    }
}

/// The length that the jobs wrote since the last call of this, in bytes.
fn written(io: &WatchedIo) -> u64 {
    let by_job = io.take_written();
    by_job
        .iter()
        .filter(|(job, _)| **job != Job::Open)
        .map(|(_, len)| len)
        .sum()
}

/// Copies a directory, as a crash leaves it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the directory is ours");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it is there");
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => {
                // A dropped file may be removed concurrently.
                let _ = fs::copy(entry.path(), to);
            }
        }
    }
}

fn ingest_row(workload: &Workload, run: &Measured) -> Vec<String> {
    let rate = run.ingest.rate(run.len);
    let per_byte = |len: u64| figure(len as f64 / run.len as f64);
    vec![
        workload.name(),
        figure(megabytes(run.len)),
        figure(rate),
        figure(run.disk_rate),
        format!("{:.0} %", rate / run.disk_rate * 100.0),
        figure(run.ingest.cpu_rate(run.len)),
        per_byte(run.to_l0),
        per_byte(run.to_l0 + run.to_l1 + run.to_images),
        figure(run.memory as f64 / run.len as f64),
    ]
}

fn job_row(workload: &Workload, run: &Measured, scale: Scale) -> Vec<String> {
    let logical = u64::from(workload.page_count(scale)) * PAGE_LEN as u64;
    let files = |files: Files| {
        let share = figure(files.len as f64 / logical as f64);
        format!("{share} in {}", files.count)
    };
    vec![
        workload.name(),
        figure(run.compact.rate(run.len)),
        figure(run.compact.cpu_rate(run.len)),
        figure(run.images.ms()),
        figure(run.gc.ms()),
        run.layers_collected.to_string(),
        files(run.before_gc),
        files(run.after_gc),
        figure(run.clean.ms()),
        figure(run.crashed.ms()),
    ]
}

pub fn tables(scale: Scale) -> String {
    let title = "Writing. MB are 10^6 bytes of values as a batch serialises them; the disk's rate \
                 is that of a sequential write of as much beside it, with the same syncs; memory \
                 is the most that the ingest took beyond what was there, per byte ingested";
    let columns = [
        "ingest, a durable flush each 64 MiB",
        "MB",
        "MB/s",
        "disk MB/s",
        "of the disk",
        "MB per CPU s",
        "written per byte, to L0",
        "with L1 and images",
        "memory per byte",
    ];
    let mut ingests = Table::new(title, &columns);
    let title = "Jobs. The length of all files is told per byte of the latest pages; a reopening \
                 ends with a first read, and after a crash a quarter of the ingest is lost";
    let columns = [
        "jobs",
        "L0→L1 MB/s",
        "MB per CPU s",
        "images ms",
        "gc ms",
        "layers gone",
        "files per byte before gc",
        "after",
        "reopen ms",
        "after a crash",
    ];
    let mut jobs = Table::new(title, &columns);
    for workload in Workload::all() {
        let run = workload.run(scale);
        ingests.push(ingest_row(&workload, &run));
        jobs.push(job_row(&workload, &run, scale));
    }
    format!("{ingests}\n{jobs}")
}
