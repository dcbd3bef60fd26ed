//! The tools of a check: its directory, and calls that have to succeed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::io::{Entry, File, Io, Job, Op};

/// How often [`until`] polls, a millisecond apart, before it fails.
const LOOK_COUNT_MAX: u32 = 20_000;

/// A check's directory. Names are relative to it.
pub(super) struct Desk<'a, I> {
    io: &'a I,
    dir: &'a Path,
}

/// The label of every call made here.
pub(super) fn op() -> Op {
    Op::new(None, Job::Open, 1)
}

/// Unwraps the result of a call that has to succeed.
#[track_caller]
pub(super) fn done<T>(call: &str, path: &Path, result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{call} {}: {error}", path.display()))
}

/// The kind of error of a call; `None` if it succeeded.
pub(super) fn refusal<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

/// Asserts that two slices of bytes are equal; on failure it says where they differ and does not
/// print them.
#[track_caller]
pub(super) fn same(found: &[u8], expected: &[u8]) {
    let pairs = found.iter().zip(expected);
    let alike = pairs.take_while(|(one, other)| one == other).count();
    let (found_rest, expected_rest) = (&found[alike..], &expected[alike..]);
    assert!(
        found_rest.is_empty() && expected_rest.is_empty(),
        "{} bytes for {}, from byte {alike} on {:?} for {:?}",
        found.len(),
        expected.len(),
        &found_rest[..found_rest.len().min(16)],
        &expected_rest[..expected_rest.len().min(16)],
    );
}

/// Waits until `is_so`, and fails with `claim` when it takes too long.
pub(super) async fn until<I: Io>(io: &I, claim: &str, is_so: impl Fn() -> bool + Send) {
    for _ in 0..LOOK_COUNT_MAX {
        if is_so() {
            return;
        }
        io.sleep(Duration::from_millis(1)).await;
    }
    panic!("{claim}: not so after {LOOK_COUNT_MAX} ms");
}

impl<'a, I: Io> Desk<'a, I> {
    pub(super) fn new(io: &'a I, dir: &'a Path) -> Desk<'a, I> {
        Desk { io, dir }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) async fn create(&self, name: &str) -> I::File {
        let path = self.path(name);
        done("create", &path, self.io.create(op(), &path).await)
    }

    pub(super) async fn open(&self, name: &str) -> I::File {
        let path = self.path(name);
        done("open", &path, self.io.open(op(), &path).await)
    }

    pub(super) async fn create_dir(&self, name: &str) {
        let path = self.path(name);
        done("create_dir", &path, self.io.create_dir(op(), &path).await);
    }

    /// Makes a file with `bytes` in it, and leaves it open.
    pub(super) async fn write(&self, name: &str, bytes: &[u8]) -> I::File {
        let file = self.create(name).await;
        let written = file.write_all_at(op(), 0, bytes).await;
        done("write", &self.path(name), written);
        file
    }

    /// The content of a file, by its name.
    pub(super) async fn content(&self, name: &str) -> Vec<u8> {
        bytes_of(&self.open(name).await).await
    }

    pub(super) async fn entries(&self) -> Vec<Entry> {
        done("list", self.dir, self.io.list(op(), self.dir).await)
    }

    pub(super) async fn names(&self) -> Vec<String> {
        let entries = self.entries().await;
        entries.into_iter().map(|entry| entry.name).collect()
    }

    /// Waits for effects of a cancelled call, which must not happen.
    pub(super) async fn settle(&self) {
        self.io.sleep(Duration::from_millis(1)).await;
    }

    /// Asserts that a name stays, or stays free, after a call on it was cancelled.
    pub(super) async fn stays(&self, name: &str, is_there: bool) {
        self.settle().await;
        let was_there = is_there;
        let is_there = self.has(name).await;
        assert_eq!(
            is_there, was_there,
            "a cancelled call has no effect after the drop"
        );
    }

    pub(super) async fn has(&self, name: &str) -> bool {
        self.names().await.iter().any(|listed| listed == name)
    }
}

/// The content of an open file.
pub(super) async fn bytes_of<F: File>(file: &F) -> Vec<u8> {
    let len = file.len(op()).await.expect("the file has a length");
    let mut bytes = vec![0xEE; usize::try_from(len).expect("checks write little")];
    let read = file.read_exact_at(op(), 0, &mut bytes).await;
    read.expect("a file can be read up to its length");
    bytes
}
