//! Block 0 of a layer's file of either kind.

use palimpsest::base::{DecodeError, LayerName};
use palimpsest::format::{DeltaSummary, ImageSummary};
use palimpsest::{TenantId, TimelineId};

/// The summary of a layer's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// Of a delta layer.
    Delta(DeltaSummary),
    /// Of an image layer.
    Image(ImageSummary),
}

impl Summary {
    /// Reads the summary that `block` starts with.
    ///
    /// # Errors
    /// If it is no layer's.
    pub fn decode(block: &[u8]) -> Result<Summary, DecodeError> {
        match DeltaSummary::has_magic(block) {
            true => DeltaSummary::decode(block).map(Summary::Delta),
            false => ImageSummary::decode(block).map(Summary::Image),
        }
    }

    /// The bytes that block 0 starts with.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Summary::Delta(summary) => summary.encode().to_vec(),
            Summary::Image(summary) => summary.encode().to_vec(),
        }
    }

    /// The name of the layer.
    pub fn name(&self) -> LayerName {
        match *self {
            Summary::Delta(DeltaSummary { keys, lsns, .. }) => LayerName::Delta { keys, lsns },
            Summary::Image(ImageSummary { keys, lsn, .. }) => LayerName::Image { keys, lsn },
        }
    }

    /// The tenant that the file belongs to.
    pub fn tenant(&self) -> TenantId {
        match self {
            Summary::Delta(summary) => summary.tenant,
            Summary::Image(summary) => summary.tenant,
        }
    }

    /// The timeline that the file was written for.
    pub fn timeline(&self) -> TimelineId {
        match self {
            Summary::Delta(summary) => summary.timeline,
            Summary::Image(summary) => summary.timeline,
        }
    }

    /// The first block of the index, and its root, counted from there.
    pub fn index_blocks(&self) -> (u32, u32) {
        match self {
            Summary::Delta(summary) => (summary.index_start_block, summary.index_root_block),
            Summary::Image(summary) => (summary.index_start_block, summary.index_root_block),
        }
    }

    /// The number of blocks up to and with the root.
    pub fn block_count(&self) -> u64 {
        match self {
            Summary::Delta(summary) => summary.block_count(),
            Summary::Image(summary) => summary.block_count(),
        }
    }
}
