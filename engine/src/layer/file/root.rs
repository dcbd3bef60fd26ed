//! The place of the index in a layer's file, decoded from block 0.

use crate::base::{DecodeError, LayerName, TenantId};
use crate::format::{BLOCK_LEN, DeltaSummary, ImageSummary};

/// The place of the index in a layer file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    /// The first block of the index.
    pub(crate) start_block: u32,
    /// The root of the index, counted from its first block.
    pub(crate) root_block: u32,
    /// The number of blocks of the file, without the checksum section.
    pub(crate) block_count: u64,
}

impl Root {
    /// The end of the blobs and start of the index, in bytes from the start of the file.
    pub(crate) fn start(&self) -> u64 {
        u64::from(self.start_block) * BLOCK_LEN as u64
    }

    /// Decodes block 0 of a layer's file, and checks it against the layer's name and tenant. The
    /// timeline in it may differ.
    pub(crate) fn read(
        name: LayerName,
        tenant: TenantId,
        block: &[u8],
    ) -> Result<Root, DecodeError> {
        let (found, found_tenant, root) = match name {
            LayerName::Delta { .. } => read_delta(block)?,
            LayerName::Image { .. } => read_image(block)?,
        };
        if found != name {
            let problem = format!("expected {name}, found {found}");
            return Err(DecodeError::malformed("summary", 0, problem));
        }
        if found_tenant != tenant {
            let problem = format!("expected tenant {tenant}, found {found_tenant}");
            return Err(DecodeError::malformed("summary", 0, problem));
        }
        Ok(root)
    }
}

fn read_delta(block: &[u8]) -> Result<(LayerName, TenantId, Root), DecodeError> {
    let summary = DeltaSummary::decode(block)?;
    let name = LayerName::Delta {
        keys: summary.keys,
        lsns: summary.lsns,
    };
    let root = Root {
        start_block: summary.index_start_block,
        root_block: summary.index_root_block,
        block_count: summary.block_count(),
    };
    Ok((name, summary.tenant, root))
}

fn read_image(block: &[u8]) -> Result<(LayerName, TenantId, Root), DecodeError> {
    let summary = ImageSummary::decode(block)?;
    let name = LayerName::Image {
        keys: summary.keys,
        lsn: summary.lsn,
    };
    let root = Root {
        start_block: summary.index_start_block,
        root_block: summary.index_root_block,
        block_count: summary.block_count(),
    };
    Ok((name, summary.tenant, root))
}
