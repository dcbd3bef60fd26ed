//! What is wrong with a plan, and where.

use std::fmt;

/// How many characters of what was found a message quotes.
const QUOTE_LEN_MAX: usize = 40;

/// A text is not a plan, or a plan cannot be run. Whoever wrote it must change what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    place: Place,
    problem: Problem,
}

/// Where in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this line of its text, from 1.
    Line(usize),
    /// Among its knobs.
    Knobs,
    /// In this operation, from 1.
    Op(usize),
    /// In this rule, from 1.
    Rule(usize),
    /// In its schedule.
    Schedule,
}

/// What is wrong with an item, before it is said where the item stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    what: &'static str,
    found: String,
    remedy: String,
}

impl PlanError {
    /// The line of the text that is wrong, from 1, if the plan came from a text.
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Place::Line(number) => Some(number),
            _ => None,
        }
    }
}

impl Problem {
    /// `what` is `found`, and `remedy` says what would be right.
    pub fn new(what: &'static str, found: impl fmt::Display, remedy: impl fmt::Display) -> Problem {
        Problem {
            what,
            found: quote(&found.to_string()),
            remedy: remedy.to_string(),
        }
    }

    /// `what` is not there.
    pub fn missing(what: &'static str, remedy: impl fmt::Display) -> Problem {
        Problem::new(what, "is missing", remedy)
    }

    /// Says where.
    pub fn at(self, place: Place) -> PlanError {
        PlanError {
            place,
            problem: self,
        }
    }
}

/// The beginning of what was found, with nothing in it that could upset a terminal.
fn quote(found: &str) -> String {
    let mut quoted: String = found
        .chars()
        .take(QUOTE_LEN_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if found.chars().nth(QUOTE_LEN_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Line(number) => write!(f, "line {number}: ")?,
            Place::Knobs => write!(f, "knobs: ")?,
            Place::Op(number) => write!(f, "operation {number}: ")?,
            Place::Rule(number) => write!(f, "rule {number}: ")?,
            Place::Schedule => write!(f, "schedule: ")?,
        }
        let Problem {
            what,
            found,
            remedy,
        } = &self.problem;
        write!(f, "{what} {found}; {remedy}")
    }
}
