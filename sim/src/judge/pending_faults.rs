//! The faults that running operations have met: their outcome is not known yet.

use palimpsest::io::{Op, Part};

use crate::faults::{Cells, FaultClass, FaultOutcome};
use crate::world::TaskId;

/// The faults of operations that have not ended.
#[derive(Default)]
pub(super) struct PendingFaults {
    faults: Vec<(TaskId, FaultClass, Op)>,
    /// An operation that read rot in a layer and ended without an error, if there was one.
    unreported: Option<Op>,
}

impl PendingFaults {
    /// Adds a fault that a call of a task's operation has met.
    pub(super) fn add(&mut self, task: TaskId, class: FaultClass, op: Op) {
        self.faults.push((task, class, op));
    }

    /// Adds a fault, unless the task's operation has met one of its class in this job already.
    pub(super) fn add_once(&mut self, task: TaskId, class: FaultClass, op: Op) {
        let is_same = |(of, other, during): &(TaskId, FaultClass, Op)| {
            *of == task && *other == class && during.job == op.job
        };
        if !self.faults.iter().any(is_same) {
            self.add(task, class, op);
        }
    }

    /// Ends a task's operation with this outcome.
    pub(super) fn end(&mut self, cells: &mut Cells, task: TaskId, outcome: FaultOutcome) {
        self.settle(cells, outcome, |of, _| of == task);
    }

    /// Notes a rot that a task's operation has read, if it is about to end without an error.
    pub(super) fn note_unreported_rot(&mut self, task: TaskId) {
        if !self.has_met(task, FaultClass::Dropped) {
            self.unreported = self.unreported.or_else(|| self.rot_met_by(task));
        }
    }

    /// The operation that read rot in a layer and ended without an error, if there was one.
    pub(super) fn unreported(&self) -> Option<Op> {
        self.unreported
    }

    fn has_met(&self, task: TaskId, class: FaultClass) -> bool {
        let mut faults = self.faults.iter();
        faults.any(|(of, met, _)| (*of, *met) == (task, class))
    }

    fn rot_met_by(&self, task: TaskId) -> Option<Op> {
        let mut faults = self.faults.iter();
        let rot = faults.find(|(of, class, op)| {
            let is_layer = matches!(op.part, Part::Delta | Part::Image);
            *of == task && *class == FaultClass::Rot && is_layer
        });
        rot.map(|(_, _, op)| *op)
    }

    /// Ends the jobs of a maintenance task before this call as tolerated: it has no caller that
    /// asks.
    pub(super) fn end_others(&mut self, cells: &mut Cells, task: TaskId, now: Op) {
        self.settle(cells, FaultOutcome::Tolerated, |of, op| {
            of == task && (op.job, op.job_index) != (now.job, now.job_index)
        });
    }

    /// Ends all operations with this outcome.
    pub(super) fn end_all(mut self, cells: &mut Cells, outcome: FaultOutcome) {
        self.settle(cells, outcome, |_, _| true);
    }

    fn settle(
        &mut self,
        cells: &mut Cells,
        outcome: FaultOutcome,
        is_over: impl Fn(TaskId, Op) -> bool,
    ) {
        let over = |(task, _, op): &mut (TaskId, FaultClass, Op)| is_over(*task, *op);
        for (_, class, op) in self.faults.extract_if(.., over) {
            *cells.entry((class, op.job, outcome)).or_insert(0) += 1;
        }
    }
}
