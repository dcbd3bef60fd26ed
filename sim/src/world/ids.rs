//! The tasks and calls of a world, by number and by name.

use std::fmt;

use palimpsest::io::Op;

/// A task of the present life, by the order in which it was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// A call that is held, by number; numbers are not used again in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallId(pub(super) u64);

/// What a task is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskName {
    /// The one that carries out the plan.
    Driver,
    /// A line of the plan, from 1, that was left running.
    Line(u32),
    /// One that the engine started.
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
