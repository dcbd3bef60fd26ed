//! Cancelled calls, whose future is dropped: each happened whole or not at all, and has no effect
//! later.

use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use super::desk::{Desk, bytes_of, done, op, same};
use crate::io::{File, Io};

/// Each call is cancelled after 0, 1, 2, ... polls, up to this number, exclusive.
const POLL_COUNT_END: usize = 5;

/// Polls `call` up to `poll_count` times, lets other tasks run in between, and drops it. Returns
/// whether it was done.
async fn abandon<I: Io, T>(
    io: &I,
    poll_count: usize,
    call: impl Future<Output = T> + Send,
) -> bool {
    let mut call = pin!(call);
    for _ in 0..poll_count {
        let is_done = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()));
        if is_done.await {
            return true;
        }
        io.yield_now().await;
    }
    false
}

/// A cancelled `create` made an empty file or nothing, and the name can be created afterwards.
pub async fn check_dropped_create<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    for poll_count in 0..POLL_COUNT_END {
        let path = desk.path("a");
        let is_done = abandon(io, poll_count, io.create(op(), &path)).await;
        let is_there = desk.has("a").await;
        assert!(is_there || !is_done);
        desk.stays("a", is_there).await;
        if !is_there {
            desk.create("a").await;
        }
        assert_eq!(desk.content("a").await, b"");
        done("remove", &path, io.remove(op(), &path).await);
    }
}

/// A cancelled `rename` left the file with one of the two names.
pub async fn check_dropped_rename<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let (from, to) = (desk.path("from"), desk.path("to"));
    for poll_count in 0..POLL_COUNT_END {
        desk.write("from", b"moved").await;
        let is_done = abandon(io, poll_count, io.rename(op(), &from, &to)).await;
        let names = desk.names().await;
        assert!(
            names == ["to"] || (!is_done && names == ["from"]),
            "{names:?}"
        );
        desk.settle().await;
        assert_eq!(
            desk.names().await,
            names,
            "a cancelled call has no effect after the drop"
        );
        assert_eq!(desk.content(&names[0]).await, b"moved");
        let left = desk.path(&names[0]);
        done("remove", &left, io.remove(op(), &left).await);
    }
}

/// A cancelled `replace` left both files, or the new one in place of the old one.
pub async fn check_dropped_replace<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let (from, to) = (desk.path("from"), desk.path("to"));
    desk.write("to", b"old").await;
    for poll_count in 0..POLL_COUNT_END {
        let new = [b"new", &[b'0' + poll_count as u8][..]].concat();
        desk.write("from", &new).await;
        let old = desk.content("to").await;
        let is_done = abandon(io, poll_count, io.replace(op(), &from, &to)).await;
        let is_replaced = desk.content("to").await == new;
        assert!(is_replaced || (!is_done && desk.content("to").await == old));
        assert_eq!(desk.has("from").await, !is_replaced);
        desk.stays("from", !is_replaced).await;
        if !is_replaced {
            done("replace", &to, io.replace(op(), &from, &to).await);
        }
        assert_eq!(desk.content("to").await, new);
    }
}

/// A cancelled `remove` removed the name or left the file as it was.
pub async fn check_dropped_remove<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let path = desk.path("a");
    for poll_count in 0..POLL_COUNT_END {
        let file = desk.write("a", b"kept").await;
        let is_done = abandon(io, poll_count, io.remove(op(), &path)).await;
        let is_there = desk.has("a").await;
        assert!(!is_there || !is_done);
        desk.stays("a", is_there).await;
        assert_eq!(bytes_of(&file).await, b"kept");
        if is_there {
            assert_eq!(desk.content("a").await, b"kept");
            done("remove", &path, io.remove(op(), &path).await);
        }
    }
}

/// A cancelled `create_dir` or `remove_dir` left an empty directory or none.
pub async fn check_dropped_dir<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let dir = desk.path("dir");
    for poll_count in 0..POLL_COUNT_END {
        let is_made = abandon(io, poll_count, io.create_dir(op(), &dir)).await;
        let is_there = desk.has("dir").await;
        assert!(is_there || !is_made);
        desk.stays("dir", is_there).await;
        if !is_there {
            desk.create_dir("dir").await;
        }
        let is_gone = abandon(io, poll_count, io.remove_dir(op(), &dir)).await;
        let is_there = desk.has("dir").await;
        assert!(!is_there || !is_gone);
        desk.stays("dir", is_there).await;
        if is_there {
            done("remove_dir", &dir, io.remove_dir(op(), &dir).await);
        }
    }
}

/// A cancelled write changed any part of its own bytes, and no other bytes.
pub async fn check_dropped_write<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    for poll_count in 0..POLL_COUNT_END {
        let name = format!("a{poll_count}");
        let file = desk.write(&name, &[b'o'; 2000]).await;
        let new = [b'n'; 1500];
        let is_done = abandon(io, poll_count, file.write_at(op(), 1000, &new)).await;
        let left = bytes_of(&file).await;
        desk.settle().await;
        same(&bytes_of(&file).await, &left); // No effect after the drop.
        assert!(2000 <= left.len() && left.len() <= 2500);
        assert!(left[1000..].contains(&b'n') || !is_done);
        assert!(left[..1000].iter().all(|&byte| byte == b'o'));
        assert!(left[1000..2000].iter().all(|byte| b"on".contains(byte)));
        // A later part may have been written without an earlier one, which leaves a gap.
        assert!(left[2000..].iter().all(|byte| b"\0n".contains(byte)));
        done("write", root, file.write_all_at(op(), 1000, &new).await);
        let whole = [&[b'o'; 1000][..], &new].concat();
        same(&bytes_of(&file).await, &whole);
    }
}

/// After a cancelled read or `sync` the file can be read, written and synced.
pub async fn check_dropped_sync<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let file = desk.create("a").await;
    for poll_count in 0..POLL_COUNT_END {
        let at = poll_count as u64;
        done("write", root, file.write_all_at(op(), at, b"x").await);
        abandon(io, poll_count, file.sync(op())).await;
        abandon(io, poll_count, io.sync_dir(op(), root)).await;
        abandon(io, poll_count, file.read_at(op(), 0, &mut [0; 9])).await;
        assert_eq!(bytes_of(&file).await, vec![b'x'; poll_count + 1]);
        done("sync", root, file.sync(op()).await);
        done("sync_dir", root, io.sync_dir(op(), root).await);
    }
}

/// A cancelled `lock` holds no lock.
pub async fn check_dropped_lock<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let path = desk.path("lock");
    for poll_count in 0..POLL_COUNT_END {
        abandon(io, poll_count, io.lock(op(), &path)).await;
        done("lock", &path, io.lock(op(), &path).await);
        desk.settle().await;
        done("lock", &path, io.lock(op(), &path).await);
    }
}
