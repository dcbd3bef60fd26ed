//! A seed draws a plan: first what exists in it at all, then sizes, operations, faults, schedule.
//!
//! Everything is drawn from a [`Chance`], so a fuzzer's bytes make plans of the same kind
//! (`arbitrary.rs`). What a plan drawn from a seed has on top: from 60 to 110 operations, at least
//! two crashes among them, and a point with at least three of them in flight.

mod author;
mod branches;
mod history;
mod jobs;
mod knobs;
mod moves;
mod reads;
mod rules;
mod swarm;
mod themes;

#[cfg(test)]
mod tests;

use super::{Knobs, Line, Plan, Schedule, Then};
use crate::dice::{Chance, Dice};

pub(super) use author::Author;
pub(super) use knobs::draw_knobs;
pub(super) use rules::draw_rules;
pub(super) use swarm::{Scale, Swarm};

/// How many operations a drawn plan has at least.
const OP_COUNT_MIN: u64 = 60;
/// A drawing ends with the first move that gets here, and that may get some operations further.
const OP_COUNT_AIM_MAX: u64 = 80;
/// No crash is set before so many operations: there should be something to lose.
const CRASH_AT_MIN: u64 = 6;
/// The lengths of a drawn plan's edits, in bytes, are together at most this.
const TOTAL_LEN_MAX: u64 = 16 << 20;

/// What a drawn plan must have, wherever its own moves lead.
enum Stop {
    Crash,
    ManyInFlight,
}

impl Plan {
    /// Draws the plan that this seed names.
    ///
    /// # Shape
    /// From 60 to 110 operations with at least two crashes; it passes [`Plan::check`].
    pub fn draw(seed: u64) -> Plan {
        let mut dice = Dice::new(seed);
        let swarm = Swarm::draw(&mut dice);
        let knobs = draw_knobs(&mut dice, &swarm, seed);
        let plan = Plan {
            ops: draw_ops(&mut dice, &swarm, &knobs),
            faults: draw_rules(&mut dice, &swarm),
            schedule: draw_schedule(&mut dice),
            knobs,
        };
        debug_assert_eq!(plan.check(), Ok(()));
        plan
    }
}

fn draw_ops(dice: &mut Dice, swarm: &Swarm, knobs: &Knobs) -> Vec<Line> {
    let aim = dice.between(OP_COUNT_MIN, OP_COUNT_AIM_MAX);
    let mut stops = draw_stops(dice, aim).into_iter().peekable();
    let mut author = Author::new(dice, swarm, knobs, TOTAL_LEN_MAX);
    while author.op_count() < aim || stops.peek().is_some() {
        match stops.next_if(|(at, _)| *at <= author.op_count()) {
            Some((_, Stop::Crash)) => author.crash(),
            Some((_, Stop::ManyInFlight)) => author.leave_many_in_flight(),
            None => author.make_move(),
        }
    }
    author.finish()
}

/// Draws after how many operations each stop comes, in their order; none comes after `aim`.
fn draw_stops(dice: &mut Dice, aim: u64) -> Vec<(u64, Stop)> {
    let mut stops = vec![(dice.between(1, aim), Stop::ManyInFlight)];
    for _ in 0..dice.between(2, 3) {
        stops.push((dice.between(CRASH_AT_MIN, aim), Stop::Crash));
    }
    stops.sort_by_key(|(at, _)| *at);
    stops
}

/// Draws a schedule: even; or in order but for a few choices, as most races need no more; or one
/// in which somebody waits for long.
fn draw_schedule(dice: &mut Dice) -> Schedule {
    match dice.below(8) {
        0 => Schedule {
            choices: Vec::new(),
            then: Then::InOrder,
        },
        1 => Schedule {
            choices: draw_preemptions(dice),
            then: Then::InOrder,
        },
        2 | 3 => Schedule {
            choices: Vec::new(),
            then: Then::Uniform(dice.below(1 << 32)),
        },
        _ => Schedule {
            choices: Vec::new(),
            then: Then::ByRank(dice.below(1 << 32)),
        },
    }
}

fn draw_preemptions(dice: &mut Dice) -> Vec<u8> {
    let mut choices = vec![0; dice.between(20, 3000) as usize];
    for _ in 0..dice.between(1, 6) {
        let index = dice.below(choices.len() as u64);
        choices[index as usize] = dice.between(1, 3) as u8;
    }
    choices
}
