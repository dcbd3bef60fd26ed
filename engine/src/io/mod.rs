//! Floor 1, the seam: all I/O, time, randomness and tasks of the engine go through [`Io`].
//!
//! Two implementations stand behind it: [`OsIo`] on real files, and the simulator's. Dispatch is
//! static. The documentation of each method is its contract, and one set of checks, [`contract`],
//! runs against both.
//!
//! What holds for every call:
//!
//! * An error leaves things as they were, unless the method says otherwise.
//! * A call that is cancelled, by dropping its future, happened whole or not at all, and has no
//!   effect after the drop. A write may have happened in part.
//! * A power loss may lose or keep what is unsynced, piece by piece and in any order. The end of
//!   the process alone loses nothing.
//! * A path's parent exists and is a directory, and `from` and `to` of a rename share it; those of
//!   a link need not.

mod blocking;
pub mod contract;
mod op;
mod open_files;
mod os;
mod pace;
mod pool;
mod scratch;
#[cfg(test)]
pub mod tests;
mod timer;

use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::base::Time;

pub use op::{Job, Op, Part};
pub use open_files::{OUT_OF_FILES_RETRIES_MAX, OpenFiles, OpenSlot, is_out_of_files};
pub use os::{OsFile, OsIo, OsLock};
pub use pool::block_on;

pub(crate) use pace::Pace;
pub(crate) use scratch::Scratch;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without its directory. Bytes that are no UTF-8 are replaced.
    pub name: String,
    /// A file's length in bytes; `None` for a directory, and for a link that leads nowhere now, as
    /// to a disk that is not mounted. Other links are followed.
    pub len: Option<u64>,
}

