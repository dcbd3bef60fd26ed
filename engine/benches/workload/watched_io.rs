//! The operating system, with a count of written bytes by job, and a list of reads.

use std::collections::BTreeMap;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use palimpsest::OsIo;
use palimpsest::base::Time;
use palimpsest::io::{Entry, File, Io, Job, Op, OsFile, OsLock};

#[derive(Clone, Default)]
pub struct WatchedIo {
    io: OsIo,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    written: Mutex<BTreeMap<Job, u64>>,
    reads: Mutex<Vec<Read>>,
}

/// One call that read bytes.
#[derive(Clone, Debug)]
pub struct Read {
    pub path: Arc<PathBuf>,
    pub offset: u64,
    pub len: usize,
}

pub struct WatchedFile {
    file: OsFile,
    path: Arc<PathBuf>,
    seen: Arc<Seen>,
}

impl WatchedIo {
    /// Returns the bytes written since the last call of this, by job.
    pub fn take_written(&self) -> BTreeMap<Job, u64> {
        std::mem::take(&mut self.seen.written.lock().expect("nothing panics under it"))
    }

    /// Returns the reads since the last call of this, in order.
    pub fn take_reads(&self) -> Vec<Read> {
        std::mem::take(&mut self.seen.reads.lock().expect("nothing panics under it"))
    }

    fn watch(&self, file: OsFile, path: &Path) -> WatchedFile {
        WatchedFile {
            file,
            path: Arc::new(path.to_owned()),
            seen: self.seen.clone(),
        }
    }
}

impl Io for WatchedIo {
    type File = WatchedFile;
    type Lock = OsLock;

    async fn create(&self, op: Op, path: &Path) -> Result<WatchedFile> {
        Ok(self.watch(self.io.create(op, path).await?, path))
    }

    async fn open(&self, op: Op, path: &Path) -> Result<WatchedFile> {
        Ok(self.watch(self.io.open(op, path).await?, path))
    }

    async fn list(&self, op: Op, dir: &Path) -> Result<Vec<Entry>> {
        self.io.list(op, dir).await
    }

    async fn rename(&self, op: Op, from: &Path, to: &Path) -> Result<()> {
        self.io.rename(op, from, to).await
    }

    async fn replace(&self, op: Op, from: &Path, to: &Path) -> Result<()> {
        self.io.replace(op, from, to).await
    }

    async fn link(&self, op: Op, from: &Path, to: &Path) -> Result<()> {
        self.io.link(op, from, to).await
    }

    async fn remove(&self, op: Op, path: &Path) -> Result<()> {
        self.io.remove(op, path).await
    }

    async fn create_dir(&self, op: Op, dir: &Path) -> Result<()> {
        self.io.create_dir(op, dir).await
    }

    async fn remove_dir(&self, op: Op, dir: &Path) -> Result<()> {
        self.io.remove_dir(op, dir).await
    }

    async fn sync_dir(&self, op: Op, dir: &Path) -> Result<()> {
        self.io.sync_dir(op, dir).await
    }

    async fn lock(&self, op: Op, path: &Path) -> Result<OsLock> {
        self.io.lock(op, path).await
    }

    fn now(&self) -> Time {
        self.io.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.io.sleep(duration).await;
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

    async fn interleave(&self, op: Op) {
        self.io.interleave(op).await;
    }
}

impl File for WatchedFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let len = self.file.read_at(op, offset, buf).await?;
        let path = self.path.clone();
        let mut reads = self.seen.reads.lock().expect("nothing panics under it");
        reads.push(Read { path, offset, len });
        Ok(len)
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> Result<usize> {
        let len = self.file.write_at(op, offset, bytes).await?;
        let mut written = self.seen.written.lock().expect("nothing panics under it");
        *written.entry(op.job).or_default() += len as u64;
        Ok(len)
    }

    async fn sync(&self, op: Op) -> Result<()> {
        self.file.sync(op).await
    }

    async fn len(&self, op: Op) -> Result<u64> {
        self.file.len(op).await
    }
}
