//! How late a timer of one millisecond fires on the thread that also runs the engine's futures:
//! `cargo bench -p palimpsest --bench ticker`.
//!
//! One thread polls two futures, as a single-threaded runtime does: a ticker, and a job or reads.
//! A row is how late the ticks came: in the middle, of a hundred the last but one, and at most. The
//! first row is the ticker alone, in the same run. Nothing is asserted: that misses and syncs pend,
//! and that jobs let others run after a number of bytes, are tests.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark stands outside of any run: it asks the clock, and empties the page cache"
)]

use std::cell::Cell;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use palimpsest::io::{Io, OsIo};
use palimpsest::timeline::Mode;
use palimpsest::{
    Batch, Engine, Key, KeyRange, KeySpace, Lsn, Options, Result, Timeline, TimelineId, Value,
    block_on,
};
use rustix::fs::{Advice, fadvise};

const TICK: Duration = Duration::from_millis(1);
const KEY_COUNT: u32 = 8192;
const PAGE_LEN: usize = 8192;
/// The pages of one flush: 64 MiB.
const ROUND_COUNT: u64 = 3;

/// Runs `work` beside a ticker on this thread, and returns how late each tick was.
fn ticks_beside<T>(io: &OsIo, work: impl Future<Output = T>) -> (T, Duration, Vec<Duration>) {
    let is_over = Cell::new(false);
    let begun = Instant::now();
    let mut ticker = pin!(async {
        let mut late = Vec::new();
        while !is_over.get() {
            let begun = Instant::now();
            io.sleep(TICK).await;
            late.push(begun.elapsed().saturating_sub(TICK));
        }
        late
    });
    let mut work = pin!(work);
    let mut result = None;
    let late = block_on(poll_fn(|context| {
        let ticked = ticker.as_mut().poll(context);
        if ticked.is_ready() {
            return ticked;
        }
        if result.is_none()
            && let Poll::Ready(done) = work.as_mut().poll(context)
        {
            result = Some(done);
            is_over.set(true);
        }
        ticked
    }));
    (
        result.expect("the ticker ends behind it"),
        begun.elapsed(),
        late,
    )
}

fn print(what: &str, took: Duration, mut late: Vec<Duration>) {
    late.sort();
    let at = |percent: usize| late[(late.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "| {what} | {:.2} | {} | {:.2} | {:.2} | {:.2} |",
        took.as_secs_f64(),
        late.len(),
        at(50),
        at(99),
        at(100)
    );
}

fn measure<T>(io: &OsIo, what: &str, work: impl Future<Output = Result<T>>) -> T {
    let (result, took, late) = ticks_beside(io, work);
    print(what, took, late);
    result.expect("the device is well")
}

async fn put_round(timeline: &Timeline, round: u64) -> Result<()> {
    let mut writer = timeline.writer()?;
    for number in 0..KEY_COUNT {
        let mut page = vec![round as u8; PAGE_LEN];
        page[..4].copy_from_slice(&number.to_be_bytes());
        let mut batch = Batch::new();
        let lsn = Lsn(1 + round * u64::from(KEY_COUNT) + u64::from(number));
        batch.push(Key::MIN.add(number), lsn, &Value::Image(page))?;
        writer.put_batch(&batch).await?;
    }
    Ok(())
}

/// Takes the files of a directory, and of those in it, out of the page cache.
fn empty_page_cache(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            empty_page_cache(&path);
        } else if let Ok(file) = std::fs::File::open(&path) {
            let _ = file.sync_all();
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}

async fn read_scattered(io: &OsIo, timeline: &Timeline, count: u32) -> Result<()> {
    let last = timeline.last_record_lsn();
    for number in 0..count {
        let key = Key::MIN.add(number.wrapping_mul(2_654_435_761) % KEY_COUNT);
        let _ = timeline.get(key, last).await?;
        if number % 32 == 0 {
            io.yield_now().await; // A get of what is cached does not pend.
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let dir = tempfile::tempdir().expect("a directory");
    let io = OsIo::new();
    let options = Options {
        freeze_len_max: 1 << 30,
        ..Options::default()
    };
    let engine = block_on(Engine::open(io.clone(), dir.path(), options))?;
    let timeline = block_on(engine.create_timeline(TimelineId([1; 16]), Lsn(0)))?;
    println!("| beside | s | ticks | late in the middle, ms | of 99 % | at most |");
    println!("|---|---:|---:|---:|---:|---:|");
    measure(&io, "nothing", async {
        io.sleep(Duration::from_secs(1)).await;
        Ok(())
    });
    for round in 0..ROUND_COUNT {
        match round {
            0 => measure(&io, "puts of 64 MiB", put_round(&timeline, round)),
            _ => block_on(put_round(&timeline, round))?,
        }
        match round {
            0 => _ = measure(&io, "a flush of 64 MiB", timeline.flush()),
            _ => _ = block_on(timeline.flush())?,
        }
    }
    measure(
        &io,
        "a compaction of 192 MiB",
        timeline.compact(Mode::Forced),
    );
    let keys = KeyRange::new(Key::MIN, Key::MIN.add(KEY_COUNT));
    timeline.declare_keys(KeySpace::from_ranges([keys]));
    measure(
        &io,
        "images of 64 MiB",
        timeline.create_images(Mode::Forced),
    );
    measure(&io, "a scan of 64 MiB", async {
        let mut scan = timeline.scan(keys, timeline.last_record_lsn()).await?;
        while scan.next_batch().await?.is_some() {}
        Ok(())
    });
    measure(
        &io,
        "20,000 gets, cached",
        read_scattered(&io, &timeline, 20_000),
    );
    empty_page_cache(dir.path());
    measure(
        &io,
        "2,000 gets, cold",
        read_scattered(&io, &timeline, 2_000),
    );
    block_on(engine.shutdown())
}
