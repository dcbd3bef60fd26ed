//! The limits of a plan, and how a number is checked against one.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::label::TimelineLabel;
use crate::text::Problem;

/// The most keys of a plan.
pub const KEY_COUNT_MAX: u16 = 999;
/// The most operations of a plan.
pub const OP_COUNT_MAX: usize = 100_000;
/// The most records of all batches of a plan.
pub const ENTRY_COUNT_MAX: usize = 1_000_000;
/// The most records of one batch.
pub const BATCH_LEN_MAX: usize = 10_000;
/// The most rules of a plan.
pub const RULE_COUNT_MAX: usize = 1_000;
/// The most choices of a plan's schedule.
pub const CHOICE_COUNT_MAX: usize = 100_000;
/// The most changes of task ranks, in a schedule that bounds them.
pub const CHANGE_COUNT_MAX: u64 = 1_000;
/// The longest length or offset of one edit, in bytes.
pub const LEN_MAX: u32 = 1 << 20;
/// The limit on the sum of the lengths of a plan's edits, in bytes.
pub const TOTAL_LEN_MAX: u64 = 256 << 20;
/// The limit on the sum of a plan's waits: a hundred years.
pub const TOTAL_WAIT_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// The longest wait, age or period: thirty days.
pub const DURATION_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The longest time that a slow call takes: an hour.
pub const SLOW_MAX: Duration = Duration::from_secs(60 * 60);
/// The shortest period of maintenance.
pub const PERIOD_MIN: Duration = Duration::from_millis(1);
/// The slots in which scans are held.
pub const SLOTS: RangeInclusive<u64> = 1..=9;
/// The range of ordinals.
pub const ORDINALS: RangeInclusive<u64> = 1..=u32::MAX as u64;

/// Checks that a wait, an age or a period is not too long.
pub(super) fn check_duration(what: &'static str, duration: Duration) -> Result<(), Problem> {
    if duration <= DURATION_MAX {
        return Ok(());
    }
    let found = format!("{duration:?}");
    Err(Problem::new(
        what,
        found,
        "write at most 2592000s, thirty days",
    ))
}

/// Checks the period of maintenance; it must be long enough for time to pass between two rounds.
pub(super) fn check_period(period: Duration) -> Result<(), Problem> {
    check_duration("period", period)?;
    if PERIOD_MIN <= period {
        return Ok(());
    }
    let found = format!("{period:?}");
    Err(Problem::new("period", found, "write at least 1ms"))
}

/// Checks that a timeline's label is a letter from a to z.
pub(super) fn check_label(label: TimelineLabel) -> Result<(), Problem> {
    match label.0 {
        b'a'..=b'z' => Ok(()),
        _ => Err(Problem::new(
            "timeline",
            label,
            "write a letter from a to z",
        )),
    }
}

/// Checks that a number is in its range.
pub(super) fn within(
    what: &'static str,
    found: u64,
    allowed: RangeInclusive<u64>,
) -> Result<(), Problem> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let remedy = match allowed.end() {
        0 => "leave it out".to_owned(),
        last => format!("keep it from {} to {last}", allowed.start()),
    };
    Err(Problem::new(what, found, remedy))
}
