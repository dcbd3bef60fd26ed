//! The production backend: real files, the wall clock, and its own threads.
//!
//! No call blocks the executor that polls it, and any executor will do, or
//! [`block_on`](super::block_on) on the caller's thread. What is in the page cache is read in the
//! poll itself (`preadv2` with `RWF_NOWAIT`), and a short write is made there. All else, which may
//! wait for the device, goes to threads of its own: reads that miss or are long, long writes, every
//! sync, and every call on names.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the door to the system's files and clock"
)]

use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::mem;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, fs};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::rand::{GetRandomFlags, getrandom};

use super::blocking::{Blocking, BlockingCall, OnDrop};
use super::pool::Pool;
use super::timer::Timer;
use super::{Entry, File, Io, Op};
use crate::base::Time;

/// The default number of threads for spawned tasks. Two let a long job and a short one run
/// concurrently; tasks mostly wait for the disk, so more cores need no more threads.
const THREAD_COUNT_DEFAULT: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not 0");

/// How many calls wait for the device at a time. Each has a thread while it does: as many as a
/// device works on at once, and more than hang when one of several devices is gone.
const BLOCKED_COUNT_MAX: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");

/// A longer read goes to a thread even if it is in the page cache: copying it takes longer than the
/// way there. Bytes.
const READ_IN_POLL_LEN_MAX: usize = 256 << 10;

/// A longer write goes to a thread: the kernel may have it wait for others' to reach the device.
/// Bytes.
const WRITE_IN_POLL_LEN_MAX: usize = 16 << 10;

/// The operating system. Paths are used as they are given.
///
/// # Shape
/// Clones share the pools, which have no thread before the first [`Io::spawn`] or the first call
/// that may wait for the device, and no timer before the first [`Io::sleep`]. The threads stop when
/// the last clone and the last file are dropped and no task is queued. Up to 32 calls wait for the
/// device at a time; the drop of the future of one that is running waits for it, unless it reads.
/// A task that panics is reported by the panic hook and dropped; the other tasks continue.
/// # Panics
/// If the system cannot start a first thread, or gives no 64 random bits.
#[derive(Clone)]
pub struct OsIo {
    pool: Arc<Pool>,
    blocking: Arc<Blocking>,
    timer: Arc<Timer>,
}

/// An open file of [`OsIo`].
pub struct OsFile {
    file: Arc<fs::File>,
    blocking: Arc<Blocking>,
}

/// A file that was created. It is removed again if its caller has left and takes it no more.
struct Created {
    file: Option<fs::File>,
    path: PathBuf,
}

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
            blocking: Arc::new(Blocking::new(BLOCKED_COUNT_MAX)),
            timer: Arc::new(Timer::new()),
        }
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> (&Pool, &Timer) {
        (&self.pool, &self.timer)
    }

    /// Makes a call on names, on a thread.
    fn call<T: Send + 'static>(
        &self,
        on_drop: OnDrop,
        call: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> BlockingCall<T> {
        self.blocking.call(on_drop, call)
    }

    /// Makes a call on two names, on a thread.
    fn call_on_two(
        &self,
        (from, to): (&Path, &Path),
        call: impl FnOnce(&Path, &Path) -> io::Result<()> + Send + 'static,
    ) -> BlockingCall<()> {
        let (from, to) = (from.to_path_buf(), to.to_path_buf());
        self.call(OnDrop::Wait, move || call(&from, &to))
    }

    /// Makes a call on a name, on a thread.
    fn call_on(
        &self,
        path: &Path,
        call: impl Fn(&Path) -> io::Result<()> + Send + 'static,
    ) -> BlockingCall<()> {
        let path: PathBuf = path.to_path_buf();
        self.call(OnDrop::Wait, move || retry(|| call(&path)))
    }

    fn file(&self, file: fs::File) -> OsFile {
        OsFile {
            file: Arc::new(file),
            blocking: self.blocking.clone(),
        }
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
        let path = path.to_path_buf();
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let create = move || {
            let file = Some(retry(|| options.open(&path))?);
            Ok(Created { file, path })
        };
        let mut created = self.call(OnDrop::Wait, create).await?;
        let file = created.file.take().expect("it is taken once");
        Ok(self.file(file))
    }

    async fn open(&self, _op: Op, path: &Path) -> io::Result<OsFile> {
        let path = path.to_path_buf();
        let open = move || retry(|| fs::File::open(&path));
        self.call(OnDrop::Leave, open)
            .await
            .map(|file| self.file(file))
    }

    async fn list(&self, _op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        let dir = dir.to_path_buf();
        self.call(OnDrop::Leave, move || list(&dir)).await
    }

    async fn rename(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let names = (from, to);
        let rename = |from: &Path, to: &Path| {
            let call = || Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?);
            retry(call).map_err(explain_rename)
        };
        self.call_on_two(names, rename).await
    }

    async fn replace(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let replace = |from: &Path, to: &Path| retry(|| fs::rename(from, to));
        self.call_on_two((from, to), replace).await
    }

    async fn link(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let link = |from: &Path, to: &Path| retry(|| fs::hard_link(from, to));
        let linked = self.call_on_two((from, to), link).await;
        linked.map_err(explain_link)
    }

    async fn remove(&self, _op: Op, path: &Path) -> io::Result<()> {
        self.call_on(path, |path| fs::remove_file(path)).await
    }

    async fn create_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        self.call_on(dir, |path| fs::create_dir(path)).await
    }

    async fn remove_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        self.call_on(dir, |path| fs::remove_dir(path)).await
    }

    async fn sync_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        let sync = |dir: &Path| fs::File::open(dir)?.sync_all();
        self.call_on(dir, sync).await
    }

    async fn lock(&self, _op: Op, path: &Path) -> io::Result<OsLock> {
        let path = path.to_path_buf();
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let lock = move || {
            let file = retry(|| options.open(&path))?;
            retry(|| file.try_lock().map_err(io::Error::from))?;
            Ok(OsLock(file))
        };
        self.call(OnDrop::Wait, lock).await
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

impl OsFile {
    /// Makes a call on a thread.
    fn call<T: Send + 'static>(
        &self,
        on_drop: OnDrop,
        call: impl FnOnce(&fs::File) -> io::Result<T> + Send + 'static,
    ) -> BlockingCall<T> {
        let file = self.file.clone();
        self.blocking.call(on_drop, move || call(&file))
    }

    /// Reads what is in the page cache; `None` if it is not there, or if that cannot be known.
    fn read_cached(&self, offset: u64, buf: &mut [u8]) -> io::Result<Option<usize>> {
        if READ_IN_POLL_LEN_MAX < buf.len() {
            return Ok(None);
        }
        let mut bufs = [IoSliceMut::new(buf)];
        let flags = ReadWriteFlags::NOWAIT;
        let read = retry(|| Ok(preadv2(&*self.file, &mut bufs, offset, flags)?));
        let errno = read.as_ref().err().and_then(Errno::from_io_error);
        match errno {
            // The second is a file system's that cannot do it.
            Some(Errno::AGAIN | Errno::OPNOTSUPP) => Ok(None),
            _ => read.map(Some),
        }
    }

    /// Reads on a thread.
    async fn read_waiting(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let read = move |file: &fs::File| {
            let mut bytes = vec![0; len];
            let count = retry(|| file.read_at(&mut bytes, offset))?;
            bytes.truncate(count);
            Ok(bytes)
        };
        self.call(OnDrop::Leave, read).await
    }
}

