//! What the knobs of a plan say.

use std::time::Duration;

use palimpsest::Strategy;

use super::values::{Compression, KeyLayout, Look, Maintenance, Shard};
use crate::faults::Device;

/// Sizes and thresholds of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knobs {
    /// The seed of the engine's random numbers and of the points that the oracle reads.
    pub seed: u64,
    /// The number of keys, from 1 to 999.
    pub key_count: u16,
    /// Where the keys stand in the key space.
    pub layout: KeyLayout,
    /// How many of the keys, from the first on, are sparse or not inherited.
    pub sparse_count: u16,
    /// The length at which a memory layer is frozen, in bytes.
    pub freeze_len_max: u64,
    /// The LSN distance at which a memory layer is frozen.
    pub freeze_distance_max: u64,
    /// The age at which a memory layer is frozen.
    pub freeze_age_max: Duration,
    /// The length of all open memory layers at which the longest are frozen, in bytes.
    pub open_len_max: u64,
    /// The length of the file that is held for a full disk, in bytes; 0 for none.
    pub reserve_len: u64,
    /// The length of a memory layer's buffer, in bytes: what is gathered before a write to its
    /// file.
    pub buffer_len: u64,
    /// The count of L0s at which a compaction is due.
    pub l0_count_trigger: u64,
    /// The most bytes of L0s that one compaction takes.
    pub l0_run_len_max: u64,
    /// How the deltas of a timeline are compacted that is created.
    pub strategy: Strategy,
    /// The height of the layers of a tiered compaction's first level, in LSNs.
    pub tier_distance: u64,
    /// The target length of a compacted layer or an image, in bytes.
    pub layer_len_target: u64,
    /// The count of deltas above the newest image at which the next image is due.
    pub image_delta_count_trigger: u64,
    /// The count of deltas that a scan of sparse keys looks into at which their next image is due.
    pub sparse_image_delta_count_trigger: u64,
    /// The LSN distance that must be flushed before image creation looks again.
    pub image_look_distance: u64,
    /// The age at which an image is due where a delta stands above one; zero if age does not count.
    pub image_age_max: Duration,
    /// The count of L0s at which an image creation stops for a compaction.
    pub image_preempt_l0_count: u64,
    /// Whether the values of images are compressed.
    pub compression: Compression,
    /// The count of records above a base from which on a gc compaction makes an image.
    pub history_record_count_trigger: u64,
    /// The longest history of a key that a gc compaction takes, in bytes.
    pub history_len_max: u64,
    /// The length of deltas, in bytes, from which on the first gc compaction by itself is due.
    pub gc_compact_len_trigger: u64,
    /// The share of new deltas, in percent of what is below, from which on a later one is due.
    pub gc_compact_growth_trigger: u64,
    /// The length of the layers that a sub-job of a gc compaction takes, in bytes.
    pub gc_compact_len_max: u64,
    /// The LSN distance for which history is kept.
    pub gc_distance: u64,
    /// The time for which history is kept.
    pub gc_age: Duration,
    /// The count of L0s from which on a batch that freezes a layer is delayed.
    pub l0_delay_count: u64,
    /// The delay of such a batch.
    pub l0_delay: Duration,
    /// The length of the cache of index blocks, in bytes.
    pub block_cache_len: u64,
    /// The count of layers' files that are kept open.
    pub open_files_max: u64,
    /// The most bytes that a read asks of a file at once.
    pub read_len_max: u64,
    /// What runs the jobs: the plan alone, or the engine's maintenance as well.
    pub maintenance: Maintenance,
    /// The number of the tenant that owns the timelines.
    pub tenant: u16,
    /// The part of the keys that the directory holds from the start.
    pub shard: Shard,
    /// How much the oracle reads after each operation.
    pub look: Look,
    /// What the device promises.
    pub device: Device,
}
