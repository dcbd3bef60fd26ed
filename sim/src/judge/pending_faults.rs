//! Which faults the operations have met that have not ended: what comes of them is not known yet.

use palimpsest::io::{Op, Part};

use crate::faults::{Cells, FaultClass, FaultOutcome};
use crate::world::TaskId;

/// Faults of operations that have not ended.
#[derive(Default)]
pub(super) struct PendingFaults {
    faults: Vec<(TaskId, FaultClass, Op)>,
    /// One that has read what rots in a layer, and has ended as if nothing were wrong.
    unreported: Option<Op>,
}

impl PendingFaults {
    /// A task's operation has met with a fault, in a call that was for this.
    pub(super) fn add(&mut self, task: TaskId, class: FaultClass, op: Op) {
        self.faults.push((task, class, op));
    }

    /// A task's operation has met with a fault, unless it has met with such a one already.
    pub(super) fn add_once(&mut self, task: TaskId, class: FaultClass, op: Op) {
        let is_it = |(of, pending_faults, during): &(TaskId, FaultClass, Op)| {
            *of == task && *pending_faults == class && during.job == op.job
        };
        if !self.faults.iter().any(is_it) {
            self.add(task, class, op);
        }
    }

    /// A task's operation has come to this.
    pub(super) fn end(&mut self, cells: &mut Cells, task: TaskId, outcome: FaultOutcome) {
        self.settle(cells, outcome, |of, _| of == task);
    }

    /// A task's operation is about to end as if nothing were wrong: it has read no rot of a layer.
    pub(super) fn should_be_right(&mut self, task: TaskId) {
        if !self.has_met(task, FaultClass::Dropped) {
            self.unreported = self.unreported.or_else(|| self.rot_met_by(task));
        }
    }

    /// The operation of a layer that has read what rots there, and has ended as if nothing were
    /// wrong, if there was one.
    pub(super) fn unreported(&self) -> Option<Op> {
        self.unreported
    }

    fn has_met(&self, task: TaskId, class: FaultClass) -> bool {
        let mut pending_faults = self.faults.iter();
        pending_faults.any(|(of, pending_faults, _)| (*of, *pending_faults) == (task, class))
    }

    fn rot_met_by(&self, task: TaskId) -> Option<Op> {
        let mut pending_faults = self.faults.iter();
        let rot = pending_faults.find(|(of, class, op)| {
            let is_layer = matches!(op.part, Part::Delta | Part::Image);
            *of == task && *class == FaultClass::Rot && is_layer
        });
        rot.map(|(_, _, op)| *op)
    }

    /// A task that goes on from job to job on its own has come to this call: its jobs before are
    /// over, and nobody asked how they ended.
    pub(super) fn end_others(&mut self, cells: &mut Cells, task: TaskId, now: Op) {
        self.settle(cells, FaultOutcome::Tolerated, |of, op| {
            of == task && (op.job, op.job_index) != (now.job, now.job_index)
        });
    }

    /// All operations have come to this.
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
