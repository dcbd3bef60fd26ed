//! The judge: what follows from the faults that were delivered, and which errors they excuse.
//!
//! ```text
//!  world ── Delivered { site, fault, error } ─▶ judge ─▶ an error of a call is excused, or not
//!        ── calls, tasks and lives that end ─▶       ─▶ cells of the delivery matrix
//! ```
//!
//! 1. The world knows nothing of it. It queues facts, and the judge folds them, in their order, as
//!    soon as it is asked anything: so what it says is true at that moment.
//! 2. An error is excused by a fault that was delivered to a call of the very operation, by a sync
//!    that failed for the timeline since it was opened, by its shutdown, or by a file that the
//!    device has made wrong. A wrong answer is excused by nothing.
//! 3. An excuse ends when the engine has been told: a timeline that is opened again is not latched
//!    by what failed for the instance before it.
//! 4. It draws nothing and holds up nothing: a run is the same with it and without.

mod allowed_errors;
mod expectations;
mod pending_faults;
mod record;
#[cfg(test)]
mod tests;
mod wrong;

pub use allowed_errors::AllowedErrors;
pub use record::Judge;
