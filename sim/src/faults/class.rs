//! Faults as the report counts them.

use super::{Crash, Fault, StepKind};

/// A fault as the report counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultClass {
    /// A process was killed.
    Kill,
    /// The power failed.
    PowerLoss,
    /// A call failed with an I/O error.
    Eio,
    /// A call failed for want of space.
    Enospc,
    /// A call failed, for nothing may be changed.
    Erofs,
    /// A call failed for want of a right.
    Eacces,
    /// A file's sync failed and dropped its pages, which can still be read.
    FailedSync,
    /// A file's sync failed and dropped its pages, and they cannot be read any more.
    RevertedSync,
    /// A directory's sync failed; its entries stay pending.
    FailedDirectorySync,
    /// A read gave fewer bytes than were there.
    ShortRead,
    /// A write took fewer bytes than it was given.
    ShortWrite,
    /// A call took long.
    Slow,
    /// A call took until nobody else had anything to do.
    Stall,
    /// A bit of what was stored turned over.
    Rot,
    /// A write landed elsewhere.
    Astray,
    /// A write was acknowledged and not made.
    Lost,
    /// A read found what was there before.
    Stale,
    /// A future was dropped before it was done.
    Dropped,
    /// The clock jumped.
    ClockJump,
    /// A timeline was shut down beside what worked on it.
    Shutdown,
    /// A call was acknowledged, and not what was promised of it.
    Lie,
}

impl FaultClass {
    /// Every class that a device may show: all but lies.
    pub const ALL: [FaultClass; 20] = [
        FaultClass::Kill,
        FaultClass::PowerLoss,
        FaultClass::Eio,
        FaultClass::Enospc,
        FaultClass::Erofs,
        FaultClass::Eacces,
        FaultClass::FailedSync,
        FaultClass::RevertedSync,
        FaultClass::FailedDirectorySync,
        FaultClass::ShortRead,
        FaultClass::ShortWrite,
        FaultClass::Slow,
        FaultClass::Stall,
        FaultClass::Rot,
        FaultClass::Astray,
        FaultClass::Lost,
        FaultClass::Stale,
        FaultClass::Dropped,
        FaultClass::ClockJump,
        FaultClass::Shutdown,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            FaultClass::Kill => "process kill",
            FaultClass::PowerLoss => "power loss",
            FaultClass::Eio => "EIO",
            FaultClass::Enospc => "ENOSPC",
            FaultClass::Erofs => "EROFS",
            FaultClass::Eacces => "EACCES",
            FaultClass::FailedSync => "failed file sync",
            FaultClass::RevertedSync => "reverting file sync",
            FaultClass::FailedDirectorySync => "failed directory sync",
            FaultClass::ShortRead => "short read",
            FaultClass::ShortWrite => "short write",
            FaultClass::Slow => "slow call",
            FaultClass::Stall => "stalled call",
            FaultClass::Rot => "bit rot",
            FaultClass::Astray => "misdirected write",
            FaultClass::Lost => "lost write",
            FaultClass::Stale => "stale read",
            FaultClass::Dropped => "dropped future",
            FaultClass::ClockJump => "clock jump",
            FaultClass::Shutdown => "shutdown beside work",
            FaultClass::Lie => "lie",
        }
    }

    /// The class of a crash.
    pub fn of_crash(crash: Crash) -> FaultClass {
        match crash {
            Crash::Kill => FaultClass::Kill,
            Crash::Power(_) => FaultClass::PowerLoss,
        }
    }

    /// The class of a fault at such a step.
    pub(crate) fn of(fault: Fault, step: StepKind) -> FaultClass {
        match (fault, step) {
            (Fault::Crash(crash), _) => FaultClass::of_crash(crash),
            (Fault::Short(_), StepKind::Read) => FaultClass::ShortRead,
            (Fault::Short(_), _) => FaultClass::ShortWrite,
            (Fault::Lie | Fault::Tear, _) => FaultClass::Lie,
            (Fault::Slow(_), _) => FaultClass::Slow,
            (Fault::Stall, _) => FaultClass::Stall,
            (Fault::Rot(_), _) => FaultClass::Rot,
            (Fault::Astray(_), _) => FaultClass::Astray,
            (Fault::Lost, _) => FaultClass::Lost,
            (Fault::Stale, _) => FaultClass::Stale,
            (Fault::Revert, _) => FaultClass::RevertedSync,
            (_, StepKind::Sync) => FaultClass::FailedSync,
            (_, StepKind::SyncDir) => FaultClass::FailedDirectorySync,
            (Fault::Eio, _) => FaultClass::Eio,
            (Fault::Enospc, _) => FaultClass::Enospc,
            (Fault::Erofs, _) => FaultClass::Erofs,
            (Fault::Eacces, _) => FaultClass::Eacces,
        }
    }
}
