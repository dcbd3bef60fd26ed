//! Guards that count the calls which a slow device delays, and the tasks that stall.

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

/// A stalled task: it waits for all others, and its own steps do not count.
pub(super) struct Stalling<'a> {
    io: &'a SimIo,
    task: Option<TaskId>,
}

impl<'a> Stalling<'a> {
    pub(super) fn begin(io: &'a SimIo) -> Stalling<'a> {
        let mut state = io.world().state();
        let task = state.scheduler.running();
        state.stalled.extend(task);
        Stalling { io, task }
    }
}

impl Drop for Stalling<'_> {
    fn drop(&mut self) {
        let mut state = self.io.world().state();
        if let Some(task) = self.task
            && state.is_live(self.io.life())
        {
            state.stalled.remove(&task);
        }
    }
}
