//! What a user may choose.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::TenantId;
use crate::format::{Compression, Edits, Redo};

/// How an engine works. Each field says what it is by default.
#[derive(Clone)]
pub struct Options {
    /// Whose files these are; it stands in each of them. Zeros.
    pub tenant: TenantId,
    /// The open layer is frozen before it would hold so many bytes. 256 MiB.
    pub freeze_len_max: u64,
    /// The open layer is frozen before it would cover such a distance of LSNs. 256 Mi.
    pub freeze_distance_max: u64,
    /// The open layer is frozen by the first batch that finds it older than this. 10 minutes.
    pub freeze_age_max: Duration,
    /// How many bytes of the open layer are gathered before they are written to its file. 64 KiB.
    pub buffer_len: usize,
    /// L0s are compacted once there are so many of them. 10.
    pub l0_count_trigger: usize,
    /// One compaction takes L0s of at most so many bytes together, but at least two. 2.5 GiB.
    pub l0_run_len_max: u64,
    /// How long a layer that a compaction or image creation writes should be, in bytes. 128 MiB.
    pub layer_len_target: u64,
    /// Images are made where so many deltas stand above the newest one. 3.
    pub image_delta_count_trigger: usize,
    /// Image creation stops, to go on later, once so many L0s wait. 30.
    pub image_preempt_l0_count: usize,
    /// How the values of image layers are stored. zstd, level 1.
    pub image_compression: Compression,
    /// History is kept for such a distance of LSNs below the last record. 64 Mi.
    pub gc_distance: u64,
    /// History is kept for so long. 7 days.
    pub gc_age: Duration,
    /// From so many L0s and frozen layers on, each batch that freezes a layer is delayed. 30.
    pub l0_delay_count: usize,
    /// For so long. 100 ms.
    pub l0_delay: Duration,
    /// From so many L0s and frozen layers on, a batch waits until there are fewer: only with
    /// somebody who compacts meanwhile. Never.
    pub l0_stall_count: Option<usize>,
    /// How many bytes of index blocks an engine keeps in memory. 64 MiB.
    pub block_cache_len: u64,
    /// How much a read asks of a file at once, in bytes. 130 KiB.
    pub read_len_max: u64,
    /// How many keys a scan, or an image creation, reads at once; at least one. 256.
    pub scan_key_count_max: usize,
    /// How often a timeline looks after itself: flushes, compacts, makes images and collects
    /// garbage. Nothing: it is left to the user.
    pub housekeeping_period: Option<Duration>,
    /// Makes a value of records. The built-in [`Edits`].
    pub redo: Arc<dyn Redo>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            tenant: TenantId::default(),
            freeze_len_max: 256 << 20,
            freeze_distance_max: 256 << 20,
            freeze_age_max: Duration::from_secs(600),
            buffer_len: 64 << 10,
            l0_count_trigger: 10,
            l0_run_len_max: 2560 << 20,
            layer_len_target: 128 << 20,
            image_delta_count_trigger: 3,
            image_preempt_l0_count: 30,
            image_compression: Compression::Zstd { level: 1 },
            gc_distance: 64 << 20,
            gc_age: Duration::from_secs(7 * 24 * 60 * 60),
            l0_delay_count: 30,
            l0_delay: Duration::from_millis(100),
            l0_stall_count: None,
            block_cache_len: 64 << 20,
            read_len_max: 130 << 10,
            scan_key_count_max: 256,
            housekeeping_period: None,
            redo: Arc::new(Edits),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tenant", &self.tenant)
            .field("freeze_len_max", &self.freeze_len_max)
            .field("freeze_distance_max", &self.freeze_distance_max)
            .field("freeze_age_max", &self.freeze_age_max)
            .field("buffer_len", &self.buffer_len)
            .finish_non_exhaustive()
    }
}