/// The world: files, directories, time, chance and tasks.
pub trait Io: Clone + Send + Sync + 'static {
    /// An open file.
    type File: File;
    /// A held lock. It is released when it is dropped, or when the process ends.
    type Lock: Send + Sync + 'static;

    /// Creates an empty file, to be read and written.
    ///
    /// The entry is durable after [`Io::sync_dir`] of its directory. `AlreadyExists` if the name is
    /// taken.
    fn create(&self, op: Op, path: &Path) -> impl Future<Output = io::Result<Self::File>> + Send;

    /// Opens a file to be read. `NotFound` if there is none.
    fn open(&self, op: Op, path: &Path) -> impl Future<Output = io::Result<Self::File>> + Send;

    /// Lists a directory, in the order of the names. `NotFound` if there is none.
    fn list(&self, op: Op, dir: &Path) -> impl Future<Output = io::Result<Vec<Entry>>> + Send;

    /// Renames a file in its directory, and refuses with `AlreadyExists` to replace another.
    /// `NotFound` if there is none. Open handles still read the file.
    ///
    /// Atomic: at any moment, and after any crash, the file has one of the two names. Durable after
    /// [`Io::sync_dir`]. It does not make the file's content durable: sync that first.
    fn rename(&self, op: Op, from: &Path, to: &Path)
    -> impl Future<Output = io::Result<()>> + Send;

    /// Renames a file in its directory over another, or to a free name. `NotFound` if there is
    /// none. Open handles of either file still read it.
    ///
    /// Atomic: at any moment, and after any crash, `to` is the old file or the new one. Durable
    /// after [`Io::sync_dir`].
    fn replace(
        &self,
        op: Op,
        from: &Path,
        to: &Path,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Gives a file another name, in its directory or another one: both lead to the same bytes, and
    /// each can be removed without the other. `NotFound` if there is none, `AlreadyExists` if `to`
    /// is taken, `Unsupported` if there can be no link from there to here.
    ///
    /// Durable after [`Io::sync_dir`] of `to`'s directory. It does not make the file's content
    /// durable: sync that first. An implementation without links need not have this one: what
    /// would link copies then.
    fn link(&self, op: Op, from: &Path, to: &Path) -> impl Future<Output = io::Result<()>> + Send {
        let _ = (op, from, to);
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }

    /// Removes a file's name; open handles still read the file, and so do its other names. Durable
    /// after [`Io::sync_dir`]. `NotFound` if there is none.
    fn remove(&self, op: Op, path: &Path) -> impl Future<Output = io::Result<()>> + Send;

    /// Creates an empty directory. Durable after [`Io::sync_dir`] of its parent. `AlreadyExists` if
    /// the name is taken.
    fn create_dir(&self, op: Op, dir: &Path) -> impl Future<Output = io::Result<()>> + Send;

    /// Removes an empty directory. Durable after [`Io::sync_dir`] of its parent.
    /// `DirectoryNotEmpty` if something is in it, `NotFound` if there is none.
    fn remove_dir(&self, op: Op, dir: &Path) -> impl Future<Output = io::Result<()>> + Send;

    /// Makes a directory's entries durable: all that was created, renamed, linked and removed in it
    /// before the call.
    ///
    /// After an error any part of that may be lost in a crash. A later success covers it: unlike a
    /// file's dirty pages, entries are not dropped by a file system that goes on at all.
    fn sync_dir(&self, op: Op, dir: &Path) -> impl Future<Output = io::Result<()>> + Send;

    /// Locks a file against every other caller, in this process or another; creates it if it is
    /// missing. `WouldBlock` if another caller holds the lock.
    fn lock(&self, op: Op, path: &Path) -> impl Future<Output = io::Result<Self::Lock>> + Send;

    /// The time of day. It may jump in either direction.
    fn now(&self) -> Time;

    /// Waits at least `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// 64 random bits.
    fn random(&self) -> u64;

    /// Spawns `task`, which runs concurrently with the caller. It may never run if the process ends
    /// first.
    fn spawn(&self, op: Op, task: impl Future<Output = ()> + Send + 'static);

    /// Yields once to other tasks.
    fn yield_now(&self) -> impl Future<Output = ()> + Send;

    /// A point before a step on shared state where the simulator may run another task first, to
    /// explore races. In production it does nothing.
    fn interleave(&self, op: Op) -> impl Future<Output = ()> + Send;

    /// Marks that a rare situation was reached. In production it does nothing; the simulator counts
    /// probes, and reports those that were never reached.
    fn probe(&self, name: &'static str) {
        let _ = name;
    }
}

/// An open file. Reads and writes carry their offset: handles share nothing but the bytes.
pub trait File: Send + Sync + 'static {
    /// Reads up to `buf.len()` bytes at `offset` and returns how many; 0 only at the end of the
    /// file or for an empty `buf`. It may read fewer than are there. After an error `buf` holds
    /// anything.
    fn read_at(
        &self,
        op: Op,
        offset: u64,
        buf: &mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Appends up to `len` bytes at `offset` to `bytes` and returns how many: 0 only at the end of
    /// the file or for no bytes. It may append fewer than are there, and nothing after an error.
    ///
    /// This one reads into zeros. An implementation of its own need not write these first.
    fn append_at(
        &self,
        op: Op,
        offset: u64,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        async move {
            let start = bytes.len();
            bytes.resize(start + len, 0);
            let read = self.read_at(op, offset, &mut bytes[start..]).await;
            bytes.truncate(start + read.as_ref().map_or(0, |count| *count));
            read
        }
    }

    /// Writes up to `bytes.len()` bytes at `offset` and returns how many, never 0 unless `bytes` is
    /// empty. The file grows as needed, and a gap reads as zeros. After an error any part of
    /// `bytes` may have been written.
    fn write_at(
        &self,
        op: Op,
        offset: u64,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Makes the file's bytes and length durable: all that was written before the call.
    /// [`Io::sync_dir`] makes its name durable.
    ///
    /// After an error any part of that may be lost in a crash, although it can still be read, and a
    /// later success proves nothing.
    fn sync(&self, op: Op) -> impl Future<Output = io::Result<()>> + Send;

    /// The file's length in bytes.
    fn len(&self, op: Op) -> impl Future<Output = io::Result<u64>> + Send;

    /// Fills `buf` from `offset` on. `UnexpectedEof` if the file ends before.
    fn read_exact_at(
        &self,
        op: Op,
        offset: u64,
        buf: &mut [u8],
    ) -> impl Future<Output = io::Result<()>> + Send {
        async move {
            let mut done = 0;
            while done < buf.len() {
                let at = offset + done as u64;
                match self.read_at(op, at, &mut buf[done..]).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => done += count,
                }
            }
            Ok(())
        }
    }

    /// Reads `len` bytes from `offset` on. `UnexpectedEof` if the file ends before.
    fn read_vec_at(
        &self,
        op: Op,
        offset: u64,
        len: usize,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        async move {
            let mut bytes = Vec::with_capacity(len);
            while bytes.len() < len {
                let at = offset + bytes.len() as u64;
                let left = len - bytes.len();
                if self.append_at(op, at, left, &mut bytes).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(bytes)
        }
    }

    /// Writes all of `bytes` at `offset`.
    fn write_all_at(
        &self,
        op: Op,
        offset: u64,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<()>> + Send {
        async move {
            let mut done = 0;
            while done < bytes.len() {
                let at = offset + done as u64;
                match self.write_at(op, at, &bytes[done..]).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    count => done += count,
                }
            }
            Ok(())
        }
    }
}
