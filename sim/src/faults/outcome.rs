//! What operations make of the faults that they meet with.

use crate::text::named_enum;

named_enum! {
    /// What came of an operation that met with a fault.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum FaultOutcome {
        /// It ended right.
        Tolerated = "tolerated",
        /// It ended with an error.
        Reported = "reported",
        /// The process crashed before it ended: by the fault itself, or by another after it.
        Crashed = "crashed",
    }
}
