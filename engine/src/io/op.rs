//! Who calls: the label that every call through the seam carries.
//!
//! It is a `Copy` value that production ignores. In the simulator it is the address space of
//! faults: with the call's own name and its ordinal among equals it reads
//! `life2/b/flush#5/delta#1/write#2`.

use std::fmt;

use crate::base::TimelineId;

/// Which job of which timeline makes a call, and for which of the job's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op {
    /// The timeline, or nothing for what concerns the engine's directory.
    pub timeline: Option<TimelineId>,
    /// What the caller is doing.
    pub job: Job,
    /// The ordinal of the job among those of its kind in the life of the timeline, from 1. Only
    /// work whose plan was not empty counts; 0 before that is known.
    pub job_index: u32,
    /// Which kind of file is meant.
    pub part: Part,
    /// The ordinal of the file among those of its kind in the job, in plan order, from 1.
    pub part_index: u32,
}

/// What a caller is doing.
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
    Compact,
    Image,
    Gc,
    Keep,
    Drop,
}

/// Which kind of file a call is for.
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
    /// Every job, in the order of their names' appearance.
    pub const ALL: [Job; 13] = [
        Job::Open,
        Job::Create,
        Job::Delete,
        Job::Put,
        Job::Freeze,
        Job::Flush,
        Job::Read,
        Job::Branch,
        Job::Compact,
        Job::Image,
        Job::Gc,
        Job::Keep,
        Job::Drop,
    ];

    /// The word for it in an address.
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
            Job::Compact => "compact",
            Job::Image => "image",
            Job::Gc => "gc",
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

    /// The word for it in an address.
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
    /// A job on the directory itself.
    pub fn new(timeline: Option<TimelineId>, job: Job, job_index: u32) -> Op {
        Op {
            timeline,
            job,
            job_index,
            part: Part::Directory,
            part_index: 1,
        }
    }

    /// The same job on one of its files.
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
