//! Block 0 of a layer file: what the file is, and where its index stands.
//!
//! ```text
//! image                                    delta
//! offset  size  field                      offset  size  field
//!      0     2  magic         0x5A60            0     2  magic         0x5A61
//!      2     2  version       3                 2     2  version       3
//!      4    16  tenant                          4    16  tenant
//!     20    16  timeline                       20    16  timeline
//!     36    18  key start                      36    18  key start
//!     54    18  key end                        54    18  key end
//!     72     8  lsn                            72     8  lsn start
//!                                              80     8  lsn end
//!     80     4  index_start_block              88     4  index_start_block
//!     84     4  index_root_block               92     4  index_root_block
//! ```
//!
//! The root is counted from the index's start. Zeros fill the block, but for the checksum marker.

use super::take::Take;
use crate::base::{DecodeError, KeyRange, Lsn, LsnRange, TenantId, TimelineId};

const IMAGE_MAGIC: u16 = 0x5A60;
const DELTA_MAGIC: u16 = 0x5A61;
const VERSION: u16 = 3;

/// The summary of an image layer.
///
/// # Shape
/// The timeline is the one that the file was written for. The file may since belong to another
/// timeline, for example a branch: so readers do not compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// The tenant that the file belongs to.
    pub tenant: TenantId,
    /// The timeline that the file was written for.
    pub timeline: TimelineId,
    /// The keys that it covers.
    pub keys: KeyRange,
    /// The LSN of its values.
    pub lsn: Lsn,
    /// The first block of the index.
    pub index_start_block: u32,
    /// The root of the index, counted from its first block.
    pub index_root_block: u32,
}

/// The summary of a delta layer. As in an `ImageSummary`, readers do not compare the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaSummary {
    /// The tenant that the file belongs to.
    pub tenant: TenantId,
    /// The timeline that the file was written for.
    pub timeline: TimelineId,
    /// The keys that it covers.
    pub keys: KeyRange,
    /// The LSNs that it covers.
    pub lsns: LsnRange,
    /// The first block of the index.
    pub index_start_block: u32,
    /// The root of the index, counted from its first block.
    pub index_root_block: u32,
}

impl ImageSummary {
    /// The length of its bytes.
    pub const LEN: usize = 88;

    /// Encodes the bytes that block 0 starts with.
    pub fn encode(&self) -> [u8; ImageSummary::LEN] {
        assert!(!self.keys.is_empty());
        assert!(0 < self.index_start_block);
        let mut out = Vec::with_capacity(ImageSummary::LEN);
        put_head(&mut out, IMAGE_MAGIC, (self.tenant, self.timeline));
        put_keys(&mut out, self.keys);
        out.extend_from_slice(&self.lsn.0.to_be_bytes());
        out.extend_from_slice(&self.index_start_block.to_be_bytes());
        out.extend_from_slice(&self.index_root_block.to_be_bytes());
        out.try_into().expect("the fields make up LEN")
    }

    /// Reads the summary that `block` starts with.
    ///
    /// # Errors
    /// If it is no image layer's. `Unsupported` if it is one of a later format.
    pub fn decode(block: &[u8]) -> Result<ImageSummary, DecodeError> {
        let mut take = Take::new(block);
        let (tenant, timeline) = take_head(&mut take, IMAGE_MAGIC, "image layer")?;
        let keys = take.take_keys("key range")?;
        let lsn = take.take_lsn("lsn")?;
        Ok(ImageSummary {
            tenant,
            timeline,
            keys,
            lsn,
            index_start_block: take_index_start_block(&mut take)?,
            index_root_block: take.take_u32("index root block")?,
        })
    }

    /// The number of blocks up to and with the root: behind them starts the checksum section.
    pub fn block_count(&self) -> u64 {
        block_count(self.index_start_block, self.index_root_block)
    }
}

impl DeltaSummary {
    /// The length of its bytes.
    pub const LEN: usize = 96;

