//! A fuzzer's bytes make a plan: any bytes make a valid one, few make a short one.
//!
//! The bytes are read in one direction, so that a change in one place leaves the meaning of what
//! stands before it: size class, knobs, schedule, rules, and then operations until the bytes are
//! used up. Everything that can exist does: what to do often is the fuzzer's to find out.

use arbitrary::{Arbitrary, Result, Unstructured};
use palimpsest::io::Job;

use super::draw::{Author, PlanScale, Reach, Swarm, draw_rules};
use super::{Knobs, Plan, Schedule, Starved, Tail};
use crate::dice::Chance;

/// One plan in this many is large.
const LARGE_ONE_IN: u64 = 32;
/// The operation count from which on no new move begins.
const OP_COUNT_AIM_MAX: u64 = 270;
/// The most entries of a drawn schedule: single choices, or runs of choices in order.
const CHOICE_COUNT_MAX: u64 = 255;
/// A byte from this one on encodes a run of choices in order.
const RUNS_FROM: u8 = 0xC0;
/// The length of the shortest such run; byte `RUNS_FROM + n` encodes `n + 1` times as many choices.
const RUN_LEN_UNIT: usize = 4;
/// The limit on the sum of the lengths of all edits, in bytes.
const TOTAL_LEN_MAX: u64 = 4 << 20;

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Plan> {
        let mut bytes = Bytes(bytes);
        let scale = PlanScale::draw(&mut bytes, LARGE_ONE_IN);
        let swarm = Swarm::all(&mut bytes, scale);
        let seed = bytes.below(1 << 16);
        let knobs = Knobs::draw(&mut bytes, &swarm, seed);
        let schedule = read_schedule(&mut bytes);
        let faults = draw_rules(&mut bytes, &swarm, &Reach::UNKNOWN);
        let mut author = Author::new(&mut bytes, &swarm, &knobs, TOTAL_LEN_MAX);
        while !author.is_spent() && author.op_count() < OP_COUNT_AIM_MAX {
            author.make_move();
        }
        let ops = author.finish();
        Ok(Plan {
            knobs,
            ops,
            faults,
            schedule,
        })
    }
}

fn read_schedule(bytes: &mut Bytes<'_, '_>) -> Schedule {
    let tail = read_tail(bytes);
    let count = bytes.below(CHOICE_COUNT_MAX + 1);
    let mut choices = Vec::new();
    for _ in 0..count {
        if bytes.is_spent() {
            break;
        }
        match bytes.below(256) as u8 {
            // Most choices are in order: one byte encodes many of them.
            byte @ RUNS_FROM.. => choices.resize(choices.len() + run_len(byte), 0),
            choice => choices.push(choice),
        }
    }
    Schedule { choices, tail }
}

fn run_len(byte: u8) -> usize {
    (usize::from(byte - RUNS_FROM) + 1) * RUN_LEN_UNIT
}

fn read_tail(bytes: &mut Bytes<'_, '_>) -> Tail {
    let order = bytes.below(8);
    if order == 0 {
        return Tail::InOrder;
    }
    let seed = bytes.below(1 << 16);
    match order {
        1 => Tail::NewestFirst,
        2 => Tail::ByRank(seed),
        3 => Tail::Pct(seed, bytes.below(8) as u32),
        4 => Tail::Starve(read_starved(bytes), seed),
        5 => Tail::ToCompletion(seed),
        _ => Tail::Uniform(seed),
    }
}

fn read_starved(bytes: &mut Bytes<'_, '_>) -> Starved {
    match bytes.below(256) {
        0 => Starved::Driver,
        1 => Starved::Engine(Job::Keep),
        2 => Starved::Engine(Job::Drop),
        line => Starved::Line(line as u32),
    }
}

/// Random choices taken from a fuzzer's bytes: as few bytes as the count needs, and 0 once they are
/// used up.
struct Bytes<'u, 'a>(&'u mut Unstructured<'a>);

