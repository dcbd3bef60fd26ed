//! Reading a layer's file: blocks, which are verified against their checksums at each read.
//!
//! ```text
//!  FileWriter::finish ──▶ temporary ──keep──▶ kept ◀── LayerFile::new, of an index's entry
//!                          │  ▲                 │ │
//!             dropped: the │  └─ remove_on_drop ┘ └──dropped──▶ the file stays
//!             file is      ▼
//!             removed     gone
//! ```

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::context::LayerContext;
use super::names::TakenName;
use super::root::Root;
use crate::base::{DecodeError, Error, FileName, IoFailure, LayerName, Result};
use crate::format::{BLOCK_LEN, ChecksumMarker, ChecksumSection, IndexLayer};
use crate::io::{File, Io, Job, Op, OpenSlot, Part};
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A layer's file and its name. It is opened at its first read, and again at a read after the
/// engine has closed it for others.
pub(crate) struct LayerFile<I: Io> {
    context: LayerContext<I>,
    entry: IndexLayer,
    /// The number of the file in the block cache.
    number: u64,
    /// The open file, while the engine keeps it open.
    slot: OpenSlot<I>,
    parts: OnceLock<Parts>,
    /// The file's name; `None` once the removal holds it.
    name: Option<TakenName>,
    is_kept: AtomicBool,
    /// The I/O label of the removal.
    drop_op: Op,
}

/// The parts of block 0 and of the checksum section that reads need. They stay in memory.
struct Parts {
    root: Root,
    /// The checksum of each block; `None` for a peer's file.
    section: Option<ChecksumSection>,
}

fn file_name(entry: &IndexLayer) -> FileName {
    FileName::Layer {
        name: entry.name,
        generation: entry.generation,
    }
}

impl<I: Io> LayerFile<I> {
    /// The file of an index's entry. It is not read yet, and it is kept on drop.
    ///
    /// # Panics
    /// If another layer or a removal has its name.
    pub(crate) fn new(context: &LayerContext<I>, entry: IndexLayer) -> LayerFile<I> {
        let name = context.names.try_take(file_name(&entry));
        let name = name
            .expect("an index names a layer once, and no removal has a name that the index has");
        let part = match entry.name {
            LayerName::Delta { .. } => Part::Delta,
            LayerName::Image { .. } => Part::Image,
        };
        let op = Op::new(Some(context.timeline), Job::Drop, 1).on(part, 1);
        let file = LayerFile::temporary(context, op, (entry, name));
        file.keep();
        file
    }

    /// The file that is about to get this name. It is removed on drop, until [`LayerFile::keep`].
    pub(crate) fn temporary(
        context: &LayerContext<I>,
        op: Op,
        (entry, name): (IndexLayer, TakenName),
    ) -> LayerFile<I> {
        assert!(name.name() == file_name(&entry));
        LayerFile {
            context: context.clone(),
            entry,
            number: context.cache.number_file(),
            slot: context.open_files.slot(),
            parts: OnceLock::new(),
            name: Some(name),
            is_kept: AtomicBool::new(false),
            drop_op: Op {
                job: Job::Drop,
                ..op
            },
        }
    }

    /// Keeps the file on drop. To be called when the layer is published.
    pub(crate) fn keep(&self) {
        let was_kept = self.is_kept.swap(true, Ordering::Relaxed);
        assert!(!was_kept, "a layer is published once");
    }

    /// Removes the file on drop. To be called once no index names it any more.
    pub(crate) fn remove_on_drop(&self) {
        let was_kept = self.is_kept.swap(false, Ordering::Relaxed);
        assert!(was_kept, "a layer leaves the map once");
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.context.dir.join(file_name(&self.entry).to_string())
    }

    /// The context that it shares with the other layers of its timeline.
    pub(crate) fn context(&self) -> &LayerContext<I> {
        &self.context
    }

    /// Its entry in the timeline's index.
    pub(crate) fn entry(&self) -> &IndexLayer {
        &self.entry
    }

    /// The number of the file in the block cache.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The `Corrupt` error for this file.
    pub(crate) fn corrupt(&self, cause: DecodeError) -> Error {
        cause.of_path(&self.path())
    }

    pub(crate) fn malformed(&self, what: &'static str, offset: u64, problem: &str) -> Error {
        self.corrupt(DecodeError::malformed(what, offset, problem))
    }

    fn failed(&self, step: &'static str, error: std::io::Error) -> Error {
        Error::Io(IoFailure::new(step, &self.path(), error))
    }

    /// Opens the file at the first call, checks it against its name, and returns where its index
    /// is.
    pub(crate) async fn root(&self, op: Op) -> Result<Root> {
        if let Some(parts) = self.parts.get() {
            return Ok(parts.root);
        }
        let parts = self.read_parts(op).await?;
        // Readers may race here. The first result stays, and all are equal.
        Ok(self.parts.get_or_init(|| parts).root)
    }

    /// The place of its index; `None` if the file was not opened yet.
    pub(crate) fn opened_root(&self) -> Option<Root> {
        self.parts.get().map(|parts| parts.root)
    }

