//! Names and directories: creating, renaming, removing, listing, locking.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::desk::{Desk, bytes_of, done, op, refusal, until};
use crate::io::{Entry, File, Io};

/// `create` makes an empty file that can be written and read.
pub async fn check_create<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let file = desk.create("a").await;
    assert_eq!(file.len(op()).await.ok(), Some(0), "a new file is empty");
    assert!(desk.has("a").await, "a new file is listed at once");
    done("write", root, file.write_all_at(op(), 0, b"new").await);
    assert_eq!(
        bytes_of(&file).await,
        b"new",
        "the caller that created it can read it"
    );
}

/// `create` refuses a name that a file or a directory has, and leaves that as it was.
pub async fn check_create_refuses<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.write("file", b"old").await;
    desk.create_dir("dir").await;
    for name in ["file", "dir"] {
        let refused = refusal(io.create(op(), &desk.path(name)).await);
        assert_eq!(refused, Some(ErrorKind::AlreadyExists), "create {name}");
    }
    assert_eq!(
        desk.content("file").await,
        b"old",
        "a refused create empties no file"
    );
    assert_eq!(desk.entries().await, [dir("dir"), file("file", 3)]);
}

/// `open` reads what was written through another handle, synced or not.
pub async fn check_open<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let missing = refusal(io.open(op(), &desk.path("a")).await);
    assert_eq!(missing, Some(ErrorKind::NotFound));
    assert!(!desk.has("a").await, "open makes nothing");
    let writer = desk.write("a", b"one").await;
    let reader = desk.open("a").await;
    assert_eq!(bytes_of(&reader).await, b"one");
    done("write", root, writer.write_all_at(op(), 3, b" two").await);
    assert_eq!(
        bytes_of(&reader).await,
        b"one two",
        "handles share nothing but the bytes"
    );
}

/// `list` shows everything in a directory, by name, and nothing of what is deeper.
pub async fn check_list<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    assert_eq!(desk.entries().await, [], "a new directory is empty");
    for name in ["b", "a.b", "a-b", "B", "a"] {
        desk.write(name, name.as_bytes()).await;
    }
    desk.create_dir("aa").await;
    desk.create("aa/deeper").await;
    let expected = [file("B", 1), file("a", 1), file("a-b", 3), file("a.b", 3)];
    let expected = [&expected[..], &[dir("aa"), file("b", 1)]].concat();
    assert_eq!(desk.entries().await, expected);
    let missing = refusal(io.list(op(), &desk.path("none")).await);
    assert_eq!(missing, Some(ErrorKind::NotFound));
}

/// `rename` moves a file to a free name.
pub async fn check_rename<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.write("from", b"moved").await;
    let (from, to) = (desk.path("from"), desk.path("to"));
    done("rename", &from, io.rename(op(), &from, &to).await);
    assert_eq!(desk.entries().await, [file("to", 5)]);
    assert_eq!(desk.content("to").await, b"moved");
    let gone = refusal(io.open(op(), &from).await);
    assert_eq!(gone, Some(ErrorKind::NotFound));
    assert!(
        io.rename(op(), &from, &to).await.is_err(),
        "nothing to move"
    );
    assert_eq!(desk.content("to").await, b"moved");
}

/// `rename` refuses to replace a file, and leaves both.
pub async fn check_rename_refuses<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.write("from", b"one").await;
    desk.write("to", b"other").await;
    let refused = refusal(io.rename(op(), &desk.path("from"), &desk.path("to")).await);
    assert_eq!(refused, Some(ErrorKind::AlreadyExists));
    assert_eq!(desk.content("from").await, b"one");
    assert_eq!(desk.content("to").await, b"other");
}

