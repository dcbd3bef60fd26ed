//! Rules and addresses as values.

use palimpsest::io::{Job, Op, Part};

use super::{Fault, StepKind};
use crate::label::TimelineLabel;

/// One rule: where, what and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The calls that it means.
    pub address: Address,
    /// The fault that strikes them.
    pub fault: Fault,
    /// The most times that it fires, from 1: `times N`; 1 if the text does not say.
    pub times: u32,
    /// It fires at one in this many of the calls that it means, from 1: `one-in N`; 1 if the text
    /// does not say. The run's seed decides at which.
    pub one_in: u32,
}

/// The calls that a rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// One call of a life, by its ordinal among all calls, from 1: `life2/io#37`.
    Nth {
        /// The life, from 1, or any.
        life: Option<u32>,
        /// The ordinal of the call in its life, from 1.
        index: u32,
    },
    /// Calls by their caller, their file and their kind: `life2/a/flush#5/delta#1/write#2`.
    Call {
        /// The life, from 1, or any.
        life: Option<u32>,
        /// The owner of the files.
        scope: Scope,
        /// The job, or any, and its ordinal.
        job: Counted<Job>,
        /// The kind of file, or any, and its ordinal in the job.
        part: Counted<Part>,
        /// The kind of call, or any, and its ordinal among the calls of its kind on that file.
        step: Counted<StepKind>,
    },
}

/// The owner of the files that a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Any: `*`.
    Any,
    /// The engine's own: `engine`.
    Engine,
    /// A timeline, by its label.
    Timeline(TimelineLabel),
}

/// A kind, or any (`*`), and an ordinal from 1, or any (nothing is printed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    /// The kind, or any.
    pub kind: Option<T>,
    /// The ordinal, or any.
    pub index: Option<u32>,
}

/// A call as it is made: an address is compared with it.
#[derive(Clone, Copy, Debug)]
pub struct CallSite {
    /// The life of the process, from 1.
    pub life: u32,
    /// The ordinal of the call in the life, from 1.
    pub io_index: u32,
    /// The timeline's label, if the call is for one.
    pub label: Option<TimelineLabel>,
    /// The job that calls, and its file.
    pub op: Op,
    /// The call's kind.
    pub step: StepKind,
    /// The ordinal of the call among those of its kind on that file, from 1.
    pub step_index: u32,
}

impl CallSite {
    /// The address that means only this call.
    pub fn address(&self) -> Address {
        Address::Call {
            life: Some(self.life),
            scope: self.label.map_or(Scope::Engine, Scope::Timeline),
            job: Counted::exactly(self.op.job, self.op.job_index),
            part: Counted::exactly(self.op.part, self.op.part_index),
            step: Counted::exactly(self.step, self.step_index),
        }
    }
}

impl Address {
    /// Whether the address means this call.
    pub fn means(&self, site: &CallSite) -> bool {
        match *self {
            Address::Nth { life, index } => is(life, site.life) && index == site.io_index,
            Address::Call {
                life,
                scope,
                job,
                part,
                step,
            } => {
                is(life, site.life)
                    && scope.means(site.label)
                    && job.means(site.op.job, site.op.job_index)
                    && part.means(site.op.part, site.op.part_index)
                    && step.means(site.step, site.step_index)
            }
        }
    }
}

impl Scope {
    fn means(self, label: Option<TimelineLabel>) -> bool {
        match self {
            Scope::Any => true,
            Scope::Engine => label.is_none(),
            Scope::Timeline(wanted) => label == Some(wanted),
        }
    }
}

impl<T: Copy + PartialEq> Counted<T> {
    /// A part that is not counted has the ordinal 0, and the address then asks for none.
    fn exactly(kind: T, index: u32) -> Counted<T> {
        Counted {
            kind: Some(kind),
            index: Some(index).filter(|index| 0 < *index),
        }
    }

    fn means(self, kind: T, index: u32) -> bool {
        is(self.kind, kind) && is(self.index, index)
    }
}

fn is<T: PartialEq>(wanted: Option<T>, found: T) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}
