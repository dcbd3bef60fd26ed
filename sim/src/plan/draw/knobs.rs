//! Draws sizes and thresholds: tiny ones, so that a few operations cross them.

use std::time::Duration;

use super::swarm::{Scale, Swarm};
use super::themes::Theme;
use crate::dice::Chance;
use crate::faults::Device;
use crate::plan::{Compression, Housekeeping, Knobs, Layout, Look};

/// A distance that no plan comes to.
const DISTANCE_NEVER: u64 = 1 << 62;

/// A count that no plan comes to.
const COUNT_NEVER: u64 = 1 << 20;

/// No cache, one block of it, a few, and more than any plan has.
const CACHE_LENS: [(u64, u64); 4] = [(1, 0), (1, 8 << 10), (2, 40 << 10), (2, 64 << 20)];

/// How often the engine looks after itself, in milliseconds: a layer that is frozen wakes it too.
const PERIODS: [(u64, u64); 3] = [(2, 1_000), (2, 10_000), (1, 60_000)];

/// Ages and waits, in milliseconds: from the shortest that time can tell apart to an hour.
const MILLISECONDS: [(u64, u64); 7] = [
    (4, 1),
    (4, 10),
    (4, 100),
    (4, 1_000),
    (2, 10_000),
    (1, 60_000),
    (1, 3_600_000),
];

/// Draws the knobs of a plan; `seed` is what they seed the run with.
pub fn draw_knobs(chance: &mut impl Chance, swarm: &Swarm, seed: u64) -> Knobs {
    let sizes = Sizes::draw(chance, swarm.scale);
    let l0_count_trigger = chance.pick_weighted(&[(4, 2), (4, 3), (1, 1), (1, 4)]);
    Knobs {
        seed,
        key_count: sizes.key_count,
        layout: sizes.layout,
        freeze_len_max: sizes.freeze_len_max,
        freeze_distance_max: sizes.freeze_distance_max,
        freeze_age_max: draw_duration(chance),
        buffer_len: sizes.buffer_len,
        l0_count_trigger,
        l0_run_len_max: draw_run_len(chance),
        layer_len_target: sizes.layer_len_target,
        image_delta_count_trigger: chance.between(1, 3),
        image_preempt_l0_count: draw_preempt_count(chance),
        compression: *chance.pick(&Compression::ALL),
        gc_distance: draw_gc_distance(chance, swarm.theme),
        gc_age: draw_gc_age(chance),
        l0_delay_count: chance.pick_weighted(&[(3, COUNT_NEVER), (1, 2), (1, 4)]),
        block_cache_len: chance.pick_weighted(&CACHE_LENS),
        read_len_max: 512 << chance.below(8),
        housekeeping: draw_housekeeping(chance, swarm.device, l0_count_trigger),
        look: chance.pick_weighted(&[(3, Look::Sample), (1, Look::Nothing)]),
        device: swarm.device,
    }
}

/// The knobs that differ between a plan with little and one with much.
struct Sizes {
    key_count: u16,
    layout: Layout,
    freeze_len_max: u64,
    freeze_distance_max: u64,
    buffer_len: u64,
    layer_len_target: u64,
}

impl Sizes {
    fn draw(chance: &mut impl Chance, scale: Scale) -> Sizes {
        match scale {
            Scale::Tiny => Sizes {
                key_count: draw_key_count(chance),
                layout: *chance.pick(&Layout::ALL),
                freeze_len_max: chance.between(512, 1024) << chance.below(5),
                freeze_distance_max: draw_distance(chance),
                buffer_len: 16 << chance.below(9),
                layer_len_target: chance.between(256, 512) << chance.below(6),
            },
            Scale::Large => Sizes {
                key_count: chance.between(300, 900) as u16,
                layout: Layout::Dense,
                freeze_len_max: chance.between(1 << 20, 2 << 20),
                freeze_distance_max: DISTANCE_NEVER,
                buffer_len: 64 << 10,
                layer_len_target: 32 << 10 << chance.below(6),
            },
        }
    }
}

/// Draws a wait or an age.
pub fn draw_duration(chance: &mut impl Chance) -> Duration {
    Duration::from_millis(chance.pick_weighted(&MILLISECONDS))
}

fn draw_key_count(chance: &mut impl Chance) -> u16 {
    let count = match chance.below(12) {
        11 => 1,
        10 => chance.between(13, 60),
        _ => chance.between(2, 12),
    };
    count as u16
}

fn draw_distance(chance: &mut impl Chance) -> u64 {
    match chance.below(3) {
        0 => DISTANCE_NEVER,
        1 => chance.between(100, 1000),
        _ => chance.between(8, 100),
    }
}

/// What one compaction takes: two L0s, a few, or all.
fn draw_run_len(chance: &mut impl Chance) -> u64 {
    match chance.below(3) {
        0 => DISTANCE_NEVER,
        _ => chance.between(1 << 10, 2 << 10) << chance.below(6),
    }
}

fn draw_preempt_count(chance: &mut impl Chance) -> u64 {
    match chance.below(2) {
        0 => COUNT_NEVER,
        _ => chance.between(2, 6),
    }
}

/// How much history stays: none, some records of it, or all, where that is not what it is about.
fn draw_gc_distance(chance: &mut impl Chance, theme: Theme) -> u64 {
    match chance.below(5) {
        0 if theme != Theme::Branches => DISTANCE_NEVER,
        0..3 => 0,
        _ => chance.between(1, 60),
    }
}

fn draw_gc_age(chance: &mut impl Chance) -> Duration {
    match chance.below(4) {
        0 => draw_duration(chance),
        _ => Duration::ZERO,
    }
}

/// An L0 that is wrong is never compacted: who waited for that would wait for good.
fn draw_housekeeping(
    chance: &mut impl Chance,
    device: Device,
    l0_count_trigger: u64,
) -> Housekeeping {
    if !chance.one_in(4) {
        return Housekeeping::Off;
    }
    let stall = chance.pick_weighted(&[(2, None), (1, Some(1)), (1, Some(3))]);
    Housekeeping::On {
        period: Duration::from_millis(chance.pick_weighted(&PERIODS)),
        l0_stall_count: stall
            .filter(|_| !device.may_be_wrong())
            .map_or(0, |above| l0_count_trigger + above),
    }
}
