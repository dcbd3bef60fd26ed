//! Tries every crash of a short plan: each call that changes the disk is a point, and each state
//! that a power loss at it can leave on the disk is a case.
//!
//! ```text
//!  plan ─run once▶ points ─▶ of each: power loss, its choices open ─▶ recovery ─▶ which choices
//!                              ▲                                        │         mattered?
//!                              └── the next case of those that mattered ◀─────────────┘
//! ```
//!
//! 1. `crashes` enumerates: it defines what a case is, and which cases are equal.
//! 2. After the crash no line of the plan is carried out: the engine is opened, all answers are
//!    compared, it quiesces, is opened again, and all answers are compared again.
//! 3. The points of a recovery are its calls up to the first comparison.
//! 4. A counterexample is a plan that fails by itself.

mod alphabet;
mod certificate;
mod explore;
mod point;
#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::plan::Plan;

pub use alphabet::{ALPHABET, exhaust_all};
pub use certificate::{Certificate, Counterexample};
pub use explore::exhaust;

/// The limits of a search.
#[derive(Clone, Copy)]
pub struct ExhaustLimits<'a> {
    /// The number of crashes in a row, 1 or 2.
    pub depth: u32,
    /// When to stop, even if the search has not finished.
    pub deadline: Option<Instant>,
    /// The number of recoveries that run concurrently.
    pub thread_count: u64,
    /// Whether the caller asks to stop now, with the result so far.
    pub is_interrupted: &'a (dyn Fn() -> bool + Sync),
    /// The index of the first line whose calls are points.
    pub from_line: usize,
}

/// The plan, with everything read after each line: the result must not depend on what was read
/// before.
fn with_full_look(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.knobs.look = crate::plan::Look::All;
    plan
}
