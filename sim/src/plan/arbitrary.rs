//! A fuzzer's bytes make a plan: any bytes make a valid one, few make a short one.
//!
//! The bytes are read in one direction, so that a change in one place leaves the meaning of what
//! stands before it: size class and knobs, schedule, rules, and then operations until the bytes are
//! used up. Each part is drawn from its own chunk ([`Chunks`]), so that a change in one place also
//! leaves the bytes of what stands behind it. Everything that can exist does: what to do often is
//! the fuzzer's to find out.

use arbitrary::{Arbitrary, Result, Unstructured};
use palimpsest::io::Job;

use super::chunks::Chunks;
use super::draw::{Author, Material, PlanScale, Reach, Swarm, draw_rule_group};
use super::{Knobs, Plan, Schedule, Starved, Tail};
use crate::dice::Chance;

/// One plan in this many is large.
const LARGE_ONE_IN: u64 = 32;
/// The operation count from which on no new move begins.
pub(crate) const OP_COUNT_AIM_MAX: u64 = 80;
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
        let all = bytes.bytes(bytes.len())?;
        Ok(Plan::of_chunks(&Chunks::split(all)))
    }
}

impl Plan {
    /// The plan that is drawn from these chunks.
    pub(crate) fn of_chunks(chunks: &Chunks) -> Plan {
        read(chunks).0
    }
}

impl Chunks {
    /// The chunks without the bytes that nothing is drawn from: they make the same plan.
    pub(crate) fn trimmed(mut self) -> Chunks {
        let used_lens = read(&self).1;
        self.moves
            .truncate(used_lens.len().saturating_sub(Chunks::BEFORE_MOVES));
        for (chunk, used_len) in self.iter_mut().zip(used_lens) {
            chunk.truncate(used_len);
        }
        self
    }
}

/// The plan that is drawn from the chunks, and how many bytes of each one are used, in their order.
fn read(chunks: &Chunks) -> (Plan, Vec<usize>) {
    let mut bytes = Bytes::default();
    bytes.open(&chunks.knobs);
    let scale = PlanScale::draw(&mut bytes, LARGE_ONE_IN);
    let swarm = Swarm::all(&mut bytes, scale);
    let seed = bytes.below(1 << 16);
    let knobs = Knobs::draw(&mut bytes, &swarm, seed);
    let material = Material {
        total_len_max: TOTAL_LEN_MAX,
        workload: None,
    };
    let mut author = Author::new(&mut bytes, &swarm, &knobs, material);
    author.chance().open(&chunks.schedule);
    let schedule = read_schedule(author.chance());
    let mut faults = Vec::new();
    for chunk in &chunks.rules {
        author.chance().open(chunk);
        if !chunk.is_empty() {
            draw_rule_group(author.chance(), &swarm, &Reach::UNKNOWN, &mut faults);
        }
    }
    for chunk in &chunks.moves {
        if OP_COUNT_AIM_MAX <= author.op_count() {
            break;
        }
        author.chance().open(chunk);
        author.make_move();
    }
    author.chance().close();
    let ops = author.finish();
    let plan = Plan {
        knobs,
        ops,
        faults,
        schedule,
    };
    (plan, bytes.used_lens)
}

fn read_schedule(bytes: &mut Bytes<'_>) -> Schedule {
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

fn read_tail(bytes: &mut Bytes<'_>) -> Tail {
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

fn read_starved(bytes: &mut Bytes<'_>) -> Starved {
    match bytes.below(256) {
        0 => Starved::Driver,
        1 => Starved::Engine(Job::Keep),
        2 => Starved::Engine(Job::Drop),
        line => Starved::Line(line as u32),
    }
}

/// Random choices taken from chunks of a fuzzer's bytes: as few bytes as the count needs, and 0
/// once those of the open chunk are used up.
#[derive(Default)]
struct Bytes<'c> {
    open: Option<Unstructured<'c>>,
    open_len: usize,
    /// How many bytes of each chunk that was closed have been used.
    used_lens: Vec<usize>,
}

impl<'c> Bytes<'c> {
    /// Closes the open chunk, and makes the next choices from another one.
    fn open(&mut self, chunk: &'c [u8]) {
        self.close();
        self.open = Some(Unstructured::new(chunk));
        self.open_len = chunk.len();
    }

    /// Closes the open chunk: until the next one is opened, each choice is 0.
    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.used_lens.push(self.open_len - open.len());
        }
    }
}

impl Chance for Bytes<'_> {
    fn below(&mut self, count: u64) -> u64 {
        let last = count.checked_sub(1).expect("a choice among at least one");
        let open = self.open.as_mut();
        // Without bytes this is 0; it fails only for an empty range.
        open.map_or(0, |open| open.int_in_range(0..=last).unwrap_or(0))
    }

    fn is_spent(&self) -> bool {
        self.open.as_ref().is_none_or(Unstructured::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use arbitrary::{Arbitrary, Unstructured};

    use super::{OP_COUNT_AIM_MAX, TOTAL_LEN_MAX};
    use crate::dice::{Chance, Dice};
    use crate::plan::chunks::Chunks;
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
    fn more_moves_leave_the_lines_before_them() {
        let mut compared_count = 0;
        for seed in 0..20 {
            let mut dice = Dice::new(seed);
            let mut long = Chunks {
                moves: vec![Vec::new(); 10],
                ..Chunks::default()
            };
            for chunk in long.iter_mut() {
                *chunk = draw_bytes(&mut dice, 40);
            }
            let mut short = long.clone();
            short.moves.truncate(5);
            let (short, long) = (Plan::of_chunks(&short), Plan::of_chunks(&long));
            // At its end a plan joins what is in flight and reads everything once more.
            if short.ops.len() < 20 || OP_COUNT_AIM_MAX <= short.ops.len() as u64 {
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
