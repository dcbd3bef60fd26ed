//! The production backend: real files, the wall clock, and its own threads.
//!
//! The calls on files are direct system calls in futures that never pend, so that they run under
//! any executor, or under [`block_on`](super::block_on) on the caller's thread. Only
//! [`Io::sleep`] and [`Io::yield_now`] pend.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the door to the system's files and clock"
)]

use std::future::poll_fn;
use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, fs};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::rand::{GetRandomFlags, getrandom};

use super::pool::Pool;
use super::timer::Timer;
use super::{Entry, File, Io, Op};
use crate::base::Time;

/// The default number of threads for spawned tasks. Two let a long job and a short one run
/// concurrently; tasks mostly wait for the disk, so more cores need no more threads.
const THREAD_COUNT_DEFAULT: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not 0");

/// The operating system. Paths are used as they are given.
///
/// # Shape
/// Clones share one pool, which has no thread before the first [`Io::spawn`] and no timer before
/// the first [`Io::sleep`]. Its threads stop when the last clone is dropped and no task is queued.
/// A task that panics is reported by the panic hook and dropped; the other tasks continue.
/// # Panics
/// If the system cannot start a first thread, or gives no 64 random bits.
#[derive(Clone)]
pub struct OsIo {
    pool: Arc<Pool>,
    timer: Arc<Timer>,
}

/// An open file of [`OsIo`].
#[derive(Debug)]
pub struct OsFile(fs::File);

/// A locked file of [`OsIo`]: an advisory lock on the open file.
#[derive(Debug)]
pub struct OsLock(fs::File);

impl OsIo {
    /// The operating system, with two threads for spawned tasks.
    pub fn new() -> OsIo {
        OsIo::with_thread_count(THREAD_COUNT_DEFAULT)
    }

    /// The operating system, with at most `thread_count` threads for spawned tasks.
    pub fn with_thread_count(thread_count: NonZeroUsize) -> OsIo {
        OsIo {
            pool: Arc::new(Pool::new(thread_count)),
            timer: Arc::new(Timer::new()),
        }
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> (&Pool, &Timer) {
        (&self.pool, &self.timer)
    }
}

impl Default for OsIo {
    fn default() -> OsIo {
        OsIo::new()
    }
}

impl fmt::Debug for OsIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsIo").finish_non_exhaustive()
    }
}

/// Retries a system call while signals interrupt it. Each retry uses up a signal, and an
/// interrupted call has had no effect, so this ends and repeats no effect.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

impl Io for OsIo {
    type File = OsFile;
    type Lock = OsLock;

