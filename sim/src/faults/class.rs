//! Faults as the report counts them.

use std::collections::BTreeMap;

use palimpsest::io::Job;

use super::{Crash, FaultOutcome};
use crate::text::named_enum;

named_enum! {
    /// A fault as the report counts it. What no device may show, a lie, stands last.
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
        /// A call failed, for nothing may be changed.
        Erofs = "EROFS",
        /// A call failed for want of a right.
        Eacces = "EACCES",
        /// A file's sync failed and dropped its pages, which can still be read.
        FailedSync = "failed file sync",
        /// A file's sync failed and dropped its pages, and they cannot be read any more.
        RevertedSync = "reverting file sync",
        /// A directory's sync failed; its entries stay pending.
        FailedDirectorySync = "failed directory sync",
        /// A read gave fewer bytes than were there.
        ShortRead = "short read",
        /// A write took fewer bytes than it was given.
        ShortWrite = "short write",
        /// A call took long.
        Slow = "slow call",
        /// A call took until nobody else had anything to do.
        Stall = "stalled call",
        /// A bit of what was stored turned over.
        Rot = "bit rot",
        /// A write landed elsewhere.
        Astray = "misdirected write",
        /// A write was acknowledged and not made.
        Lost = "lost write",
        /// A read found what was there before.
        Stale = "stale read",
        /// A future was dropped before it was done.
        Dropped = "dropped future",
        /// The clock jumped.
        ClockJump = "clock jump",
        /// A timeline was shut down beside what worked on it.
        Shutdown = "shutdown beside work",
        /// A call was acknowledged, and not what was promised of it.
        Lie = "lie",
    }
}

impl FaultClass {
    /// Every class that a device may show.
    pub const SHOWN: &[FaultClass] = FaultClass::ALL.split_last().expect("there are some").1;

    /// What can come of an operation that meets with it; nothing if no operation does.
    pub(crate) fn outcomes(self) -> &'static [FaultOutcome] {
        const CRASHED: &[FaultOutcome] = &[FaultOutcome::Crashed];
        const UNTOLD: &[FaultOutcome] = &[FaultOutcome::Tolerated, FaultOutcome::Crashed];
        match self {
            FaultClass::Kill | FaultClass::PowerLoss => CRASHED,
            FaultClass::ClockJump | FaultClass::Shutdown => &[],
            // Slow is never an excuse, nor is short; and a future that is dropped says nothing.
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

/// A cell of the matrix.
pub type Cell = (FaultClass, Job, FaultOutcome);

/// How often each cell was filled.
pub type Cells = BTreeMap<Cell, u64>;
