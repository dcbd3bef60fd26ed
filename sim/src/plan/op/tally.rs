//! The totals of a plan's operations, checked against the limits.

use std::time::Duration;

use super::batch::{EditPlan, Entry};
use super::key::KeyIndex;
use super::setting::Setting;
use crate::plan::Knobs;
use crate::plan::limits::{
    BATCH_LEN_MAX, ENTRY_COUNT_MAX, LEN_MAX, OP_COUNT_MAX, TOTAL_LEN_MAX, TOTAL_WAIT_MAX,
    check_duration, within,
};
use crate::text::Problem;

/// The totals of a plan's operations so far.
pub(in crate::plan) struct LimitTally {
    /// The knobs, as they are set so far.
    knobs: Knobs,
    op_count: usize,
    entry_count: usize,
    total_len: u64,
    start_lsn_max: u64,
    lsn_steps: u64,
    total_wait: Duration,
}

impl LimitTally {
    /// The totals before the first operation.
    pub fn new(knobs: &Knobs) -> LimitTally {
        LimitTally {
            knobs: knobs.clone(),
            op_count: 0,
            entry_count: 0,
            total_len: 0,
            start_lsn_max: 0,
            lsn_steps: 0,
            total_wait: Duration::ZERO,
        }
    }

    /// Sets a knob for the next opening of the engine.
    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Problem> {
        setting.apply(&mut self.knobs);
        self.knobs.check()
    }

    /// Adds an operation.
    pub fn add_op(&mut self) -> Result<(), Problem> {
        self.op_count += 1;
        within(
            "count of operations",
            self.op_count as u64,
            0..=OP_COUNT_MAX as u64,
        )
    }

    /// Adds a timeline that starts at this LSN.
    pub(super) fn add_start(&mut self, start_lsn: u64) -> Result<(), Problem> {
        self.start_lsn_max = self.start_lsn_max.max(start_lsn);
        // Above it there has to be an LSN that a record can stand at.
        if u64::MAX - 2 < start_lsn {
            let remedy = "keep it at 2^64 - 3 or below";
            return Err(Problem::new("start LSN", start_lsn, remedy));
        }
        self.add_lsn_step(0)
    }

    /// Adds a wait. The limit is far below the overflow of a clock.
    pub(super) fn add_wait(&mut self, duration: Duration) -> Result<(), Problem> {
        check_duration("duration", duration)?;
        self.total_wait += duration;
        let (total, most) = (self.total_wait.as_secs(), TOTAL_WAIT_MAX.as_secs());
        within("seconds of all waits", total, 0..=most)
    }

    /// Adds a batch.
    pub(super) fn add_entries(&mut self, entries: &[Entry]) -> Result<(), Problem> {
        if entries.is_empty() {
            return Err(Problem::missing("record", "put at least one"));
        }
        within(
            "count of records of one put",
            entries.len() as u64,
            1..=BATCH_LEN_MAX as u64,
        )?;
        self.entry_count += entries.len();
        within(
            "count of records",
            self.entry_count as u64,
            0..=ENTRY_COUNT_MAX as u64,
        )?;
        for entry in entries {
            self.check_key(entry.key)?;
            self.add_lsn_step(entry.lsn_step)?;
            self.add_edit(entry.edit)?;
        }
        Ok(())
    }

    /// Adds an LSN step. Whatever fails, crashes, is retried or branches, no LSN gets above the
    /// highest start plus all steps, and that must leave room for the exclusive end of a range.
    fn add_lsn_step(&mut self, lsn_step: u64) -> Result<(), Problem> {
        let steps = self.lsn_steps.checked_add(lsn_step);
        let last = steps.and_then(|steps| steps.checked_add(self.start_lsn_max));
        if last.is_none_or(|last| last == u64::MAX) {
            let remedy = "keep the highest start and all steps together below 2^64 - 1";
            return Err(Problem::new("LSN step", lsn_step, remedy));
        }
        self.lsn_steps += lsn_step;
        Ok(())
    }

    fn add_edit(&mut self, edit: EditPlan) -> Result<(), Problem> {
        let (offset, len) = (edit.offset(), edit.len());
        within("offset", offset.into(), 0..=LEN_MAX.into())?;
        within("length", len.into(), 0..=LEN_MAX.into())?;
        self.total_len += edit.total_len();
        within("sum of lengths", self.total_len, 0..=TOTAL_LEN_MAX)
    }

    /// Checks that the plan has this key.
    pub(super) fn check_key(&self, key: KeyIndex) -> Result<(), Problem> {
        if key.0 < self.knobs.key_count {
            return Ok(());
        }
        let last = self.knobs.key_count - 1;
        Err(Problem::new(
            "key",
            key,
            format!("write k0 to k{last}, or raise the knob `keys`"),
        ))
    }

    /// Checks that the plan has this many keys.
    pub(super) fn check_key_count(&self, count: u16) -> Result<(), Problem> {
        within(
            "count of keys",
            count.into(),
            1..=self.knobs.key_count.into(),
        )
    }
}
