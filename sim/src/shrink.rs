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
//! What is left out moves what comes after it: a rule's ordinals count the jobs before it, and a
//! schedule's choices count the steps. So rules are first spelled out as the calls that they hit,
//! ordinals move along with what is left out, and where a plan owes its failure to an order of
//! steps, other orders are tried: first that in which all go in order but for one or two who wait.
//!
//! A run takes the more time the more is written and the more the oracle asks. So it looks at
//! nothing where that is enough, what goes in large parts goes before anything else is tried, and
//! lines are made plain one by one when there are few of them.

mod batches;
mod judge;
mod knobs;
mod lines;
mod names;
mod orders;
mod streams;
#[cfg(test)]
mod tests;
mod trades;

use crate::plan::Plan;

use judge::Judge;
pub use judge::{Limits, Shrunk};

/// Shrinks a plan that fails, for as long as `limits` say; nothing if it does not fail.
pub fn shrink(plan: &Plan, limits: Limits<'_>) -> Option<Shrunk> {
    let mut judge = Judge::new(plan, limits)?;
    cut_coarsely(&mut judge);
    loop {
        let before = judge.best().clone();
        streams::leave_out(&mut judge);
        batches::simplify(&mut judge);
        batches::merge(&mut judge);
        streams::simplify_schedule(&mut judge);
        knobs::simplify(&mut judge);
        names::simplify(&mut judge);
        let is_large = !trades::is_small(judge.best());
        if is_large && (*judge.best() != before || replace(&mut judge)) {
            continue;
        }
        lines::simplify(&mut judge);
        names::simplify(&mut judge);
        if judge.is_over() {
            break;
        }
        let is_unchanged = *judge.best() == before;
        if is_unchanged && !streams::leave_out_pairs(&mut judge) && !replace(&mut judge) {
            break;
        }
    }
    Some(judge.end())
}

/// Trades operations and rules of a plan that is not small, or its order; says whether that helped.
fn replace(judge: &mut Judge<'_>) -> bool {
    trades::trade(judge) || streams::reorder(judge)
}

/// Leaves out what is large, so that everything else is tried on shorter runs.
fn cut_coarsely(judge: &mut Judge<'_>) {
    streams::drop_whole(judge);
    let is_seen = streams::look_at_nothing(judge);
    streams::leave_out_coarsely(judge);
    names::simplify(judge);
    if !is_seen {
        streams::look_at_all(judge);
        streams::leave_out_coarsely(judge);
    }
    streams::reorder_coarsely(judge);
}
