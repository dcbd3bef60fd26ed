//! What is wrong with a plan, and at which place.

use std::fmt;

use crate::text::Problem;

/// A text is not a plan, or a plan cannot be run. The author of the plan must change what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    place: PlanPlace,
    problem: Problem,
}

/// A place in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanPlace {
    /// This line of its text, from 1.
    Line(usize),
    /// Its knobs.
    Knobs,
    /// This operation, from 1.
    Op(usize),
    /// This rule, from 1.
    Rule(usize),
    /// Its schedule.
    Schedule,
}

impl PlanError {
    /// The wrong line of the text, from 1, if the plan came from a text.
    pub fn line(&self) -> Option<usize> {
        match self.place {
            PlanPlace::Line(number) => Some(number),
            _ => None,
        }
    }
}

impl PlanPlace {
    /// The error for this problem at this place.
    pub(crate) fn of(self, problem: Problem) -> PlanError {
        PlanError {
            place: self,
            problem,
        }
    }
}

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            PlanPlace::Line(number) => write!(f, "line {number}: ")?,
            PlanPlace::Knobs => write!(f, "knobs: ")?,
            PlanPlace::Op(number) => write!(f, "operation {number}: ")?,
            PlanPlace::Rule(number) => write!(f, "rule {number}: ")?,
            PlanPlace::Schedule => write!(f, "schedule: ")?,
        }
        write!(f, "{}", self.problem)
    }
}
