//! What the judge has derived from the facts of a life.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard};

use palimpsest::base::TimelineId;
use palimpsest::io::Job;

use super::expectations::ErrorExpectations;
use super::pending_faults::PendingFaults;
use crate::faults::{Cells, Fault, FaultClass, FaultOutcome, StepKind};
use crate::verdict::Verdict;
use crate::world::{Delivered, Fact, LifeEnd, TaskId, World};

/// Derives which errors are allowed from the facts of one world, life after life.
#[derive(Clone)]
pub struct Judge {
    pub(super) world: Arc<World>,
    record: Arc<Mutex<FaultRecord>>,
}

/// What follows from the facts so far.
#[derive(Default)]
pub(super) struct FaultRecord {
    /// The errors that failures of this life allow.
    pub(super) expectations: ErrorExpectations,
    /// The faults of operations that have not ended.
    pub(super) pending_faults: PendingFaults,
    /// The errors that faults injected into calls of running tasks.
    injected_errors: BTreeMap<TaskId, Vec<InjectedError>>,
    cells: Cells,
    /// The kinds of error that calls of this life have met.
    kinds_met: BTreeSet<ErrorKind>,
    /// The flushes of maintenance of this life in which a call has failed, each by its timeline and
    /// number.
    failed_flushes: BTreeSet<(TimelineId, u32)>,
}

/// An error that a fault injected into a call.
#[derive(Clone, Copy)]
pub(super) struct InjectedError {
    /// The kind of error.
    pub(super) kind: ErrorKind,
    /// Whether the call failed since too many files are open: then it is to be made again.
    pub(super) is_out_of_files: bool,
    /// Whether the call was a sync: then what is durable is unknown.
    pub(super) is_of_sync: bool,
}

impl Judge {
    /// A judge of a world, from now on.
    pub fn new(world: &Arc<World>) -> Judge {
        Judge {
            world: world.clone(),
            record: Arc::default(),
        }
    }

    /// Locks the record, with all facts up to now. The guard is not held while the world is asked.
    pub(super) fn record(&self) -> MutexGuard<'_, FaultRecord> {
        let mut record = self
            .record
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        for fact in self.world.take_facts() {
            record.note(fact);
        }
        record
    }

    /// Faults delivered, by class, job and outcome.
    pub fn cells(&self) -> Cells {
        self.record().cells().clone()
    }

    /// Ends the running task's operation with this outcome.
    pub fn end_operation(&self, outcome: FaultOutcome) {
        let Some(task) = self.world.running() else {
            return;
        };
        let mut record = self.record();
        if outcome == FaultOutcome::Tolerated {
            record.pending_faults.note_unreported_rot(task);
        }
        record.end(task, outcome);
    }

    /// Notes that the running task's future was cancelled in its last call.
    pub fn cancelled(&self) {
        if let Some((task, op)) = self.world.running_op() {
            self.record()
                .pending_faults
                .add(task, FaultClass::Dropped, op);
        }
    }

    /// Checks that each rot of a layer that was read was reported.
    ///
    /// # Errors
    /// The broken law, with the operation that has read the rot and ended without an error.
    /// Maintenance tasks are exempt: they have no caller to report to.
    pub fn check_reported(&self) -> Result<(), Verdict> {
        let unreported = self.record().pending_faults.unreported();
        unreported.map_or(Ok(()), |op| {
            let law = "a call that reads rot in a layer returns an error";
            Err(Verdict::law(law, format!("{op} says nothing")))
        })
    }

    /// Whether a call of this life has failed.
    pub fn has_failed(&self) -> bool {
        !self.record().kinds_met.is_empty()
    }

    /// In how many flushes of the timeline by maintenance a call has failed, in this life.
    pub fn failed_flush_count(&self, timeline: TimelineId) -> usize {
        let record = self.record();
        let of = record.failed_flushes.iter();
        of.filter(|(other, _)| *other == timeline).count()
    }

    /// Whether a call of this life has failed with this kind of error.
    pub fn has_failed_with(&self, kind: ErrorKind) -> bool {
        self.record().kinds_met.contains(&kind)
    }

    /// The errors that faults injected into the running task's own calls.
    pub(super) fn injected_errors(&self) -> Vec<InjectedError> {
        let Some(task) = self.world.running() else {
            return Vec::new();
        };
        self.record().injected_errors(task).to_vec()
    }
}

impl FaultRecord {
    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The errors that faults injected into a task's calls.
    pub(super) fn injected_errors(&self, task: TaskId) -> &[InjectedError] {
        self.injected_errors.get(&task).map_or(&[], Vec::as_slice)
    }

    /// Derives what follows from a fact.
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
            Fact::Removed { op, path } if op.job == Job::Drop => self.expectations.removed(path),
            Fact::Removed { .. } => {}
            Fact::TaskEnded {
                task,
                is_maintenance,
            } => {
                if !is_maintenance {
                    self.pending_faults.note_unreported_rot(task);
                }
                self.end(task, FaultOutcome::Tolerated);
                self.injected_errors.remove(&task);
            }
            Fact::LifeBegan => {
                self.expectations = ErrorExpectations::default();
                self.injected_errors.clear();
                self.kinds_met.clear();
                self.failed_flushes.clear();
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
        let Delivered {
            site,
            fault,
            error,
            is_maintenance,
        } = *delivered;
        let class = fault.class(site.step);
        match (fault, site.task) {
            (Fault::Crash(_), _) => {
                let cell = (class, site.op.job, FaultOutcome::Crashed);
                *self.cells.entry(cell).or_insert(0) += 1;
            }
            // A rot is met when it is read.
            (Fault::Rot(_), _) | (_, None) => {}
            (_, Some(task)) => self.pending_faults.add(task, class, site.op),
        }
        self.kinds_met.extend(error);
        if error.is_some() && is_maintenance && site.op.job == Job::Flush {
            self.failed_flushes.extend(
                site.op
                    .timeline
                    .map(|timeline| (timeline, site.op.job_index)),
            );
        }
        if let (Some(task), Some(kind)) = (site.task, error) {
            let is_of_sync = matches!(site.step, StepKind::Sync | StepKind::SyncDir);
            let injected = InjectedError {
                kind,
                is_out_of_files: matches!(fault, Fault::Emfile | Fault::Enfile),
                is_of_sync,
            };
            self.injected_errors.entry(task).or_default().push(injected);
        }
        self.expectations.delivered(delivered);
    }

    /// Ends a task's operation with this outcome.
    pub(super) fn end(&mut self, task: TaskId, outcome: FaultOutcome) {
        self.pending_faults.end(&mut self.cells, task, outcome);
    }
}
