//! Guards that count the calls which a slow device delays, and the tasks that stall; and which call
//! was delayed for how long.

use std::collections::btree_map::Entry;
use std::time::Duration;

use palimpsest::io::Op;

use super::ids::TaskId;
use super::{SimIo, World};
use crate::faults::{Fault, StepKind};

/// A call that the device holds up.
pub(super) struct Delayed<'a> {
    io: &'a SimIo,
    /// Its place in the log of delays.
    index: usize,
}

impl<'a> Delayed<'a> {
    pub(super) fn begin(io: &'a SimIo, fault: Fault, (op, step): (Op, StepKind)) -> Delayed<'a> {
        let mut state = io.world().state();
        state.deliver(fault, (op, step), None);
        state.delayed_count += 1;
        let now = state.elapsed();
        let index = state.delays.begin(op, now);
        Delayed { io, index }
    }
}

impl Drop for Delayed<'_> {
    fn drop(&mut self) {
        let mut state = self.io.world().state();
        if state.is_live(self.io.life()) {
            state.delayed_count -= 1;
            let now = state.elapsed();
            state.delays.end(self.index, now);
        }
    }
}

impl World {
    /// The virtual time since this run began, which no clock jump changes.
    pub fn elapsed(&self) -> Duration {
        self.state().elapsed()
    }

    /// How long calls of this life for which `counts` holds were delayed since then, all together.
    pub fn delayed_since(&self, since: Duration, counts: impl Fn(Op) -> bool) -> Duration {
        let state = self.state();
        state.delays.sum_since((since, state.elapsed()), counts)
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
