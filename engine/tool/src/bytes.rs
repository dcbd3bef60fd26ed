//! The bytes of a file: read at offsets, never written.
#![expect(
    clippy::disallowed_types,
    reason = "it reads files of any origin, outside of any run"
)]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What is read of a file at once, in bytes: a walk over a layer asks for many small parts.
const WINDOW_LEN: usize = 128 << 10;

/// The bytes of a file.
pub trait Bytes {
    /// The length of the file in bytes.
    fn byte_len(&self) -> u64;

    /// Fills `out` with the bytes from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if there are not as many, and those of the device.
    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()>;
}

/// A file on a disk, of which one window is held in memory.
#[derive(Debug)]
pub struct DiskFile {
    file: File,
    len: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl DiskFile {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// Those of the device.
    pub fn open(path: &Path) -> io::Result<DiskFile> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(DiskFile {
            file,
            len,
            window: Vec::new(),
            window_start: 0,
        })
    }

    /// Moves the window so that it starts at `offset`.
    fn move_window(&mut self, offset: u64) -> io::Result<()> {
        let len = self.len.saturating_sub(offset).min(WINDOW_LEN as u64);
        self.window.resize(len as usize, 0);
        self.window_start = offset;
        let read = self.file.read_exact_at(&mut self.window, offset);
        if read.is_err() {
            self.window.clear();
        }
        read
    }
}

impl Bytes for DiskFile {
    fn byte_len(&self) -> u64 {
        self.len
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if WINDOW_LEN < out.len() {
            return self.file.read_exact_at(out, offset);
        }
        let is_inside = |window: &DiskFile| {
            let start = offset.checked_sub(window.window_start)?;
            let start = usize::try_from(start).ok()?;
            window.window.get(start..)?.get(..out.len())?;
            Some(start)
        };
        let start = match is_inside(self) {
            Some(start) => start,
            None => {
                self.move_window(offset)?;
                0
            }
        };
        match self.window.get(start..start + out.len()) {
            Some(found) => out.copy_from_slice(found),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }
}

impl Bytes for &[u8] {
    fn byte_len(&self) -> u64 {
        self.len() as u64
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = self.get(start..).and_then(|rest| rest.get(..out.len()));
        let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }
}

impl<B: Bytes> Bytes for &mut B {
    fn byte_len(&self) -> u64 {
        (**self).byte_len()
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        (**self).read(offset, out)
    }
}
