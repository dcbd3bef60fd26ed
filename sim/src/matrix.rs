//! The delivery matrix: which fault was delivered to which job, and the outcome. An empty cell is a
//! fault that no run has delivered to that job.
//!
//! A fault is delivered to an operation if it strikes a call that the operation makes: the call
//! fails, is late or short, or is a write that goes astray; or if the operation reads bytes that
//! the device has changed, at whatever time. If the operation then ended right, it tolerated the
//! fault; if it ended with an error, it reported the fault; otherwise the process crashed before.
//! `sim/waivers.txt` says which cells and which probes are impossible, and which are rare.

mod gaps;
mod waivers;

use std::fmt;

use palimpsest::io::Job;

pub use gaps::Gaps;
pub use waivers::{CellWaivers, Claim};

use crate::faults::{Cell, Cells, FaultClass};
use crate::text::{columns, grouped};

/// The classes of faults that are delivered to calls, and so to jobs.
fn classes() -> impl Iterator<Item = FaultClass> {
    let classes = FaultClass::SHOWN.iter().copied();
    classes.filter(|class| !class.outcomes().is_empty())
}

/// The classes of faults that are not delivered to calls.
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

/// The matrix as a table, with jobs from left to right. A cell counts how often the fault was
/// tolerated, reported, and followed by a crash, as far as these are possible for its class.
pub struct MatrixTable<'a>(pub &'a Cells);

impl fmt::Display for MatrixTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ndelivered: tolerated/reported/crashed, where possible")?;
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

impl MatrixTable<'_> {
    fn figures(&self, class: FaultClass, job: Job) -> String {
        let outcomes = class.outcomes().iter();
        let counts = outcomes.map(|outcome| match self.0.get(&(class, job, *outcome)) {
            None => "-".to_string(),
            Some(count) => grouped(*count),
        });
        counts.collect::<Vec<_>>().join("/")
    }
}
