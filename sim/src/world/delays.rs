//! Guards that count the calls which a slow device delays, and the tasks that stall.

use std::collections::btree_map::Entry;

use palimpsest::io::Op;

use super::SimIo;
use super::ids::TaskId;
use crate::faults::{Fault, StepKind};

/// A call that the device holds up.
pub(super) struct Delayed<'a> {
    io: &'a SimIo,
}

impl<'a> Delayed<'a> {
    pub(super) fn begin(io: &'a SimIo, fault: Fault, (op, step): (Op, StepKind)) -> Delayed<'a> {
        let mut state = io.world().state();
        state.deliver(fault, (op, step), None);
        state.delayed_count += 1;
        Delayed { io }
    }
}

impl Drop for Delayed<'_> {
    fn drop(&mut self) {
        let mut state = self.io.world().state();
        if state.is_live(self.io.life()) {
            state.delayed_count -= 1;
        }
    }
}

/// A stalled call: its task waits for all others, and the task's own steps do not count, until the
/// last of its calls that stall has ended.
pub(super) struct Stalling<'a> {
    io: &'a SimIo,
    task: Option<TaskId>,
}

impl<'a> Stalling<'a> {
    pub(super) fn begin(io: &'a SimIo) -> Stalling<'a> {
        let mut state = io.world().state();
        let task = state.scheduler.running();
        if let Some(task) = task {
            *state.stalled.entry(task).or_insert(0) += 1;
        }
        Stalling { io, task }
    }
}

impl Drop for Stalling<'_> {
    fn drop(&mut self) {
        let mut state = self.io.world().state();
        let is_live = state.is_live(self.io.life());
        let task = self.task.filter(|_| is_live);
        if let Some(Entry::Occupied(mut count)) = task.map(|task| state.stalled.entry(task)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
