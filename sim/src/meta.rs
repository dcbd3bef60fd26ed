//! Runs a plan again under other conditions: a run may depend on nothing but its plan.
//!
//! 1. Addresses: other blocks of memory are allocated, with holes between them, and the run is on
//!    another thread with another stack.
//! 2. The trace: every event is kept, so that memory is allocated at other times too.
//! 3. Neighbours: another thread makes the same run concurrently.
//!
//! Whether a debug build makes the same run as a release build is checked by `meta --other`.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own"
)]

use crate::dice::{Chance, Dice};
use crate::divergence;
use crate::plan::Plan;
use crate::run::{Keep, Outcome, STACK_LEN, run};

/// The number of memory blocks that are allocated.
const BLOCK_COUNT: u64 = 2000;

/// The exclusive limit of a block's length, in bytes.
const BLOCK_LEN_END: u64 = 3000;

/// The stack of the thread with other addresses, in bytes.
const OTHER_STACK_LEN: usize = STACK_LEN + (3 << 20);

/// The condition in which a run differs from a plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// The addresses of all objects in memory.
    Addresses,
    /// How much of the trace is kept.
    Trace,
    /// What runs concurrently.
    Neighbours,
}

impl Surroundings {
    /// All conditions.
    pub const ALL: [Surroundings; 3] = [
        Surroundings::Addresses,
        Surroundings::Trace,
        Surroundings::Neighbours,
    ];

    fn run(self, plan: &Plan, keep: Keep) -> Outcome {
        match self {
            Surroundings::Addresses => run_elsewhere(plan, keep),
            Surroundings::Trace if keep == Keep::Tail => {
                let outcome = run(plan, Keep::Everything);
                let trace = Vec::new();
                Outcome { trace, ..outcome }
            }
            Surroundings::Trace => run(plan, keep),
            Surroundings::Neighbours => run_beside_another(plan, keep),
        }
    }
}

/// Runs a plan alone and under each other condition; the outcome, or the first difference.
pub fn run_everywhere(plan: &Plan) -> Outcome {
    let mut outcome = None;
    for surroundings in Surroundings::ALL {
        let pair = |keep| [run(plan, keep), surroundings.run(plan, keep)];
        let compared = divergence::compared(pair);
        if compared.verdict.is_some() {
            return compared;
        }
        outcome.get_or_insert(compared);
    }
    outcome.expect("there are some")
}

/// Runs a plan with other memory allocated, on a thread with a longer stack.
fn run_elsewhere(plan: &Plan, keep: Keep) -> Outcome {
    let mut dice = Dice::new(plan.knobs.seed);
    let mut block = |_| vec![0; dice.below(BLOCK_LEN_END) as usize];
    let mut blocks: Vec<Vec<u8>> = (0..BLOCK_COUNT).map(&mut block).collect();
    // Freeing every third block leaves holes.
    let mut index = 0;
    blocks.retain(|_| {
        index += 1;
        index % 3 != 0
    });
    let outcome = on_thread(OTHER_STACK_LEN, || run(plan, keep));
    drop(blocks);
    outcome
}

fn run_beside_another(plan: &Plan, keep: Keep) -> Outcome {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_LEN);
        let neighbour = thread.spawn_scoped(scope, || run(plan, Keep::Tail));
        let outcome = run(plan, keep);
        let neighbour = neighbour.expect("a thread can be started, as before");
        // The neighbour's outcome is discarded: if one run influences the other, digests differ.
        let _ = neighbour.join();
        outcome
    })
}

fn on_thread(stack_len: usize, work: impl FnOnce() -> Outcome + Send) -> Outcome {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack_len);
        let thread = thread.spawn_scoped(scope, work);
        let thread = thread.expect("a thread can be started, as the calling one was");
        let joined = thread.join();
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn a_plan_makes_the_same_run_everywhere() {
        for seed in 0..2 {
            let plan = Plan::draw(seed);
            let outcome = run_everywhere(&plan);
            assert_eq!(outcome.verdict, None, "seed {seed}");
            assert_eq!(outcome.digest, run(&plan, Keep::Tail).digest);
        }
    }

    #[test]
    fn two_plans_part_at_an_event_that_is_named() {
        let (first, second) = (Plan::draw(1), Plan::draw(2));
        let outcome = divergence::compared(|keep| [run(&first, keep), run(&second, keep)]);
        let Some(Verdict::Diverged { at, .. }) = outcome.verdict else {
            panic!("they are the same");
        };
        assert!(at.starts_with("event "), "{at}");
        assert!(!outcome.trace.is_empty());
    }
}
