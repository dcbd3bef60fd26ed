//! Runs one plan under several policies of compaction and images. A policy may change what a file
//! holds and how long a read takes, but no answer.
//!
//! 1. The policies differ in what is compacted and imaged, when, and how it is cut. What is put,
//!    frozen and flushed follows the plan under all of them, and so does every fault: rules name
//!    calls by semantic addresses, so a crash comes at the same step of the same flush.
//! 2. What a power loss keeps must not depend on the number of files: where the plan draws it,
//!    nothing unsynced is kept.
//! 3. Each run is compared with the model like any other. When the plan is done, and again after
//!    the engine has quiesced, every point of the history is read; where two runs answer the same
//!    question, the answers must be equal.
//! 4. If a crash came in a job that another run does not have, the histories of the two differ.
//!    Then only points with equal pasts are compared.

use std::fmt;

use palimpsest::Strategy;

use crate::faults::{Crash, Fault, Survival};
use crate::oracle::{FinalAnswer, FinalAnswers};
use crate::plan::{Compression, Knobs, Mode, Plan, PlanOp};
use crate::run;
use crate::text::{Align, Columns, grouped, named_enum};
use crate::verdict::Verdict;

/// A threshold that no plan reaches.
const NEVER: u64 = 1_000_000;

named_enum! {
    /// What is compacted and imaged, when, and how it is cut. The first is compared with each of
    /// the others.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Policy {
        /// As the plan says.
        AsWritten = "as written",
        /// No compaction and no image until the plan is done.
        Never = "never",
        /// Every compaction that the plan names runs unconditionally, of L0s alone.
        L0ToL1 = "L0 to L1",
        /// Every compaction that the plan names runs unconditionally, by tiers of few LSNs.
        Tiered = "tiered",
        /// Every job that the plan names runs unconditionally, with one or two records to a file.
        Finely = "finely cut",
        /// Every job that the plan names runs unconditionally, with all records in one file.
        Coarsely = "coarsely cut",
        /// Every job runs unconditionally, with compressed images and a cache of one block.
        Compressed = "compressed",
    }
}

impl Policy {
    /// The plan under this policy.
    pub fn of(self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        plan.faults.iter_mut().for_each(|rule| {
            if let Fault::Crash(crash) = &mut rule.fault {
                draw_nothing(crash);
            }
        });
        self.set(&mut plan.knobs);
        let mut knobs = plan.knobs.clone();
        for line in &mut plan.ops {
            match &mut line.op {
                PlanOp::Compact { mode, .. } | PlanOp::Images { mode, .. } => {
                    *mode = self.mode(*mode)
                }
                PlanOp::Strategy { strategy, .. } => {
                    *strategy = self.strategy().unwrap_or(*strategy);
                }
                PlanOp::Set(setting) => {
                    setting.apply(&mut knobs);
                    self.set(&mut knobs);
                    *setting = setting.as_in(&knobs);
                }
                PlanOp::Crash(crash) => draw_nothing(crash),
                _ => {}
            }
        }
        plan
    }

    /// The strategy of all timelines, if the policy has one.
    fn strategy(self) -> Option<Strategy> {
        match self {
            Policy::L0ToL1 => Some(Strategy::L0ToL1),
            Policy::Tiered => Some(Strategy::Tiered),
            Policy::AsWritten
            | Policy::Never
            | Policy::Finely
            | Policy::Coarsely
            | Policy::Compressed => None,
        }
    }

    fn mode(self, written: Mode) -> Mode {
        match self {
            Policy::AsWritten => written,
            Policy::Never => Mode::ByNeed,
            Policy::L0ToL1
            | Policy::Tiered
            | Policy::Finely
            | Policy::Coarsely
            | Policy::Compressed => Mode::Forced,
        }
    }

    fn set(self, knobs: &mut Knobs) {
        knobs.strategy = self.strategy().unwrap_or(knobs.strategy);
        match self {
            Policy::AsWritten => {}
            Policy::Never => {
                knobs.l0_count_trigger = NEVER;
                knobs.image_delta_count_trigger = NEVER;
                // No compaction would lift the backpressure, so writers would wait forever.
                knobs.maintenance = knobs.maintenance.without_stall();
            }
            Policy::L0ToL1 => {}
            Policy::Tiered => {
                knobs.l0_count_trigger = 2;
                knobs.tier_distance = 8;
                knobs.maintenance = knobs.maintenance.without_stall();
            }
            Policy::Finely => {
                knobs.l0_count_trigger = 1;
                knobs.image_delta_count_trigger = 1;
                knobs.layer_len_target = 128;
            }
            Policy::Coarsely => knobs.layer_len_target = 1 << 40,
            Policy::Compressed => {
                knobs.compression = Compression::Zstd(1);
                knobs.block_cache_len = 8192;
                knobs.image_delta_count_trigger = 1;
            }
        }
    }
}

fn draw_nothing(crash: &mut Crash) {
    if let Crash::Power(Survival::Draw(_) | Survival::Case(_)) = crash {
        *crash = Crash::Power(Survival::Nothing);
    }
}

