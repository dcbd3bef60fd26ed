//! Checksums of a layer file: the peer's format has none, so ours stand where it does not read.
//!
//! ```text
//! offset  size  field
//!   8180     8  magic        "PalimCRC": the marker, in the unused end of block 0
//!   8188     4  block_count  up to and with the root of the index, which is the last block
//!
//!      0     4  crc32c of block 0, marker included: the section, right behind the root
//!      4     4  crc32c of block 1, and so on
//!     4n     4  crc32c of the 4n bytes before; the index of the timeline records it too
//! ```
//!
//! A file without a marker has zeros in its place.

use super::BLOCK_LEN;
use super::summary::{DeltaSummary, ImageSummary};
use super::take::Take;
use crate::base::DecodeError;

const MARKER_MAGIC: [u8; 8] = *b"PalimCRC";
const MARKER_LEN: usize = 12;
const MARKER_OFFSET: usize = BLOCK_LEN - MARKER_LEN;
const CHECKSUM_LEN: usize = 4;

const _: () = assert!(ImageSummary::LEN <= MARKER_OFFSET);
const _: () = assert!(DeltaSummary::LEN <= MARKER_OFFSET);

/// The entry in block 0 that says that there is a checksum section, and behind how many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumMarker {
    /// The number of blocks that have a checksum, which are all in front of the section.
    pub block_count: u32,
}

impl ChecksumMarker {
    /// Writes the marker into the unused end of block 0.
    pub fn encode(&self, block: &mut [u8]) {
        assert!(block.len() == BLOCK_LEN);
        assert!(block[MARKER_OFFSET..].iter().all(|byte| *byte == 0));
        let (magic, count) = block[MARKER_OFFSET..].split_at_mut(MARKER_MAGIC.len());
        magic.copy_from_slice(&MARKER_MAGIC);
        count.copy_from_slice(&self.block_count.to_be_bytes());
    }

    /// Reads the marker in block 0; `None` for a peer's file, which has none.
    ///
    /// # Errors
    /// If there is neither a marker nor zeros.
    pub fn decode(block: &[u8]) -> Result<Option<ChecksumMarker>, DecodeError> {
        const WHAT: &str = "checksum marker";
        let mut take = Take::new(block);
        take.take_bytes(MARKER_OFFSET, WHAT)?;
        let magic = take.take_array::<8>(WHAT)?;
        let block_count = take.take_u32(WHAT)?;
        take.finish(WHAT)?;
        match (magic, block_count) {
            (MARKER_MAGIC, _) => Ok(Some(ChecksumMarker { block_count })),
            ([0, 0, 0, 0, 0, 0, 0, 0], 0) => Ok(None),
            _ => {
                let problem = format!("expected {MARKER_MAGIC:02x?} or zeros, found {magic:02x?}");
                Err(DecodeError::malformed(WHAT, MARKER_OFFSET as u64, problem))
            }
        }
    }
}

/// One checksum for each block of a layer file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ChecksumSection {
    checksums: Vec<u32>,
}

impl ChecksumSection {
    /// The section of a file without a block.
    pub fn new() -> ChecksumSection {
        ChecksumSection::default()
    }

    /// The length of the encoded section of a file of `block_count` blocks, in bytes.
    pub fn encoded_len(block_count: u32) -> u64 {
        (u64::from(block_count) + 1) * CHECKSUM_LEN as u64
    }

    /// The number of blocks that it knows.
    pub fn block_count(&self) -> u32 {
        u32::try_from(self.checksums.len()).expect("push_block keeps the count in bounds")
    }

    /// Adds the next block of the file.
    pub fn push_block(&mut self, block: &[u8]) {
        assert!(block.len() == BLOCK_LEN);
        assert!(self.checksums.len() < u32::MAX as usize);
        self.checksums.push(crc32c::crc32c(block));
    }

    /// Replaces the checksum of block `block_index` by that of `block`.
    ///
    /// A writer knows block 0 only when all others are written: it adds zeros first.
    pub fn replace_block(&mut self, block_index: u32, block: &[u8]) {
        assert!(block.len() == BLOCK_LEN);
        assert!(block_index < self.block_count());
        self.checksums[block_index as usize] = crc32c::crc32c(block);
    }

    /// The bytes that stand behind the root.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_checksums();
        out.extend_from_slice(&self.own_checksum().to_be_bytes());
        assert!(out.len() as u64 == ChecksumSection::encoded_len(self.block_count()));
        out
    }

    /// Reads the section of a file of `block_count` blocks, which is all of `bytes`.
    ///
    /// # Errors
    /// If the length or the section's own checksum is not the expected one.
    pub fn decode(bytes: &[u8], block_count: u32) -> Result<ChecksumSection, DecodeError> {
        const WHAT: &str = "checksum section";
        let expected = ChecksumSection::encoded_len(block_count);
        if bytes.len() as u64 != expected {
            let problem = format!("expected {expected} bytes, found {}", bytes.len());
            return Err(DecodeError::malformed(WHAT, 0, problem));
        }
        let (checksums, own) = bytes.split_at(bytes.len() - CHECKSUM_LEN);
        check(WHAT, 0, checksums, Take::new(own).take_u32(WHAT)?)?;
        let mut take = Take::new(checksums);
        let checksums = (0..block_count)
            .map(|_| take.take_u32(WHAT))
            .collect::<Result<_, _>>()?;
        Ok(ChecksumSection { checksums })
    }

    /// Checks that `block` is what was written as block `block_index`.
    ///
    /// # Errors
    /// If it is not, or if the file had no such block. The offset is that of the block in the file.
    pub fn verify_block(&self, block_index: u32, block: &[u8]) -> Result<(), DecodeError> {
        let offset = u64::from(block_index) * BLOCK_LEN as u64;
        match self.checksums.get(block_index as usize) {
            Some(checksum) => check("block", offset, block, *checksum),
            None => {
                let count = self.checksums.len();
                let problem = format!("expected one of {count} blocks, found {block_index}");
                Err(DecodeError::malformed("block", offset, problem))
            }
        }
    }

    /// The checksum of the section, by which the timeline's index tells the file from others of its
    /// name.
    pub fn own_checksum(&self) -> u32 {
        crc32c::crc32c(&self.encode_checksums())
    }

    fn encode_checksums(&self) -> Vec<u8> {
        self.checksums
            .iter()
            .flat_map(|checksum| checksum.to_be_bytes())
            .collect()
    }
}

fn check(what: &'static str, offset: u64, bytes: &[u8], expected: u32) -> Result<(), DecodeError> {
    let found = crc32c::crc32c(bytes);
    if found != expected {
        let problem = format!("expected checksum {expected:08x}, found {found:08x}");
        return Err(DecodeError::malformed(what, offset, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
