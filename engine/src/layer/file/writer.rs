//! Writing a layer's file: blobs, then the index, then the checksums, then block 0.

use super::context::LayerContext;
use super::layer_file::LayerFile;
use crate::base::{Error, FileName, IoFailure, LayerName, Result};
use crate::format::{BLOCK_LEN, ChecksumMarker, ChecksumSection, IndexLayer, Tree};
use crate::io::{File, Io, Op, Scratch};

/// The length of the write buffer, in bytes.
const BUFFER_LEN: usize = 64 * 1024;

/// The longest layer file, in bytes: the limit of object stores for an object that is uploaded in
/// one part.
pub(crate) const FILE_LEN_MAX: u64 = 4_500_000_000;

/// Writes a layer's file under a scratch name. Dropping the writer removes the file.
pub(crate) struct FileWriter<I: Io> {
    context: LayerContext<I>,
    op: Op,
    scratch: Scratch<I>,
    /// The length that was written to the file, block 0 included: whole blocks, in bytes.
    written: u64,
    /// The bytes that follow `written`.
    buffer: Vec<u8>,
    section: ChecksumSection,
}

impl<I: Io> FileWriter<I> {
    pub(crate) async fn create(
        context: &LayerContext<I>,
        op: Op,
        temp: FileName,
    ) -> Result<FileWriter<I>> {
        let path = context.dir.join(temp.to_string());
        let create = || Scratch::create(&context.io, op, path.clone());
        let scratch = context.open_files.retry(&context.io, create).await;
        let failed = |error| Error::Io(IoFailure::new("create", &path, error));
        let mut section = ChecksumSection::new();
        // Block 0 is written last; its checksum is set then.
        section.push_block(&[0; BLOCK_LEN]);
        Ok(FileWriter {
            context: context.clone(),
            op,
            scratch: scratch.map_err(failed)?,
            written: BLOCK_LEN as u64,
            buffer: Vec::with_capacity(BUFFER_LEN),
            section,
        })
    }

    /// The context of the new layer.
    pub(crate) fn context(&self) -> &LayerContext<I> {
        &self.context
    }

    fn failed(&self, step: &'static str, error: std::io::Error) -> Error {
        Error::Io(IoFailure::new(step, self.scratch.path(), error))
    }

    /// The offset of the next byte, from the start of the file.
    pub(crate) fn offset(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// The buffer to append bytes to. Call [`FileWriter::drain`] afterwards.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Skips `len` bytes, which stay a hole in the file.
    #[cfg(test)]
    pub(crate) fn skip_to(&mut self, offset: u64) {
        assert!(self.buffer.is_empty());
        assert!(offset.is_multiple_of(BLOCK_LEN as u64));
        self.written = offset;
    }

    /// Writes the whole blocks of the buffer, once it is long enough.
    pub(crate) async fn drain(&mut self) -> Result<()> {
        if BUFFER_LEN <= self.buffer.len() {
            self.write_blocks().await?;
        }
        Ok(())
    }

    async fn write_blocks(&mut self) -> Result<()> {
        let len = self.buffer.len() / BLOCK_LEN * BLOCK_LEN;
        let end = self.written + len as u64;
        let block_count = u32::try_from(end / BLOCK_LEN as u64);
        let section_len = block_count.map(ChecksumSection::encoded_len);
        if !section_len.is_ok_and(|section_len| end + section_len <= FILE_LEN_MAX) {
            let why = format!("a layer file would be longer than {FILE_LEN_MAX} bytes");
            return Err(Error::Refused { why });
        }
        let (offset, blocks) = (self.written, &self.buffer[..len]);
        let written = self
            .scratch
            .file()
            .write_all_at(self.op, offset, blocks)
            .await;
        written.map_err(|error| self.failed("write", error))?;
        for block in self.buffer[..len].chunks_exact(BLOCK_LEN) {
            self.section.push_block(block);
        }
        self.buffer.drain(..len);
        self.written += len as u64;
        Ok(())
    }

    /// Pads the last block of blobs and returns the first block of the index.
    pub(crate) fn end_blobs(&mut self) -> u32 {
        let end = self.offset().next_multiple_of(BLOCK_LEN as u64);
        self.buffer.resize((end - self.written) as usize, 0);
        u32::try_from(end / BLOCK_LEN as u64).expect("the file's length is bounded")
    }

    /// Writes the index, the checksums and block 0, and gives the file its lasting name.
    ///
    /// The file's bytes are durable then; its name is durable when the directory is synced. If the
    /// result is dropped before it is kept, it removes the file.
    pub(crate) async fn finish(
        mut self,
        tree: &Tree,
        summary: &[u8],
        name: LayerName,
    ) -> Result<LayerFile<I>> {
        self.buffer.extend_from_slice(&tree.blocks);
        self.write_blocks().await?;
        assert!(self.buffer.is_empty());
        let mut block = vec![0; BLOCK_LEN];
        block[..summary.len()].copy_from_slice(summary);
        let block_count = self.section.block_count();
        ChecksumMarker { block_count }.encode(&mut block);
        self.section.replace_block(0, &block);
        let section = self.section.encode();
        let file = self.scratch.file();
        for (offset, bytes) in [(self.written, &section), (0, &block)] {
            let written = file.write_all_at(self.op, offset, bytes).await;
            written.map_err(|error| self.failed("write", error))?;
        }
        let synced = file.sync(self.op).await;
        synced
            .map_err(|error| Error::Latched(IoFailure::new("sync", self.scratch.path(), error)))?;
        let entry = IndexLayer {
            name,
            generation: self.context.generation,
            len: self.written + section.len() as u64,
            checksum: Some(self.section.own_checksum()),
        };
        self.rename(entry).await
    }

    /// Gives the file its lasting name, once neither a layer nor a removal has it. If a file of
    /// that name exists all the same, a removal of it has failed.
    async fn rename(mut self, entry: IndexLayer) -> Result<LayerFile<I>> {
        let name = FileName::Layer {
            name: entry.name,
            generation: entry.generation,
        };
        let names = &self.context.names;
        let taken = match names.try_take(name) {
            Some(taken) => taken,
            None => {
                let io = &self.context.io;
                io.probe("a finished file waits for its name until another's removal has ended");
                names.take(name).await
            }
        };
        // Made before the file has the name: if this is cancelled in between, the file is removed
        // under either name.
        let layer = LayerFile::temporary(&self.context, self.op, (entry, taken));
        let path = layer.path();
        let failed = |step, error| Error::Io(IoFailure::new(step, &path, error));
        match self.scratch.rename(&path).await {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let io = &self.context.io;
                io.probe("a job finds what its like left when it was given up");
                let removed = io.remove(self.op, &path).await;
                removed.map_err(|error| failed("remove", error))?;
                let renamed = self.scratch.rename(&path).await;
                renamed.map_err(|error| failed("rename", error))?;
            }
            renamed => renamed.map_err(|error| failed("rename", error))?,
        }
        Ok(layer)
    }
}
