//! A layer's file as it is read: blocks, each checked against its checksum at its first read.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::{DecodeError, Error, FileName, IoFailure, Result};
use crate::format::{
    BLOB_LEN_MAX, BLOCK_LEN, BlobHeader, ChecksumMarker, ChecksumSection, IndexLayer, decode_blob,
};
use crate::io::{File, Io, Op};

/// The longest value that a blob may hold once it is decompressed, in bytes.
const VALUE_LEN_MAX: usize = BLOB_LEN_MAX;

/// How much of a blob is read before its length is known, in bytes: all of most records.
const BLOB_HEAD_LEN: u64 = 512;

/// A layer's file. It is opened at its first read and stays open.
pub(crate) struct LayerFile<I: Io> {
    io: I,
    dir: PathBuf,
    entry: IndexLayer,
    opened: OnceLock<Opened<I>>,
}

/// What a first look at the file's two ends told.
struct Opened<I: Io> {
    file: I::File,
    root: Root,
    /// The checksum of each block; nothing for a peer's file without any.
    section: Option<ChecksumSection>,
    /// A bit for each block whose checksum was found right.
    verified: Vec<AtomicU64>,
}

/// Where the index of a layer file stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    /// Its first block.
    pub(crate) start_block: u32,
    /// Its root, counted from its first block.
    pub(crate) root_block: u32,
    /// The number of blocks of the file, checksum section apart.
    pub(crate) block_count: u64,
}

impl<I: Io> LayerFile<I> {
    /// The file of `entry` in `dir`; nothing is read yet.
    pub(crate) fn new(io: I, dir: &Path, entry: IndexLayer) -> LayerFile<I> {
        LayerFile {
            io,
            dir: dir.to_path_buf(),
            entry,
            opened: OnceLock::new(),
        }
    }

    fn path(&self) -> PathBuf {
        let name = FileName::Layer {
            name: self.entry.name,
            generation: self.entry.generation,
        };
        self.dir.join(name.to_string())
    }

    /// The seam that it is read through.
    pub(crate) fn io(&self) -> &I {
        &self.io
    }

    /// What the index says of it.
    pub(crate) fn entry(&self) -> &IndexLayer {
        &self.entry
    }

    /// The file as errors name it.
    pub(crate) fn corrupt(&self, cause: DecodeError) -> Error {
        cause.of_path(&self.path())
    }

    fn failed(&self, step: &'static str, error: std::io::Error) -> Error {
        Error::Io(IoFailure::new(step, &self.path(), error))
    }

