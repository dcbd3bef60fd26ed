//! What the jobs that reshape a timeline have in common: how they are started and what they say.

use std::fmt;

/// How long a value is assumed to be where only the number of keys is known, in bytes.
pub(super) const VALUE_LEN_ASSUMED: u64 = 8192;

/// Whether a job looks for work by its triggers, or does what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// If a trigger says that it is due.
    ByNeed,
    /// In any case.
    Forced,
}

/// What a job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There was nothing to do.
    Idle,
    /// It is done, and durable.
    Done,
    /// It stopped for something more urgent; called again, it goes on.
    Preempted,
    /// What it had planned for changed meanwhile: its work was dropped.
    Superseded,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Progress::Idle => "idle",
            Progress::Done => "done",
            Progress::Preempted => "preempted",
            Progress::Superseded => "superseded",
        })
    }
}
