//! A disk with a limit: `OsIo`, on which files together have so many bytes at most.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use palimpsest::OsIo;
use palimpsest::base::Time;
use palimpsest::io::{Entry, File, Io, Op, OsFile, OsLock};

/// Real files, with a number of bytes that are free.
#[derive(Clone)]
pub struct Budget {
    io: OsIo,
    free: Arc<AtomicI64>,
}

/// A file whose growth takes from what is free.
pub struct BudgetFile {
    file: OsFile,
    free: Arc<AtomicI64>,
}

impl Budget {
    pub fn new(free: i64) -> Budget {
        Budget {
            io: OsIo::new(),
            free: Arc::new(AtomicI64::new(free)),
        }
    }

    /// Changes what is free.
    pub fn set_free(&self, free: i64) {
        self.free.store(free, Ordering::SeqCst);
    }

    pub fn free(&self) -> i64 {
        self.free.load(Ordering::SeqCst)
    }

    /// Gives back what a file takes that is about to lose its only name.
    fn release(&self, path: &Path) {
        if let Ok(metadata) = std::fs::symlink_metadata(path)
            && metadata.is_file()
        {
            let len = i64::try_from(metadata.len()).expect("a short file");
            self.free.fetch_add(len, Ordering::SeqCst);
        }
    }

    fn file(&self, file: OsFile) -> BudgetFile {
        BudgetFile {
            file,
            free: self.free.clone(),
        }
    }
}

impl Io for Budget {
    type File = BudgetFile;
    type Lock = OsLock;

    async fn create(&self, op: Op, path: &Path) -> io::Result<BudgetFile> {
        if self.free() <= 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.io.create(op, path).await.map(|file| self.file(file))
    }

    async fn open(&self, op: Op, path: &Path) -> io::Result<BudgetFile> {
        self.io.open(op, path).await.map(|file| self.file(file))
    }

    async fn list(&self, op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        self.io.list(op, dir).await
    }

    async fn rename(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        self.io.rename(op, from, to).await
    }

    async fn replace(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        self.release(to);
        self.io.replace(op, from, to).await
    }

    async fn remove(&self, op: Op, path: &Path) -> io::Result<()> {
        self.release(path);
        self.io.remove(op, path).await
    }

    async fn create_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        self.io.create_dir(op, dir).await
    }

    async fn remove_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        self.io.remove_dir(op, dir).await
    }

    async fn sync_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        self.io.sync_dir(op, dir).await
    }

    async fn lock(&self, op: Op, path: &Path) -> io::Result<OsLock> {
        self.io.lock(op, path).await
    }

    fn now(&self) -> Time {
        self.io.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.io.sleep(duration)
    }

    fn random(&self) -> u64 {
        self.io.random()
    }

    fn spawn(&self, op: Op, task: impl Future<Output = ()> + Send + 'static) {
        self.io.spawn(op, task);
    }

    async fn yield_now(&self) {
        self.io.yield_now().await;
    }

    async fn interleave(&self, _op: Op) {}
}

impl File for BudgetFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(op, offset, buf).await
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.len(op).await?;
        let growth = (offset + bytes.len() as u64).saturating_sub(len);
        let growth = i64::try_from(growth).expect("a short write");
        if self.free.fetch_sub(growth, Ordering::SeqCst) < growth {
            self.free.fetch_add(growth, Ordering::SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(op, offset, bytes).await
    }

    async fn sync(&self, op: Op) -> io::Result<()> {
        self.file.sync(op).await
    }

    async fn len(&self, op: Op) -> io::Result<u64> {
        self.file.len(op).await
    }
}
