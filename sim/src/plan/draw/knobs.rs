//! Draws sizes and thresholds: tiny ones, so that a few operations cross them.

use std::time::Duration;

use super::swarm::Scale;
use crate::dice::Chance;
use crate::plan::{Knobs, Layout};

/// A distance that no plan comes to.
const DISTANCE_NEVER: u64 = 1 << 62;

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
pub fn draw_knobs(chance: &mut impl Chance, scale: Scale, seed: u64) -> Knobs {
    if scale == Scale::Large {
        return Knobs {
            seed,
            key_count: chance.between(300, 900) as u16,
            layout: Layout::Dense,
            freeze_len_max: chance.between(1 << 20, 2 << 20),
            freeze_distance_max: DISTANCE_NEVER,
            freeze_age_max: draw_duration(chance),
            buffer_len: 64 << 10,
        };
    }
    Knobs {
        seed,
        key_count: draw_key_count(chance),
        layout: *chance.pick(&Layout::ALL),
        freeze_len_max: chance.between(512, 1024) << chance.below(5),
        freeze_distance_max: draw_distance(chance),
        freeze_age_max: draw_duration(chance),
        buffer_len: 16 << chance.below(9),
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
