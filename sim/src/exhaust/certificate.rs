//! What an exhaustive search came to.

use std::fmt;
use std::time::Duration;

use crate::plan::Plan;
use crate::text::counted;
use crate::text::grouped;
use crate::verdict::Verdict;

/// The shares of the images that the cases of a point cover add up to 1, but for rounding.
pub(super) const ROUNDING: f64 = 1e-6;

/// What was done with one crash, or behind one crash with the second.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// Calls before which the process may have ended.
    pub point_count: u64,
    /// Those among them that were another one's double: the same disk with the same pending
    /// changes, and the same to be held against it.
    pub double_count: u64,
    /// Recoveries that were run.
    pub recovery_count: u64,
    /// How many images the power losses can leave: the binary logarithm, of all points together.
    pub log2_of_images: f64,
    /// Points of which some cases were left out, and the first of them.
    pub bounded_count: u64,
}

impl Level {
    pub(super) fn add_images(&mut self, log2: f64) {
        let (low, high) = match self.log2_of_images < log2 {
            true => (self.log2_of_images, log2),
            false => (log2, self.log2_of_images),
        };
        // An empty level has one image too many; nobody sees it.
        self.log2_of_images = high + (low - high).exp2().ln_1p() / std::f64::consts::LN_2;
    }

    pub(super) fn add(&mut self, other: &Level) {
        self.point_count += other.point_count;
        self.double_count += other.double_count;
        self.recovery_count += other.recovery_count;
        self.bounded_count += other.bounded_count;
        if 0 < other.point_count {
            self.add_images(other.log2_of_images);
        }
    }
}

/// A plan that fails.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// It.
    pub plan: Plan,
    /// What it comes to.
    pub verdict: Verdict,
}

/// What an exhaustive search came to.
#[derive(Clone, Debug, Default)]
pub struct Certificate {
    /// The first crash, and the second if it was asked for.
    pub levels: Vec<Level>,
    /// What is wrong, if anything is.
    pub counterexample: Option<Counterexample>,
    /// Whether it was stopped before it was through.
    pub is_cut_off: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl Certificate {
    /// One of nothing, for so many crashes one behind another.
    pub(super) fn new(depth: u32) -> Certificate {
        Certificate {
            levels: vec![Level::default(); depth as usize],
            ..Certificate::default()
        }
    }

    /// Adds what another search came to.
    pub(super) fn add(&mut self, other: Certificate) {
        for (level, other) in self.levels.iter_mut().zip(&other.levels) {
            level.add(other);
        }
        self.counterexample = self.counterexample.take().or(other.counterexample);
        self.is_cut_off |= other.is_cut_off;
        self.elapsed += other.elapsed;
    }

    /// Whether every case was run, and all was right.
    pub fn is_complete(&self) -> bool {
        let is_bounded = |level: &Level| 0 < level.bounded_count;
        self.counterexample.is_none() && !self.is_cut_off && !self.levels.iter().any(is_bounded)
    }

    /// Recoveries of all levels.
    pub fn recovery_count(&self) -> u64 {
        self.levels.iter().map(|level| level.recovery_count).sum()
    }
}

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
        writeln!(
            f,
            "crash   points  of them doubles  images covered  recoveries run  cases left out at"
        )?;
        for (number, level) in (1..).zip(&self.levels) {
            writeln!(
                f,
                "{number:>5}  {:>7}  {:>15}  {:>14}  {:>14}  {:>17}",
                grouped(level.point_count),
                grouped(level.double_count),
                images(level.log2_of_images),
                grouped(level.recovery_count),
                grouped(level.bounded_count),
            )?;
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

/// How many images, of which this is the binary logarithm.
fn images(log2: f64) -> String {
    match log2 {
        log2 if log2 < 40.0 => grouped(log2.exp2().round() as u64),
        log2 => format!("2^{log2:.0}"),
    }
}
