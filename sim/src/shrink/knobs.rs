//! Knobs at which nothing happens on its own.

use std::time::Duration;

use super::judge::Judge;
use crate::faults::Device;
use crate::plan::{Compression, Housekeeping, Knobs, Layout};

/// No plan comes to it.
const NEVER: u64 = 1 << 62;

/// No plan has so many layers.
const COUNT_NEVER: u64 = 1_000_000;

/// Each sets one knob to where it does least.
const PLAIN: [fn(&mut Knobs); 18] = [
    |knobs| knobs.housekeeping = Housekeeping::Off,
    |knobs| knobs.layout = Layout::Dense,
    |knobs| knobs.compression = Compression::None,
    |knobs| knobs.gc_age = Duration::ZERO,
    |knobs| knobs.l0_delay_count = COUNT_NEVER,
    |knobs| knobs.block_cache_len = 64 << 20,
    |knobs| knobs.read_len_max = 64 << 10,
    |knobs| knobs.image_preempt_l0_count = COUNT_NEVER,
    |knobs| knobs.image_delta_count_trigger = COUNT_NEVER,
    |knobs| knobs.l0_count_trigger = COUNT_NEVER,
    |knobs| knobs.l0_run_len_max = NEVER,
    |knobs| knobs.layer_len_target = NEVER,
    |knobs| knobs.gc_distance = 0,
    |knobs| knobs.freeze_distance_max = NEVER,
    |knobs| knobs.freeze_len_max = 1 << 20,
    |knobs| knobs.freeze_age_max = Duration::from_secs(3600),
    |knobs| knobs.buffer_len = 4 << 10,
    |knobs| knobs.device = Device::Posix,
];

/// Sets all knobs to where they do least, or else each that can be.
pub fn simplify(judge: &mut Judge<'_>) {
    let with = |knobs: &Knobs, plain: &[fn(&mut Knobs)]| {
        let mut knobs = knobs.clone();
        plain.iter().for_each(|set| set(&mut knobs));
        knobs
    };
    let mut size = PLAIN.len();
    while 0 < size {
        let chunks: Vec<&[fn(&mut Knobs)]> = PLAIN.chunks(size).collect();
        let mut start = 0;
        while let Some(index) = judge.take_first(chunks.len() - start, |plan, index| {
            let mut plan = plan.clone();
            plan.knobs = with(&plan.knobs, chunks[start + index]);
            Some(plan)
        }) {
            start += index + 1;
        }
        size /= 2;
    }
}
