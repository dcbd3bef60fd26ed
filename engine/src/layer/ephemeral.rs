//! The bytes of a memory layer: a file that is never synced, and removed with its owner.
//!
//! ```text
//! 0 ............ written ............ end
//!   in the file         in the buffer
//! ```
//!
//! 1. One caller appends; any number of readers read concurrently.
//! 2. The buffer does not change while it is being written to the file. A failed write leaves it
//!    unchanged, and the next append retries at the same offset.
//! 3. A write covers whole appends, so the file's holes are never read.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::io::{File, Io, Op, Scratch};
use crate::sync::{Mutex, MutexGuard};

pub(crate) struct Ephemeral<I: Io> {
    scratch: Scratch<I>,
    /// The length from which the buffer is written to the file, in bytes.
    buffer_len: usize,
    tail: Mutex<Tail>,
}

#[derive(Default)]
struct Tail {
    /// The length of the file, in bytes.
    written: u64,
    /// The bytes that follow `written`. A write in flight shares the buffer.
    buffer: Arc<Vec<u8>>,
}

impl Tail {
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }
}

impl<I: Io> Ephemeral<I> {
    pub(crate) async fn create(
        io: &I,
        op: Op,
        path: PathBuf,
        buffer_len: usize,
    ) -> io::Result<Ephemeral<I>> {
        Ok(Ephemeral {
            buffer_len,
            scratch: Scratch::create(io, op, path).await?,
            tail: Mutex::default(),
        })
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().expect("nothing panics while it is held")
    }

    /// The number of bytes appended so far.
    pub(crate) fn byte_len(&self) -> u64 {
        self.tail().end()
    }

    /// Appends `bytes` and returns their position. After an error nothing was appended.
    pub(crate) async fn append(&self, op: Op, bytes: &[u8]) -> io::Result<u64> {
        self.make_room(op).await?;
        let mut tail = self.tail();
        let position = tail.end();
        Arc::make_mut(&mut tail.buffer).extend_from_slice(bytes);
        Ok(position)
    }

    /// Writes the buffer to the file, if it is full.
    async fn make_room(&self, op: Op) -> io::Result<()> {
        let (offset, buffer) = {
            let tail = self.tail();
            (tail.written, tail.buffer.clone())
        };
        if buffer.len() < self.buffer_len.max(1) {
            return Ok(());
        }
        let file = self.scratch.file();
        file.write_all_at(op, offset, &buffer).await?;
        let mut tail = self.tail();
        assert!(
            tail.end() == offset + buffer.len() as u64,
            "one caller appends at a time"
        );
        tail.written += buffer.len() as u64;
        tail.buffer = Arc::default();
        Ok(())
    }

    /// Reads `len` bytes at `position`, all of which were appended.
    pub(crate) async fn read(&self, op: Op, position: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let in_file = self.copy_buffered(position, &mut bytes);
        self.scratch
            .file()
            .read_exact_at(op, position, &mut bytes[..in_file])
            .await?;
        Ok(bytes)
    }

    /// Copies the bytes that are still buffered, and returns how many bytes before them are in the
    /// file.
    fn copy_buffered(&self, position: u64, bytes: &mut [u8]) -> usize {
        let tail = self.tail();
        let end = position + bytes.len() as u64;
        assert!(end <= tail.end());
        copy_overlap(&tail.buffer, tail.written, position, bytes);
        let in_file = tail.written.clamp(position, end) - position;
        usize::try_from(in_file).expect("no longer than the buffer")
    }
}

/// Copies the part of `from`, which stands at `from_start`, that falls into `to` at `to_start`.
fn copy_overlap(from: &[u8], from_start: u64, to_start: u64, to: &mut [u8]) {
    let start = from_start.max(to_start);
    let end = (from_start + from.len() as u64).min(to_start + to.len() as u64);
    if start < end {
        let len = (end - start) as usize;
        let from_index = (start - from_start) as usize;
        let to_index = (start - to_start) as usize;
        to[to_index..to_index + len].copy_from_slice(&from[from_index..from_index + len]);
    }
}
