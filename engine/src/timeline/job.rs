//! What the jobs that reshape a timeline share: how they are started and how they end.

use std::fmt;

/// The length of a value that is assumed where only the number of keys is known, in bytes.
pub(super) const VALUE_LEN_ASSUMED: u64 = 8192;

/// Whether a job runs only if one of its triggers is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Run if a trigger of [`Options`](super::Options) is reached.
    ByNeed,
    /// Run if there is anything to do.
    Forced,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There was nothing to do.
    Idle,
    /// The work is done, and durable.
    Done,
    /// The job stopped for more urgent work; called again, it resumes.
    Preempted,
    /// A concurrent job changed the inputs: the work was dropped.
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
