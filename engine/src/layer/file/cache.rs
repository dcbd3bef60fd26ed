//! The block cache: decoded index nodes of all layers of an engine.
//!
//! Most layers of a read end at the root of their index, and nearly all of the others a level
//! below: with these nodes in memory a read reads only values from files.

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use rustc_hash::FxBuildHasher;

use crate::base::Key;
use crate::format::{BLOCK_LEN, DeltaKey, Node};
use crate::sync::atomic::{AtomicU64, Ordering};

/// The length that a node counts for: its block and the overhead, in bytes.
const NODE_LEN: u64 = BLOCK_LEN as u64 + 128;

/// The number of parts of the cache with a lock of their own, if it is not tiny. It is equal on
/// every machine: what is cached must not depend on the machine.
const SHARD_COUNT: usize = 16;

// Otherwise the share of a shard could be rounded up to a whole node.
const _: () = assert!(NODE_LEN.is_multiple_of(SHARD_COUNT as u64));

/// Nodes of the indexes of layer files, up to a length in bytes.
pub struct BlockCache {
    nodes: Cache<BlockPlace, CachedNode, ByLen, FxBuildHasher>,
    file_count: AtomicU64,
}

/// The key of a node: the file's number, and the block counted from the index's start.
type BlockPlace = (u64, u32);

/// A node of either kind of index.
#[derive(Clone)]
pub(crate) enum CachedNode {
    Delta(Node<{ DeltaKey::LEN }>),
    Image(Node<{ Key::LEN }>),
}

/// A node of one kind of index.
pub(crate) trait IndexNode: Sized {
    fn into_cached(self) -> CachedNode;

    /// Converts a cached node; `None` if it is of the other kind.
    fn from_cached(cached: CachedNode) -> Option<Self>;
}

impl IndexNode for Node<{ DeltaKey::LEN }> {
    fn into_cached(self) -> CachedNode {
        CachedNode::Delta(self)
    }

    fn from_cached(cached: CachedNode) -> Option<Self> {
        match cached {
            CachedNode::Delta(node) => Some(node),
            CachedNode::Image(_) => None,
        }
    }
}

impl IndexNode for Node<{ Key::LEN }> {
    fn into_cached(self) -> CachedNode {
        CachedNode::Image(self)
    }

    fn from_cached(cached: CachedNode) -> Option<Self> {
        match cached {
            CachedNode::Image(node) => Some(node),
            CachedNode::Delta(_) => None,
        }
    }
}

/// Gives every node the same weight.
#[derive(Clone)]
struct ByLen;

impl Weighter<BlockPlace, CachedNode> for ByLen {
    fn weight(&self, _: &BlockPlace, _: &CachedNode) -> u64 {
        NODE_LEN
    }
}

impl BlockCache {
    /// A cache of at most `len_max` bytes. A cache without room for a block is always empty.
    pub fn new(len_max: u64) -> BlockCache {
        let node_count = len_max / NODE_LEN;
        let options = OptionsBuilder::new()
            .shards(SHARD_COUNT)
            .estimated_items_capacity(usize::try_from(node_count).unwrap_or(usize::MAX))
            .weight_capacity(node_count * NODE_LEN)
            .build();
        let options = options.expect("both capacities are set");
        let lifecycle = DefaultLifecycle::default();
        BlockCache {
            nodes: Cache::with_options(options, ByLen, FxBuildHasher, lifecycle),
            file_count: AtomicU64::new(0),
        }
    }

    /// The length of all cached nodes, in bytes.
    pub fn byte_len(&self) -> u64 {
        self.nodes.weight()
    }

    /// A number for a file that no other file of this cache ever has.
    pub(crate) fn number_file(&self) -> u64 {
        self.file_count.fetch_add(1, Ordering::Relaxed)
    }

    /// How often a node was found, and how often not.
    pub(crate) fn hits_and_misses(&self) -> (u64, u64) {
        (self.nodes.hits(), self.nodes.misses())
    }

    /// A node of a file's index, if it is cached.
    pub(crate) fn get<N: IndexNode>(&self, file_number: u64, block_index: u32) -> Option<N> {
        let cached = self.nodes.get(&(file_number, block_index))?;
        Some(N::from_cached(cached).expect("a number belongs to one file, of one kind"))
    }

    /// Caches a node, if there is room or a colder node.
    pub(crate) fn insert<N: IndexNode>(&self, file_number: u64, block_index: u32, node: N) {
        self.nodes
            .insert((file_number, block_index), node.into_cached());
    }
}
