//! A run is a value: four separate streams that print and parse, and nothing else makes the run.

mod arbitrary;
mod check;
mod draw;
mod knobs;
mod limits;
mod op;
pub(crate) mod text;

use std::time::Duration;

use palimpsest::io::Job;

use crate::faults::{Crash, Rule};
use crate::label::Letter;

pub use knobs::{Compression, Housekeeping, Knobs, Layout, Look};
pub(crate) use knobs::{KNOBS, Knob};
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
    /// And its future is dropped when it has pended so many times, from 1: `drop N` in the text. Of
    /// a restart, that is the future of each call that opens, which is then made again.
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
    /// Creates a timeline on top of another: `branch b a -8`.
    Branch {
        /// Which.
        timeline: Letter,
        /// What it stands on.
        ancestor: Letter,
        /// At which LSN, from the ancestor's last record's: negative is older.
        offset: i64,
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
    /// Reads several values at once: `get-many a k3 5 -8`.
    GetMany {
        /// Where from.
        timeline: Letter,
        /// The first key.
        first: KeyIndex,
        /// How many keys, from 1; behind the last one comes the first.
        count: u16,
        /// Which LSN, from the last record's: negative is older.
        offset: i64,
    },
    /// Reads every key in their order: `scan a 0`.
    Scan {
        /// Where from.
        timeline: Letter,
        /// Which LSN, from the last record's: negative is older.
        offset: i64,
    },
    /// Compacts L0s: `compact a` if it is due, `compact a forced` in any case.
    Compact {
        /// Of which timeline.
        timeline: Letter,
        /// Whether it must be due.
        mode: Mode,
    },
    /// Creates images: `images a` where they are due, `images a forced` everywhere.
    Images {
        /// Of which timeline.
        timeline: Letter,
        /// Whether they must be due.
        mode: Mode,
    },
    /// Collects garbage: `gc a`.
    Gc {
        /// Of which timeline.
        timeline: Letter,
    },
    /// Declares which keys there are: `declare a k0 5`. It steers where images are cut, and nothing
    /// that is answered depends on it.
    Declare {
        /// Of which timeline.
        timeline: Letter,
        /// The first key.
        first: KeyIndex,
        /// How many keys, from 1; behind the last one comes the first.
        count: u16,
    },
    /// Waits for everything that was left running.
    Join,
    /// Lets time pass.
    Wait {
        /// How much.
        duration: Duration,
    },
    /// Sets the clock: `clock +10800s`, `clock -3600s`.
    Clock(Jump),
    /// Shuts a timeline down beside all that works on it, and opens it again: `shutdown a`,
    /// `shutdown a twice`, `shutdown a keeping`.
    Shutdown {
        /// Which.
        timeline: Letter,
        /// How many do so at the same time.
        shutdowns: Shutdowns,
        /// What is kept of the instance that was closed.
        kept: Kept,
    },
    /// Lets go of what shutdowns have kept: `let-go`.
    LetGo,
    /// Shuts the engine down and opens it again.
    Restart,
    /// Ends the process, and with it the machine's power or not.
    Crash(Crash),
}

/// How far the clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// Into the future.
    Forward(Duration),
    /// Into the past.
    Back(Duration),
}

/// How many shut a timeline down at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdowns {
    /// One.
    One,
    /// Another as well: `twice`.
    Two,
}

/// What is kept of a timeline's instance that was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// The timeline, its writer and a scan that has not come to its end: `keeping`.
    Handles,
}

/// Whether a job is started by need or in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// If it is due.
    ByNeed,
    /// In any case.
    Forced,
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

/// How a schedule goes on when its choices are used up. A seed draws what is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
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
