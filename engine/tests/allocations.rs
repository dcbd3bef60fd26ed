//! The number of allocations of a read, once the index that it needs is in memory.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use palimpsest::base::TimelineId;
use palimpsest::{
    Batch, Compression, Engine, Key, Lsn, Mode, Options, OsIo, Timeline, Value, block_on,
};

/// Enough keys for an index of two levels.
const KEY_COUNT: u32 = 2000;

const LSN: Lsn = Lsn(20);

fn page(number: u32) -> Vec<u8> {
    (0..8192_u32)
        .map(|index| (index * 31 + number) as u8)
        .collect()
}

/// A timeline with a page of each key in an image, and nothing above it.
async fn compacted(root: &Path, compression: Compression) -> palimpsest::Result<Timeline> {
    let options = Options {
        image_compression: compression,
        ..Options::default()
    };
    let engine = Engine::open(OsIo::new(), root, options).await?;
    let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(10)).await?;
    let mut writer = timeline.writer()?;
    for number in 0..KEY_COUNT {
        let mut batch = Batch::new();
        batch.push(Key::MIN.add(number), LSN, &Value::Image(page(number)))?;
        writer.put_batch(&batch).await?;
    }
    timeline.flush().await?;
    timeline.create_images(Mode::Forced).await?;
    Ok(timeline)
}

/// The allocations of one `get`. Its file is open and in the page cache, so that it never pends and
/// needs no waker.
fn allocated_by_get(timeline: &Timeline, number: u32) -> AllocationInfo {
    let mut answer = None;
    let allocated = measure(|| {
        let mut get = pin!(timeline.get(Key::MIN.add(number), LSN));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(got) = get.as_mut().poll(&mut context) else {
            panic!("a read of what is in the page cache never pends");
        };
        answer = got.expect("it is there");
    });
    assert_eq!(answer, Some(page(number)));
    allocated
}

/// The number and the bytes of allocations of the second `get` of a key.
fn allocated(compression: Compression) -> (u64, u64) {
    let root = tempfile::tempdir().expect("a directory");
    let timeline = block_on(compacted(root.path(), compression)).expect("the disk is well");
    let number = KEY_COUNT / 2 + 7;
    let first = block_on(timeline.get(Key::MIN.add(number), LSN));
    assert_eq!(first.expect("it is there"), Some(page(number)));
    let second = allocated_by_get(&timeline, number);
    (second.count_total, second.bytes_total)
}

#[test]
fn a_warm_get_of_an_image_allocates_only_its_answer() {
    // The answer is the buffer of the read, cut down: the two blocks around the value are read and
    // verified whole.
    assert_eq!(allocated(Compression::None), (1, 2 * 8192));
}

#[test]
fn a_warm_get_of_a_compressed_image_allocates_the_frame_and_the_answer() {
    let (count, _) = allocated(Compression::Zstd { level: 1 });
    // zstd's own workspace is not Rust's, and does not count here.
    assert_eq!(count, 2);
}
