//! Rules and addresses as values.

use palimpsest::io::{Job, Op, Part};

use super::{Fault, StepKind};
use crate::label::TimelineLabel;

/// One rule: where, what and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which calls it means.
    pub address: Address,
    /// What happens to them.
    pub fault: Fault,
    /// How many times it fires at most, from 1: `times N`, 1 when it is not said.
    pub times: u32,
    /// It fires at one in so many of the calls that it means, from 1: `one-in N`, 1 when it is not
    /// said. Which, follows from the run's seed.
    pub one_in: u32,
}

/// Which calls a rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// The so manyth call of a life, whatever it is, from 1: `life2/io#37`.
    Nth {
        /// The life, from 1, or any.
        life: Option<u32>,
        /// The ordinal of the call in it.
        index: u32,
    },
    /// By who calls and what: `life2/a/flush#5/delta#1/write#2`.
    Call {
        /// The life, from 1, or any.
        life: Option<u32>,
        /// Whose files.
        scope: Scope,
        /// The job, or any, and its ordinal.
        job: Counted<Job>,
        /// The kind of file, or any, and its ordinal in the job.
        part: Counted<Part>,
        /// The call's own kind, or any, and its ordinal among its like on that file.
        step: Counted<StepKind>,
    },
}

/// Whose files a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Anybody's: `*`.
    Any,
    /// The engine's own: `engine`.
    Engine,
    /// A timeline's, by its letter.
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

/// A call as it is made: what an address is held against.
#[derive(Clone, Copy, Debug)]
pub struct CallSite {
    /// The life of the process, from 1.
    pub life: u32,
    /// The ordinal of the call in the life, from 1.
    pub io_index: u32,
    /// The timeline's letter, if the call is for one.
    pub label: Option<TimelineLabel>,
    /// Who calls.
    pub op: Op,
    /// The call's kind.
    pub step: StepKind,
    /// Its ordinal among its like on that file, from 1.
    pub step_index: u32,
}

impl CallSite {
    /// The address that means this call alone.
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
    /// Whether it means this call.
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
    /// What is not counted has the ordinal 0, and none to ask for.
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
