//! The delivery matrix: which fault met which job, and what came of it. A cell that no run has
//! filled is a fault that nobody has tried there.
//!
//! An operation meets a fault when a call of its own does: the call fails, is late or short, or is
//! a write that goes astray; or it reads what a device has made of the bytes, whenever it did. It
//! has tolerated it, or reported, if it ended, right or with an error; else the process crashed
//! before it had. `sim/waivers.txt` says which cells are impossible and which are rare, and the
//! same of corners.

mod gaps;
mod waivers;

use std::collections::BTreeMap;
use std::fmt;

use palimpsest::io::Job;

pub use gaps::Gaps;
pub use waivers::{Claim, Waivers};

use crate::report::{columns, grouped};
use crate::world::FaultClass;

/// What came of an operation that met with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ended right.
    Tolerated,
    /// It ended with an error.
    Reported,
    /// The process crashed before it ended: by the fault itself, or by another after it.
    Crashed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 3] = [Outcome::Tolerated, Outcome::Reported, Outcome::Crashed];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Tolerated => "tolerated",
            Outcome::Reported => "reported",
            Outcome::Crashed => "crashed",
        }
    }

    /// Whether a fault of this class can come to this.
    fn can_be_of(self, class: FaultClass) -> bool {
        match class {
            FaultClass::Kill | FaultClass::PowerLoss => self == Outcome::Crashed,
            // Slow is never an excuse, nor is short; and whoever is dropped says nothing.
            FaultClass::Slow
            | FaultClass::Stall
            | FaultClass::ShortRead
            | FaultClass::ShortWrite
            | FaultClass::Dropped => self != Outcome::Reported,
            _ => true,
        }
    }
}

/// A cell of the matrix.
pub type Cell = (FaultClass, Job, Outcome);

/// How often each cell was filled.
pub type Cells = BTreeMap<Cell, u64>;

/// Whether a call can meet with it, and so a job.
fn meets_a_call(class: FaultClass) -> bool {
    !matches!(class, FaultClass::ClockJump | FaultClass::Shutdown)
}

fn classes() -> impl Iterator<Item = FaultClass> {
    let classes = FaultClass::ALL.into_iter();
    classes.filter(|class| meets_a_call(*class))
}

/// Those that no call meets with.
fn apart() -> impl Iterator<Item = FaultClass> {
    let classes = FaultClass::ALL.into_iter();
    classes.filter(|class| !meets_a_call(*class))
}

fn cells() -> impl Iterator<Item = Cell> {
    classes().flat_map(|class| {
        Job::ALL.into_iter().flat_map(move |job| {
            let outcomes = Outcome::ALL.into_iter();
            let outcomes = outcomes.filter(move |outcome| outcome.can_be_of(class));
            outcomes.map(move |outcome| (class, job, outcome))
        })
    })
}

/// The matrix as a table: jobs from left to right, and in each cell how often it was tolerated,
/// reported, and crashed, as far as that can come of the class.
pub struct Table<'a>(pub &'a Cells);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\ndelivered: tolerated/reported/crashed, without what cannot be"
        )?;
        let head = Job::ALL.into_iter().map(|job| job.name().to_string());
        let mut rows = vec![std::iter::once(String::new()).chain(head).collect()];
        for class in classes() {
            let figures = Job::ALL.into_iter().map(|job| self.figures(class, job));
            let name = std::iter::once(class.name().to_string());
            rows.push(name.chain(figures).collect());
        }
        write!(f, "{}", columns(&rows))
    }
}

impl Table<'_> {
    fn figures(&self, class: FaultClass, job: Job) -> String {
        let outcomes = Outcome::ALL.into_iter();
        let outcomes = outcomes.filter(|outcome| outcome.can_be_of(class));
        let counts = outcomes.map(|outcome| match self.0.get(&(class, job, outcome)) {
            None => "-".to_string(),
            Some(count) => grouped(*count),
        });
        counts.collect::<Vec<_>>().join("/")
    }
}
