//! What operations make of the faults that they meet with.

use std::collections::BTreeMap;

use palimpsest::io::Job;

use super::FaultClass;

/// What came of an operation that met with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultOutcome {
    /// It ended right.
    Tolerated,
    /// It ended with an error.
    Reported,
    /// The process crashed before it ended: by the fault itself, or by another after it.
    Crashed,
}

impl FaultOutcome {
    /// Every outcome.
    pub const ALL: [FaultOutcome; 3] = [
        FaultOutcome::Tolerated,
        FaultOutcome::Reported,
        FaultOutcome::Crashed,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            FaultOutcome::Tolerated => "tolerated",
            FaultOutcome::Reported => "reported",
            FaultOutcome::Crashed => "crashed",
        }
    }

    /// Whether a fault of this class can come to this.
    pub(crate) fn can_be_of(self, class: FaultClass) -> bool {
        match class {
            FaultClass::Kill | FaultClass::PowerLoss => self == FaultOutcome::Crashed,
            // Slow is never an excuse, nor is short; and whoever is dropped says nothing.
            FaultClass::Slow
            | FaultClass::Stall
            | FaultClass::ShortRead
            | FaultClass::ShortWrite
            | FaultClass::Dropped => self != FaultOutcome::Reported,
            _ => true,
        }
    }
}

/// A cell of the matrix.
pub type Cell = (FaultClass, Job, FaultOutcome);

/// How often each cell was filled.
pub type Cells = BTreeMap<Cell, u64>;
