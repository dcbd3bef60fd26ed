//! The outcomes of operations that meet faults.

use crate::text::named_enum;

named_enum! {
    /// The outcome of an operation that met a fault.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum FaultOutcome {
        /// The operation succeeded.
        Tolerated = "tolerated",
        /// The operation returned an error.
        Reported = "reported",
        /// The process crashed before it ended: by this fault or by another one after it.
        Crashed = "crashed",
    }
}
