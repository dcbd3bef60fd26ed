//! A run is a value: four separate streams that print and parse, and nothing else determines the
//! run.

mod arbitrary;
mod check;
pub(crate) mod chunks;
mod draw;
mod knobs;
mod limits;
mod op;
mod settings;
pub(crate) mod text;
mod workload;

use palimpsest::io::Job;

use crate::faults::Rule;

#[cfg(test)]
pub(crate) use arbitrary::OP_COUNT_AIM_MAX;
pub use knobs::{Compression, KeyLayout, Knobs, Look, Maintenance, Shard};
pub(crate) use knobs::{KNOBS, Knob};
pub use op::{
    Closing, EditPlan, Effort, Entry, Held, HistoryPlan, Jump, Kept, KeyIndex, Mode, OtherShard,
    PlanOp, PolicyPlan, Setting, Shutdowns, Slot, SplitPlan, Taking, Try,
};
pub use text::PlanError;
pub use workload::{Workload, WorkloadError};

/// Everything that determines a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sizes and thresholds.
    pub knobs: Knobs,
    /// The operations, in order.
    pub ops: Vec<Line>,
    /// The faults.
    pub faults: Vec<Rule>,
    /// Which task runs next, at every step.
    pub schedule: Schedule,
}

/// One operation and how it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it is started.
    pub how: How,
    /// The operation.
    pub op: PlanOp,
}

/// How an operation is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The operation is waited for.
    Wait,
    /// The operation is left running while the following operations start: `&` in the text.
    Beside,
    /// Its future is dropped when it has pended this many times, from 1: `drop N` in the text. For
    /// a restart, that is the future of each call that opens, which is then made again.
    DropAt(u32),
}

/// Which task runs next. Each choice picks among the runnable tasks, by its remainder; 0 is the
/// oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first choices.
    pub choices: Vec<u8>,
    /// The policy after the last choice.
    pub tail: Tail,
}

/// The policy of a schedule once its choices are used up. Seeds draw what the text does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The task that has waited longest: `in-order`.
    InOrder,
    /// The task that has waited for the shortest time: `newest-first`.
    NewestFirst,
    /// Uniform among the runnable tasks: `uniform SEED`.
    Uniform(u64),
    /// By ranks of the tasks; now and then the first task falls behind all others, without end:
    /// `by-rank SEED`. Under equal chances no task waits for long; here one may, while others do
    /// all their work. It needs no guess at how long a run is, as `Pct` does.
    ByRank(u64),
    /// By ranks of the tasks; `CHANGES` times in all the first task falls behind all others: `pct
    /// SEED CHANGES`. It finds a failure that needs so many changes with a known chance, as in
    /// probabilistic concurrency testing.
    Pct(u64, u32),
    /// Uniform among all tasks but the starved, which run only when no other can: `starve TASK
    /// SEED`.
    Starve(Starved, u64),
    /// The last task continues while it is runnable, then any: `to-completion SEED`.
    ToCompletion(u64),
}

/// Which task is starved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starved {
    /// The task that carries out the plan: `driver`.
    Driver,
    /// The operation that was left running by this line, from 1: `line N`.
    Line(u32),
    /// The engine's tasks for this job: `keep` for maintenance, or `drop` for removals.
    Engine(Job),
}