    /// Whether `block` starts as that of a delta layer, of any version.
    pub fn has_magic(block: &[u8]) -> bool {
        block.starts_with(&DELTA_MAGIC.to_be_bytes())
    }

    /// Encodes the bytes that block 0 starts with.
    pub fn encode(&self) -> [u8; DeltaSummary::LEN] {
        assert!(!self.keys.is_empty());
        assert!(!self.lsns.is_empty());
        assert!(0 < self.index_start_block);
        let mut out = Vec::with_capacity(DeltaSummary::LEN);
        put_head(&mut out, DELTA_MAGIC, (self.tenant, self.timeline));
        put_keys(&mut out, self.keys);
        out.extend_from_slice(&self.lsns.start.0.to_be_bytes());
        out.extend_from_slice(&self.lsns.end.0.to_be_bytes());
        out.extend_from_slice(&self.index_start_block.to_be_bytes());
        out.extend_from_slice(&self.index_root_block.to_be_bytes());
        out.try_into().expect("the fields make up LEN")
    }

    /// Reads the summary that `block` starts with.
    ///
    /// # Errors
    /// If it is no delta layer's. `Unsupported` if it is one of a later format.
    pub fn decode(block: &[u8]) -> Result<DeltaSummary, DecodeError> {
        let mut take = Take::new(block);
        let (tenant, timeline) = take_head(&mut take, DELTA_MAGIC, "delta layer")?;
        let keys = take.take_keys("key range")?;
        let lsns = take.take_lsns("lsn range")?;
        Ok(DeltaSummary {
            tenant,
            timeline,
            keys,
            lsns,
            index_start_block: take_index_start_block(&mut take)?,
            index_root_block: take.take_u32("index root block")?,
        })
    }

    /// The number of blocks up to and with the root: behind them starts the checksum section.
    pub fn block_count(&self) -> u64 {
        block_count(self.index_start_block, self.index_root_block)
    }
}

fn block_count(index_start_block: u32, index_root_block: u32) -> u64 {
    u64::from(index_start_block) + u64::from(index_root_block) + 1
}

fn put_head(out: &mut Vec<u8>, magic: u16, (tenant, timeline): (TenantId, TimelineId)) {
    out.extend_from_slice(&magic.to_be_bytes());
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&tenant.0);
    out.extend_from_slice(&timeline.0);
}

fn put_keys(out: &mut Vec<u8>, keys: KeyRange) {
    out.extend_from_slice(&keys.start.to_bytes());
    out.extend_from_slice(&keys.end.to_bytes());
}

fn take_head(
    take: &mut Take<'_>,
    magic: u16,
    what: &'static str,
) -> Result<(TenantId, TimelineId), DecodeError> {
    let found = take.take_u16("magic")?;
    if found != magic {
        let problem = format!("expected {magic:#06x} ({what}), found {found:#06x}");
        return Err(DecodeError::malformed("magic", 0, problem));
    }
    let version = take.take_u16("version")?;
    if VERSION < version {
        return Err(DecodeError::Unsupported {
            what,
            found: u64::from(version),
            newest: u64::from(VERSION),
        });
    }
    if version < VERSION {
        let problem = format!("expected {VERSION}, found {version}");
        return Err(DecodeError::malformed("version", 2, problem));
    }
    let tenant = take.take_array("tenant").map(TenantId)?;
    let timeline = take.take_array("timeline").map(TimelineId)?;
    Ok((tenant, timeline))
}

/// Reads the index's first block, which is 1 at least: block 0 is the summary.
fn take_index_start_block(take: &mut Take<'_>) -> Result<u32, DecodeError> {
    let what = "index start block";
    let start = take.offset();
    match take.take_u32(what)? {
        0 => Err(DecodeError::malformed(
            what,
            start,
            "expected 1 or more, found 0",
        )),
        block => Ok(block),
    }
}

#[cfg(test)]
mod tests;
