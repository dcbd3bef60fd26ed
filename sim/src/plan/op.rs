//! The operations of a plan, a row each: the variant with its operands, its verb, how it may be
//! started, and which job of the engine it is. How an operand is written, limited and made plain
//! follows from its type. Where an operation is carried out is the only other place that must name
//! it; a drawer names it if it is to be drawn.

mod batch;
mod key;
mod operand;
mod tally;

use std::fmt;
use std::time::Duration;

use palimpsest::io::Job;

use crate::faults::Crash;
use crate::label::TimelineLabel;
use crate::text::{Problem, Words};
use operand::Operand;

pub use batch::{EditPlan, Entry};
pub use key::KeyIndex;
pub use operand::{Closing, Jump, Kept, Mode, Shutdowns};
pub(super) use tally::LimitTally;

/// What is to be said of an operation beside its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpRow {
    /// The word that it starts with.
    pub verb: &'static str,
    /// How it may be started.
    pub start: Start,
    /// Which job of the engine it is, if it is one.
    pub job: Option<Job>,
}

/// How an operation may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Start {
    /// It is always waited for.
    Waited,
    /// It is waited for, or its future is dropped.
    Dropped,
    /// It may be left running as well.
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
        /// What is asked of the engine, or of the world.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum PlanOp {
            $($(#[$op_meta])* $op $({ $($(#[$field_meta])* $field: $kind,)* })? $(($one_kind))?,)*
        }

        impl PlanOp {
            /// The row of each operation, in the order of the variants.
            pub(crate) const ROWS: [OpRow; [$($verb),*].len()] =
                [$(OpRow { verb: $verb, start: $start, job: $job }),*];

            /// What is to be said of this one.
            pub(crate) fn row(&self) -> OpRow {
                match self {
                    $(PlanOp::$op { .. } => OpRow { verb: $verb, start: $start, job: $job },)*
                }
            }

            /// Reads what stands behind a verb.
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

            /// This operation with one plainer operand, each that there is.
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
    /// Creates a timeline that starts at an LSN.
    Create {
        /// Which.
        timeline: TimelineLabel,
        /// Its first LSN is the one above.
        start_lsn: u64,
    } => "create", Start::Beside, Some(Job::Create);

    /// Creates a timeline on top of another: `branch b a -8`.
    Branch {
        /// Which.
        timeline: TimelineLabel,
        /// What it stands on.
        ancestor: TimelineLabel,
        /// At which LSN, from the ancestor's last record's: negative is older.
        offset: i64,
    } => "branch", Start::Beside, Some(Job::Branch);

    /// Deletes a timeline.
    Delete {
        /// Which.
        timeline: TimelineLabel,
    } => "delete", Start::Beside, Some(Job::Delete);

    /// Writes a batch.
    Put {
        /// Where to.
        timeline: TimelineLabel,
        /// At least one record, in the order of their LSNs.
        entries: Vec<Entry>,
    } => "put", Start::Beside, Some(Job::Put);

    /// Closes the open memory layer.
    Freeze {
        /// Of which timeline.
        timeline: TimelineLabel,
    } => "freeze", Start::Beside, Some(Job::Freeze);

    /// Makes everything that is written durable.
    Flush {
        /// Of which timeline.
        timeline: TimelineLabel,
    } => "flush", Start::Beside, Some(Job::Flush);

    /// Compacts L0s: `compact a` if it is due, `compact a forced` in any case.
    Compact {
        /// Of which timeline.
        timeline: TimelineLabel,
        /// Whether it must be due.
        mode: Mode,
    } => "compact", Start::Beside, Some(Job::Compact);

    /// Creates images: `images a` where they are due, `images a forced` everywhere.
    Images {
        /// Of which timeline.
        timeline: TimelineLabel,
        /// Whether they must be due.
        mode: Mode,
    } => "images", Start::Beside, Some(Job::Image);

    /// Collects garbage: `gc a`.
    Gc {
        /// Of which timeline.
        timeline: TimelineLabel,
    } => "gc", Start::Beside, Some(Job::Gc);

    /// Declares which keys there are: `declare a k0 5`. It steers where images are cut, and nothing
    /// that is answered depends on it.
    Declare {
        /// Of which timeline.
        timeline: TimelineLabel,
        /// The first key.
        first: KeyIndex,
        /// How many keys, from 1; behind the last one comes the first.
        count: u16,
    } => "declare", Start::Waited, None;

    /// Reads one value.
    Get {
        /// Where from.
        timeline: TimelineLabel,
        /// Which key.
        key: KeyIndex,
        /// Which LSN, from the last record's: negative is older.
        offset: i64,
    } => "get", Start::Beside, Some(Job::Read);

    /// Reads several values at once: `get-many a k3 5 -8`.
    GetMany {
        /// Where from.
        timeline: TimelineLabel,
        /// The first key.
        first: KeyIndex,
        /// How many keys, from 1; behind the last one comes the first.
        count: u16,
        /// Which LSN, from the last record's: negative is older.
        offset: i64,
    } => "get-many", Start::Beside, Some(Job::Read);

    /// Reads every key in their order: `scan a 0`.
    Scan {
        /// Where from.
        timeline: TimelineLabel,
        /// Which LSN, from the last record's: negative is older.
        offset: i64,
    } => "scan", Start::Beside, Some(Job::Read);

    /// Waits for everything that was left running.
    Join => "join", Start::Waited, None;

    /// Lets time pass.
    Wait {
        /// How much.
        duration: Duration,
    } => "wait", Start::Waited, None;

    /// Sets the clock: `clock +10800s`, `clock -3600s`.
    Clock(jump: Jump) => "clock", Start::Waited, None;

    /// Shuts a timeline down beside all that works on it, and opens it again: `shutdown a`,
    /// `shutdown a twice`, `shutdown a keeping`.
    Shutdown {
        /// Which.
        timeline: TimelineLabel,
        /// How it is shut down.
        closing: Closing,
    } => "shutdown", Start::Beside, None;

    /// Lets go of what shutdowns have kept: `let-go`.
    LetGo => "let-go", Start::Waited, None;

    /// Shuts the engine down and opens it again.
    Restart => "restart", Start::Dropped, None;

    /// Ends the process, and with it the machine's power or not.
    Crash(crash: Crash) => "crash", Start::Waited, None;
}

impl PlanOp {
    /// The words that an operation can start with.
    pub(super) fn remedy() -> String {
        let verbs = PlanOp::ROWS.map(|row| row.verb).join(" ");
        format!("write one of {verbs}, behind `&` or `drop N` if you like")
    }

    /// Holds its operands against their limits, beside the operations before it.
    pub(super) fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        let mut operands = self.operands().into_iter();
        operands.try_for_each(|operand| operand.check(tally))
    }

    /// The timeline that it is about, if it is about one.
    pub fn timeline(&self) -> Option<TimelineLabel> {
        let operands = self.operands();
        operands.into_iter().find_map(Operand::timeline)
    }

    /// The timelines that it names: one that another stands on before that one.
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

    /// Each operation once, with what may stand behind its verb.
    const EACH: [&str; 20] = [
        "create a 7",
        "branch b a -8",
        "delete b",
        "put a +1 k0 image:9:f, +0 k1 clear",
        "freeze a",
        "flush a",
        "compact a forced",
        "images a",
        "gc a",
        "declare a k1 2",
        "get a k1 +1",
        "get-many a k1 2 0",
        "scan a -3",
        "join",
        "wait 250ms",
        "clock -3600s",
        "shutdown a twice keeping",
        "let-go",
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
    fn what_is_plainer_comes_to_an_end() {
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
    fn an_ancestor_is_named_before_what_stands_on_it() {
        let mut op = PlanOp::read("branch", &mut Words::new("b a 0")).unwrap();
        let labels: Vec<TimelineLabel> = op.timelines_mut().map(|label| *label).collect();
        assert_eq!(labels, [TimelineLabel(b'a'), TimelineLabel(b'b')]);
        assert_eq!(op.timeline(), Some(TimelineLabel(b'b')));
    }
}
