//! The queue of facts, which the judge drains.

use std::io::ErrorKind;
use std::path::Path;

use palimpsest::io::Op;

use super::facts::{Delivered, Fact, Site};
use super::ids::TaskId;
use super::state::{State, World};
use crate::faults::{Fault, StepKind};

impl World {
    /// Takes the facts queued since the last call, oldest first.
    pub fn take_facts(&self) -> Vec<Fact> {
        std::mem::take(&mut self.state().facts)
    }

    /// The task that runs now.
    pub fn running(&self) -> Option<TaskId> {
        self.state().scheduler.running()
    }

    /// The task that runs now, and the label of its last call.
    pub fn running_op(&self) -> Option<(TaskId, Op)> {
        self.state().scheduler.running_op()
    }
}

impl State {
    /// Records that a fault took effect on a call of the running task.
    pub(super) fn deliver(
        &mut self,
        fault: Fault,
        (op, step): (Op, StepKind),
        error: Option<ErrorKind>,
    ) {
        self.count_fault(fault, step);
        let site = self.site_of_running(op, step);
        let is_maintenance = site
            .task
            .is_some_and(|task| self.scheduler.is_maintenance(task));
        self.facts.push(Fact::Delivered(Delivered {
            site,
            fault,
            error,
            is_maintenance,
        }));
    }

    /// Records that a call of the running task returned bytes which these faults had made wrong
    /// before.
    pub(super) fn deliver_wrong(&mut self, faults: Vec<Fault>, (op, step): (Op, StepKind)) {
        let site = self.site_of_running(op, step);
        let facts = faults.into_iter();
        self.facts
            .extend(facts.map(|fault| Fact::ReadWrong { site, fault }));
    }

    /// Records that a file is about to be removed.
    pub(super) fn note_removal(&mut self, op: Op, path: &Path) {
        let path = path.to_path_buf();
        self.facts.push(Fact::Removed { op, path });
    }

    fn site_of_running(&self, op: Op, step: StepKind) -> Site {
        Site {
            task: self.scheduler.running(),
            label: op.timeline.and_then(|id| self.labels.get(&id).copied()),
            op,
            step,
        }
    }
}
