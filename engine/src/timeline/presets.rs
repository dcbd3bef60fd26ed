//! Presets: options that go together, checked to work.

use std::time::Duration;

use super::options::Options;

impl Options {
    /// Options for a small machine, or for one of many engines in a process: maintenance runs by
    /// itself, and memory and files stay small at the cost of more of them.
    ///
    /// # Units
    /// Memory, besides what the caller holds: up to 64 MiB. That is 16 MiB of history of one key,
    /// twice, while a gc compaction replays it; 16 MiB for the index of open layers whose records
    /// are short; 4 MiB of blocks; 4 MiB for the flush of one layer; the rest for merges. A value
    /// that is longer than 1 MiB adds its own length a few times.
    /// Files: one for each 8 MiB of history, at most one for each 4 MiB of what is not compacted.
    /// A writer that outruns compaction is held back from 20 layers on, and waits from 40 on.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::Options;
    /// let options = Options { gc_distance: 1 << 20, ..Options::small() };
    /// assert_eq!(options.freeze_len_max, 4 << 20);
    /// ```
    pub fn small() -> Options {
        Options {
            freeze_len_max: 4 << 20,
            open_len_max: 16 << 20,
            buffer_len: 16 << 10,
            l0_count_trigger: 8,
            l0_run_len_max: 64 << 20,
            layer_len_target: 8 << 20,
            image_preempt_l0_count: 20,
            history_len_max: 16 << 20,
            gc_compact_len_trigger: 64 << 20,
            gc_compact_len_max: 32 << 20,
            gc_age: Duration::from_secs(24 * 60 * 60),
            l0_delay_count: 20,
            l0_delay: Duration::from_millis(10),
            l0_stall_count: Some(40),
            block_cache_len: 4 << 20,
            read_len_max: 64 << 10,
            scan_key_count_max: 64,
            scan_len_max: 1 << 20,
            work_len_max: 16 << 20,
            maintenance_period: Some(Duration::from_secs(1)),
            ..Options::default()
        }
    }

    /// Options for a server that is there for the engine: maintenance runs by itself, layers are
    /// long, and blocks stay in memory.
    ///
    /// # Units
    /// Memory, besides what the caller holds: some 4 GiB. That is 1 GiB of blocks; 256 MiB for each
    /// timeline that is flushed at a time; 512 MiB of history of one key, twice, while a gc
    /// compaction replays it; and the index of open layers, which hold up to 4 GiB of values in
    /// files: 48 bytes a record.
    /// Files: one for each 128 MiB of history, and each 256 MiB of what is not compacted. A writer
    /// that outruns compaction is held back from 30 layers on, and waits from 60 on.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::Options;
    /// let options = Options { gc_distance: 1 << 30, ..Options::server() };
    /// assert_eq!(options.block_cache_len, 1 << 30);
    /// ```
    pub fn server() -> Options {
        Options {
            open_len_max: 4 << 30,
            l0_stall_count: Some(60),
            block_cache_len: 1 << 30,
            maintenance_period: Some(Duration::from_secs(1)),
            ..Options::default()
        }
    }
}