    /// Opens the file, if that was not done, and says where its index is. `summary` reads block 0
    /// and holds it against the layer's name.
    pub(crate) async fn root(
        &self,
        op: Op,
        summary: impl Fn(&[u8]) -> Result<Root, DecodeError> + Send,
    ) -> Result<Root> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.root);
        }
        let opened = self.open(op, summary).await?;
        // Readers may race here: the first one's stays, and they are equal.
        Ok(self.opened.get_or_init(|| opened).root)
    }

    async fn open(
        &self,
        op: Op,
        summary: impl Fn(&[u8]) -> Result<Root, DecodeError> + Send,
    ) -> Result<Opened<I>> {
        let opened = self.io.open(op, &self.path()).await;
        let file = opened.map_err(|error| self.failed("open", error))?;
        let mut block = vec![0; BLOCK_LEN];
        self.fill(&file, op, 0, &mut block).await?;
        let root = summary(&block).map_err(|error| self.corrupt(error))?;
        let section = self.section(&file, op, (&block, root)).await?;
        let words = usize::try_from(root.block_count.div_ceil(64)).expect("as many as in the file");
        Ok(Opened {
            file,
            root,
            section,
            verified: (0..words).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// The checksum section, held against the index's record of it and against block 0.
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
        let mut bytes = vec![0; len];
        self.fill(file, op, start, &mut bytes).await?;
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

    fn malformed(&self, what: &'static str, offset: u64, problem: &str) -> Error {
        self.corrupt(DecodeError::malformed(what, offset, problem))
    }

    async fn fill(&self, file: &I::File, op: Op, offset: u64, buf: &mut [u8]) -> Result<()> {
        let read = file.read_exact_at(op, offset, buf).await;
        read.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.malformed("file", offset, "ends too early"),
            _ => self.failed("read", error),
        })
    }

    fn opened(&self) -> &Opened<I> {
        self.opened.get().expect("root() was asked for before")
    }

    /// Reads one block, verified. `root` was asked for before.
    pub(crate) async fn block(&self, op: Op, index: u64) -> Result<Vec<u8>> {
        let start = index * BLOCK_LEN as u64;
        self.span(op, start, start + BLOCK_LEN as u64).await
    }

    /// Reads the bytes from `start` to `end`. As long as one of the blocks that they stand in was
    /// not verified, all these are read whole, and verified.
    async fn span(&self, op: Op, start: u64, end: u64) -> Result<Vec<u8>> {
        let opened = self.opened();
        let block_len = BLOCK_LEN as u64;
        let blocks = start / block_len..end.div_ceil(block_len);
        assert!(start <= end);
        assert!(blocks.end <= opened.root.block_count);
        if blocks.clone().all(|index| opened.is_verified(index)) {
            let mut bytes = vec![0; len_of(start, end)];
            self.fill(&opened.file, op, start, &mut bytes).await?;
            return Ok(bytes);
        }
        let first = blocks.start * block_len;
        let mut bytes = vec![0; len_of(first, blocks.end * block_len)];
        self.fill(&opened.file, op, first, &mut bytes).await?;
        for (index, block) in blocks.zip(bytes.chunks_exact(BLOCK_LEN)) {
            let verified = opened.verify(index, block);
            verified.map_err(|error| self.corrupt(error))?;
        }
        bytes.truncate(len_of(first, end));
        bytes.drain(..len_of(first, start));
        Ok(bytes)
    }

    /// Reads the blob at `offset`, decompressed.
    pub(crate) async fn blob(&self, op: Op, offset: u64) -> Result<Vec<u8>> {
        let root = self.opened().root;
        let end = u64::from(root.start_block) * BLOCK_LEN as u64;
        if offset < BLOCK_LEN as u64 || end <= offset {
            return Err(self.malformed("blob", offset, "stands outside of the blobs"));
        }
        let head_end = end.min(offset + BLOB_HEAD_LEN);
        let mut bytes = self.span(op, offset, head_end).await?;
        let header = BlobHeader::decode(&bytes);
        let header = header.map_err(|error| self.corrupt(error.at(offset)))?;
        let blob_end = offset + header.blob_len() as u64;
        if end < blob_end {
            return Err(self.malformed("blob", offset, "ends behind the blobs"));
        }
        if head_end < blob_end {
            self.io
                .reached("a value is longer than what is read of it at first");
            bytes.extend(self.span(op, head_end, blob_end).await?);
        }
        let stored = &bytes[header.header_len..header.blob_len()];
        let blob = decode_blob(&header, stored, VALUE_LEN_MAX);
        let blob = blob.map_err(|error| self.corrupt(error.at(offset)))?;
        Ok(blob.into_owned())
    }
}

fn len_of(start: u64, end: u64) -> usize {
    usize::try_from(end - start).expect("a part of a file that memory is there for")
}

impl<I: Io> Opened<I> {
    /// Whether there is nothing to verify in a block any more, or nothing to verify it by.
    fn is_verified(&self, index: u64) -> bool {
        let word = self.verified[(index / 64) as usize].load(Ordering::Relaxed);
        self.section.is_none() || word & (1 << (index % 64)) != 0
    }

    fn verify(&self, index: u64, block: &[u8]) -> Result<(), DecodeError> {
        if let Some(section) = &self.section {
            let block_index = u32::try_from(index).expect("a block of the file");
            section.verify_block(block_index, block)?;
        }
        self.verified[(index / 64) as usize].fetch_or(1 << (index % 64), Ordering::Relaxed);
        Ok(())
    }
}
