//! The speed of the machine, without the engine.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::draw::{Draw, PAGE_LEN};
use super::meter::{ns_each, spend};
use super::table::{Table, figure};

/// The length of one system call's data, in bytes.
const CHUNK_LEN: usize = 1 << 20;

/// The number of rounds; each figure is the best of them.
const ROUND_COUNT: usize = 7;

const COPY_COUNT: usize = 10_000;
const READ_COUNT: usize = 10_000;
const SORT_COUNT: u64 = 1_000_000;

/// A directory on the disk that the build is on, for `/tmp` may be none.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

/// The rate of a sequential write of `len` bytes, with a sync after every `sync_len` bytes, in
/// MB/s.
pub fn sequential_write(dir: &Path, len: u64, sync_len: u64) -> f64 {
    let path = dir.join("sequential");
    let mut chunk = vec![0; CHUNK_LEN];
    Draw::new(1).fill(&mut chunk);
    let file = File::create(&path).expect("the directory is ours");
    let ((), spent) = spend(|| {
        let mut synced = 0;
        let mut offset = 0;
        while offset < len {
            let bytes = &chunk[..CHUNK_LEN.min((len - offset) as usize)];
            file.write_all_at(bytes, offset).expect("there is room");
            offset += bytes.len() as u64;
            if sync_len <= offset - synced || offset == len {
                file.sync_data().expect("the disk is well");
                synced = offset;
            }
        }
    });
    drop(file);
    std::fs::remove_file(&path).expect("it is there");
    spent.rate(len)
}

/// A file of pages to be read, which is in the page cache.
pub struct Pages {
    file: File,
    _dir: tempfile::TempDir,
}

impl Pages {
    pub fn new(page_count: u32) -> Pages {
        let dir = directory();
        let path = dir.path().join("pages");
        let file = File::create_new(&path).expect("the directory is ours");
        let mut draw = Draw::new(2);
        for number in 0..page_count {
            let offset = u64::from(number) * PAGE_LEN as u64;
            let page = draw.page(false);
            file.write_all_at(&page, offset).expect("there is room");
        }
        let file = File::open(&path).expect("it is there");
        Pages { file, _dir: dir }
    }

    /// Reads pages by their numbers, and returns the time of one read, in nanoseconds.
    pub fn read(&self, numbers: &[u32]) -> f64 {
        let mut page = vec![0; PAGE_LEN];
        ns_each(numbers.len(), || {
            for number in numbers {
                let offset = u64::from(*number) * PAGE_LEN as u64;
                self.file
                    .read_exact_at(&mut page, offset)
                    .expect("it is there");
                black_box(&page);
            }
        })
    }
}

pub fn best(measure: impl FnMut(usize) -> f64) -> f64 {
    (0..ROUND_COUNT).map(measure).fold(f64::INFINITY, f64::min)
}

fn copy_page() -> f64 {
    let (from, mut to) = (Draw::new(3).page(false), vec![0; PAGE_LEN]);
    ns_each(COPY_COUNT, || {
        for _ in 0..COPY_COUNT {
            black_box(&mut to).copy_from_slice(black_box(&from));
        }
    })
}

fn checksum_page() -> f64 {
    let page = Draw::new(4).page(false);
    ns_each(COPY_COUNT, || {
        for _ in 0..COPY_COUNT {
            black_box(crc32c::crc32c(black_box(&page)));
        }
    })
}

/// The time to sort keys and LSNs that are packed into one number each, in nanoseconds.
fn sort_packed() -> f64 {
    let mut draw = Draw::new(5);
    let packed = |lsn: u64| u128::from(draw.below(20_000)) << 64 | u128::from(lsn);
    let mut keys: Vec<u128> = (0..SORT_COUNT).map(packed).collect();
    ns_each(1, || black_box(&mut keys).sort_unstable())
}

pub fn table() -> Table {
    let dir = directory();
    let pages = Pages::new(20_000);
    let mut draw = Draw::new(6);
    let uniform = (20_000, READ_COUNT as u32);
    let numbers = draw.numbers(super::draw::Spread::Uniform, uniform);
    let write = |_| -sequential_write(dir.path(), 160_000_000, 64 << 20);
    let mut table = Table::new(
        "What the machine does at best",
        &["machine", "figure", "unit"],
    );
    let mut push = |name: &str, number: f64, unit: &str| {
        table.push(vec![name.to_owned(), figure(number), unit.to_owned()]);
    };
    let title = "sequential write of 160 MB, fdatasync each 64 MiB";
    push(title, -best(write), "MB/s");
    push(
        "cached pread of 8 KiB, at random in 160 MB",
        best(|_| pages.read(&numbers)),
        "ns",
    );
    push("memcpy of 8 KiB", best(|_| copy_page()), "ns");
    push("crc32c of 8 KiB", best(|_| checksum_page()), "ns");
    let title = "sort of 1,000,000 packed keys";
    push(title, best(|_| sort_packed()) / 1e6, "ms");
    table
}
