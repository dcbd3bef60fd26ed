//! Draws ages and waits.

use std::time::Duration;

use crate::dice::Chance;

/// Ages and waits, in milliseconds, each with its weight: from the resolution of the clock to an
/// hour.
const MILLISECONDS: [(u64, u64); 7] = [
    (4, 1),
    (4, 10),
    (4, 100),
    (4, 1_000),
    (2, 10_000),
    (1, 60_000),
    (1, 3_600_000),
];

/// Draws a wait or an age.
pub fn draw_duration(chance: &mut impl Chance) -> Duration {
    Duration::from_millis(chance.pick_weighted(&MILLISECONDS))
}
