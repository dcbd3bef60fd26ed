//! What the child does: each method once in each situation that asks other things of the system.

use std::path::{Path, PathBuf};
use std::time::Duration;

use palimpsest::io::{File, Io, Job, Op, OsFile, OsIo};

use crate::trace::{mark, unmark};

/// The files of the child, and their backend.
struct Calls<'a> {
    io: OsIo,
    dir: &'a Path,
}

fn op() -> Op {
    Op::new(None, Job::Open, 1)
}

pub async fn make_all(dir: &Path) {
    let calls = Calls {
        io: OsIo::new(),
        dir,
    };
    let file = calls.make_file().await;
    calls.use_file(file).await;
    calls.name_files().await;
    calls.use_directories().await;
    calls.lock_a_file().await;
    calls.ask_the_system().await;
    unmark();
}

impl Calls<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    async fn make_file(&self) -> OsFile {
        let (io, path) = (&self.io, self.path("a"));
        mark("create a file");
        let file = io.create(op(), &path).await.unwrap();
        mark("create a file whose name is taken");
        assert!(io.create(op(), &path).await.is_err());
        mark("open a file");
        let opened = io.open(op(), &path).await.unwrap();
        mark("drop a file");
        drop(opened);
        mark("open a file that is missing");
        assert!(io.open(op(), &self.path("missing")).await.is_err());
        unmark();
        file
    }

    async fn use_file(&self, file: OsFile) {
        let mut buf = [0; 300];
        mark("write 1000 bytes at 5000");
        file.write_all_at(op(), 5000, &[7; 1000]).await.unwrap();
        mark("write at most 100 bytes at 6000");
        file.write_at(op(), 6000, &[7; 100]).await.unwrap();
        mark("sync a file");
        file.sync(op()).await.unwrap();
        mark("read 300 bytes at 5100");
        file.read_exact_at(op(), 5100, &mut buf).await.unwrap();
        mark("read at most 300 bytes at 6000");
        assert_eq!(file.read_at(op(), 6000, &mut buf).await.unwrap(), 100);
        mark("read at an offset that the system refuses");
        assert_eq!(file.read_at(op(), u64::MAX, &mut buf).await.unwrap(), 0);
        mark("the length of a file");
        assert_eq!(file.len(op()).await.unwrap(), 6100);
        unmark();
    }

    async fn name_files(&self) {
        let io = &self.io;
        let [a, b, c] = ["a", "b", "c"].map(|name| self.path(name));
        drop(io.create(op(), &c).await.unwrap());
        mark("rename a file");
        io.rename(op(), &a, &b).await.unwrap();
        mark("rename a file to a name that is taken");
        assert!(io.rename(op(), &b, &c).await.is_err());
        mark("replace a file");
        io.replace(op(), &b, &c).await.unwrap();
        mark("remove a file");
        io.remove(op(), &c).await.unwrap();
        unmark();
    }

    async fn use_directories(&self) {
        let (io, sub) = (&self.io, self.path("sub"));
        mark("create a directory");
        io.create_dir(op(), &sub).await.unwrap();
        mark("sync a directory");
        io.sync_dir(op(), &sub).await.unwrap();
        unmark();
        drop(io.create(op(), &sub.join("d")).await.unwrap());
        mark("list a directory with one file");
        assert_eq!(io.list(op(), &sub).await.unwrap().len(), 1);
        mark("remove a directory that is not empty");
        assert!(io.remove_dir(op(), &sub).await.is_err());
        unmark();
        io.remove(op(), &sub.join("d")).await.unwrap();
        mark("remove a directory");
        io.remove_dir(op(), &sub).await.unwrap();
        unmark();
    }

    async fn lock_a_file(&self) {
        let (io, path) = (&self.io, self.path("lock"));
        mark("lock a file that is missing");
        let lock = io.lock(op(), &path).await.unwrap();
        mark("lock a file that is locked");
        assert!(io.lock(op(), &path).await.is_err());
        mark("drop a lock");
        drop(lock);
    }

    /// The sleep is over before it begins: a longer one starts a thread.
    async fn ask_the_system(&self) {
        mark("random bits");
        let _bits = self.io.random();
        mark("the time, a sleep of no time, a yield, a point to interleave, a probe");
        let _now = self.io.now();
        self.io.sleep(Duration::ZERO).await;
        self.io.yield_now().await;
        self.io.interleave(op()).await;
        self.io.probe("none");
    }
}
