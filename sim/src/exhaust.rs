//! Every crash of a short plan: each call that changes the disk is a point, and each way in which
//! the disk can look after a power loss at it is a case.
//!
//! ```text
//!  plan ─run once▶ points ─▶ of each: power loss, its choices open ─▶ recovery ─▶ which choices
//!                              ▲                                        │         mattered?
//!                              └── the next case of those that mattered ◀─────────────┘
//! ```
//!
//! 1. `crashes` enumerates: it says what a case is, and which are one.
//! 2. After the crash no line comes any more: the engine is opened, everything is compared, it
//!    comes to rest, is opened again, and everything is compared again.
//! 3. A recovery's points go up to its first comparison.
//! 4. A counterexample is a plan, which fails when it is run.

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

/// How far to go.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// How many crashes one behind another, 1 or 2.
    pub depth: u32,
    /// When to stop, if it is not through by then.
    pub deadline: Option<Instant>,
    /// How many recoveries are run at the same time.
    pub thread_count: u64,
    /// Whether somebody wants to have what there is at once.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// Which lines' calls are points: from this one on, by index.
    pub from_line: usize,
}

/// The plan, asked for everything after each line: what is found must not depend on how much was
/// asked before.
fn with_full_look(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.knobs.look = crate::plan::Look::All;
    plan
}
