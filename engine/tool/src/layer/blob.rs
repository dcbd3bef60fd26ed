//! What an entry of a layer's index points to.

use palimpsest::format::{BLOCK_LEN, BlobHeader, Value, decode_blob};

use super::entries::Entry;
use super::reader::LayerReader;
use crate::bytes::Bytes;
use crate::fault::Fault;

/// The longest header of a blob, in bytes.
const HEADER_LEN_MAX: u64 = 4;

/// The longest value that a blob may hold once it is decompressed, in bytes.
const VALUE_LEN_MAX: usize = 0x0FFF_FFFF;

impl<B: Bytes> LayerReader<B> {
    /// Reads the header of an entry's blob.
    ///
    /// # Errors
    /// If it stands where none can, or reaches into what is behind it.
    pub fn header(&mut self, entry: &Entry) -> Result<BlobHeader, Fault> {
        let Entry { offset, end, .. } = *entry;
        let malformed = |problem: &str| Err(Fault::malformed("blob", offset, problem));
        if offset < BLOCK_LEN as u64 || self.index_start() <= offset {
            return malformed("expected it between block 0 and the index");
        }
        if end <= offset {
            return malformed("expected it in front of the next one");
        }
        let len = HEADER_LEN_MAX.min(end - offset) as usize;
        let bytes = self.part(offset, len)?;
        let header = BlobHeader::decode(&bytes).map_err(|error| error.at(offset))?;
        match header.blob_len() as u64 <= end - offset {
            true => Ok(header),
            false if end < self.index_start() => malformed("it reaches into the next one"),
            false => malformed("it reaches into the index"),
        }
    }

    /// Reads the bytes of an entry's blob as they are stored, behind this header.
    ///
    /// # Errors
    /// Those of the device.
    pub fn stored(&mut self, entry: &Entry, header: &BlobHeader) -> Result<Vec<u8>, Fault> {
        let start = entry.offset + header.header_len as u64;
        self.part(start, header.stored_len)
    }

    /// Decodes the bytes of an entry's blob: of an image layer the value, of a delta its encoding.
    ///
    /// # Errors
    /// If they are compressed and no frame, or compressed in a delta.
    pub fn content(
        &self,
        entry: &Entry,
        header: &BlobHeader,
        stored: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        if !header.is_compressed {
            return Ok(stored);
        }
        if entry.will_init.is_some() {
            let problem = "expected a plain blob, found a frame";
            return Err(Fault::malformed("delta value", entry.offset, problem));
        }
        let content = decode_blob(header, &stored, VALUE_LEN_MAX);
        let content = content.map_err(|error| error.at(entry.offset))?;
        Ok(content.into_owned())
    }
}

impl Entry {
    /// Decodes the value of a delta's entry, and checks it against the index.
    ///
    /// # Errors
    /// If the bytes are no value, or if the index is wrong about `will_init`.
    pub fn decode(&self, content: &[u8]) -> Result<Value, Fault> {
        let value = Value::decode(content).map_err(|error| error.at(self.offset))?;
        match self.will_init {
            Some(will_init) if will_init != value.will_init() => {
                let problem = format!("expected will_init {will_init} as in the index");
                Err(Fault::malformed("delta value", self.offset, problem))
            }
            _ => Ok(value),
        }
    }
}
