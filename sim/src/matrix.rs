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

use std::fmt;

use palimpsest::io::Job;

pub use gaps::Gaps;
pub use waivers::{Claim, Waivers};

use crate::faults::{Cell, Cells, FaultClass};
use crate::text::{columns, grouped};

/// Those that an operation can meet with.
fn classes() -> impl Iterator<Item = FaultClass> {
    let classes = FaultClass::SHOWN.iter().copied();
    classes.filter(|class| !class.outcomes().is_empty())
}

/// Those that no call meets with.
fn apart() -> impl Iterator<Item = FaultClass> {
    let classes = FaultClass::SHOWN.iter().copied();
    classes.filter(|class| class.outcomes().is_empty())
}

fn cells() -> impl Iterator<Item = Cell> {
    classes().flat_map(|class| {
        Job::ALL.into_iter().flat_map(move |job| {
            let outcomes = class.outcomes().iter();
            outcomes.map(move |outcome| (class, job, *outcome))
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
        let outcomes = class.outcomes().iter();
        let counts = outcomes.map(|outcome| match self.0.get(&(class, job, *outcome)) {
            None => "-".to_string(),
            Some(count) => grouped(*count),
        });
        counts.collect::<Vec<_>>().join("/")
    }
}