/// For the kernel such an offset is invalid. For the contract it is past the end of any file.
fn is_past_any_end(offset: u64, len: usize) -> bool {
    i64::try_from(offset.saturating_add(len as u64)).is_err()
}

impl fmt::Debug for OsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OsFile").field(&self.file).finish()
    }
}

impl File for OsFile {
    async fn read_at(&self, _op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if is_past_any_end(offset, buf.len()) {
            return Ok(0);
        }
        if let Some(count) = self.read_cached(offset, buf)? {
            return Ok(count);
        }
        let bytes = self.read_waiting(offset, buf.len()).await?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    async fn append_at(
        &self,
        _op: Op,
        offset: u64,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> io::Result<usize> {
        if is_past_any_end(offset, len) {
            return Ok(0);
        }
        let start = bytes.len();
        if len <= READ_IN_POLL_LEN_MAX {
            bytes.resize(start + len, 0);
            let read = self.read_cached(offset, &mut bytes[start..]);
            bytes.truncate(start + *read.as_ref().ok().and_then(Option::as_ref).unwrap_or(&0));
            if let Some(count) = read? {
                return Ok(count);
            }
        }
        let read = self.read_waiting(offset, len).await?;
        match start {
            0 => *bytes = read,
            _ => bytes.extend_from_slice(&read),
        }
        Ok(bytes.len() - start)
    }

    async fn write_at(&self, _op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let count = if bytes.len() <= WRITE_IN_POLL_LEN_MAX {
            retry(|| self.file.write_at(bytes, offset))?
        } else {
            let bytes = bytes.to_vec();
            let write = move |file: &fs::File| retry(|| file.write_at(&bytes, offset));
            self.call(OnDrop::Wait, write).await?
        };
        match count {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(count),
        }
    }

    /// `fdatasync`: it covers the length, which is needed to find the bytes.
    async fn sync(&self, _op: Op) -> io::Result<()> {
        let sync = |file: &fs::File| retry(|| file.sync_data());
        self.call(OnDrop::Wait, sync).await
    }

    async fn len(&self, _op: Op) -> io::Result<u64> {
        Ok(retry(|| self.file.metadata())?.len())
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What stays is empty, and the next open removes it.
            let _ = retry(|| fs::remove_file(&self.path));
        }
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

fn list(dir: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in retry(|| fs::read_dir(dir))? {
        entries.extend(describe(&entry?)?);
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
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
mod waits;

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
