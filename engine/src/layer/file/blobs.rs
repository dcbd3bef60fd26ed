//! Reading the blobs of a layer's file: many at once, in few reads.

use bytes::Bytes;

use super::decoders::Decoders;
use super::index::BlobPlace;
use super::layer_file::{LayerFile, len_of};
use super::read_plan::plan_reads;
use crate::base::{DecodeError, Result};
use crate::format::{BLOB_LEN_MAX, BLOCK_LEN, BlobHeader};
use crate::io::{Io, Op};

/// The longest value that a blob may hold once it is decompressed, in bytes.
const VALUE_LEN_MAX: usize = BLOB_LEN_MAX;

/// The length that is read of a blob whose length is unknown, in bytes: all of most records.
const BLOB_HEAD_LEN: u64 = 512;

/// Extracts what the caller wants of a blob, from its header and all its bytes, header included.
type WantedBlob = fn(&Decoders, &BlobHeader, Bytes) -> Result<Bytes, DecodeError>;

/// Extracts the value of a blob.
fn value(decoders: &Decoders, header: &BlobHeader, blob: Bytes) -> Result<Bytes, DecodeError> {
    let stored = blob.slice(header.header_len..);
    if !header.is_compressed {
        return Ok(stored);
    }
    decoders.with(|decoder| {
        let value = decoder.decode(header, &stored, VALUE_LEN_MAX)?;
        Ok(Bytes::from(value.into_owned()))
    })
}

/// Extracts a blob as it is stored.
fn raw(_: &Decoders, _: &BlobHeader, blob: Bytes) -> Result<Bytes, DecodeError> {
    Ok(blob)
}

impl<I: Io> LayerFile<I> {
    /// Reads the values of blobs, in the order of `blobs`.
    ///
    /// # Shape
    /// No blob is listed twice. Blobs whose end is known share reads of up to `read_len_max` bytes.
    pub(crate) async fn read(
        &self,
        op: Op,
        blobs: &[BlobPlace],
        read_len_max: u64,
    ) -> Result<Vec<Bytes>> {
        self.read_as(op, blobs, read_len_max, value).await
    }

    /// Reads the value of one blob. Unless it is compressed, it is read into the returned buffer.
    pub(crate) async fn read_one(&self, op: Op, blob: BlobPlace) -> Result<Vec<u8>> {
        self.root(op).await?;
        let Some(end) = blob.end else {
            let bytes = self.read_alone(op, blob.offset).await?;
            return self.value_of(blob.offset, bytes).map(Vec::from);
        };
        self.check_places(&[(blob.offset, end, 0)])?;
        let (mut bytes, place) = self.blocks(op, blob.offset, end).await?;
        let header = BlobHeader::decode(&bytes[place.clone()]);
        let header = header.map_err(|error| self.corrupt(error.at(blob.offset)))?;
        if place.len() < header.blob_len() {
            return Err(self.malformed("blob", blob.offset, "ends behind the next one's start"));
        }
        bytes.truncate(place.start + header.blob_len());
        if header.is_compressed {
            let stored = &bytes[place.start + header.header_len..];
            let decoders = &self.context().decoders;
            let value = decoders.with(|decoder| {
                let value = decoder.decode(&header, stored, VALUE_LEN_MAX)?;
                Ok(value.into_owned())
            });
            return value.map_err(|error: DecodeError| self.corrupt(error.at(blob.offset)));
        }
        bytes.drain(..place.start + header.header_len);
        Ok(bytes)
    }

    /// Reads blobs as they are stored, headers included; otherwise like [`LayerFile::read`].
    pub(crate) async fn read_raw(
        &self,
        op: Op,
        blobs: &[BlobPlace],
        read_len_max: u64,
    ) -> Result<Vec<Bytes>> {
        self.read_as(op, blobs, read_len_max, raw).await
    }

    /// The value of the blob at `offset`, all of which is in `bytes`, header included.
    pub(crate) fn value_of(&self, offset: u64, bytes: Bytes) -> Result<Bytes> {
        self.take_blob(offset, bytes, value)
    }

    async fn read_as(
        &self,
        op: Op,
        blobs: &[BlobPlace],
        read_len_max: u64,
        wanted: WantedBlob,
    ) -> Result<Vec<Bytes>> {
        if blobs.is_empty() {
            return Ok(Vec::new());
        }
        self.root(op).await?;
        let mut found = vec![Bytes::new(); blobs.len()];
        let mut places = Vec::with_capacity(blobs.len());
        for (index, blob) in blobs.iter().enumerate() {
            match blob.end {
                Some(end) => places.push((blob.offset, end, index)),
                None => {
                    let alone = self.read_alone(op, blob.offset).await?;
                    found[index] = self.take_blob(blob.offset, alone, wanted)?;
                }
            }
        }
        places.sort_unstable();
        self.check_places(&places)?;
        let spans: Vec<(u64, u64)> = places.iter().map(|&(start, end, _)| (start, end)).collect();
        for read in plan_reads(&spans, read_len_max) {
            let bytes = self.span(op, read.start, read.end).await?;
            for &(offset, end, index) in &places[read.blobs] {
                let bytes = bytes.slice(len_of(read.start, offset)..len_of(read.start, end));
                found[index] = self.take_blob(offset, bytes, wanted)?;
            }
        }
        Ok(found)
    }

    /// Refuses places outside of the blobs: the index of a file without checksums may be damaged.
    fn check_places(&self, places: &[(u64, u64, usize)]) -> Result<()> {
        let mut floor = BLOCK_LEN as u64;
        for &(offset, end, _) in places {
            if offset < floor || end <= offset || self.blobs_end() < end {
                return Err(self.malformed("blob", offset, "stands where none can"));
            }
            floor = end;
        }
        Ok(())
    }

    fn blobs_end(&self) -> u64 {
        let root = self.opened_root().expect("the caller has called root()");
        root.start()
    }

    /// Extracts what the caller wants of the blob at `offset`, all of which is in `bytes`.
    fn take_blob(&self, offset: u64, bytes: Bytes, wanted: WantedBlob) -> Result<Bytes> {
        let corrupt = |error: DecodeError| self.corrupt(error.at(offset));
        let header = BlobHeader::decode(&bytes).map_err(corrupt)?;
        match header.blob_len() <= bytes.len() {
            true => {
                let blob = bytes.slice(..header.blob_len());
                wanted(&self.context().decoders, &header, blob).map_err(corrupt)
            }
            false => Err(self.malformed("blob", offset, "ends behind the next one's start")),
        }
    }

    /// Reads all of a blob whose end is unknown, and perhaps more.
    async fn read_alone(&self, op: Op, offset: u64) -> Result<Bytes> {
        let end = self.blobs_end();
        if offset < BLOCK_LEN as u64 || end <= offset {
            return Err(self.malformed("blob", offset, "stands outside of the blobs"));
        }
        let head_end = end.min(offset + BLOB_HEAD_LEN);
        let bytes = self.span(op, offset, head_end).await?;
        let header = BlobHeader::decode(&bytes);
        let header = header.map_err(|error| self.corrupt(error.at(offset)))?;
        let blob_end = offset + header.blob_len() as u64;
        if end < blob_end {
            return Err(self.malformed("blob", offset, "ends behind the blobs"));
        }
        if head_end < blob_end {
            let io = &self.context().io;
            io.probe("a value is longer than what is read of it at first");
            return self.span(op, offset, blob_end).await;
        }
        Ok(bytes)
    }
}