/// The result under one policy.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// The policy.
    pub policy: Policy,
    /// The failure of its run, if it failed.
    pub verdict: Option<Verdict>,
    /// The number of layers of all timelines before the engine quiesced.
    pub layer_count: usize,
    /// The number of answers that were compared with the first policy's.
    pub compared_count: usize,
    /// The number of answers that only one of the two runs has.
    pub apart_count: usize,
}

/// The results under all policies.
#[derive(Clone, Debug)]
pub struct Diff {
    /// One row for each policy.
    pub rows: Vec<PolicyRow>,
}

impl Diff {
    /// The first failure, if there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.rows.iter().find_map(|row| row.verdict.as_ref())
    }
}

/// Runs a plan under each policy, and compares the answers.
pub fn diff(plan: &Plan) -> Diff {
    let mut first: Option<FinalAnswers> = None;
    let rows = Policy::ALL.map(|policy| {
        let ended = run::run_to_answers(&policy.of(plan));
        let mut row = PolicyRow {
            policy,
            verdict: ended.verdict,
            layer_count: ended.layer_count,
            compared_count: 0,
            apart_count: 0,
        };
        if row.verdict.is_none() {
            let first = first.get_or_insert_with(|| ended.answers.clone());
            row.compare(first, &ended.answers);
        }
        row
    });
    Diff { rows: rows.into() }
}

impl PolicyRow {
    fn compare(&mut self, first: &FinalAnswers, answers: &FinalAnswers) {
        for (asked, here) in answers {
            let (answer, past) = (&here.answer, &here.past);
            match first.get(asked) {
                None => self.apart_count += 1,
                Some(expected) if expected.past != *past => self.apart_count += 1,
                Some(expected) if expected.answer == *answer => self.compared_count += 1,
                Some(FinalAnswer {
                    answer: expected, ..
                }) => {
                    let (label, key, lsn) = asked;
                    let asked = format!("get {label} {key} at {lsn}, {}", self.policy.name());
                    self.verdict = Some(Verdict::wrong(
                        asked,
                        format!("{expected:?}, as another policy has it"),
                        format!("{answer:?}"),
                    ));
                    return;
                }
            }
        }
        let here = answers.keys();
        let both = here.filter(|asked| first.contains_key(asked)).count();
        self.apart_count += first.len() - both;
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = match self.verdict() {
            None if self.rows.iter().any(|row| row.compared_count == 0) => {
                "all right, but a policy shares no question with the first: try another plan"
            }
            None => "all right: no policy changes an answer",
            Some(_) => "a policy changes an answer, or its run failed",
        };
        writeln!(f, "{head}\n")?;
        let columns = Columns::new(&[
            ("policy", Align::Left, 12),
            ("layers", Align::Right, 0),
            ("answers compared", Align::Right, 0),
            ("only in one", Align::Right, 0),
        ]);
        write!(f, "{}", columns.head())?;
        for row in &self.rows {
            let cells = [
                row.policy.name().to_string(),
                grouped(row.layer_count as u64),
                grouped(row.compared_count as u64),
                grouped(row.apart_count as u64),
            ];
            write!(f, "{}", columns.row(&cells))?;
        }
        match self.verdict() {
            None => Ok(()),
            Some(verdict) => writeln!(f, "\n{verdict}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use palimpsest::base::{Key, Lsn};

    use super::*;
    use crate::label::TimelineLabel;
    use crate::model::{Answer, Change};

    #[test]
    fn no_policy_changes_an_answer_of_drawn_plans() {
        let mut compared_count = 0;
        for seed in 0..64 {
            let diff = diff(&Plan::draw(seed));
            assert!(diff.verdict().is_none(), "seed {seed}: {diff}");
            let compared = diff.rows.iter().map(|row| row.compared_count);
            compared_count += compared.min().unwrap();
        }
        assert!(100 < compared_count, "{compared_count}");
    }

    #[test]
    fn no_policy_changes_an_answer_where_options_are_set() {
        let text = include_str!("../plans/policy-outlives-a-set.plan");
        let diff = diff(&text.parse().unwrap());
        assert!(diff.verdict().is_none(), "{diff}");
    }

    #[test]
    fn an_answer_that_differs_is_told() {
        let asked = (TimelineLabel(b'a'), Key::MIN, Lsn(8));
        let answered = |value: u8, past: &[u8]| {
            let past = past.iter().map(|byte| (Lsn(8), Change::Set(vec![*byte])));
            let answer = Answer::Value(vec![value]);
            let past = past.collect();
            FinalAnswers::from([(asked, FinalAnswer { answer, past })])
        };
        let (first, second) = (answered(1, &[1]), answered(2, &[1]));
        let mut row = PolicyRow {
            policy: Policy::Never,
            verdict: None,
            layer_count: 0,
            compared_count: 0,
            apart_count: 0,
        };
        row.compare(&first, &first);
        assert_eq!((row.compared_count, row.apart_count), (1, 0));
        row.compare(&first, &answered(2, &[2]));
        assert_eq!((row.compared_count, row.apart_count), (1, 1));
        row.compare(&first, &second);
        assert!(matches!(row.verdict, Some(Verdict::WrongAnswer { .. })));
    }
}