    /// The open file. It may be closed for another one as soon as the caller drops it.
    async fn file(&self, op: Op) -> Result<Arc<I::File>> {
        if let Some(file) = self.slot.get() {
            return Ok(file);
        }
        let (io, path) = (&self.context.io, self.path());
        if self.parts.get().is_some() {
            io.probe("a layer's file is opened again");
        }
        let opened = self.context.open_files.retry(io, || io.open(op, &path));
        let file = opened.await.map_err(|error| self.failed("open", error))?;
        let closed = || io.probe("a layer's file is closed for another one");
        Ok(self.slot.fill(file, closed))
    }

    async fn read_parts(&self, op: Op) -> Result<Parts> {
        let file = self.file(op).await?;
        let block = self.fetch(&file, op, (0, BLOCK_LEN)).await?;
        let root = Root::read(self.entry.name, self.context.tenant, &block);
        let root = root.map_err(|error| self.corrupt(error))?;
        let section = self.section(&file, op, (&block, root)).await?;
        Ok(Parts { root, section })
    }

    /// Reads the checksum section, and checks it against the timeline's index and block 0.
    async fn section(
        &self,
        file: &I::File,
        op: Op,
        (block, root): (&[u8], Root),
    ) -> Result<Option<ChecksumSection>> {
        let marker = ChecksumMarker::decode(block).map_err(|error| self.corrupt(error))?;
        let start = root.block_count * BLOCK_LEN as u64;
        let Some(marker) = marker else {
            return match self.entry.checksum {
                None if start <= self.entry.len => Ok(None),
                None => Err(self.malformed("index", start, "ends behind the file")),
                Some(_) => Err(self.malformed("checksum marker", 0, "expected one, found none")),
            };
        };
        let len = ChecksumSection::encoded_len(marker.block_count);
        if u64::from(marker.block_count) != root.block_count || start + len != self.entry.len {
            return Err(self.malformed("checksum marker", 0, "does not fit the file's length"));
        }
        let len = usize::try_from(len).expect("a part of the file");
        let bytes = self.fetch(file, op, (start, len)).await?;
        let section = ChecksumSection::decode(&bytes, marker.block_count);
        let section = section.map_err(|error| self.corrupt(error.at(start)))?;
        let is_recorded = |checksum| checksum == section.own_checksum();
        if !self.entry.checksum.is_none_or(is_recorded) {
            return Err(self.malformed("checksum section", start, "is not the index's"));
        }
        section
            .verify_block(0, block)
            .map_err(|error| self.corrupt(error))?;
        Ok(Some(section))
    }

    async fn fetch(&self, file: &I::File, op: Op, (offset, len): (u64, usize)) -> Result<Vec<u8>> {
        let read = file.read_vec_at(op, offset, len).await;
        read.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.malformed("file", offset, "ends too early"),
            _ => self.failed("read", error),
        })
    }

    /// Reads the bytes from `start` to `end`, after [`LayerFile::root`]. The blocks around them are
    /// read whole and verified, each time, since a bit may flip between two reads. Of a peer's
    /// file, which has no checksums, only the bytes themselves are read.
    pub(crate) async fn span(&self, op: Op, start: u64, end: u64) -> Result<Bytes> {
        let (bytes, wanted) = self.blocks(op, start, end).await?;
        let whole = wanted == (0..bytes.len());
        let bytes = Bytes::from(bytes);
        Ok(match whole {
            true => bytes,
            false => bytes.slice(wanted),
        })
    }

    /// Reads like [`LayerFile::span`], and returns what was read, and where in it the bytes are.
    pub(super) async fn blocks(
        &self,
        op: Op,
        start: u64,
        end: u64,
    ) -> Result<(Vec<u8>, Range<usize>)> {
        let parts = self.parts.get().expect("the caller has called root()");
        let file = self.file(op).await?;
        let block_len = BLOCK_LEN as u64;
        let blocks = start / block_len..end.div_ceil(block_len);
        assert!(start <= end);
        assert!(blocks.end <= parts.root.block_count);
        let Some(section) = &parts.section else {
            let len = len_of(start, end);
            return Ok((self.fetch(&file, op, (start, len)).await?, 0..len));
        };
        let first = blocks.start * block_len;
        let len = len_of(first, blocks.end * block_len);
        let bytes = self.fetch(&file, op, (first, len)).await?;
        for (index, block) in blocks.zip(bytes.chunks_exact(BLOCK_LEN)) {
            let index = u32::try_from(index).expect("a block of the file");
            let verified = section.verify_block(index, block);
            verified.map_err(|error| self.corrupt(error))?;
        }
        Ok((bytes, len_of(first, start)..len_of(first, end)))
    }
}

impl<I: Io> Drop for LayerFile<I> {
    fn drop(&mut self) {
        if *self.is_kept.get_mut() {
            return;
        }
        let (path, name) = (self.path(), self.name.take().map(TakenName::for_removal));
        let (io, op) = (self.context.io.clone(), self.drop_op);
        self.context.io.spawn(op, async move {
            // If this fails, the next writer of the name replaces the file, or the next open
            // removes it.
            let _ = io.remove(op, &path).await;
            drop(name);
        });
    }
}

pub(crate) fn len_of(start: u64, end: u64) -> usize {
    usize::try_from(end - start).expect("a span of a file fits the address space")
}
