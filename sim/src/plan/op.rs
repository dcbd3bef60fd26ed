//! The operations of a plan, a row each: the variant with its operands, its verb, how it may be
//! started, and which job of the engine it is. How an operand is written, limited and made plainer
//! follows from its type. Only the driver must name an operation as well, and the drawer if seeds
//! are to draw it.

mod batch;
mod key;
mod operand;
mod past;
mod policy;
mod setting;
mod split;
mod tally;

use std::fmt;
use std::time::Duration;

use palimpsest::Strategy;
use palimpsest::io::Job;

use crate::faults::Crash;
use crate::label::TimelineLabel;
use crate::text::{Problem, Words};
use operand::Operand;

pub use batch::{EditPlan, Entry};
pub use key::KeyIndex;
pub use operand::{Closing, Effort, Held, Jump, Kept, Mode, Shutdowns, Slot};
pub use past::{HistoryPlan, Try};
pub use policy::PolicyPlan;
pub use setting::Setting;
pub use split::{OtherShard, SplitPlan, Taking};
pub(super) use tally::LimitTally;

/// What the table says of an operation, besides its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpRow {
    /// The word that it starts with.
    pub verb: &'static str,
    /// How it may be started.
    pub start: Start,
    /// The job of the engine that it is, if it is one.
    pub job: Option<Job>,
}

/// How an operation may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Start {
    /// Always waited for.
    Waited,
    /// Waited for, or its future is dropped.
    Dropped,
    /// Waited for, dropped, or left running.
    Beside,
}

