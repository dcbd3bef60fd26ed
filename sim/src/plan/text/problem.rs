//! What is wrong with a plan, and where.

use std::fmt;

use crate::text::Problem;

/// A text is not a plan, or a plan cannot be run. Whoever wrote it must change what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    place: PlanPlace,
    problem: Problem,
}

/// Where in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanPlace {
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

impl PlanError {
    /// The line of the text that is wrong, from 1, if the plan came from a text.
    pub fn line(&self) -> Option<usize> {
        match self.place {
            PlanPlace::Line(number) => Some(number),
            _ => None,
        }
    }
}

impl PlanPlace {
    /// The error that the item at this place has this problem.
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
