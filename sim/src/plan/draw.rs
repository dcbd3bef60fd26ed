//! A seed draws a plan: first which features exist in it, then sizes, operations, faults, schedule.
//!
//! Everything is drawn from a [`Chance`], so a fuzzer's bytes make plans of the same kind
//! (`arbitrary.rs`). What a plan drawn from a seed has on top: from 20 to 110 operations, at least
//! one crash among them, and a point with at least three of them in flight. Some bugs are found
//! only by long plans; most are found sooner by short ones.

mod author;
mod branches;
mod compound;
mod endings;
mod gives_up;
mod history;
mod holds;
mod jobs;
mod kinds;
pub(super) mod knobs;
mod leases;
mod log;
mod moves;
mod puts;
mod reach;
mod reads;
mod reduce;
mod rules;
mod shards;
mod short_lives;
mod sparse;
pub(super) mod swarm;
pub(super) mod themes;
mod tiers;
pub(super) mod times;

#[cfg(test)]
mod tests;

use palimpsest::io::Job;

use super::{How, Knobs, Line, Plan, Schedule, Starved, Tail, Workload};
use crate::dice::{Chance, Dice};

pub(super) use author::{Author, Material};
pub(super) use reach::Reach;
pub(super) use rules::draw_rule_group;
use rules::draw_rules;
pub(super) use swarm::{PlanScale, Swarm};

/// Of so many seeds the first ones draw long plans, which then take half of the time.
const LONG_OF: u64 = 7;
const LONG_COUNT: u64 = 2;
/// The operation counts at which the drawing of a short and of a long plan ends; the last move may
/// go some operations past it.
const OP_COUNT_SHORT: (u64, u64) = (20, 40);
const OP_COUNT_LONG: (u64, u64) = (60, 80);
/// No crash comes before this many operations, so that there is something to lose.
const CRASH_AT_MIN: u64 = 6;
/// The limit on the sum of the lengths of a drawn plan's edits, in bytes.
const TOTAL_LEN_MAX: u64 = 16 << 20;

/// What every drawn plan contains, whatever its own moves are.
enum Stop {
    Crash,
    ManyInFlight,
}

impl Plan {
    /// Draws the plan that this seed names.
    ///
    /// # Shape
    /// From 20 to 110 operations with at least one crash; it passes [`Plan::check`]. Two seeds of
    /// seven, 0 and 1 among them, draw long plans, of 60 operations or more and with two crashes.
    pub fn draw(seed: u64) -> Plan {
        Plan::draw_with(seed, None)
    }

    /// Draws the plan that this seed names, with batches of a log's records in place of drawn ones.
    /// The plan contains them: it needs no log to run.
    ///
    /// # Shape
    /// As that of [`Plan::draw`], but its keys are pages of the log, as many as its batches name,
    /// and none is sparse.
    pub fn draw_with(seed: u64, workload: Option<&Workload>) -> Plan {
        let mut dice = Dice::new(seed);
        let swarm = Swarm::draw(&mut dice);
        let mut knobs = Knobs::draw(&mut dice, &swarm, seed);
        if workload.is_some() {
            knobs.sparse_count = 0;
        }
        let is_long = seed % LONG_OF < LONG_COUNT;
        let (ops, key_count) = draw_ops(&mut dice, &swarm, (&knobs, workload), is_long);
        knobs.key_count = key_count;
        let plan = Plan {
            faults: draw_rules(&mut dice, &swarm, &Reach::of(&ops, &knobs)),
            schedule: draw_schedule(&mut dice, &ops),
            ops,
            knobs,
        };
        debug_assert_eq!(plan.check(), Ok(()));
        plan
    }
}

/// Draws the operations, and how many keys they name.
fn draw_ops(
    dice: &mut Dice,
    swarm: &Swarm,
    (knobs, workload): (&Knobs, Option<&Workload>),
    is_long: bool,
) -> (Vec<Line>, u16) {
    let (least, most) = match is_long {
        true => OP_COUNT_LONG,
        false => OP_COUNT_SHORT,
    };
    let aim = dice.between(least, most);
    let stops = draw_stops(dice, aim, if is_long { 2 } else { 1 });
    let mut stops = stops.into_iter().peekable();
    let material = Material {
        total_len_max: TOTAL_LEN_MAX,
        workload,
    };
    let mut author = Author::new(dice, swarm, knobs, material);
    while author.op_count() < aim || stops.peek().is_some() {
        match stops.next_if(|(at, _)| *at <= author.op_count()) {
            Some((_, Stop::Crash)) => author.crash(),
            Some((_, Stop::ManyInFlight)) => author.leave_many_in_flight(),
            None => author.make_move(),
        }
    }
    let key_count = author.key_count();
    (author.finish(), key_count)
}

/// Draws the operation count at which each stop comes, in order; none comes after `aim`.
fn draw_stops(dice: &mut Dice, aim: u64, crash_count_min: u64) -> Vec<(u64, Stop)> {
    let mut stops = vec![(dice.between(1, aim), Stop::ManyInFlight)];
    for _ in 0..dice.between(crash_count_min, crash_count_min + 1) {
        stops.push((dice.between(CRASH_AT_MIN, aim), Stop::Crash));
    }
    stops.sort_by_key(|(at, _)| *at);
    stops
}

/// The kinds of schedules with the weight of each.
const ORDERS: [(u64, OrderKind); 8] = [
    (2, OrderKind::InOrder),
    (2, OrderKind::Preempted),
    (3, OrderKind::Uniform),
    (5, OrderKind::ByRank),
    (3, OrderKind::Pct),
    (2, OrderKind::Starve),
    (1, OrderKind::ToCompletion),
    (1, OrderKind::NewestFirst),
];

/// The kinds of schedules.
#[derive(Clone, Copy)]
enum OrderKind {
    InOrder,
    /// In order but for a few choices: most races need no more than that.
    Preempted,
    Uniform,
    ByRank,
    Pct,
    Starve,
    ToCompletion,
    NewestFirst,
}

fn draw_schedule(dice: &mut Dice, ops: &[Line]) -> Schedule {
    let order = dice.pick_weighted(&ORDERS);
    let seed = dice.below(1 << 32);
    let choices = match order {
        OrderKind::Preempted => draw_preemptions(dice),
        _ => Vec::new(),
    };
    let tail = match order {
        OrderKind::InOrder | OrderKind::Preempted => Tail::InOrder,
        OrderKind::Uniform => Tail::Uniform(seed),
        OrderKind::ByRank => Tail::ByRank(seed),
        OrderKind::Pct => Tail::Pct(seed, dice.below(7) as u32),
        OrderKind::Starve => Tail::Starve(draw_starved(dice, ops), seed),
        OrderKind::ToCompletion => Tail::ToCompletion(seed),
        OrderKind::NewestFirst => Tail::NewestFirst,
    };
    Schedule { choices, tail }
}

/// Draws which task is starved: mostly one that was left running.
fn draw_starved(dice: &mut Dice, ops: &[Line]) -> Starved {
    let beside = (1..).zip(ops).filter(|(_, line)| line.how == How::Beside);
    let beside: Vec<u32> = beside.map(|(number, _)| number).collect();
    match dice.below(8) {
        0 | 1 => Starved::Driver,
        2 => Starved::Engine(Job::Keep),
        3 => Starved::Engine(Job::Drop),
        _ if beside.is_empty() => Starved::Driver,
        _ => Starved::Line(*dice.pick(&beside)),
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
