//! The figures of an engine: sums over its open timelines, and what they share.

use std::time::Duration;

use super::job_stats::Quantity;
use super::memory_budget::MemoryBudget;
use super::stats::TimelineCounts;
use crate::layer::BlockCache;

/// The figures of an engine at about one moment: timelines are looked at one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// The open timelines, also those that were opened for a branch.
    pub timeline_count: usize,
    /// The layers in memory, open ones too, with the bytes of their values.
    pub memory: Quantity,
    /// The delta layers as flushed, with the bytes of their files.
    pub l0s: Quantity,
    /// The delta layers as compacted, with the bytes of their files.
    pub l1s: Quantity,
    /// The image layers, with the bytes of their files.
    pub images: Quantity,
    /// The most L0s and frozen layers of one timeline.
    pub backlog_max: usize,
    /// For how long the oldest record of a timeline has not been durable; zero if all are.
    pub unsaved_age_max: Duration,
    /// The bytes that open layers hold of `open_len_max`, records included.
    pub open_len: u64,
    /// The bytes that flushes, scans and image creations may hold of `work_len_max` just now.
    pub work_len: u64,
    /// The bytes of blocks in the cache.
    pub block_cache_len: u64,
    /// How often a block was found in the cache.
    pub block_cache_hit_count: u64,
    /// How often one was not.
    pub block_cache_miss_count: u64,
}

impl EngineStats {
    /// Before the first timeline: what they share.
    pub(crate) fn of(memory: &MemoryBudget, cache: &BlockCache) -> EngineStats {
        let (block_cache_hit_count, block_cache_miss_count) = cache.hits_and_misses();
        EngineStats {
            open_len: memory.held_len(),
            work_len: memory.granted_len(),
            block_cache_len: cache.byte_len(),
            block_cache_hit_count,
            block_cache_miss_count,
            ..EngineStats::default()
        }
    }

    /// Adds an open timeline.
    pub(crate) fn add(&mut self, counts: &TimelineCounts) {
        self.timeline_count += 1;
        self.memory.add_all(counts.memory);
        self.l0s.add_all(counts.l0s);
        self.l1s.add_all(counts.l1s);
        self.images.add_all(counts.images);
        self.backlog_max = self.backlog_max.max(counts.backlog);
        self.unsaved_age_max = self.unsaved_age_max.max(counts.unsaved_age);
    }
}
