//! A run is a value: four separate streams that print and parse, and nothing else makes the run.

mod arbitrary;
mod check;
mod draw;
mod knobs;
mod limits;
mod op;
pub(crate) mod text;

use palimpsest::io::Job;

use crate::faults::Rule;

pub use knobs::{Compression, KeyLayout, Knobs, Look, Maintenance};
pub(crate) use knobs::{KNOBS, Knob};
pub use op::{Closing, EditPlan, Entry, Jump, Kept, KeyIndex, Mode, PlanOp, Shutdowns};
pub use text::PlanError;

/// Everything that makes a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sizes and thresholds.
    pub knobs: Knobs,
    /// What is asked of the engine, in order.
    pub ops: Vec<Line>,
    /// What the world does to it.
    pub faults: Vec<Rule>,
    /// Who goes on next, at every step.
    pub schedule: Schedule,
}

/// One operation and how it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it is started.
    pub how: How,
    /// What is asked.
    pub op: PlanOp,
}

/// How an operation is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// And waited for.
    Wait,
    /// And left running beside what follows: `&` in the text.
    Beside,
    /// And its future is dropped when it has pended so many times, from 1: `drop N` in the text. Of
    /// a restart, that is the future of each call that opens, which is then made again.
    DropAt(u32),
}

/// Who goes on next. Each choice picks among those held, by its remainder; 0 is the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first choices.
    pub choices: Vec<u8>,
    /// What comes after them.
    pub tail: Tail,
}

/// How a schedule goes on when its choices are used up. A seed draws what is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// First come, first served: `in-order`.
    InOrder,
    /// Last come, first served: `newest-first`.
    NewestFirst,
    /// Uniform among those held: `uniform SEED`.
    Uniform(u64),
    /// By ranks of the tasks; now and then the first falls behind all others, without end:
    /// `by-rank SEED`. Where all are equal nobody waits for long; here one may, while others do all
    /// that they have to. It needs no guess of how long a run is, as `Pct` does.
    ByRank(u64),
    /// By ranks of the tasks; so many times in all the first falls behind all others:
    /// `pct SEED CHANGES`. A failure that needs so many changes and no more is found with a chance
    /// that can be told, as in probabilistic concurrency testing.
    Pct(u64, u32),
    /// Uniform among all but some, who go when nobody else is held: `starve WHO SEED`.
    Starve(Starved, u64),
    /// The one that went goes on while it is held, then any: `to-completion SEED`.
    ToCompletion(u64),
}

/// Who is starved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starved {
    /// The one that carries out the plan: `driver`.
    Driver,
    /// A line that was left running, by its number from 1: `line N`.
    Line(u32),
    /// What the engine has started for such jobs: `keep`, `drop`, and so on.
    Engine(Job),
}
