//! Draws sizes and thresholds: tiny ones, so that a few operations cross them. Each knob's row says
//! by which function it is drawn.

use std::time::Duration;

use palimpsest::Strategy;
use palimpsest::base::ShardIdentity;

use super::themes::Theme;
use super::times::draw_duration;
use crate::dice::Chance;
use crate::faults::Device;
use crate::plan::{Maintenance, Shard};

/// An LSN distance that no plan reaches.
pub const DISTANCE_NEVER: u64 = 1 << 62;

/// A count that no plan reaches.
pub const COUNT_NEVER: u64 = 1 << 20;

/// Lengths of the block cache, in bytes, each with its weight: none, one block, a few, and more
/// than any plan has.
pub const CACHE_LENS: [(u64, u64); 4] = [(1, 0), (1, 8 << 10), (2, 40 << 10), (2, 64 << 20)];

/// Counts of open files, each with its weight: one, a few, and more than any plan has layers.
pub const OPEN_FILES: [(u64, u64); 4] = [(2, 1), (1, 2), (1, 5), (3, 512)];

/// Periods of maintenance, in milliseconds, each with its weight: a frozen layer wakes it as well.
const PERIODS: [(u64, u64); 3] = [(2, 1_000), (2, 10_000), (1, 60_000)];

/// Draws the number of keys of a tiny plan.
pub fn draw_key_count(chance: &mut impl Chance) -> u16 {
    let count = match chance.below(12) {
        11 => 1,
        10 => chance.between(13, 60),
        _ => chance.between(2, 12),
    };
    count as u16
}

/// Draws how many of the keys are sparse or not inherited: mostly none.
pub fn draw_sparse_count(chance: &mut impl Chance, key_count: u16) -> u16 {
    match chance.below(3) {
        0 => chance.between(1, key_count.into()) as u16,
        _ => 0,
    }
}

/// Draws the LSN distance at which a layer is frozen: none, or that of some records.
pub fn draw_distance(chance: &mut impl Chance) -> u64 {
    match chance.below(3) {
        0 => DISTANCE_NEVER,
        1 => chance.between(100, 1000),
        _ => chance.between(8, 100),
    }
}

/// Draws how timelines are compacted that are created: by either strategy where the plan is about
/// it.
pub fn draw_strategy(chance: &mut impl Chance, theme: Theme) -> Strategy {
    let tiered = match theme {
        Theme::Compaction => 2,
        _ => 1,
    };
    chance.pick_weighted(&[(3, Strategy::L0ToL1), (tiered, Strategy::Tiered)])
}

/// Draws how much one compaction takes: two L0s, a few, or all.
pub fn draw_run_len(chance: &mut impl Chance) -> u64 {
    match chance.below(3) {
        0 => DISTANCE_NEVER,
        _ => chance.between(1 << 10, 2 << 10) << chance.below(6),
    }
}

/// Draws how many L0s preempt an image creation: none, or a few.
pub fn draw_preempt_count(chance: &mut impl Chance) -> u64 {
    match chance.below(2) {
        0 => COUNT_NEVER,
        _ => chance.between(1, 5),
    }
}

/// Draws the LSN distance for which history is kept: none, some records, or all unless the plan is
/// about branches.
pub fn draw_gc_distance(chance: &mut impl Chance, theme: Theme) -> u64 {
    match chance.below(5) {
        0 if !matches!(theme, Theme::Branches | Theme::History) => DISTANCE_NEVER,
        0..3 => 0,
        _ => chance.between(1, 60),
    }
}

/// Draws the time for which history is kept: mostly none.
pub fn draw_gc_age(chance: &mut impl Chance) -> Duration {
    match chance.below(4) {
        0 => draw_duration(chance),
        _ => Duration::ZERO,
    }
}

/// Draws maintenance. On a device that may be wrong no batch waits: a corrupt L0 is never
/// compacted, so the batch would wait for ever.
pub fn draw_maintenance(
    chance: &mut impl Chance,
    device: Device,
    l0_count_trigger: u64,
) -> Maintenance {
    if !chance.one_in(4) {
        return Maintenance::Off;
    }
    let stall = chance.pick_weighted(&[(4, None), (1, Some(0)), (1, Some(1)), (2, Some(3))]);
    Maintenance::On {
        period: Duration::from_millis(chance.pick_weighted(&PERIODS)),
        l0_stall_count: stall
            .filter(|_| !device.may_be_wrong())
            .map_or(0, |above| l0_count_trigger + above),
    }
}

/// Draws the shard of a directory: mostly all keys.
pub fn draw_shard(chance: &mut impl Chance) -> Shard {
    let identity = match chance.one_in(10) {
        false => ShardIdentity::UNSHARDED,
        true => {
            let count = chance.between(2, 4) as u8;
            let number = chance.below(u64::from(count)) as u8;
            let stripe = chance.between(1, 3) as u32;
            ShardIdentity::new(number, count, stripe).expect("the number is below the count")
        }
    };
    identity.into()
}