/// `replace` moves a file over another, or to a free name.
pub async fn check_replace<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.write("from", b"new").await;
    desk.write("to", b"older").await;
    let (from, to) = (desk.path("from"), desk.path("to"));
    done("replace", &to, io.replace(op(), &from, &to).await);
    assert_eq!(desk.entries().await, [file("to", 3)]);
    assert_eq!(desk.content("to").await, b"new");
    let free = desk.path("free");
    done("replace", &free, io.replace(op(), &to, &free).await);
    assert_eq!(desk.entries().await, [file("free", 3)]);
    assert_eq!(desk.content("free").await, b"new");
    assert!(
        io.replace(op(), &from, &free).await.is_err(),
        "nothing to move"
    );
    assert_eq!(desk.content("free").await, b"new");
}

/// `link` gives a file a second name in another directory, and each name outlives the other; where
/// there are no links, it is `Unsupported`, and makes nothing.
pub async fn check_link<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.write("from", b"shared").await;
    desk.create_dir("dir").await;
    let (from, to) = (desk.path("from"), desk.path("dir/to"));
    let linked = io.link(op(), &from, &to).await;
    if refusal(linked) == Some(ErrorKind::Unsupported) {
        assert!(
            !desk.has("dir/to").await,
            "a link that cannot be makes nothing"
        );
        return;
    }
    assert_eq!(desk.content("dir/to").await, b"shared");
    assert_eq!(desk.entries().await, [dir("dir"), file("from", 6)]);
    done("remove", &from, io.remove(op(), &from).await);
    assert_eq!(
        desk.content("dir/to").await,
        b"shared",
        "a file goes with its last name"
    );
    desk.write("from", b"other").await;
    assert_eq!(desk.content("dir/to").await, b"shared");
}

/// `link` refuses a name that is taken, and a file that is not there.
pub async fn check_link_refuses<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.write("from", b"one").await;
    desk.write("to", b"other").await;
    let (from, to) = (desk.path("from"), desk.path("to"));
    assert!(
        io.link(op(), &from, &to).await.is_err(),
        "the name is taken"
    );
    assert_eq!(desk.content("to").await, b"other");
    let (missing, free) = (desk.path("missing"), desk.path("free"));
    assert!(
        io.link(op(), &missing, &free).await.is_err(),
        "nothing to link"
    );
    assert_eq!(desk.entries().await, [file("from", 3), file("to", 5)]);
}

/// `remove` frees a name; a handle that is open still reads the old file, beside a new one of that
/// name.
pub async fn check_remove<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let missing = refusal(io.remove(op(), &desk.path("a")).await);
    assert_eq!(missing, Some(ErrorKind::NotFound));
    desk.write("a", b"old").await;
    let reader = desk.open("a").await;
    done("remove", root, io.remove(op(), &desk.path("a")).await);
    assert_eq!(desk.entries().await, []);
    assert_eq!(
        bytes_of(&reader).await,
        b"old",
        "an open handle still reads the removed file"
    );
    let again = refusal(io.remove(op(), &desk.path("a")).await);
    assert_eq!(again, Some(ErrorKind::NotFound));
    desk.write("a", b"newer").await;
    assert_eq!(desk.content("a").await, b"newer");
    assert_eq!(
        bytes_of(&reader).await,
        b"old",
        "another file took the name, not the bytes"
    );
}

/// An open file stays what it is when its name moves, is replaced or is removed.
pub async fn check_open_file_outlives_name<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let moved = desk.write("temp", b"new").await;
    let replaced = desk.write("final", b"old").await;
    let (from, to) = (desk.path("temp"), desk.path("final"));
    done("replace", &to, io.replace(op(), &from, &to).await);
    assert_eq!(bytes_of(&moved).await, b"new");
    assert_eq!(bytes_of(&replaced).await, b"old");
    done("write", &to, moved.write_all_at(op(), 3, b"er").await);
    assert_eq!(
        desk.content("final").await,
        b"newer",
        "the writer follows its file"
    );
    done("rename", &from, io.rename(op(), &to, &from).await);
    done("write", &from, moved.write_all_at(op(), 5, b" yet").await);
    assert_eq!(desk.content("temp").await, b"newer yet");
    done("remove", &from, io.remove(op(), &from).await);
    done("write", &from, moved.write_all_at(op(), 0, b"N").await);
    assert_eq!(bytes_of(&moved).await, b"Newer yet");
    assert_eq!(desk.entries().await, [], "a write brings no name back");
}