    async fn create(&self, _op: Op, path: &Path) -> io::Result<OsFile> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        retry(|| options.open(path)).map(OsFile)
    }

    async fn open(&self, _op: Op, path: &Path) -> io::Result<OsFile> {
        retry(|| fs::File::open(path)).map(OsFile)
    }

    async fn list(&self, _op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in retry(|| fs::read_dir(dir))? {
            entries.extend(describe(&entry?)?);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    async fn rename(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let call = || Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?);
        retry(call).map_err(explain_rename)
    }

    async fn replace(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        retry(|| fs::rename(from, to))
    }

    async fn link(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        retry(|| fs::hard_link(from, to)).map_err(explain_link)
    }

    async fn remove(&self, _op: Op, path: &Path) -> io::Result<()> {
        retry(|| fs::remove_file(path))
    }

    async fn create_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        retry(|| fs::create_dir(dir))
    }

    async fn remove_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        retry(|| fs::remove_dir(dir))
    }

    async fn sync_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        let dir = retry(|| fs::File::open(dir))?;
        retry(|| dir.sync_all())
    }

    async fn lock(&self, _op: Op, path: &Path) -> io::Result<OsLock> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = retry(|| options.open(path))?;
        retry(|| file.try_lock().map_err(io::Error::from))?;
        Ok(OsLock(file))
    }

    fn now(&self) -> Time {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = since_epoch.unwrap_or(Duration::ZERO).as_nanos();
        Time(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.timer.sleep(duration)
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        let count = retry(|| Ok(getrandom(&mut bytes, GetRandomFlags::empty())?))
            .expect("Linux has had `getrandom` since 3.17, and it waits for its seed");
        assert_eq!(count, bytes.len(), "up to 256 bytes come whole");
        u64::from_ne_bytes(bytes)
    }

    fn spawn(&self, _op: Op, task: impl Future<Output = ()> + Send + 'static) {
        self.pool.spawn(task);
    }

    async fn yield_now(&self) {
        let mut has_yielded = false;
        poll_fn(|context| {
            if mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn interleave(&self, _op: Op) {}
}

impl File for OsFile {
    async fn read_at(&self, _op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        // For the kernel such an offset is invalid. For the contract it is past the end of any
        // file.
        if i64::try_from(offset.saturating_add(buf.len() as u64)).is_err() {
            return Ok(0);
        }
        retry(|| self.0.read_at(buf, offset))
    }

    async fn append_at(
        &self,
        _op: Op,
        offset: u64,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> io::Result<usize> {
        if i64::try_from(offset.saturating_add(len as u64)).is_err() {
            return Ok(0);
        }
        let start = bytes.len();
        bytes.reserve_exact(len);
        let read = || Ok(rustix::io::pread(&self.0, spare_capacity(bytes), offset)?);
        let count = retry(read)?.min(len);
        // There may have been more room than was asked for.
        bytes.truncate(start + count);
        Ok(count)
    }

    async fn write_at(&self, _op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        match retry(|| self.0.write_at(bytes, offset))? {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(count),
        }
    }

    /// `fdatasync`: it covers the length, which is needed to find the bytes.
    async fn sync(&self, _op: Op) -> io::Result<()> {
        retry(|| self.0.sync_data())
    }

    async fn len(&self, _op: Op) -> io::Result<u64> {
        Ok(retry(|| self.0.metadata())?.len())
    }
}

impl Drop for OsLock {
    /// Closing is not enough: a child process that is just being started has a copy of the open
    /// file for a moment, and the lock would last as long.
    fn drop(&mut self) {
        // If the unlock fails, closing the file still releases the lock, and no caller could act on
        // the error.
        let _ = self.0.unlock();
    }
}

/// The description of an entry for `list`; `None` if it was removed concurrently.
fn describe(entry: &fs::DirEntry) -> io::Result<Option<Entry>> {
    let metadata = match retry(|| entry.metadata()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    let metadata = match metadata.is_symlink() {
        // Where a link leads cannot be known while that is away: so the link itself is listed.
        true => retry(|| fs::metadata(entry.path())).ok(),
        false => Some(metadata),
    };
    Ok(Some(Entry {
        name: entry.file_name().to_string_lossy().into_owned(),
        len: metadata.filter(|it| !it.is_dir()).map(|it| it.len()),
    }))
}

/// Tells a link that cannot be from one that failed: another file system, one without links, or a
/// file that has as many as it can.
fn explain_link(error: io::Error) -> io::Error {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    match error.kind() {
        CrossesDevices | PermissionDenied | TooManyLinks => io::Error::new(Unsupported, error),
        _ => error,
    }
}

/// Adds the remedy to the error of a file system without a rename that does not replace.
///
/// There is no substitute: a link to the new name and a removal of the old one would leave both
/// names after a crash between the two, and a check before a plain rename races with other callers
/// and may replace a file.
fn explain_rename(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => io::Error::new(
            io::ErrorKind::Unsupported,
            "this file system has no rename without replacing (RENAME_NOREPLACE); \
             keep the directory on ext4, XFS, Btrfs or tmpfs",
        ),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_that_the_file_system_cannot_do_names_the_remedy() {
        for errno in [rustix::io::Errno::INVAL, rustix::io::Errno::NOSYS] {
            let error = explain_rename(errno.into());
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains("ext4"), "{error}");
        }
        let error = explain_rename(rustix::io::Errno::EXIST.into());
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_link_that_cannot_be_is_told_from_one_that_failed() {
        use rustix::io::Errno;
        for errno in [Errno::XDEV, Errno::PERM, Errno::MLINK, Errno::OPNOTSUPP] {
            let error = explain_link(errno.into());
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{errno:?}");
        }
        let error = explain_link(Errno::NOSPC.into());
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn an_interrupted_call_is_made_again() {
        let mut rest = [io::ErrorKind::Interrupted, io::ErrorKind::Interrupted].into_iter();
        let done = retry(|| rest.next().map_or(Ok(7), |kind| Err(kind.into())));
        assert_eq!(done.ok(), Some(7));
        let refused = retry(|| Err::<(), _>(io::ErrorKind::StorageFull.into()));
        assert_eq!(
            refused.err().map(|error| error.kind()),
            Some(io::ErrorKind::StorageFull)
        );
    }
}
