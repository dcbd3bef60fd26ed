//! The judge: derives from the delivered faults which errors the engine may return.
//!
//! ```text
//!  world ── Delivered { site, fault, error } ─▶ judge ─▶ an error of a call is allowed, or not
//!        ── calls, tasks and lives that end ─▶       ─▶ cells of the delivery matrix
//! ```
//!
//! 1. The world does not know the judge. It queues facts; the judge folds them in order before it
//!    answers any question, so that each answer is true at that moment.
//! 2. An error is allowed by a fault that was delivered to a call of the same operation, by a sync
//!    that failed for the timeline since it was opened, by its shutdown, or by a file that the
//!    device has made wrong. A wrong answer is never allowed.
//! 3. An allowance ends when the engine has been told: a timeline that is opened again is not
//!    latched by what failed for the instance before it.
//! 4. It draws no random number and delays no task: a run is the same with it and without.

mod allowed_errors;
mod expectations;
mod pending_faults;
mod record;
#[cfg(test)]
mod tests;
mod wrong;

pub use allowed_errors::AllowedErrors;
pub use record::Judge;
