//! A smaller plan that fails in the same way.
//!
//! ```text
//!  streams as a whole ─▶ large parts of everything, in other orders too
//!                           │
//!                           ▼
//!     operations, rules, records ─▶ batches ─▶ schedule ─▶ knobs ─▶ names ─▶ lines ─▶ names
//!       ▲                                                             │                 │
//!       ├─ again, while it helps and the plan is not small ◀─ trades, other orders ◀┘   │
//!       ├─ again, if it helped ◀────────────────────────────────────────────────────────┤
//!       └─ again, if it helped ◀─ pairs, other orders ◀─ if it did not ◀────────────────┘
//! ```
//!
//! Leaving something out shifts what comes after it: a rule's ordinals count the jobs before it,
//! and a schedule's choices count the steps. So rules are first replaced by one rule for each call
//! that they struck, ordinals are adjusted to what is left out, and where a plan fails only in a
//! certain order of steps, other orders are tried: first those in order but for one or two tasks
//! that wait.
//!
//! A run takes the longer, the more it writes and the more the oracle reads. So the oracle is
//! turned off where the plan fails without it, large parts are left out before anything else is
//! tried, and lines are made plain one by one when there are few of them.

mod batches;
mod candidates;
mod knobs;
mod lines;
mod names;
mod orders;
mod streams;
#[cfg(test)]
mod tests;
mod trades;

use crate::plan::Plan;

use candidates::Candidates;
pub use candidates::{ShrinkLimits, Shrunk};

/// Shrinks a failing plan within `limits`; `None` if it does not fail.
pub fn shrink(plan: &Plan, limits: ShrinkLimits<'_>) -> Option<Shrunk> {
    let mut candidates = Candidates::new(plan, limits)?;
    cut_coarsely(&mut candidates);
    loop {
        let before = candidates.best().clone();
        streams::leave_out(&mut candidates);
        batches::simplify(&mut candidates);
        batches::merge(&mut candidates);
        streams::simplify_schedule(&mut candidates);
        knobs::simplify(&mut candidates);
        names::simplify(&mut candidates);
        let is_large = !trades::is_small(candidates.best());
        if is_large && (*candidates.best() != before || replace(&mut candidates)) {
            continue;
        }
        lines::simplify(&mut candidates);
        names::simplify(&mut candidates);
        if candidates.is_over() {
            break;
        }
        let is_unchanged = *candidates.best() == before;
        if is_unchanged && !streams::leave_out_pairs(&mut candidates) && !replace(&mut candidates) {
            break;
        }
    }
    Some(candidates.end())
}

/// Trades operations and rules of a plan that is not small, or its order; returns whether that
/// helped.
fn replace(candidates: &mut Candidates<'_>) -> bool {
    trades::trade(candidates) || streams::reorder(candidates)
}

/// Leaves out large parts, so that everything else is tried on shorter runs.
fn cut_coarsely(candidates: &mut Candidates<'_>) {
    streams::drop_whole(candidates);
    let is_seen = streams::look_at_nothing(candidates);
    streams::leave_out_coarsely(candidates);
    names::simplify(candidates);
    if !is_seen {
        streams::look_at_all(candidates);
        streams::leave_out_coarsely(candidates);
    }
    streams::reorder_coarsely(candidates);
}