/// `create_dir` makes an empty directory, and refuses a name that is taken.
pub async fn check_create_dir<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    desk.create_dir("dir").await;
    let inside = desk.path("dir");
    let listed = done("list", &inside, io.list(op(), &inside).await);
    assert_eq!(listed, [], "a new directory is empty");
    desk.write("dir/kept", b"k").await;
    desk.write("file", b"f").await;
    for name in ["dir", "file"] {
        let refused = refusal(io.create_dir(op(), &desk.path(name)).await);
        assert_eq!(refused, Some(ErrorKind::AlreadyExists), "create_dir {name}");
    }
    assert_eq!(desk.entries().await, [dir("dir"), file("file", 1)]);
    assert_eq!(desk.content("dir/kept").await, b"k");
}

/// `remove_dir` removes an empty directory, and refuses any other.
pub async fn check_remove_dir<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let path = desk.path("dir");
    let missing = refusal(io.remove_dir(op(), &path).await);
    assert_eq!(missing, Some(ErrorKind::NotFound));
    desk.create_dir("dir").await;
    desk.write("dir/kept", b"k").await;
    let refused = refusal(io.remove_dir(op(), &path).await);
    assert_eq!(refused, Some(ErrorKind::DirectoryNotEmpty));
    assert_eq!(desk.content("dir/kept").await, b"k");
    done("remove", &path, io.remove(op(), &path.join("kept")).await);
    done("remove_dir", &path, io.remove_dir(op(), &path).await);
    assert_eq!(desk.entries().await, []);
    desk.create_dir("dir").await;
}

/// `sync_dir` succeeds on a directory whatever was done in it, and changes no entry.
pub async fn check_sync_dir<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    done("sync_dir", root, io.sync_dir(op(), root).await);
    desk.write("from", b"a").await;
    desk.write("gone", b"b").await;
    let (from, to) = (desk.path("from"), desk.path("to"));
    done("rename", &from, io.rename(op(), &from, &to).await);
    done("remove", root, io.remove(op(), &desk.path("gone")).await);
    desk.create_dir("dir").await;
    done("sync_dir", root, io.sync_dir(op(), root).await);
    assert_eq!(desk.entries().await, [dir("dir"), file("to", 1)]);
}

/// `lock` has one holder at a time, until the lock is dropped, in whatever task.
pub async fn check_lock<I: Io>(io: &I, root: &Path) {
    let desk = Desk::new(io, root);
    let path = desk.path("lock");
    let held = done("lock", &path, io.lock(op(), &path).await);
    assert!(desk.has("lock").await, "a missing lock file is created");
    for other in [io.clone(), io.clone()] {
        let refused = refusal(other.lock(op(), &path).await);
        assert_eq!(refused, Some(ErrorKind::WouldBlock));
    }
    let beside = desk.path("beside");
    done("lock", &beside, io.lock(op(), &beside).await);
    drop(held);
    let held = done("lock", &path, io.lock(op(), &path).await);
    let is_dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_dropped);
    io.spawn(op(), async move {
        drop(held);
        flag.store(true, Ordering::Release);
    });
    until(io, "the task drops the lock", || {
        is_dropped.load(Ordering::Acquire)
    })
    .await;
    done("lock", &path, io.lock(op(), &path).await);
    desk.write("used", b"kept").await;
    let used = desk.path("used");
    done("lock", &used, io.lock(op(), &used).await);
    assert_eq!(desk.content("used").await, b"kept", "a lock writes nothing");
}

fn file(name: &str, len: u64) -> Entry {
    Entry {
        name: name.to_string(),
        len: Some(len),
    }
}

fn dir(name: &str) -> Entry {
    Entry {
        name: name.to_string(),
        len: None,
    }
}
