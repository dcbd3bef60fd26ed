//! A smaller plan that fails in the same way.
//!
//! ```text
//!  streams as a whole ─▶ operations and rules, in chunks ─▶ schedule ─▶ knobs ─▶ lines ─▶ names
//!                           ▲                                                                 │
//!                           ├───────────────────────── again, if it helped ◀──────────────────┤
//!                           └── again, if it helped ◀─ pairs, other orders ◀─ if it did not ◀─┘
//! ```
//!
//! What is left out moves what comes after it: a rule's ordinals count the jobs before it, and a
//! schedule's choices count the steps. So rules are first spelled out as the calls that they hit,
//! ordinals move along with what is left out, and where a plan owes its failure to an order of
//! steps, other orders are tried: first that in which all go in order but for one or two who wait.

mod judge;
mod knobs;
mod lines;
mod names;
mod orders;
mod streams;
#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::plan::Plan;
use crate::run::Outcome;

use judge::Judge;

/// How long to go on, and with what.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// When to stop, with the best so far.
    pub deadline: Instant,
    /// How many plans are run at the same time.
    pub thread_count: u64,
    /// Whether somebody wants the best so far at once.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
}

/// What a plan was shrunk to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest plan that failed alike.
    pub plan: Plan,
    /// What came of it.
    pub outcome: Outcome,
    /// How many plans were run on the way.
    pub run_count: u64,
}

/// Shrinks a plan that fails, for as long as `limits` say; nothing if it does not fail.
pub fn shrink(plan: &Plan, limits: Limits<'_>) -> Option<Shrunk> {
    let mut judge = Judge::new(plan, limits)?;
    streams::drop_whole(&mut judge);
    loop {
        let before = judge.best().clone();
        streams::leave_out(&mut judge);
        streams::simplify_schedule(&mut judge);
        knobs::simplify(&mut judge);
        lines::simplify(&mut judge);
        names::simplify(&mut judge);
        if judge.is_over() {
            break;
        }
        let is_unchanged = *judge.best() == before;
        if is_unchanged && !streams::leave_out_pairs(&mut judge) && !streams::reorder(&mut judge) {
            break;
        }
    }
    Some(judge.end())
}
