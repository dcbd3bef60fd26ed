//! The parts of a layer's file, and the blocks in them.

use palimpsest::Key;
use palimpsest::base::DecodeError;
use palimpsest::format::{BLOCK_LEN, ChecksumMarker, ChecksumSection, DeltaKey, Node};

use super::summary::Summary;
use crate::bytes::Bytes;
use crate::fault::Fault;

/// The longest layer file, in bytes: the engine's limit, and that of its peer.
const LAYER_LEN_MAX: u64 = 4_500_000_000;

/// A layer's file whose parts are known.
#[derive(Debug)]
pub struct LayerReader<B> {
    bytes: B,
    summary: Summary,
    block_count: u32,
    section: Option<ChecksumSection>,
}

/// A node of the index, of a layer of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its block, counted from the index's start.
    pub block: u32,
    /// The number of levels below it; 0 for a leaf.
    pub level: u8,
    /// The number of entries, or of children.
    pub count: usize,
    /// The bytes that all its keys start with.
    pub prefix: Vec<u8>,
    /// The length of its keys, in bytes.
    pub key_len: usize,
    /// The children of an inner node, each with its block and its first key.
    pub children: Vec<(u32, Vec<u8>)>,
}

impl<B: Bytes> LayerReader<B> {
    /// Reads block 0 and the checksum section, and checks that the parts fill the file.
    ///
    /// # Errors
    /// If it is no layer's file, if it is cut or too long, or if the section is damaged.
    pub fn open(mut bytes: B) -> Result<LayerReader<B>, Fault> {
        let len = bytes.byte_len();
        let head_len = len.min(BLOCK_LEN as u64) as usize;
        let head = read(&mut bytes, 0, head_len)?;
        let summary = Summary::decode(&head)?;
        if LAYER_LEN_MAX < len {
            let problem = format!("{len} bytes are more than any layer has");
            return Err(Fault::malformed("layer file", LAYER_LEN_MAX, problem));
        }
        let wanted = summary.block_count();
        let block_count = u32::try_from(wanted).ok();
        let block_count = block_count.filter(|count| end_of(*count) <= len);
        let Some(block_count) = block_count else {
            let problem = format!("expected at least {wanted} blocks");
            return Err(Fault::malformed("layer file", len, problem));
        };
        let section = read_section(&mut bytes, &head, block_count)?;
        Ok(LayerReader {
            bytes,
            summary,
            block_count,
            section,
        })
    }

    /// The summary in block 0.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.bytes.byte_len()
    }

    /// The number of blocks, without the checksum section.
    pub fn block_count(&self) -> u32 {
        self.block_count
    }

    /// The checksum section's own checksum; `None` for a peer's file, which has no section.
    pub fn section_checksum(&self) -> Option<u32> {
        self.section.as_ref().map(ChecksumSection::own_checksum)
    }

    /// Where the index starts, in bytes: the end of the blobs.
    pub fn index_start(&self) -> u64 {
        end_of(self.summary.index_blocks().0)
    }

    /// The number of blocks of the index.
    pub fn node_count(&self) -> u32 {
        self.block_count - self.summary.index_blocks().0
    }

    /// Reads a block of the file, and checks it against its checksum, if it has one.
    ///
    /// # Errors
    /// If it is not what was written.
    pub fn block(&mut self, block_index: u32) -> Result<Vec<u8>, Fault> {
        let block = self.part(end_of(block_index), BLOCK_LEN)?;
        if let Some(section) = &self.section {
            section.verify_block(block_index, &block)?;
        }
        Ok(block)
    }

    /// Reads a node of the index, which is counted from the index's start.
    ///
    /// # Errors
    /// If it is no node.
    pub fn node(&mut self, block: u32) -> Result<NodeView, Fault> {
        match self.summary {
            Summary::Delta(_) => Ok(view(block, &self.node_of::<{ DeltaKey::LEN }>(block)?)),
            Summary::Image(_) => Ok(view(block, &self.node_of::<{ Key::LEN }>(block)?)),
        }
    }

    /// Reads a node whose keys have `L` bytes.
    pub(super) fn node_of<const L: usize>(&mut self, block: u32) -> Result<Node<L>, Fault> {
        let file_block = self.summary.index_blocks().0 + block;
        let bytes = self.block(file_block)?;
        let node = Node::decode(bytes);
        node.map_err(|error| error.at(end_of(file_block)).into())
    }

    /// Reads bytes of the file.
    pub(super) fn part(&mut self, offset: u64, len: usize) -> Result<Vec<u8>, Fault> {
        read(&mut self.bytes, offset, len)
    }
}

fn view<const L: usize>(block: u32, node: &Node<L>) -> NodeView {
    let child = |index| (node.child_block(index), node.key(index).to_vec());
    let children = match node.is_leaf() {
        true => Vec::new(),
        false => (0..node.count()).map(child).collect(),
    };
    NodeView {
        block,
        level: node.level(),
        count: node.count(),
        prefix: node.prefix().to_vec(),
        key_len: L,
        children,
    }
}

/// The end of as many blocks, in bytes; also the start of the block with that index.
fn end_of(block_count: u32) -> u64 {
    u64::from(block_count) * BLOCK_LEN as u64
}

fn read<B: Bytes>(bytes: &mut B, offset: u64, len: usize) -> Result<Vec<u8>, Fault> {
    let mut out = vec![0; len];
    match bytes.read(offset, &mut out) {
        Ok(()) => Ok(out),
        Err(error) => Err(Fault::Device { offset, error }),
    }
}

/// Reads the checksum section, if the marker in block 0 says that there is one.
fn read_section<B: Bytes>(
    bytes: &mut B,
    head: &[u8],
    block_count: u32,
) -> Result<Option<ChecksumSection>, Fault> {
    let (start, len) = (end_of(block_count), bytes.byte_len());
    let malformed = |problem: String| Err(Fault::malformed("layer file", len, problem));
    let Some(marker) = ChecksumMarker::decode(head)? else {
        return match start == len {
            true => Ok(None),
            false => malformed(format!("expected no more than {block_count} blocks")),
        };
    };
    if marker.block_count != block_count {
        let count = marker.block_count;
        return malformed(format!("{block_count} blocks, and checksums for {count}"));
    }
    // The length is checked before as many bytes are read.
    let expected = ChecksumSection::encoded_len(block_count);
    if len - start != expected {
        let problem = format!("expected {expected} bytes, found {}", len - start);
        return Err(Fault::malformed("checksum section", start, problem));
    }
    let section = read(bytes, start, expected as usize)?;
    let section = ChecksumSection::decode(&section, block_count);
    let section = section.map_err(|error: DecodeError| error.at(start))?;
    Ok(Some(section))
}
