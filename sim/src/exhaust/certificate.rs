//! The result of an exhaustive search.

use std::fmt;
use std::time::Duration;

use crate::crashes::Level;
use crate::plan::Plan;
use crate::text::{Align, Columns, counted, grouped};
use crate::verdict::Verdict;

/// A plan that fails.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The plan.
    pub plan: Plan,
    /// The verdict of the plan.
    pub verdict: Verdict,
}

/// The result of an exhaustive search.
#[derive(Clone, Debug, Default)]
pub struct Certificate {
    /// The counts for the first crash, and for the second at depth 2.
    pub levels: Vec<Level>,
    /// The counterexample, if one was found.
    pub counterexample: Option<Counterexample>,
    /// Whether the search stopped before it had finished.
    pub is_cut_off: bool,
    /// The time that it took.
    pub elapsed: Duration,
}

impl Certificate {
    /// An empty certificate for `depth` crashes in a row.
    pub(super) fn new(depth: u32) -> Certificate {
        Certificate {
            levels: vec![Level::default(); depth as usize],
            ..Certificate::default()
        }
    }

    /// Adds the result of another search.
    pub(super) fn add(&mut self, other: Certificate) {
        for (level, other) in self.levels.iter_mut().zip(&other.levels) {
            level.add(other);
        }
        self.counterexample = self.counterexample.take().or(other.counterexample);
        self.is_cut_off |= other.is_cut_off;
        self.elapsed += other.elapsed;
    }

    /// Whether every case was run, and all passed.
    pub fn is_complete(&self) -> bool {
        let is_bounded = |level: &Level| 0 < level.bounded_count;
        self.counterexample.is_none() && !self.is_cut_off && !self.levels.iter().any(is_bounded)
    }

    /// The number of recoveries of all levels.
    pub fn recovery_count(&self) -> u64 {
        self.levels.iter().map(|level| level.recovery_count).sum()
    }
}

/// The columns of the levels.
const COLUMNS: [(&str, Align, usize); 6] = [
    ("crash", Align::Right, 0),
    ("points", Align::Right, 7),
    ("of them doubles", Align::Right, 0),
    ("images covered", Align::Right, 0),
    ("recoveries run", Align::Right, 0),
    ("cases left out at", Align::Right, 0),
];

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = match (&self.counterexample, self.is_cut_off) {
            (Some(_), _) => "a counterexample",
            (None, true) => "cut off, all right so far",
            (None, false) if self.is_complete() => "complete: all right",
            (None, false) => "all right, but cases were left out",
        };
        let seconds = self.elapsed.as_secs_f64();
        let rate = self.recovery_count() as f64 / seconds.max(f64::MIN_POSITIVE);
        writeln!(f, "{head}: {seconds:.1} s, {rate:.0} recoveries/s\n")?;
        let columns = Columns::new(&COLUMNS);
        write!(f, "{}", columns.head())?;
        for (number, level) in (1..).zip(&self.levels) {
            let cells = [
                grouped(number),
                grouped(level.point_count),
                grouped(level.double_count),
                images(level.log2_of_images),
                grouped(level.recovery_count),
                grouped(level.bounded_count),
            ];
            write!(f, "{}", columns.row(&cells))?;
        }
        let Some(found) = &self.counterexample else {
            return Ok(());
        };
        let (ops, rules) = (found.plan.ops.len() as u64, found.plan.faults.len() as u64);
        let (ops, rules) = (counted(ops, "operation"), counted(rules, "rule"));
        write!(
            f,
            "\n{}\n\nthe plan, of {ops} and {rules}:\n{}",
            found.verdict, found.plan
        )
    }
}

/// The number of images as text, from its binary logarithm.
fn images(log2: f64) -> String {
    match log2 {
        log2 if log2 < 40.0 => grouped(log2.exp2().round() as u64),
        log2 => format!("2^{log2:.0}"),
    }
}
