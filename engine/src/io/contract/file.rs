//! Open files: reads, writes, syncs and the length.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::desk::{Desk, bytes_of, done, op, refusal, same, until};
use crate::io::{File, Io};

/// `read_at` reads at least one byte, and 0 only at the end or into an empty buffer; `append_at`
/// too, and leaves what was there.
pub async fn check_read<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let bytes = pattern(1300);
    let file = desk.write("a", &bytes).await;
    let mut buf = vec![0xEE; 4096];
    for offset in [0, 1, 511, 512, 700, 1299] {
        let count = done(
            "read",
            root,
            file.read_at(op(), offset as u64, &mut buf).await,
        );
        assert!(0 < count, "0 is for the end only");
        assert!(count <= bytes.len() - offset, "no byte behind the end");
        same(&buf[..count], &bytes[offset..][..count]);
        let nothing = file.read_at(op(), offset as u64, &mut []).await;
        assert_eq!(done("read", root, nothing), 0);
        let mut appended = vec![0xEE; 3];
        let read = file
            .append_at(op(), offset as u64, 4096, &mut appended)
            .await;
        let count = done("append", root, read);
        assert!(0 < count, "0 is for the end only");
        same(&appended[..3], &[0xEE; 3]);
        same(&appended[3..], &bytes[offset..][..count]);
    }
    for offset in [1300, 1301, 1 << 40, i64::MAX as u64, u64::MAX] {
        let count = done("read", root, file.read_at(op(), offset, &mut buf).await);
        assert_eq!(count, 0, "offset {offset} is at or behind the end");
        let read = file.append_at(op(), offset, 9, &mut buf).await;
        assert_eq!(done("append", root, read), 0);
        assert_eq!(buf.len(), 4096);
    }
}

/// `read_exact_at` fills its buffer, or says `UnexpectedEof` if the file ends before; and so for
/// the bytes that `read_vec_at` returns.
pub async fn check_read_exact<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let bytes = pattern(1300);
    let file = desk.write("a", &bytes).await;
    for (offset, len) in [
        (0, 1300),
        (1, 1299),
        (500, 700),
        (1299, 1),
        (1300, 0),
        (9999, 0),
    ] {
        let mut buf = vec![0xEE; len];
        let read = file.read_exact_at(op(), offset as u64, &mut buf).await;
        done("read_exact", root, read);
        same(&buf, &bytes.get(offset..).unwrap_or_default()[..len]);
        let read = file.read_vec_at(op(), offset as u64, len).await;
        same(&done("read_vec", root, read), &buf);
    }
    for (offset, len) in [(0, 1301), (1299, 2), (1300, 1), (u64::MAX, 1)] {
        let read = file.read_exact_at(op(), offset, &mut vec![0; len]).await;
        let claim = format!("{len} bytes at {offset}");
        assert_eq!(refusal(read), Some(ErrorKind::UnexpectedEof), "{claim}");
        let read = file.read_vec_at(op(), offset, len).await;
        assert_eq!(refusal(read), Some(ErrorKind::UnexpectedEof), "{claim}");
    }
}

/// `write_at` writes some of the bytes and returns how many; all others stay as they were.
pub async fn check_write<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let mut expected = pattern(2000);
    let file = desk.write("a", &expected).await;
    let new = vec![0xAA; 700];
    let count = done("write", root, file.write_at(op(), 600, &new).await);
    assert!(0 < count, "0 is for an empty buffer only");
    assert!(count <= new.len());
    expected[600..][..count].copy_from_slice(&new[..count]);
    same(&bytes_of(&file).await, &expected);

    for offset in [0, 2000, 5000] {
        let count = done("write", root, file.write_at(op(), offset, &[]).await);
        assert_eq!(count, 0);
    }
    // An empty write does not grow the file.
    same(&bytes_of(&file).await, &expected);
}

/// `write_all_at` writes all bytes, over old ones and behind the end, and the file grows as needed.
pub async fn check_write_all<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let mut expected = pattern(300_000);
    let file = desk.write("a", &expected).await;
    same(&bytes_of(&file).await, &expected);
    for (offset, len) in [(0, 1), (8192, 8192), (299_999, 513), (300_512, 1), (7, 0)] {
        let new = vec![0xAA; len];
        done(
            "write",
            root,
            file.write_all_at(op(), offset as u64, &new).await,
        );
        expected.resize(expected.len().max(offset + len), 0);
        expected[offset..][..len].copy_from_slice(&new);
        let grown = done("len", root, file.len(op()).await);
        assert_eq!(grown, expected.len() as u64);
    }
    same(&bytes_of(&file).await, &expected);
    same(&desk.content("a").await, &expected);
}

/// A gap that a write leaves behind the old end reads as zeros.
pub async fn check_gap<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let file = desk.write("a", b"head").await;
    done(
        "write",
        root,
        file.write_all_at(op(), 20_000, b"tail").await,
    );
    let mut expected = b"head".to_vec();
    expected.resize(20_000, 0);
    expected.extend(b"tail");
    same(&bytes_of(&file).await, &expected);
    done("write", root, file.write_all_at(op(), 9_999, b"x").await);
    expected[9_999] = b'x';
    same(&bytes_of(&file).await, &expected);
}

/// `sync` succeeds at any time and changes no content.
pub async fn check_sync<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let file = desk.create("a").await;
    done("sync", root, file.sync(op()).await);
    done("write", root, file.write_all_at(op(), 0, b"one").await);
    done("sync", root, file.sync(op()).await);
    done("write", root, file.write_all_at(op(), 3, b" two").await);
    done("sync", root, file.sync(op()).await);
    done("sync", root, file.sync(op()).await);
    assert_eq!(bytes_of(&file).await, b"one two");
    done("remove", root, io.remove(op(), &desk.path("a")).await);
    done("sync", root, file.sync(op()).await);
}

/// Tasks write parts of one file concurrently, and no part damages another.
pub async fn check_concurrent_writes<I: Io>(io: &I, root: &Path) {
    const PART_COUNT: u64 = 8;
    const PART_LEN: u64 = 3000;
    let desk = Desk::new(io, root);
    let file = Arc::new(desk.create("a").await);
    let done_count = Arc::new(AtomicU64::new(0));
    for part in 0..PART_COUNT {
        let (file, done_count) = (Arc::clone(&file), Arc::clone(&done_count));
        io.spawn(op(), async move {
            for at in part * PART_LEN..(part + 1) * PART_LEN {
                let written = file.write_all_at(op(), at, &[part as u8]).await;
                written.expect("each task writes a part of its own");
            }
            done_count.fetch_add(1, Ordering::Release);
        });
    }
    let is_done = || done_count.load(Ordering::Acquire) == PART_COUNT;
    until(io, "every part is written", is_done).await;
    let parts = (0..PART_COUNT).map(|part| vec![part as u8; PART_LEN as usize]);
    same(&bytes_of(&*file).await, &parts.collect::<Vec<_>>().concat());
}

/// Bytes of which no two neighbours, and no two sectors, are equal.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}
