//! The tasks and calls of a world, by number and by name.

use std::fmt;

use palimpsest::io::Op;

/// A task of the present life, numbered in the order of spawning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// A held call. A run uses no number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallId(pub(super) u64);

/// What a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskName {
    /// The driver, which carries out the plan.
    Driver,
    /// A line of the plan, from 1, that runs beside others.
    Line(u32),
    /// A task that the engine spawned.
    Engine(Op),
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskName::Driver => write!(f, "driver"),
            TaskName::Line(line) => write!(f, "line {line}"),
            TaskName::Engine(op) => write!(f, "engine {}", op.job.name()),
        }
    }
}
