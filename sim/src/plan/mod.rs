//! A run is a value: four separate streams that print and parse, and nothing else makes the run.

mod arbitrary;
mod check;
mod draw;
pub(crate) mod text;

use std::time::Duration;

use crate::faults::{Rule, Survival};

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

/// Sizes and thresholds of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knobs {
    /// Seeds what the engine asks of chance and which points the oracle asks for.
    pub seed: u64,
    /// How many keys there are, from 1 to 999.
    pub key_count: u16,
    /// Where in the key space they stand.
    pub layout: Layout,
    /// The length at which a memory layer is frozen, in bytes.
    pub freeze_len_max: u64,
    /// The LSN distance at which a memory layer is frozen.
    pub freeze_distance_max: u64,
    /// The age at which a memory layer is frozen.
    pub freeze_age_max: Duration,
    /// How much of a memory layer is gathered before it is written to its file, in bytes.
    pub buffer_len: u64,
}

/// Where the keys of a run stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Blocks of one relation, one after another.
    Dense,
    /// Blocks of many relations, far apart.
    Spread,
    /// Around the carries and ends of the fields, `Key::MIN` included.
    Edges,
}

/// A timeline's name in a plan: a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letter(pub u8);

/// One of the run's keys, by number, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIndex(pub u16);

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
    /// And its future is dropped when it has pended so many times, from 1: `drop N` in the text.
    DropAt(u32),
}

/// What is asked of the engine, or of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanOp {
    /// Creates a timeline that starts at an LSN.
    Create {
        /// Which.
        timeline: Letter,
        /// Its first LSN is the one above.
        start_lsn: u64,
    },
    /// Deletes a timeline.
    Delete {
        /// Which.
        timeline: Letter,
    },
    /// Writes a batch.
    Put {
        /// Where to.
        timeline: Letter,
        /// At least one record, in the order of their LSNs.
        entries: Vec<Entry>,
    },
    /// Closes the open memory layer.
    Freeze {
        /// Of which timeline.
        timeline: Letter,
    },
    /// Makes everything that is written durable.
    Flush {
        /// Of which timeline.
        timeline: Letter,
    },
    /// Reads one value.
    Get {
        /// Where from.
        timeline: Letter,
        /// Which key.
        key: KeyIndex,
        /// Which LSN, from the last record's: negative is older.
        offset: i64,
    },
    /// Asks for every key at the newest LSN and at some older ones.
    Scan {
        /// Where from.
        timeline: Letter,
    },
    /// Waits for everything that was left running.
    Join,
    /// Lets time pass.
    Wait {
        /// How much.
        duration: Duration,
    },
    /// Shuts the engine down and opens it again.
    Restart,
    /// Ends the process, and with it the machine's power or not.
    Crash(Crash),
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed; what the system was handed stays.
    Kill,
    /// The power fails; of what was not synced, this is kept.
    Power(Survival),
}

/// One record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How far its LSN is above the one before it, or above the last record's. May be 0.
    pub lsn_step: u64,
    /// Which key.
    pub key: KeyIndex,
    /// What happens to it.
    pub edit: EditPlan,
}

/// What a record does to its page. Lengths and offsets are in bytes; `seed` draws the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditPlan {
    /// A whole value: `image:LEN:SEED`.
    Image {
        /// Its length.
        len: u32,
        /// Draws its bytes.
        seed: u64,
    },
    /// A record that makes the page anew, `will_init`: `init:LEN:SEED`.
    Init {
        /// The page's length.
        len: u32,
        /// Draws its bytes.
        seed: u64,
    },
    /// A record that replaces the page: `set:LEN:SEED`.
    Set {
        /// The page's length.
        len: u32,
        /// Draws its bytes.
        seed: u64,
    },
    /// A record that overwrites a part: `patch:OFFSET:LEN:SEED`.
    Patch {
        /// Where the part starts.
        offset: u32,
        /// How long it is.
        len: u32,
        /// Draws its bytes.
        seed: u64,
    },
    /// A record that adds to the end: `append:LEN:SEED`.
    Append {
        /// How much.
        len: u32,
        /// Draws its bytes.
        seed: u64,
    },
    /// A record that adds to the end if the page is what it was when it was written:
    /// `append-if:LEN:SEED`.
    AppendIf {
        /// How much.
        len: u32,
        /// Draws its bytes.
        seed: u64,
    },
    /// A record that empties the page: `clear`.
    Clear,
}

/// Who goes on next. Each choice picks among those held, by its remainder; 0 is the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first choices.
    pub choices: Vec<u8>,
    /// What comes after them.
    pub then: Then,
}

/// How a schedule goes on when its choices are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// First come, first served: `in-order`.
    InOrder,
    /// Uniform among those held, drawn from a seed: `uniform SEED`.
    Uniform(u64),
}
