//! The limits of a plan, and how a number is held against one.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::label::TimelineLabel;
use crate::text::Problem;

/// How many keys a plan has at most.
pub const KEY_COUNT_MAX: u16 = 999;
/// How many operations a plan has at most.
pub const OP_COUNT_MAX: usize = 100_000;
/// How many records all its batches have together at most.
pub const ENTRY_COUNT_MAX: usize = 1_000_000;
/// How many records one batch has at most.
pub const BATCH_LEN_MAX: usize = 10_000;
/// How many rules a plan has at most.
pub const RULE_COUNT_MAX: usize = 1_000;
/// How many choices its schedule has at most.
pub const CHOICE_COUNT_MAX: usize = 100_000;
/// How many times the ranks of its tasks change at most, where that is bounded.
pub const CHANGE_COUNT_MAX: u64 = 1_000;
/// The length or the offset of one edit, in bytes, is at most this.
pub const LEN_MAX: u32 = 1 << 20;
/// The lengths of all its edits, in bytes, are together at most this.
pub const TOTAL_LEN_MAX: u64 = 256 << 20;
/// All its waits are together at most this, a hundred years.
pub const TOTAL_WAIT_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// A wait, an age or a period is at most thirty days.
pub const DURATION_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A call takes an hour at most.
pub const SLOW_MAX: Duration = Duration::from_secs(60 * 60);
/// The period of housekeeping is at least this.
pub const PERIOD_MIN: Duration = Duration::from_millis(1);
/// What counts from 1.
pub const ORDINALS: RangeInclusive<u64> = 1..=u32::MAX as u64;

/// Holds if a wait, an age or a period is not too long.
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

/// Holds if the engine looks so seldom that time can pass between two looks.
pub(super) fn check_period(period: Duration) -> Result<(), Problem> {
    check_duration("period", period)?;
    if PERIOD_MIN <= period {
        return Ok(());
    }
    let found = format!("{period:?}");
    Err(Problem::new("period", found, "write at least 1ms"))
}

/// Holds if a plan can have a timeline of this letter.
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

/// Holds if a number is in its range.
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
