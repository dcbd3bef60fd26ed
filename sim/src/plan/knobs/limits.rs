//! The limits of single knobs.

use super::super::limits::{check_period, within};
use super::{Knobs, Maintenance};
use crate::text::Problem;

pub(super) fn any(_: &'static str, _: &Knobs) -> Result<(), Problem> {
    Ok(())
}

pub(super) fn at_least_one(name: &'static str, threshold: u64) -> Result<(), Problem> {
    within(name, threshold, 1..=u64::MAX)
}

/// A batch that waits below fewer L0s than make a compaction due would wait for ever: the engine
/// refuses such options.
pub(super) fn check_maintenance(
    maintenance: Maintenance,
    l0_count_trigger: u64,
) -> Result<(), Problem> {
    let Maintenance::On {
        period,
        l0_stall_count,
    } = maintenance
    else {
        return Ok(());
    };
    check_period(period)?;
    if l0_stall_count == 0 || l0_count_trigger <= l0_stall_count {
        return Ok(());
    }
    let remedy = "write 0 for never, or at least the knob `l0-trigger`";
    Err(Problem::new("stall", l0_stall_count, remedy))
}
