//! What the world tells of a life to those who judge it: facts, in the order in which they came.
//!
//! The world draws nothing from them and keeps nothing for the sake of it: their reader drains the
//! queue. What a fault did is one fact, [`Delivered`]. The others say to which operation it was
//! done, and until when that went on:
//! 1. A read that returns bytes which an earlier fault left wrong meets with that fault, long after
//!    it was delivered, and no caller can see it.
//! 2. A task that maintains a timeline goes on from job to job, and no caller sees where one ends:
//!    its calls say which job they are of.
//! 3. A task that ends, and a life that begins or ends, close what was open in them.
//! 4. A removal by the last reader of a file comes at any time, and takes a file away.

use std::io::ErrorKind;
use std::path::PathBuf;

use palimpsest::io::Op;

use super::ids::TaskId;
use crate::faults::{Crash, Fault, StepKind};
use crate::label::TimelineLabel;

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEnd {
    /// Everything was done.
    Finished,
    /// A crash, as the plan says.
    Crashed(Crash),
    /// A task panicked.
    Panicked,
    /// It made more steps than any plan needs.
    Endless,
}

/// Which call it was, and whose.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The task that made it; none at a crash, which no task lives to see.
    pub task: Option<TaskId>,
    /// The timeline that it was for, as the plan names it.
    pub label: Option<TimelineLabel>,
    /// What it was for.
    pub op: Op,
    /// Its kind.
    pub step: StepKind,
}

/// A fault that did to a call what it is there for.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// The call.
    pub site: Site,
    /// What was done to it.
    pub fault: Fault,
    /// The error that it failed with, if it failed.
    pub error: Option<ErrorKind>,
}

/// Something that happened in a life.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A fault was delivered.
    Delivered(Delivered),
    /// A call read bytes that a fault had made wrong at some time before.
    ReadWrong {
        /// The call that read them.
        site: Site,
        /// The fault that had made them wrong.
        fault: Fault,
    },
    /// A task that maintains a timeline for as long as that is open begins a call.
    Maintained {
        /// The task.
        task: TaskId,
        /// What the call is for.
        op: Op,
    },
    /// A file is about to be removed.
    Removed {
        /// What the removal is for.
        op: Op,
        /// The file.
        path: PathBuf,
    },
    /// A task is done.
    TaskEnded {
        /// The task.
        task: TaskId,
        /// Whether it maintained a timeline for as long as that was open.
        is_maintenance: bool,
    },
    /// A life begins.
    LifeBegan,
    /// The life is over.
    LifeEnded(LifeEnd),
}
