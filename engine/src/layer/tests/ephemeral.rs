//! The bytes of a memory layer: a read finds them in the buffer, in flight and in the file.

use super::super::ephemeral::Ephemeral;
use super::{Shelf, op, poll_times};
use crate::io::block_on;
use crate::io::tests::faulty::{Call, FaultyIo, Pace};

/// The length of the buffer, in bytes.
const CAP: usize = 64 * 1024;
const STEP: usize = 512;

/// Reads of a peer's tests, position and length: around each edge between file and buffers.
const READS: [(usize, usize); 6] = [
    (CAP - STEP, STEP),
    (CAP - STEP, 2 * STEP),
    (CAP, STEP),
    (CAP + STEP, STEP),
    (2 * CAP - STEP, STEP),
    (2 * CAP - STEP, 2 * STEP),
];

/// Bytes without long repetitions.
fn bytes(len: usize) -> Vec<u8> {
    let word = |index: usize| (index as u32).wrapping_mul(0x9E37_79B9).to_be_bytes();
    (0..len.div_ceil(4)).flat_map(word).take(len).collect()
}

async fn create(shelf: &Shelf) -> Ephemeral<FaultyIo> {
    let path = shelf.dir.path().join("ephemeral");
    Ephemeral::create(&shelf.io, op(), path, 64 << 10)
        .await
        .unwrap()
}

fn file_len(shelf: &Shelf) -> u64 {
    let path = shelf.dir.path().join("ephemeral");
    std::fs::metadata(path).unwrap().len()
}

async fn check_read(file: &Ephemeral<FaultyIo>, expected: &[u8], (at, len): (usize, usize)) {
    let found = file.read(op(), at as u64, len).await.unwrap();
    assert!(found == expected[at..at + len], "{len} bytes at {at}");
}

/// Reads all bytes, and those of [`READS`] that are within them.
async fn check_reads(file: &Ephemeral<FaultyIo>, expected: &[u8]) {
    assert_eq!(file.byte_len(), expected.len() as u64);
    check_read(file, expected, (0, expected.len())).await;
    for (at, len) in READS {
        if at + len <= expected.len() {
            check_read(file, expected, (at, len)).await;
        }
    }
}

#[test]
fn reads_see_bytes_in_the_file_and_in_the_buffer() {
    let shelf = Shelf::new();
    let expected = bytes(5 * CAP / 2);
    block_on(async {
        let file = create(&shelf).await;
        for (index, step) in expected.chunks(STEP).enumerate() {
            let position = file.append(op(), step).await.unwrap();
            assert_eq!(position, (index * STEP) as u64);
        }
        assert_eq!(file_len(&shelf), 2 * CAP as u64);
        check_reads(&file, &expected).await;
    });
}

#[test]
fn reads_see_bytes_whose_write_failed() {
    let shelf = Shelf::new();
    let expected = bytes(5 * CAP / 2);
    block_on(async {
        let file = create(&shelf).await;
        for step in expected[..2 * CAP].chunks(STEP) {
            file.append(op(), step).await.unwrap();
        }
        shelf.io.fail(1, |call, _| call == Call::Write);
        file.append(op(), &expected[2 * CAP..]).await.unwrap_err();
        check_reads(&file, &expected[..2 * CAP]).await;
        let position = file.append(op(), &expected[2 * CAP..]).await.unwrap();
        assert_eq!(position, 2 * CAP as u64);
        check_reads(&file, &expected).await;
    });
}

/// Lengths around that of the buffer, and above it.
const APPENDS: [usize; 9] = [1, CAP - 1, 1, CAP, 7, CAP + 1, 3 * CAP, 1, 1];

/// Appends all lengths; `hinder` makes one append fail, which leaves nothing behind and is retried.
async fn check_appends(shelf: &Shelf, hinder: impl Fn(usize), hindered_index: usize) {
    let file = create(shelf).await;
    let all = bytes(APPENDS.iter().sum());
    let mut end = 0;
    for (index, len) in APPENDS.into_iter().enumerate() {
        let next = &all[end..end + len];
        if index == hindered_index {
            hinder(index);
            let hindered = poll_times(file.append(op(), next), 2);
            shelf.io.set_pace(Pace::Prompt);
            shelf.io.heal();
            if let Some(Ok(position)) = hindered {
                assert_eq!(position, end as u64);
                end += len;
                continue;
            }
            check_reads(&file, &all[..end]).await;
        }
        assert_eq!(file.append(op(), next).await.unwrap(), end as u64);
        end += len;
        check_reads(&file, &all[..end]).await;
    }
}

#[test]
fn a_failed_append_leaves_nothing_and_its_retry_succeeds() {
    for hindered_index in 0..APPENDS.len() {
        let shelf = Shelf::new();
        let fail = |_| shelf.io.fail(1, |call, _| call == Call::Write);
        block_on(check_appends(&shelf, fail, hindered_index));
    }
}

#[test]
fn a_cancelled_append_leaves_nothing_and_its_retry_succeeds() {
    for hindered_index in 0..APPENDS.len() {
        let shelf = Shelf::new();
        let slow_down = |_| shelf.io.set_pace(Pace::Slow);
        block_on(check_appends(&shelf, slow_down, hindered_index));
    }
}

#[test]
fn the_file_is_removed_with_its_owner() {
    let shelf = Shelf::new();
    let file = block_on(create(&shelf));
    assert_eq!(shelf.names(), ["ephemeral"]);
    drop(file);
    assert_eq!(shelf.names(), [""; 0]);
}
