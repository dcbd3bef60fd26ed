//! The label that every I/O call carries: which job of which timeline makes the call.
//!
//! The label is a `Copy` value that production ignores. In the simulator it is the address of a
//! fault: with the call's name and its ordinal among equal ones it reads
//! `life2/b/flush#5/delta#1/write#2`.

use std::fmt;

use crate::base::TimelineId;

/// The label of a call: its timeline, its job, and which of the job's files it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op {
    /// The timeline; `None` for calls on the engine's directory.
    pub timeline: Option<TimelineId>,
    /// The kind of job that makes the call.
    pub job: Job,
    /// The ordinal of the job among those of its kind in the life of the timeline, from 1. Only
    /// jobs whose plan was not empty count; 0 before that is known.
    pub job_index: u32,
    /// The kind of file that the call is for.
    pub part: Part,
    /// The ordinal of the file among those of its kind in the job, in plan order, from 1.
    pub part_index: u32,
}

/// The kind of job that makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the verb that it is named after")]
pub enum Job {
    Open,
    Create,
    Delete,
    Put,
    Freeze,
    Flush,
    Read,
    Branch,
    Lease,
    Compact,
    Image,
    Gc,
    GcCompact,
    Shed,
    Split,
    Keep,
    Drop,
}

/// The kind of file that a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// No file: shared state, or the directory itself.
    Directory,
    /// The file that locks the engine's directory.
    Lock,
    /// The bytes of a memory layer.
    Ephemeral,
    /// A delta layer.
    Delta,
    /// An image layer.
    Image,
    /// The index.
    Index,
}

impl Job {
    /// Every job, in the order of declaration.
    pub const ALL: [Job; 17] = [
        Job::Open,
        Job::Create,
        Job::Delete,
        Job::Put,
        Job::Freeze,
        Job::Flush,
        Job::Read,
        Job::Branch,
        Job::Lease,
        Job::Compact,
        Job::Image,
        Job::Gc,
        Job::GcCompact,
        Job::Shed,
        Job::Split,
        Job::Keep,
        Job::Drop,
    ];

    /// Its name in an address.
    pub fn name(self) -> &'static str {
        match self {
            Job::Open => "open",
            Job::Create => "create",
            Job::Delete => "delete",
            Job::Put => "put",
            Job::Freeze => "freeze",
            Job::Flush => "flush",
            Job::Read => "read",
            Job::Branch => "branch",
            Job::Lease => "lease",
            Job::Compact => "compact",
            Job::Image => "image",
            Job::Gc => "gc",
            Job::GcCompact => "gc-compact",
            Job::Shed => "shed",
            Job::Split => "split",
            Job::Keep => "keep",
            Job::Drop => "drop",
        }
    }
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 6] = [
        Part::Directory,
        Part::Lock,
        Part::Ephemeral,
        Part::Delta,
        Part::Image,
        Part::Index,
    ];

    /// Its name in an address.
    pub fn name(self) -> &'static str {
        match self {
            Part::Directory => "dir",
            Part::Lock => "lock",
            Part::Ephemeral => "ephemeral",
            Part::Delta => "delta",
            Part::Image => "image",
            Part::Index => "index",
        }
    }
}

impl Op {
    /// The label of a job, for calls on the directory itself.
    pub fn new(timeline: Option<TimelineId>, job: Job, job_index: u32) -> Op {
        Op {
            timeline,
            job,
            job_index,
            part: Part::Directory,
            part_index: 1,
        }
    }

    /// The label of this job, for calls on one of its files.
    #[must_use]
    pub fn on(self, part: Part, part_index: u32) -> Op {
        Op {
            part,
            part_index,
            ..self
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timeline {
            Some(timeline) => write!(f, "{timeline}/")?,
            None => write!(f, "engine/")?,
        }
        write!(f, "{}#{}/", self.job.name(), self.job_index)?;
        write!(f, "{}#{}", self.part.name(), self.part_index)
    }
}
