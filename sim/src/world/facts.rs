//! What the world tells the judge about a life: facts, in the order in which they happened.
//!
//! The world draws no conclusion from them; the judge drains the queue. What a fault did is one
//! fact, [`Delivered`]. The others say which operation it was done to, and when that operation
//! ended:
//! 1. A read that returns bytes which an earlier fault left wrong is hit by that fault long after
//!    it was delivered, and no caller sees it.
//! 2. A maintenance task goes from job to job, and no caller sees where one ends: its calls say
//!    which job they belong to.
//! 3. The end of a task, and the begin or end of a life, close what was open in them.
//! 4. The last reader of a file may remove it at any time.

use std::io::ErrorKind;
use std::path::PathBuf;

use palimpsest::io::Op;

use super::ids::TaskId;
use crate::faults::{Crash, Fault, StepKind};
use crate::label::TimelineLabel;

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEnd {
    /// The plan was carried out, or a check failed.
    Finished,
    /// A crash that the plan asks for.
    Crashed(Crash),
    /// A task panicked.
    Panicked,
    /// The life made more steps than any plan needs.
    Endless,
}

/// A call and its caller.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The task that made it; `None` at a crash, which no task survives.
    pub task: Option<TaskId>,
    /// The timeline that it works on, as the plan names it.
    pub label: Option<TimelineLabel>,
    /// The engine's label of the call.
    pub op: Op,
    /// Its kind.
    pub step: StepKind,
}

/// A fault that took effect on a call.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// The call.
    pub site: Site,
    /// The fault.
    pub fault: Fault,
    /// The error that the call returned, if it failed.
    pub error: Option<ErrorKind>,
    /// Whether a task of maintenance has made the call.
    pub is_maintenance: bool,
}

/// Something that happened in a life.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A fault was delivered.
    Delivered(Delivered),
    /// A call returned bytes that an earlier fault had made wrong.
    ReadWrong {
        /// The call that read them.
        site: Site,
        /// The fault that had made them wrong.
        fault: Fault,
    },
    /// A maintenance task of a timeline begins a call.
    Maintained {
        /// The task.
        task: TaskId,
        /// The label of the call.
        op: Op,
    },
    /// A file is about to be removed.
    Removed {
        /// The label of the removal.
        op: Op,
        /// The file.
        path: PathBuf,
    },
    /// A task has ended.
    TaskEnded {
        /// The task.
        task: TaskId,
        /// Whether it was a maintenance task of a timeline.
        is_maintenance: bool,
    },
    /// A life begins.
    LifeBegan,
    /// A life has ended.
    LifeEnded(LifeEnd),
}
