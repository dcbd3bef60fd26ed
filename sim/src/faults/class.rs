//! The classes of faults by which the report counts them.

use std::collections::BTreeMap;

use palimpsest::io::Job;

use super::{Crash, FaultOutcome};
use crate::text::named_enum;

named_enum! {
    /// A fault as the report counts it. A lie, which no device may show, stands last.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum FaultClass {
        /// A process was killed.
        Kill = "process kill",
        /// The power failed.
        PowerLoss = "power loss",
        /// A call failed with an I/O error.
        Eio = "EIO",
        /// A call failed for want of space.
        Enospc = "ENOSPC",
        /// A call failed: the file system is read-only.
        Erofs = "EROFS",
        /// A call failed: permission denied.
        Eacces = "EACCES",
        /// A call failed: the process has too many open files.
        Emfile = "EMFILE",
        /// A call failed: the system has too many open files.
        Enfile = "ENFILE",
        /// A call failed: the system has no memory.
        Enomem = "ENOMEM",
        /// A file's sync failed and dropped its dirty pages, which can still be read.
        FailedSync = "failed file sync",
        /// A file's sync failed and dropped its dirty pages, which cannot be read any more.
        RevertedSync = "reverting file sync",
        /// A directory's sync failed; its entries stay unsynced.
        FailedDirectorySync = "failed directory sync",
        /// A read returned fewer bytes than there were.
        ShortRead = "short read",
        /// A write took fewer bytes than it was given.
        ShortWrite = "short write",
        /// A call took a certain time.
        Slow = "slow call",
        /// A call took until no other task could run.
        Stall = "stalled call",
        /// A bit of the stored bytes flipped.
        Rot = "bit rot",
        /// A write landed elsewhere.
        Astray = "misdirected write",
        /// A write was acknowledged and not carried out.
        Lost = "lost write",
        /// A read returned what was stored before.
        Stale = "stale read",
        /// A future was dropped before it was done: the operation was cancelled.
        Dropped = "dropped future",
        /// The clock jumped.
        ClockJump = "clock jump",
        /// A timeline was shut down while operations ran on it.
        Shutdown = "shutdown beside work",
        /// A call was acknowledged, and did not do what the device promises of it.
        Lie = "lie",
    }
}

impl FaultClass {
    /// Every class that a device may show.
    pub const SHOWN: &[FaultClass] = FaultClass::ALL.split_last().expect("there are some").1;

    /// The possible outcomes of an operation that meets such a fault; none if no operation meets
    /// one.
    pub(crate) fn outcomes(self) -> &'static [FaultOutcome] {
        const CRASHED: &[FaultOutcome] = &[FaultOutcome::Crashed];
        const UNTOLD: &[FaultOutcome] = &[FaultOutcome::Tolerated, FaultOutcome::Crashed];
        match self {
            FaultClass::Kill | FaultClass::PowerLoss => CRASHED,
            FaultClass::ClockJump | FaultClass::Shutdown => &[],
            // No error is allowed for a slow or a short call, and a dropped future returns nothing.
            FaultClass::Slow
            | FaultClass::Stall
            | FaultClass::ShortRead
            | FaultClass::ShortWrite
            | FaultClass::Dropped => UNTOLD,
            _ => &FaultOutcome::ALL,
        }
    }

    /// The class of a crash.
    pub fn of_crash(crash: Crash) -> FaultClass {
        match crash {
            Crash::Kill => FaultClass::Kill,
            Crash::Power(_) => FaultClass::PowerLoss,
        }
    }
}

/// A cell of the delivery matrix.
pub type Cell = (FaultClass, Job, FaultOutcome);

/// The count of each cell.
pub type Cells = BTreeMap<Cell, u64>;
