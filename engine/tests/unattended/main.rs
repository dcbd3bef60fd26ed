//! What an engine does that no person watches: on a disk that is full, behind links, beside readers
//! that never end, and among files that are not its own. Each test runs on real files.
#![expect(
    clippy::disallowed_methods,
    reason = "real threads and files, outside of any run"
)]

mod budget;
mod full;
mod links;
mod memory;
mod soak;
mod waits;

use std::path::Path;
use std::time::{Duration, Instant};

use palimpsest::io::Io;
use palimpsest::timeline::Timeline as TimelineOf;
use palimpsest::{Batch, Error, Key, Lsn, Options, Result, TimelineId, Value, block_on};

/// How long a condition may take that comes by itself: only what is stuck takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

const ONE: TimelineId = TimelineId([0xA1; 16]);
const TWO: TimelineId = TimelineId([0xB2; 16]);

/// A timeline of an engine on any `Io`.
type Timeline<I> = TimelineOf<palimpsest::store::DirStore<I>>;

/// All history below the last record may go at once.
fn keep_nothing() -> Options {
    Options {
        gc_distance: 0,
        gc_age: Duration::ZERO,
        ..Options::default()
    }
}

fn put<I: Io>(timeline: &Timeline<I>, lsn: u64, value: &[u8]) -> Result<()> {
    let mut batch = Batch::new();
    batch.push(Key::MIN, Lsn(lsn), &Value::Image(value.to_vec()))?;
    block_on(timeline.writer()?.put_batch(&batch))
}

fn get<I: Io>(timeline: &Timeline<I>, lsn: u64) -> Result<Option<Vec<u8>>> {
    block_on(timeline.get(Key::MIN, Lsn(lsn)))
}

/// Waits until a condition holds that comes by itself.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it does not come: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entries(dir: &Path) -> Vec<String> {
    let listed = std::fs::read_dir(dir).expect("the directory is there");
    let names = listed.map(|entry| entry.expect("it can be listed").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn is_full(error: &Error) -> bool {
    match error {
        Error::Io(failure) => failure.source.kind() == std::io::ErrorKind::StorageFull,
        _ => false,
    }
}
