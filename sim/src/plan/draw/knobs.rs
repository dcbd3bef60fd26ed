//! How sizes and thresholds are drawn: tiny ones, so that a few operations cross them. Which knob
//! is drawn how, its row says.

use std::time::Duration;

use super::themes::Theme;
use super::times::draw_duration;
use crate::dice::Chance;
use crate::faults::Device;
use crate::plan::Maintenance;

/// A distance that no plan comes to.
pub const DISTANCE_NEVER: u64 = 1 << 62;

/// A count that no plan comes to.
pub const COUNT_NEVER: u64 = 1 << 20;

/// No cache, one block of it, a few, and more than any plan has.
pub const CACHE_LENS: [(u64, u64); 4] = [(1, 0), (1, 8 << 10), (2, 40 << 10), (2, 64 << 20)];

/// How often the engine looks after itself, in milliseconds: a layer that is frozen wakes it too.
const PERIODS: [(u64, u64); 3] = [(2, 1_000), (2, 10_000), (1, 60_000)];

/// How many keys a plan with little has.
pub fn draw_key_count(chance: &mut impl Chance) -> u16 {
    let count = match chance.below(12) {
        11 => 1,
        10 => chance.between(13, 60),
        _ => chance.between(2, 12),
    };
    count as u16
}

/// Where LSNs end a layer: nowhere, or after some records.
pub fn draw_distance(chance: &mut impl Chance) -> u64 {
    match chance.below(3) {
        0 => DISTANCE_NEVER,
        1 => chance.between(100, 1000),
        _ => chance.between(8, 100),
    }
}

/// What one compaction takes: two L0s, a few, or all.
pub fn draw_run_len(chance: &mut impl Chance) -> u64 {
    match chance.below(3) {
        0 => DISTANCE_NEVER,
        _ => chance.between(1 << 10, 2 << 10) << chance.below(6),
    }
}

/// How many L0s stop an image creation: none, or a few.
pub fn draw_preempt_count(chance: &mut impl Chance) -> u64 {
    match chance.below(2) {
        0 => COUNT_NEVER,
        _ => chance.between(2, 6),
    }
}

/// How much history stays: none, some records of it, or all, where that is not what it is about.
pub fn draw_gc_distance(chance: &mut impl Chance, theme: Theme) -> u64 {
    match chance.below(5) {
        0 if theme != Theme::Branches => DISTANCE_NEVER,
        0..3 => 0,
        _ => chance.between(1, 60),
    }
}

/// For how long history stays: mostly for none.
pub fn draw_gc_age(chance: &mut impl Chance) -> Duration {
    match chance.below(4) {
        0 => draw_duration(chance),
        _ => Duration::ZERO,
    }
}

/// An L0 that is wrong is never compacted: who waited for that would wait for good.
pub fn draw_maintenance(
    chance: &mut impl Chance,
    device: Device,
    l0_count_trigger: u64,
) -> Maintenance {
    if !chance.one_in(4) {
        return Maintenance::Off;
    }
    let stall = chance.pick_weighted(&[(2, None), (1, Some(1)), (1, Some(3))]);
    Maintenance::On {
        period: Duration::from_millis(chance.pick_weighted(&PERIODS)),
        l0_stall_count: stall
            .filter(|_| !device.may_be_wrong())
            .map_or(0, |above| l0_count_trigger + above),
    }
}