/// Declares [`PlanOp`] and its rows.
macro_rules! operations {
    ($(
        $(#[$op_meta:meta])*
        $op:ident
        $({ $($(#[$field_meta:meta])* $field:ident: $kind:ty,)* })?
        $(($one:ident: $one_kind:ty))?
        => $verb:literal, $start:expr, $job:expr;
    )*) => {
        /// What is asked of the engine, or done to the world around it.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum PlanOp {
            $($(#[$op_meta])* $op $({ $($(#[$field_meta])* $field: $kind,)* })? $(($one_kind))?,)*
        }

        impl PlanOp {
            /// The row of each operation, in the order of the variants.
            pub(crate) const ROWS: [OpRow; [$($verb),*].len()] =
                [$(OpRow { verb: $verb, start: $start, job: $job }),*];

            /// The row of this operation.
            pub(crate) fn row(&self) -> OpRow {
                match self {
                    $(PlanOp::$op { .. } => OpRow { verb: $verb, start: $start, job: $job },)*
                }
            }

            /// Reads the operands behind a verb.
            pub(super) fn read(verb: &str, words: &mut Words<'_>) -> Result<PlanOp, Problem> {
                match verb {
                    $($verb => Ok(PlanOp::$op
                        $({ $($field: <$kind as Operand>::read(words)?,)* })?
                        $((<$one_kind as Operand>::read(words)?))?),)*
                    other => Err(Problem::new("operation", other, PlanOp::remedy())),
                }
            }

            fn operands(&self) -> Vec<&dyn Operand> {
                match self {
                    $(PlanOp::$op $({ $($field,)* })? $(($one))? => {
                        vec![$($($field as &dyn Operand,)*)? $($one as &dyn Operand)?]
                    })*
                }
            }

            fn operands_mut(&mut self) -> Vec<&mut dyn Operand> {
                match self {
                    $(PlanOp::$op $({ $($field,)* })? $(($one))? => {
                        vec![$($($field as &mut dyn Operand,)*)? $($one as &mut dyn Operand)?]
                    })*
                }
            }

            /// This operation with one plainer operand: one for each that can be plainer.
            pub(crate) fn plainer(&self) -> Vec<PlanOp> {
                let mut all = Vec::new();
                match self {
                    $(PlanOp::$op $({ $($field,)* })? $(($one))? => {
                        $($(for plainer in $field.plainer() {
                            let mut op = self.clone();
                            if let PlanOp::$op { $field, .. } = &mut op {
                                *$field = plainer;
                            }
                            all.push(op);
                        })*)?
                        $(all.extend($one.plainer().into_iter().map(PlanOp::$op));)?
                    })*
                }
                all
            }
        }
    };
}

operations! {
    /// Creates a timeline that starts at an LSN: `create a 16`, `create a 16 once`.
    Create {
        /// The new timeline.
        timeline: TimelineLabel,
        /// The start LSN: the first record stands above it.
        start_lsn: u64,
        /// Whether it is made again after a failure.
        effort: Effort,
    } => "create", Start::Beside, Some(Job::Create);

    /// Branches a timeline: `branch b a -8`, `branch b a 0 once`.
    Branch {
        /// The new timeline.
        timeline: TimelineLabel,
        /// Its ancestor.
        ancestor: TimelineLabel,
        /// The branch point, as an offset from the ancestor's last record: negative is older.
        offset: i64,
        /// Whether it is made again after a failure.
        effort: Effort,
    } => "branch", Start::Beside, Some(Job::Branch);

    /// Deletes a timeline: `delete a`, `delete a once`.
    Delete {
        /// The timeline.
        timeline: TimelineLabel,
        /// Whether it is made again after a failure.
        effort: Effort,
    } => "delete", Start::Beside, Some(Job::Delete);

    /// Opens a timeline that an earlier operation has left closed, if it is there: `open a`.
    Open {
        /// The timeline.
        timeline: TimelineLabel,
        /// Whether it is made again after a failure.
        effort: Effort,
    } => "open", Start::Dropped, Some(Job::Open);

    /// Writes a batch.
    Put {
        /// The timeline.
        timeline: TimelineLabel,
        /// The records, at least one, in LSN order.
        entries: Vec<Entry>,
    } => "put", Start::Beside, Some(Job::Put);

    /// Closes the open memory layer.
    Freeze {
        /// The timeline.
        timeline: TimelineLabel,
    } => "freeze", Start::Beside, Some(Job::Freeze);

    /// Makes everything that is written durable.
    Flush {
        /// The timeline.
        timeline: TimelineLabel,
    } => "flush", Start::Beside, Some(Job::Flush);

    /// Compacts L0s: `compact a` if it is due, `compact a forced` in any case.
    Compact {
        /// The timeline.
        timeline: TimelineLabel,
        /// Whether the compaction must be due.
        mode: Mode,
    } => "compact", Start::Beside, Some(Job::Compact);

    /// Makes compactions go by a strategy from now on: `strategy a tiered`, `strategy a l0-to-l1`.
    Strategy {
        /// The timeline.
        timeline: TimelineLabel,
        /// The strategy.
        strategy: Strategy,
    } => "strategy", Start::Dropped, Some(Job::Compact);

    /// Keeps as much history from now on as it says: `policy a distance 8 age 10s`, `policy a`.
    Policy {
        /// The timeline.
        timeline: TimelineLabel,
        /// The options that the timeline has for itself.
        policy: PolicyPlan,
    } => "policy", Start::Dropped, Some(Job::Lease);

    /// Creates images: `images a` where they are due, `images a forced` everywhere.
    Images {
        /// The timeline.
        timeline: TimelineLabel,
        /// Whether the images must be due.
        mode: Mode,
    } => "images", Start::Beside, Some(Job::Image);

    /// Collects garbage: `gc a`.
    Gc {
        /// The timeline.
        timeline: TimelineLabel,
    } => "gc", Start::Beside, Some(Job::Gc);

    /// Reduces the history of a range: `gc-compact a`, `gc-compact a k0 2 from -20 to -8 dry`.
    GcCompact {
        /// The timeline.
        timeline: TimelineLabel,
        /// The keys and LSNs, and whether anything is changed.
        past: HistoryPlan,
    } => "gc-compact", Start::Beside, Some(Job::GcCompact);

    /// Reduces all history in sub-jobs: `gc-compact-all a` if it is due, or resumes what was begun;
    /// `gc-compact-all a forced` in any case.
    GcCompactAll {
        /// The timeline.
        timeline: TimelineLabel,
        /// Whether it must be due.
        mode: Mode,
    } => "gc-compact-all", Start::Beside, Some(Job::GcCompact);

    /// Leases an LSN: `lease a -8 10s`.
    Lease {
        /// The timeline.
        timeline: TimelineLabel,
        /// The LSN, as an offset from the last record's: negative is older.
        offset: i64,
        /// For how long.
        length: Duration,
    } => "lease", Start::Beside, Some(Job::Lease);

    /// Drops and rewrites what a split has left of other shards' keys: `shed a`.
    Shed {
        /// The timeline.
        timeline: TimelineLabel,
    } => "shed", Start::Beside, Some(Job::Shed);

    /// Declares which keys there are: `declare a k0 5`. It steers where images are cut; no answer
    /// depends on it.
    Declare {
        /// The timeline.
        timeline: TimelineLabel,
        /// The first key.
        first: KeyIndex,
        /// The number of keys, from 1; behind the last key comes the first.
        count: u16,
    } => "declare", Start::Waited, None;

    /// Reads one value.
    Get {
        /// The timeline.
        timeline: TimelineLabel,
        /// The key.
        key: KeyIndex,
        /// The LSN, as an offset from the last record's: negative is older.
        offset: i64,
    } => "get", Start::Beside, Some(Job::Read);

    /// Reads several values at once: `get-many a k3 5 -8`.
    GetMany {
        /// The timeline.
        timeline: TimelineLabel,
        /// The first key.
        first: KeyIndex,
        /// The number of keys, from 1; behind the last key comes the first.
        count: u16,
        /// The LSN, as an offset from the last record's: negative is older.
        offset: i64,
    } => "get-many", Start::Beside, Some(Job::Read);

    /// Reads every key in key order: `scan a 0`.
    Scan {
        /// The timeline.
        timeline: TimelineLabel,
        /// The LSN, as an offset from the last record's: negative is older.
        offset: i64,
    } => "scan", Start::Beside, Some(Job::Read);

    /// Begins a scan of every key that outlives its line: `hold 1 a -8`.
    Hold {
        /// Where it is held; a scan that is held there goes first.
        slot: Slot,
        /// The timeline.
        timeline: TimelineLabel,
        /// The LSN, as an offset from the last record's: negative is older.
        offset: i64,
    } => "hold", Start::Dropped, Some(Job::Read);

    /// Reads the next batch of a held scan: `next 1`.
    Next(slot: Slot) => "next", Start::Beside, None;

    /// Waits for all operations in flight.
    Join => "join", Start::Waited, None;

    /// Advances the clock: `wait 250ms`.
    Wait {
        /// By how much.
        duration: Duration,
    } => "wait", Start::Waited, None;

    /// Sets the clock: `clock +10800s`, `clock -3600s`.
    Clock(jump: Jump) => "clock", Start::Waited, None;

    /// Shuts a timeline down while operations run on it, and opens it again: `shutdown a`,
    /// `shutdown a twice`, `shutdown a keeping`.
    Shutdown {
        /// The timeline.
        timeline: TimelineLabel,
        /// How it is shut down.
        closing: Closing,
    } => "shutdown", Start::Beside, None;

    /// Drops the handles that shutdowns have kept, or a held scan: `let-go`, `let-go 1`.
    LetGo(held: Held) => "let-go", Start::Waited, None;

    /// Gives an option of the engine another value, from the next opening of the engine on:
    /// `set gc-distance 8`.
    Set(setting: Setting) => "set", Start::Waited, None;

    /// Shuts the engine down, opens it as another tenant, to whom every timeline must be refused
    /// and who may change no file of one; then opens it again as its own.
    Intrude => "intrude", Start::Waited, None;

    /// Shuts the engine down, splits its directory, and opens one of the children:
    /// `split 2 stripe 1 keep 0`, `split 3 stripe 2 keep 1 copying once`.
    Split(into: SplitPlan) => "split", Start::Dropped, Some(Job::Split);

    /// Shuts the engine down, and opens another shard, if a split has made one: `switch 0`.
    Switch(other: OtherShard) => "switch", Start::Waited, None;

    /// Shuts the engine down and opens it again.
    Restart => "restart", Start::Dropped, None;

    /// Ends the process, by a kill or a power loss: `crash kill`, `crash power draw:7`.
    Crash(crash: Crash) => "crash", Start::Waited, None;
}

impl PlanOp {
    /// The words that an operation can start with.
    pub(super) fn remedy() -> String {
        let verbs = PlanOp::ROWS.map(|row| row.verb).join(" ");
        format!("write one of {verbs}, behind `&` or `drop N` if you like")
    }

    /// Checks its operands against their limits, given the operations before it.
    pub(super) fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        let mut operands = self.operands().into_iter();
        operands.try_for_each(|operand| operand.check(tally))
    }

    /// The timeline that it works on, if it works on one.
    pub fn timeline(&self) -> Option<TimelineLabel> {
        let operands = self.operands();
        operands.into_iter().find_map(Operand::timeline)
    }

    /// The timelines that it names, an ancestor before its branch.
    pub(crate) fn timelines_mut(&mut self) -> impl Iterator<Item = &mut TimelineLabel> {
        let operands = self.operands_mut().into_iter().rev();
        operands.filter_map(Operand::timeline_mut)
    }

    /// The keys that it names.
    pub(crate) fn keys_mut(&mut self) -> impl Iterator<Item = &mut KeyIndex> {
        self.operands_mut().into_iter().flat_map(Operand::keys)
    }
}

impl fmt::Display for PlanOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.row().verb)?;
        let mut operands = self.operands().into_iter();
        operands.try_for_each(|operand| operand.write(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each operation once, with an example of its operands.
    const EACH: [&str; 33] = [
        "create a 7",
        "branch b a -8 once",
        "delete b once",
        "open b",
        "put a +1 k0 image:9:f, +0 k1 clear",
        "freeze a",
        "flush a",
        "compact a forced",
        "strategy a tiered",
        "policy a distance 8 age 10s",
        "images a",
        "gc a",
        "gc-compact a k1 2 from -9 to +1 dry",
        "gc-compact-all a forced",
        "lease a -8 10s",
        "shed a",
        "declare a k1 2",
        "get a k1 +1",
        "get-many a k1 2 0",
        "scan a -3",
        "hold 2 a -3",
        "next 2",
        "join",
        "wait 250ms",
        "clock -3600s",
        "shutdown a twice keeping",
        "let-go 2",
        "set gc-distance 8",
        "intrude",
        "split 3 stripe 2 keep 1 copying once",
        "switch 1",
        "restart",
        "crash power draw:9",
    ];

    #[test]
    fn every_operation_has_one_row_and_prints_as_it_was_read() {
        assert_eq!(EACH.len(), PlanOp::ROWS.len());
        for (text, row) in EACH.into_iter().zip(PlanOp::ROWS) {
            let mut words = Words::new(text);
            let verb = words.next_word().expect("it starts with its verb");
            assert_eq!(verb, row.verb);
            let op = PlanOp::read(verb, &mut words).unwrap();
            assert_eq!((op.to_string().as_str(), op.row()), (text, row));
        }
    }

    #[test]
    fn making_an_operation_plainer_ends() {
        for text in EACH {
            let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
            let mut op = PlanOp::read(verb, &mut Words::new(rest)).unwrap();
            for round in 0.. {
                assert!(round < 100, "{text}");
                let Some(plainer) = op.plainer().into_iter().next() else {
                    break;
                };
                assert_ne!(plainer, op);
                op = plainer;
            }
        }
    }

    #[test]
    fn an_ancestor_is_named_before_its_branch() {
        let mut op = PlanOp::read("branch", &mut Words::new("b a 0")).unwrap();
        let labels: Vec<TimelineLabel> = op.timelines_mut().map(|label| *label).collect();
        assert_eq!(labels, [TimelineLabel(b'a'), TimelineLabel(b'b')]);
        assert_eq!(op.timeline(), Some(TimelineLabel(b'b')));
    }
}
