//! The engine's options, as the plan has them.

use palimpsest::Options;
use palimpsest::base::TenantId;
use palimpsest::format::Compression;

use crate::plan::{self, Knobs};

/// With fewer keys than this, a scan reads few at once, so that it has several batches.
const SCAN_KEYS_FROM: u16 = 100;
const SCAN_KEY_COUNT: usize = 5;

/// A length or a count that fits the machine.
fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The engine's options for a plan's knobs.
pub(super) fn options(knobs: &Knobs) -> Options {
    let defaults = Options::default();
    Options {
        tenant: TenantId([7; 16]),
        freeze_len_max: knobs.freeze_len_max,
        freeze_distance_max: knobs.freeze_distance_max,
        freeze_age_max: knobs.freeze_age_max,
        buffer_len: in_memory(knobs.buffer_len),
        l0_count_trigger: in_memory(knobs.l0_count_trigger),
        l0_run_len_max: knobs.l0_run_len_max,
        layer_len_target: knobs.layer_len_target,
        image_delta_count_trigger: in_memory(knobs.image_delta_count_trigger),
        image_preempt_l0_count: in_memory(knobs.image_preempt_l0_count),
        image_compression: match knobs.compression {
            plan::Compression::None => Compression::None,
            plan::Compression::Zstd => Compression::Zstd { level: 1 },
        },
        gc_distance: knobs.gc_distance,
        gc_age: knobs.gc_age,
        l0_delay_count: in_memory(knobs.l0_delay_count),
        l0_stall_count: knobs.maintenance.l0_stall_count().map(in_memory),
        block_cache_len: knobs.block_cache_len,
        read_len_max: knobs.read_len_max,
        scan_key_count_max: match knobs.key_count {
            0..SCAN_KEYS_FROM => SCAN_KEY_COUNT,
            _ => defaults.scan_key_count_max,
        },
        maintenance_period: knobs.maintenance.period(),
        l0_delay: defaults.l0_delay,
        redo: defaults.redo,
    }
}