impl Chance for Bytes<'_, '_> {
    fn below(&mut self, count: u64) -> u64 {
        let last = count.checked_sub(1).expect("a choice among at least one");
        // Without bytes this is 0; it fails only for an empty range.
        self.0.int_in_range(0..=last).unwrap_or(0)
    }

    fn is_spent(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use arbitrary::{Arbitrary, Unstructured};

    use super::TOTAL_LEN_MAX;
    use crate::dice::{Chance, Dice};
    use crate::plan::{EditPlan, Line, Plan, PlanOp};

    fn read(bytes: &[u8]) -> Plan {
        Plan::arbitrary(&mut Unstructured::new(bytes)).unwrap()
    }

    fn draw_bytes(dice: &mut Dice, len: u64) -> Vec<u8> {
        (0..len).map(|_| dice.below(256) as u8).collect()
    }

    /// The sum of the lengths of a plan's edits, in bytes.
    fn total_len(plan: &Plan) -> u64 {
        let mut total = 0;
        for line in &plan.ops {
            let PlanOp::Put { entries, .. } = &line.op else {
                continue;
            };
            total += entries.iter().map(|entry| len(entry.edit)).sum::<u64>();
        }
        total
    }

    fn len(edit: EditPlan) -> u64 {
        let len = match edit {
            EditPlan::Image { len, .. }
            | EditPlan::Init { len, .. }
            | EditPlan::Set { len, .. }
            | EditPlan::Append { len, .. }
            | EditPlan::AppendIf { len, .. } => len,
            EditPlan::Patch { offset, len, .. } => offset + len,
            EditPlan::Clear => 0,
        };
        len.into()
    }

    #[test]
    fn no_bytes_make_the_shortest_plan() {
        let ops = read(&[]).ops;
        let ops: Vec<String> = ops.iter().map(ToString::to_string).collect();
        assert_eq!(ops, ["create a 0", "scan a 0"]);
    }

    #[test]
    fn any_bytes_make_a_bounded_plan() {
        let mut dice = Dice::new(1);
        for round in 0..300 {
            let len = dice.below(100 * (round + 1));
            let plan = read(&draw_bytes(&mut dice, len));
            assert_eq!(plan.check(), Ok(()));
            assert!(plan.ops.len() <= 300);
            assert!(total_len(&plan) <= TOTAL_LEN_MAX);
        }
    }

    #[test]
    fn equal_bytes_make_a_bounded_plan() {
        for byte in 0..=255 {
            let plan = read(&[byte; 5000]);
            assert_eq!(plan.check(), Ok(()));
            assert!(plan.ops.len() <= 300);
            assert!(total_len(&plan) <= TOTAL_LEN_MAX);
        }
    }

    /// The first lines, without those that depend on the whole plan: the start of a timeline that
    /// is to end near the last LSN.
    fn first_lines(plan: &Plan) -> Vec<Line> {
        let mut lines = plan.ops[..10].to_vec();
        for line in &mut lines {
            if let PlanOp::Create { start_lsn, .. } = &mut line.op
                && 1 << 63 < *start_lsn
            {
                *start_lsn = u64::MAX;
            }
        }
        lines
    }

    #[test]
    fn more_bytes_leave_the_lines_before_them() {
        let mut compared_count = 0;
        for seed in 0..20 {
            let bytes = draw_bytes(&mut Dice::new(seed), 1000);
            let (short, long) = (read(&bytes[..600]), read(&bytes));
            // At its end a plan joins what is in flight and reads everything once more.
            if short.ops.len() < 20 {
                continue;
            }
            compared_count += 1;
            assert_eq!(short.knobs, long.knobs, "seed {seed}");
            assert_eq!(short.faults, long.faults, "seed {seed}");
            assert_eq!(first_lines(&short), first_lines(&long), "seed {seed}");
            assert!(short.ops.len() < long.ops.len(), "seed {seed}");
        }
        assert!(5 <= compared_count, "{compared_count}");
    }
}
