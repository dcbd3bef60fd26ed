//! Rules, addresses and faults as values.

use std::time::Duration;

use palimpsest::io::{Job, Op, Part};

use crate::label::Letter;

use crate::faults::Crash;

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
    Timeline(Letter),
}

/// A kind, or any (`*`), and an ordinal from 1, or any (nothing is printed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    /// The kind, or any.
    pub kind: Option<T>,
    /// The ordinal, or any.
    pub index: Option<u32>,
}

/// The kind of a call through the seam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the call that it is named after")]
pub enum StepKind {
    Create,
    Open,
    List,
    Rename,
    Replace,
    Remove,
    CreateDir,
    RemoveDir,
    SyncDir,
    Lock,
    Read,
    Write,
    Sync,
    Len,
    Pass,
}

impl StepKind {
    /// Every step.
    pub const ALL: [StepKind; 15] = [
        StepKind::Create,
        StepKind::Open,
        StepKind::List,
        StepKind::Rename,
        StepKind::Replace,
        StepKind::Remove,
        StepKind::CreateDir,
        StepKind::RemoveDir,
        StepKind::SyncDir,
        StepKind::Lock,
        StepKind::Read,
        StepKind::Write,
        StepKind::Sync,
        StepKind::Len,
        StepKind::Pass,
    ];

    /// The word for it in an address.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Create => "create",
            StepKind::Open => "open",
            StepKind::List => "list",
            StepKind::Rename => "rename",
            StepKind::Replace => "replace",
            StepKind::Remove => "remove",
            StepKind::CreateDir => "create-dir",
            StepKind::RemoveDir => "remove-dir",
            StepKind::SyncDir => "sync-dir",
            StepKind::Lock => "lock",
            StepKind::Read => "read",
            StepKind::Write => "write",
            StepKind::Sync => "sync",
            StepKind::Len => "len",
            StepKind::Pass => "pass",
        }
    }

    /// Whether what a part means has such a call at all, whatever the engine does: a directory is
    /// not written, a file is not listed.
    pub fn is_of(self, part: Part) -> bool {
        use StepKind::{CreateDir, List, Lock, Pass, Remove, RemoveDir, SyncDir};
        match part {
            Part::Lock => self == Lock,
            Part::Directory => {
                matches!(self, List | CreateDir | RemoveDir | SyncDir | Remove | Pass)
            }
            Part::Ephemeral | Part::Delta | Part::Image | Part::Index => {
                !matches!(self, List | CreateDir | RemoveDir | Lock)
            }
        }
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with an I/O error: `eio`. A file's sync that fails drops the dirty pages: they can
    /// still be read, no later sync covers them, and a power loss takes them.
    Eio,
    /// It fails for want of space: `enospc`.
    Enospc,
    /// It fails, for the file system takes no more changes: `erofs`.
    Erofs,
    /// It fails for want of a right to do it: `eacces`.
    Eacces,
    /// A file's sync fails with an I/O error, and from then on reads find what was durable before:
    /// `revert`. Some file systems throw dirty pages away where others let them be read.
    Revert,
    /// It takes so long, and others go on meanwhile: `slow:DURATION`.
    Slow(Duration),
    /// It takes until everybody else waits for the clock, or for it: `stall`.
    Stall,
    /// A bit of what a read asks for, or of what a sync has just made durable, turns over in the
    /// file, in the byte with this offset, and stays so: `rot:OFFSET`.
    Rot(u32),
    /// A write is acknowledged and lands so many sectors of 512 bytes further: `astray:SECTORS`.
    Astray(u32),
    /// A write is acknowledged and changes nothing but the file's length: `lost`.
    Lost,
    /// A read finds what was durable before the last sync: `stale`.
    Stale,
    /// It reads or writes at most so many bytes, from 1: `short:BYTES`.
    Short(u32),
    /// A call is acknowledged, and what the device promises of it is not kept: `lie`. A sync is not
    /// made; a creation or a rename takes a name that is taken; a list leaves its last entry out; a
    /// read finds no write that no sync has covered; a removal takes the bytes from those who have
    /// the file open. No device that promises anything does this: what the engine cannot survive of
    /// it, it needs, and a simulator that does not notice is blind.
    Lie,
    /// A rename is made of parts, each of which a power loss keeps or undoes by itself: `tear`. No
    /// excuse comes of it, as with a lie.
    Tear,
    /// The process ends before it: `crash kill`, `crash power all|none|draw:SEED|case:NUMBER`.
    Crash(Crash),
}

/// A call as it is made: what an address is held against.
#[derive(Clone, Copy, Debug)]
pub struct CallSite {
    /// The life of the process, from 1.
    pub life: u32,
    /// The ordinal of the call in the life, from 1.
    pub io_index: u32,
    /// The timeline's letter, if the call is for one.
    pub letter: Option<Letter>,
    /// Who calls.
    pub op: Op,
    /// The call's kind.
    pub step: StepKind,
    /// Its ordinal among its like on that file, from 1.
    pub step_index: u32,
}

impl Fault {
    /// Whether only a device that may be wrong does this.
    pub fn is_wrong(self) -> bool {
        match self {
            Fault::Rot(_) | Fault::Astray(_) | Fault::Lost | Fault::Stale => true,
            Fault::Eio
            | Fault::Enospc
            | Fault::Erofs
            | Fault::Eacces
            | Fault::Revert
            | Fault::Slow(_)
            | Fault::Stall
            | Fault::Short(_)
            | Fault::Lie
            | Fault::Tear
            | Fault::Crash(_) => false,
        }
    }

    /// Whether it can happen to such a call at all.
    pub fn can_happen(self, step: StepKind, part: Part) -> bool {
        use StepKind::{Create, Remove, Rename, Replace};
        use StepKind::{Len, List, Open, Pass, Read, Sync, SyncDir, Write};
        // What is never synced never leaves the page cache, and that is no device.
        let is_stored = matches!(part, Part::Delta | Part::Image | Part::Index);
        if !step.is_of(part) {
            return false;
        }
        match self {
            // A task may be held back wherever it gives way.
            Fault::Crash(_) | Fault::Slow(_) | Fault::Stall => true,
            Fault::Short(_) => matches!(step, Read | Write),
            Fault::Lie => matches!(
                step,
                Sync | SyncDir | Create | Rename | List | Read | Remove
            ),
            Fault::Tear => matches!(step, Rename | Replace),
            Fault::Revert => step == Sync,
            Fault::Eio | Fault::Enospc => step != Pass,
            Fault::Erofs => !matches!(step, Pass | Open | List | Len | Read | Sync | SyncDir),
            Fault::Eacces => !matches!(step, Pass | Len | Read | Write | Sync | SyncDir),
            Fault::Rot(_) => is_stored && matches!(step, Read | Sync),
            Fault::Stale => is_stored && step == Read,
            Fault::Astray(_) | Fault::Lost => is_stored && step == Write,
        }
    }
}

impl CallSite {
    /// The address that means this call alone.
    pub fn address(&self) -> Address {
        Address::Call {
            life: Some(self.life),
            scope: self.letter.map_or(Scope::Engine, Scope::Timeline),
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
                    && scope.means(site.letter)
                    && job.means(site.op.job, site.op.job_index)
                    && part.means(site.op.part, site.op.part_index)
                    && step.means(site.step, site.step_index)
            }
        }
    }
}

impl Scope {
    fn means(self, letter: Option<Letter>) -> bool {
        match self {
            Scope::Any => true,
            Scope::Engine => letter.is_none(),
            Scope::Timeline(wanted) => letter == Some(wanted),
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
