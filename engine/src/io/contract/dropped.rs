//! Calls whose future is dropped: each happened whole or not at all, and nothing happens later.

use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use super::desk::{Desk, bytes_of, done, op, same};
use crate::io::{File, Io};

/// Each call is dropped after 0 polls, after 1, and so on below this.
const TURN_COUNT: usize = 5;

/// Polls `call` up to `turn_count` times, letting others go in between, and drops it. Says whether
/// it was done by then.
async fn abandon<I: Io, T>(
    io: &I,
    turn_count: usize,
    call: impl Future<Output = T> + Send,
) -> bool {
    let mut call = pin!(call);
    for _ in 0..turn_count {
        let is_done = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()));
        if is_done.await {
            return true;
        }
        io.yield_now().await;
    }
    false
}

/// A dropped `create` made an empty file or nothing, and the name can be had.
pub async fn check_dropped_create<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    for turn_count in 0..TURN_COUNT {
        let path = desk.path("a");
        let is_done = abandon(io, turn_count, io.create(op(), &path)).await;
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

/// A dropped `rename` left the file one name of the two.
pub async fn check_dropped_rename<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let (from, to) = (desk.path("from"), desk.path("to"));
    for turn_count in 0..TURN_COUNT {
        desk.write("from", b"moved").await;
        let is_done = abandon(io, turn_count, io.rename(op(), &from, &to)).await;
        let names = desk.names().await;
        assert!(
            names == ["to"] || (!is_done && names == ["from"]),
            "{names:?}"
        );
        desk.settle().await;
        assert_eq!(desk.names().await, names, "nothing happens after the drop");
        assert_eq!(desk.content(&names[0]).await, b"moved");
        let left = desk.path(&names[0]);
        done("remove", &left, io.remove(op(), &left).await);
    }
}

/// A dropped `replace` left the old file and the new one, or the new one in the old one's place.
pub async fn check_dropped_replace<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let (from, to) = (desk.path("from"), desk.path("to"));
    desk.write("to", b"old").await;
    for turn_count in 0..TURN_COUNT {
        let new = [b"new", &[b'0' + turn_count as u8][..]].concat();
        desk.write("from", &new).await;
        let old = desk.content("to").await;
        let is_done = abandon(io, turn_count, io.replace(op(), &from, &to)).await;
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

/// A dropped `remove` removed the name or left the file as it was.
pub async fn check_dropped_remove<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let path = desk.path("a");
    for turn_count in 0..TURN_COUNT {
        let file = desk.write("a", b"kept").await;
        let is_done = abandon(io, turn_count, io.remove(op(), &path)).await;
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

/// A dropped `create_dir` or `remove_dir` left the directory there, or not there, and empty.
pub async fn check_dropped_dir<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let dir = desk.path("dir");
    for turn_count in 0..TURN_COUNT {
        let is_made = abandon(io, turn_count, io.create_dir(op(), &dir)).await;
        let is_there = desk.has("dir").await;
        assert!(is_there || !is_made);
        desk.stays("dir", is_there).await;
        if !is_there {
            desk.create_dir("dir").await;
        }
        let is_gone = abandon(io, turn_count, io.remove_dir(op(), &dir)).await;
        let is_there = desk.has("dir").await;
        assert!(!is_there || !is_gone);
        desk.stays("dir", is_there).await;
        if is_there {
            done("remove_dir", &dir, io.remove_dir(op(), &dir).await);
        }
    }
}

/// A dropped write changed any part of its own bytes, and none of the others.
pub async fn check_dropped_write<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    for turn_count in 0..TURN_COUNT {
        let name = format!("a{turn_count}");
        let file = desk.write(&name, &[b'o'; 2000]).await;
        let new = [b'n'; 1500];
        let is_done = abandon(io, turn_count, file.write_at(op(), 1000, &new)).await;
        let left = bytes_of(&file).await;
        desk.settle().await;
        same(&bytes_of(&file).await, &left); // Nothing happens after the drop.
        assert!(2000 <= left.len() && left.len() <= 2500);
        assert!(left[1000..].contains(&b'n') || !is_done);
        assert!(left[..1000].iter().all(|&byte| byte == b'o'));
        assert!(left[1000..2000].iter().all(|byte| b"on".contains(byte)));
        // A part may have been written before the rest, and what lies between is then a gap.
        assert!(left[2000..].iter().all(|byte| b"\0n".contains(byte)));
        done("write", root, file.write_all_at(op(), 1000, &new).await);
        let whole = [&[b'o'; 1000][..], &new].concat();
        same(&bytes_of(&file).await, &whole);
    }
}

/// A dropped read or `sync` leaves a file that can be read, written and synced.
pub async fn check_dropped_sync<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let file = desk.create("a").await;
    for turn_count in 0..TURN_COUNT {
        let at = turn_count as u64;
        done("write", root, file.write_all_at(op(), at, b"x").await);
        abandon(io, turn_count, file.sync(op())).await;
        abandon(io, turn_count, io.sync_dir(op(), root)).await;
        abandon(io, turn_count, file.read_at(op(), 0, &mut [0; 9])).await;
        assert_eq!(bytes_of(&file).await, vec![b'x'; turn_count + 1]);
        done("sync", root, file.sync(op()).await);
        done("sync_dir", root, io.sync_dir(op(), root).await);
    }
}

/// A dropped `lock` holds nothing.
pub async fn check_dropped_lock<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let path = desk.path("lock");
    for turn_count in 0..TURN_COUNT {
        abandon(io, turn_count, io.lock(op(), &path)).await;
        done("lock", &path, io.lock(op(), &path).await);
        desk.settle().await;
        done("lock", &path, io.lock(op(), &path).await);
    }
}
