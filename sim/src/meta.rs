//! A plan run again in other surroundings: nothing may depend on what no plan says.
//!
//! 1. Addresses: other blocks of memory are taken, in between there are holes, and the run has
//!    another thread with another stack.
//! 2. The trace: every event is kept, so that memory is taken at other times as well.
//! 3. Neighbours: another thread makes the same run at the same time.
//!
//! That a debug build makes the same run as a release build is for `meta --other` to find out.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own"
)]

use crate::dice::{Chance, Dice};
use crate::parting;
use crate::plan::Plan;
use crate::run::{Keep, Outcome, STACK_LEN, run};

/// So many blocks of memory are taken.
const BLOCK_COUNT: u64 = 2000;

/// And each is shorter than this, in bytes.
const BLOCK_LEN_END: u64 = 3000;

/// The stack of the thread whose addresses are others.
const OTHER_STACK_LEN: usize = STACK_LEN + (3 << 20);

/// What differs from a run that is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// Where in memory everything stands.
    Addresses,
    /// How much is kept of what happened.
    Trace,
    /// Who runs at the same time.
    Neighbours,
}

impl Surroundings {
    /// All of them.
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

/// Runs a plan alone and in other surroundings; what came of it, or that two runs differ.
pub fn run_everywhere(plan: &Plan) -> Outcome {
    let mut outcome = None;
    for surroundings in Surroundings::ALL {
        let pair = |keep| [run(plan, keep), surroundings.run(plan, keep)];
        let compared = parting::compared(pair);
        if compared.verdict.is_some() {
            return compared;
        }
        outcome.get_or_insert(compared);
    }
    outcome.expect("there are some")
}

/// Runs it where other memory is taken, on a thread with a longer stack.
fn run_elsewhere(plan: &Plan, keep: Keep) -> Outcome {
    let mut dice = Dice::new(plan.knobs.seed);
    let mut block = |_| vec![0; dice.below(BLOCK_LEN_END) as usize];
    let mut blocks: Vec<Vec<u8>> = (0..BLOCK_COUNT).map(&mut block).collect();
    // Every third one leaves a hole.
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
        let neighbour = neighbour.expect("a thread can be had, as the one before");
        // What it came to is what this one came to, or else the comparison tells.
        let _ = neighbour.join();
        outcome
    })
}

fn on_thread(stack_len: usize, work: impl FnOnce() -> Outcome + Send) -> Outcome {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack_len);
        let thread = thread.spawn_scoped(scope, work);
        let thread = thread.expect("a thread can be had, as the one that asks");
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
        let outcome = parting::compared(|keep| [run(&first, keep), run(&second, keep)]);
        let Some(Verdict::Diverged { at, .. }) = outcome.verdict else {
            panic!("they are the same");
        };
        assert!(at.starts_with("event "), "{at}");
        assert!(!outcome.trace.is_empty());
    }
}
