//! The delivery matrix: which fault met which job, and what came of it. A cell that no run has
//! filled is a fault that nobody has tried there.
//!
//! `sim/waivers.txt` says which cells may be empty, and which corners need not be reached.

use std::collections::BTreeMap;
use std::fmt;

use palimpsest::io::Job;

use crate::corners::CORNERS;
use crate::report::{Summary, grouped};
use crate::world::FaultClass;

/// What came of an operation that met with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ended right.
    Tolerated,
    /// It ended with an error.
    Reported,
    /// The process ended in it.
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
            | FaultClass::Dropped => self == Outcome::Tolerated,
            _ => self != Outcome::Crashed,
        }
    }
}

/// A cell of the matrix.
pub type Cell = (FaultClass, Job, Outcome);

/// How often each cell was filled.
pub type Cells = BTreeMap<Cell, u64>;

/// Classes that a call can meet with, and so a job.
fn classes() -> impl Iterator<Item = FaultClass> {
    let is_of_a_call =
        |class: &FaultClass| !matches!(class, FaultClass::ClockJump | FaultClass::Shutdown);
    FaultClass::ALL.into_iter().filter(is_of_a_call)
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

/// The matrix as a table: jobs from left to right, and in each cell what was tolerated, reported
/// and crashed.
pub struct Table<'a>(pub &'a Cells);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ndelivered: tolerated/reported, or crashed")?;
        write!(f, "{:22}", "")?;
        for job in Job::ALL {
            write!(f, "{:>13}", job.name())?;
        }
        writeln!(f)?;
        for class in classes() {
            write!(f, "{:22}", class.name())?;
            for job in Job::ALL {
                let outcomes = Outcome::ALL.into_iter();
                let outcomes = outcomes.filter(|outcome| outcome.can_be_of(class));
                let counts = outcomes.map(|outcome| match self.0.get(&(class, job, outcome)) {
                    None => "-".to_string(),
                    Some(count) => grouped(*count),
                });
                write!(f, "{:>13}", counts.collect::<Vec<_>>().join("/"))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What may be empty, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waivers {
    lines: Vec<Waiver>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiver {
    text: String,
    what: Waived,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Waived {
    /// Cells; nothing stands for any.
    Cells(Option<FaultClass>, Option<Job>, Option<Outcome>),
    /// A mark.
    Corner(String),
}

impl Waivers {
    /// Reads waivers, one a line: `CLASS, JOB, OUTCOME: REASON` with `*` for any, or
    /// `corner MARK: REASON`. Blank lines are skipped, and those that start with `#`.
    ///
    /// # Errors
    /// The first line that is none, and what would be right.
    pub fn read(text: &str) -> Result<Waivers, String> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let waiver = |(index, line): (usize, &str)| {
            read_waiver(line).map_err(|problem| format!("line {}: {problem}", index + 1))
        };
        let lines = lines.map(waiver).collect::<Result<_, _>>()?;
        Ok(Waivers { lines })
    }
}

fn read_waiver(line: &str) -> Result<Waiver, String> {
    let (what, reason) = line
        .split_once(": ")
        .ok_or("write `CLASS, JOB, OUTCOME: REASON`")?;
    if reason.trim().is_empty() {
        return Err("write a reason behind the colon".to_string());
    }
    let text = line.to_string();
    if let Some(mark) = what.strip_prefix("corner ") {
        let what = Waived::Corner(mark.to_string());
        return Ok(Waiver { text, what });
    }
    let parts: Vec<&str> = what.split(',').map(str::trim).collect();
    let [class, job, outcome] = parts[..] else {
        return Err("write a class, a job and an outcome, or `*`, with commas between".to_string());
    };
    let what = Waived::Cells(
        read_name(class, &FaultClass::ALL, FaultClass::name)?,
        read_name(job, &Job::ALL, Job::name)?,
        read_name(outcome, &Outcome::ALL, Outcome::name)?,
    );
    Ok(Waiver { text, what })
}

fn read_name<T: Copy>(
    word: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    if word == "*" {
        return Ok(None);
    }
    let found = all.iter().copied().find(|one| name(*one) == word);
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    let refusal = || format!("`{word}` is none of {}", names.join(", "));
    found.map(Some).ok_or_else(refusal)
}

impl Waived {
    fn covers(&self, (class, job, outcome): Cell) -> bool {
        match *self {
            Waived::Cells(wanted_class, wanted_job, wanted_outcome) => {
                wanted_class.is_none_or(|wanted| wanted == class)
                    && wanted_job.is_none_or(|wanted| wanted == job)
                    && wanted_outcome.is_none_or(|wanted| wanted == outcome)
            }
            Waived::Corner(_) => false,
        }
    }
}

/// What runs have not tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Cells that are empty, and not waived.
    pub empty: Vec<Cell>,
    /// Corners that were not reached, and are not waived.
    pub unreached: Vec<&'static str>,
    /// Waivers of what was tried: they can go, or their reason is wrong.
    pub stale: Vec<String>,
}

impl Gaps {
    /// What runs that came to this have not tried.
    pub fn of(summary: &Summary, waivers: &Waivers) -> Gaps {
        let is_filled = |cell: &Cell| summary.cells.contains_key(cell);
        let is_waived = |cell: &Cell| waivers.lines.iter().any(|line| line.what.covers(*cell));
        let is_reached = |mark: &str| summary.marks.contains_key(mark);
        let is_excused = |mark: &str| {
            let is_it = |line: &Waiver| line.what == Waived::Corner(mark.to_string());
            waivers.lines.iter().any(is_it)
        };
        let is_stale = |line: &&Waiver| match &line.what {
            Waived::Corner(mark) => is_reached(mark) || !CORNERS.contains(&mark.as_str()),
            // One for many cells stands as long as one of them is empty.
            what => cells().all(|cell| !what.covers(cell) || is_filled(&cell)),
        };
        Gaps {
            empty: cells()
                .filter(|cell| !is_filled(cell) && !is_waived(cell))
                .collect(),
            unreached: CORNERS
                .into_iter()
                .filter(|mark| !is_reached(mark) && !is_excused(mark))
                .collect(),
            stale: waivers
                .lines
                .iter()
                .filter(is_stale)
                .map(|line| line.text.clone())
                .collect(),
        }
    }

    /// Whether something was not tried that should have been.
    pub fn is_open(&self) -> bool {
        !self.empty.is_empty() || !self.unreached.is_empty()
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (class, job, outcome) in &self.empty {
            let (class, job, outcome) = (class.name(), job.name(), outcome.name());
            writeln!(f, "never delivered: {class}, {job}, {outcome}")?;
        }
        for mark in &self.unreached {
            writeln!(f, "never reached: {mark}")?;
        }
        for line in &self.stale {
            writeln!(f, "waived and tried all the same: {line}")?;
        }
        match self.is_open() || !self.stale.is_empty() {
            true => Ok(()),
            false => writeln!(f, "no gaps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(waivers: &str, filled: &[Cell]) -> Gaps {
        let summary = Summary {
            cells: filled.iter().map(|cell| (*cell, 1)).collect(),
            ..Summary::default()
        };
        Gaps::of(&summary, &Waivers::read(waivers).unwrap())
    }

    #[test]
    fn a_cell_is_filled_or_waived_or_a_gap() {
        let cell = (FaultClass::Eio, Job::Gc, Outcome::Reported);
        assert!(gaps("", &[]).empty.contains(&cell));
        assert!(!gaps("", &[cell]).empty.contains(&cell));
        assert!(!gaps("EIO, gc, *: why", &[]).empty.contains(&cell));
    }

    #[test]
    fn a_waiver_of_what_was_tried_is_stale() {
        let cell = (FaultClass::Eio, Job::Gc, Outcome::Reported);
        let line = "EIO, gc, reported: why";
        assert_eq!(gaps(line, &[cell]).stale, [line]);
        assert!(gaps(line, &[]).stale.is_empty());
        assert_eq!(gaps("corner of nothing: why", &[]).stale.len(), 1);
    }

    #[test]
    fn a_waiver_has_a_reason_and_names_what_there_is() {
        for text in [
            "EIO, gc, reported",
            "EIO, gc: x",
            "EIO, sweep, *: x",
            "EIO, gc, *: ",
        ] {
            assert!(Waivers::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_repositorys_waivers_can_be_read() {
        assert!(Waivers::read(include_str!("../waivers.txt")).is_ok());
    }
}
