//! What the judge has been told, and how it follows from the facts of a life.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard};

use palimpsest::io::Job;

use super::expectations::ErrorExpectations;
use super::pending_faults::PendingFaults;
use crate::faults::{Cells, Fault, FaultClass, FaultOutcome, StepKind};
use crate::verdict::Verdict;
use crate::world::{Delivered, Fact, LifeEnd, TaskId, World};

/// Follows the facts of one world, life after life.
#[derive(Clone)]
pub struct Judge {
    pub(super) world: Arc<World>,
    record: Arc<Mutex<Record>>,
}

/// What follows from the facts so far.
#[derive(Default)]
pub(super) struct Record {
    /// What the failures of this life excuse later on.
    pub(super) expectations: ErrorExpectations,
    /// What was met by operations that have not ended.
    pub(super) pending_faults: PendingFaults,
    /// The errors with which the calls of a task that is not done have failed by a fault.
    injected_errors: BTreeMap<TaskId, Vec<InjectedError>>,
    cells: Cells,
}

/// An error that a call has failed with by a fault.
#[derive(Clone, Copy)]
pub(super) struct InjectedError {
    /// What kind of error it was.
    pub(super) kind: ErrorKind,
    /// Whether the call was a sync: then it is not known what is durable.
    pub(super) is_of_sync: bool,
}

impl Judge {
    /// Follows a world from here on.
    pub fn new(world: &Arc<World>) -> Judge {
        Judge {
            world: world.clone(),
            record: Arc::default(),
        }
    }

    /// What follows from every fact up to now. It is not held while the world is asked anything.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        let mut record = self
            .record
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        for fact in self.world.take_facts() {
            record.note(fact);
        }
        record
    }

    /// Faults delivered, by class, job and what came of it.
    pub fn cells(&self) -> Cells {
        self.record().cells().clone()
    }

    /// The running task's operation has come to this.
    pub fn end_operation(&self, outcome: FaultOutcome) {
        let Some(task) = self.world.running() else {
            return;
        };
        let mut record = self.record();
        if outcome == FaultOutcome::Tolerated {
            record.pending_faults.should_be_right(task);
        }
        record.end(task, outcome);
    }

    /// The running task's future was dropped, and with it its last call.
    pub fn dropped(&self) {
        if let Some((task, op)) = self.world.running_op() {
            self.record()
                .pending_faults
                .add(task, FaultClass::Dropped, op);
        }
    }

    /// Each rot of a layer that was read was told of.
    ///
    /// # Errors
    /// The broken law, with the operation that has read it and ended all the same. Of a task that
    /// maintains a timeline it is not asked: it has no caller to tell.
    pub fn check_reported(&self) -> Result<(), Verdict> {
        let unreported = self.record().pending_faults.unreported();
        unreported.map_or(Ok(()), |op| {
            let law = "whoever reads what rots in a layer says so";
            Err(Verdict::law(law, format!("{op} says nothing")))
        })
    }

    /// The errors that were delivered to the running task's own calls.
    pub(super) fn injected_errors(&self) -> Vec<InjectedError> {
        let Some(task) = self.world.running() else {
            return Vec::new();
        };
        self.record().injected_errors(task).to_vec()
    }
}

impl Record {
    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The errors with which the calls of a task that is not done have failed.
    pub(super) fn injected_errors(&self, task: TaskId) -> &[InjectedError] {
        self.injected_errors.get(&task).map_or(&[], Vec::as_slice)
    }

    /// Draws what follows from a fact.
    pub(super) fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Delivered(delivered) => self.delivered(&delivered),
            Fact::ReadWrong { site, fault } => {
                let class = fault.class(StepKind::Read);
                if let Some(task) = site.task {
                    self.pending_faults.add_once(task, class, site.op);
                }
            }
            Fact::Maintained { task, op } => {
                self.pending_faults.end_others(&mut self.cells, task, op)
            }
            Fact::Removed { op, path } if op.job == Job::Drop => self.expectations.dropped(path),
            Fact::Removed { .. } => {}
            Fact::TaskEnded {
                task,
                is_maintenance,
            } => {
                if !is_maintenance {
                    self.pending_faults.should_be_right(task);
                }
                self.end(task, FaultOutcome::Tolerated);
                self.injected_errors.remove(&task);
            }
            Fact::LifeBegan => {
                self.expectations = ErrorExpectations::default();
                self.injected_errors.clear();
            }
            Fact::LifeEnded(ending) => {
                let pending_faults = std::mem::take(&mut self.pending_faults);
                if matches!(ending, LifeEnd::Crashed(_)) {
                    pending_faults.end_all(&mut self.cells, FaultOutcome::Crashed);
                }
            }
        }
    }

    fn delivered(&mut self, delivered: &Delivered) {
        let Delivered { site, fault, error } = *delivered;
        let class = fault.class(site.step);
        match (fault, site.task) {
            (Fault::Crash(_), _) => {
                let cell = (class, site.op.job, FaultOutcome::Crashed);
                *self.cells.entry(cell).or_insert(0) += 1;
            }
            // It is met when it is read.
            (Fault::Rot(_), _) | (_, None) => {}
            (_, Some(task)) => self.pending_faults.add(task, class, site.op),
        }
        if let (Some(task), Some(kind)) = (site.task, error) {
            let is_of_sync = matches!(site.step, StepKind::Sync | StepKind::SyncDir);
            let refusal = InjectedError { kind, is_of_sync };
            self.injected_errors.entry(task).or_default().push(refusal);
        }
        self.expectations.delivered(delivered);
    }

    /// A task's operation has come to this.
    pub(super) fn end(&mut self, task: TaskId, outcome: FaultOutcome) {
        self.pending_faults.end(&mut self.cells, task, outcome);
    }
}
