//! Leaves out operations, rules and choices of the schedule: whole, in chunks, one by one.

use std::collections::BTreeSet;
use std::ops::Range;

use palimpsest::io::Job;

use super::batches;
use super::candidates::Candidates;
use super::orders;
use super::trades;
use crate::faults::{Address, Rule, Scope};
use crate::label::TimelineLabel;
use crate::plan::{How, Line, Look, Plan, PlanOp, Schedule, Tail};

/// The number of other orders that are tried for each operation that could be left out.
const ORDER_COUNT: usize = 12;

/// The number of other orders in a plan with many operations: the right race is found by chance,
/// and rarely.
const ORDER_COUNT_MANY: usize = 64;

/// The number of other orders that are tried for each large part of the operations.
const ORDER_COUNT_FEW: usize = 6;

/// The most times that a rule for any call of its kind fires.
const ANYWHERE_TIMES: u32 = 1000;

/// Below this count of operations other orders are not tried.
const OPS_FEW: usize = 4;

/// Above this count of operations and rules no pairs are tried: there are too many.
const PAIRED_MAX: usize = 40;

/// The jobs whose ordinals in rules count the operations that ask for them.
const COUNTED: [Job; 9] = [
    Job::Put,
    Job::Read,
    Job::Flush,
    Job::Compact,
    Job::Image,
    Job::Gc,
    Job::GcCompact,
    Job::Shed,
    Job::Split,
];

/// What can be left out item by item.
#[derive(Clone, Copy)]
pub enum Stream {
    Ops,
    /// Operations, with the ordinals of rules adjusted to what was left out.
    OpsAndOrdinals,
    Rules,
    Records,
    Choices,
}

/// The size of the parts in which a stream is left out.
#[derive(Clone, Copy)]
enum Grain {
    /// From halves down to the share given by [`COARSE_PARTS`].
    Coarse,
    /// From halves down to single items.
    Fine,
}

/// The most parts into which a stream is cut by [`Grain::Coarse`].
const COARSE_PARTS: usize = 8;

/// Leaves out what came after the failure. Tries the plan without its schedule, without rules, and
/// with rules that each name the call that they strike.
pub fn drop_whole(candidates: &mut Candidates<'_>) {
    let begun = candidates.outcome().tally.operations as usize;
    candidates.take_first(1, |plan, _| {
        let mut plan = plan.clone();
        plan.ops.truncate(begun);
        Some(plan)
    });
    candidates.take_first(2, |plan, index| {
        let mut plan = plan.clone();
        plan.schedule = in_order();
        if index == 0 {
            plan.faults.clear();
        }
        Some(plan)
    });
    hold_back_one(candidates);
    let spelled_out: Vec<Rule> = candidates.outcome().hits.clone();
    candidates.take_first(2, |plan, index| {
        let mut plan = plan.clone();
        plan.faults = match index {
            0 => Vec::new(),
            _ => spelled_out.clone(),
        };
        Some(plan)
    });
}

/// Turns the oracle off, which saves most of the time, where the plan still fails, if need be by a
/// scan in the end; returns whether it does.
pub fn look_at_nothing(candidates: &mut Candidates<'_>) -> bool {
    let scans = timelines(candidates.best())
        .into_iter()
        .map(|timeline| PlanOp::Scan {
            timeline,
            offset: 0,
        });
    let scans = Vec::from_iter(scans);
    let taken = candidates.take_first(1 + scans.len(), |plan, index| {
        let mut plan = plan.clone();
        plan.knobs.look = Look::Nothing;
        if let Some(index) = index.checked_sub(1) {
            plan.ops.push(waited_for(scans[index].clone()));
        }
        Some(plan)
    });
    taken.is_some() || candidates.best().knobs.look == Look::Nothing
}

/// Lets the oracle read everything: the failure then does not depend on what the oracle drew.
pub fn look_at_all(candidates: &mut Candidates<'_>) {
    candidates.take_first(1, |plan, _| {
        let mut plan = plan.clone();
        plan.knobs.look = Look::All;
        Some(plan)
    });
}

/// Tries order with one of the longest waiting calls slow: a rule that names the call keeps its
/// meaning when operations around it are left out.
fn hold_back_one(candidates: &mut Candidates<'_>) {
    let waits = candidates.outcome().waits.iter();
    let waits = waits.map(|wait| vec![wait.clone()]);
    hold_back(candidates, &Vec::from_iter(waits));
}

/// Tries order with all calls of a kind slow, for each of the longest waiting calls.
fn hold_back_all(candidates: &mut Candidates<'_>) {
    let waits = candidates.outcome().waits.iter();
    let waits = waits.map(|wait| vec![anywhere(wait.clone())]);
    hold_back(candidates, &Vec::from_iter(waits));
}

/// Tries order with two of the longest waiting calls slow.
fn hold_back_two(candidates: &mut Candidates<'_>) {
    let waits = candidates.outcome().waits.clone();
    let pairs = waits.iter().enumerate().flat_map(|(index, first)| {
        let others = waits[index + 1..].iter();
        others.map(|second| vec![first.clone(), second.clone()])
    });
    hold_back(candidates, &Vec::from_iter(pairs));
}

fn hold_back(candidates: &mut Candidates<'_>, choices: &[Vec<Rule>]) {
    if candidates.best().schedule == in_order() {
        return;
    }
    candidates.take_first(choices.len(), |plan, index| {
        let mut plan = plan.clone();
        plan.schedule = in_order();
        plan.faults.extend_from_slice(&choices[index]);
        Some(plan)
    });
}

/// A rule for any call of this kind: its ordinals were those of another order.
fn anywhere(mut rule: Rule) -> Rule {
    if let Address::Call { life, job, .. } = &mut rule.address {
        *life = None;
        job.index = None;
    }
    rule.times = ANYWHERE_TIMES;
    rule
}

/// Leaves out large parts of all streams, so that what follows runs on short plans.
pub fn leave_out_coarsely(candidates: &mut Candidates<'_>) {
    leave_out_of(candidates, Stream::Ops, Grain::Coarse);
    leave_out_of(candidates, Stream::Rules, Grain::Coarse);
    leave_out_of(candidates, Stream::Records, Grain::Coarse);
}

/// Leaves out operations, rules and records: halves, quarters, and so on down to single ones.
pub fn leave_out(candidates: &mut Candidates<'_>) {
    leave_out_of(candidates, Stream::Ops, Grain::Fine);
    leave_out_of(candidates, Stream::Rules, Grain::Fine);
    if !candidates.best().faults.is_empty() {
        leave_out_of(candidates, Stream::OpsAndOrdinals, Grain::Fine);
    }
    leave_out_of(candidates, Stream::Records, Grain::Fine);
}

fn leave_out_of(candidates: &mut Candidates<'_>, stream: Stream, grain: Grain) {
    let mut size = stream.len(candidates.best()).div_ceil(2);
    let size_min = match grain {
        Grain::Coarse => stream.len(candidates.best()).div_ceil(COARSE_PARTS).max(1),
        Grain::Fine => 1,
    };
    while size_min <= size {
        // Chunks are tried from the last to the first: no ordinal counts what comes after it.
        let mut end = stream.len(candidates.best());
        while 0 < end {
            let range = |index: usize| {
                let end = end - index * size;
                end.saturating_sub(size)..end
            };
            let taken = candidates.take_first(end.div_ceil(size), |plan, index| {
                Some(stream.without(plan, range(index)))
            });
            let Some(index) = taken else { break };
            end = range(index).start;
        }
        size /= 2;
    }
}

/// Leaves out one operation or rule, with the oracle reading everything, or two at once of which
/// neither can be left out alone; returns whether that helped.
pub fn leave_out_pairs(candidates: &mut Candidates<'_>) -> bool {
    let op_count = candidates.best().ops.len();
    let count = op_count + candidates.best().faults.len();
    if PAIRED_MAX < count {
        return false;
    }
    let one = |plan: &Plan, at: usize| match at.checked_sub(op_count) {
        None => Stream::OpsAndOrdinals.without(plan, at..at + 1),
        Some(at) => Stream::Rules.without(plan, at..at + 1),
    };
    let seen = candidates.take_first(count, |plan, index| {
        let mut plan = one(plan, count - 1 - index);
        plan.knobs.look = match plan.knobs.look {
            Look::All => return None,
            Look::Nothing | Look::Sample => Look::All,
        };
        Some(plan)
    });
    if seen.is_some() {
        return true;
    }
    let first = (0..count).rev();
    let pairs = first.flat_map(|first| (first + 1..count).map(move |second| (first, second)));
    let pairs: Vec<(usize, usize)> = pairs.collect();
    let taken = candidates.take_first(pairs.len(), |plan, index| {
        let (first, second) = pairs[index];
        Some(one(&one(plan, second), first))
    });
    taken.is_some()
}

/// Tries plainer orders of the same operations.
pub fn simplify_schedule(candidates: &mut Candidates<'_>) {
    candidates.take_first(2, |plan, index| {
        let mut plan = plan.clone();
        match index {
            0 => plan.schedule = in_order(),
            _ => plan.schedule.choices.clear(),
        }
        Some(plan)
    });
    hold_back_one(candidates);
    hold_back_all(candidates);
    let plainer = orders::plainer(candidates.best());
    candidates.take_first(plainer.len(), |plan, index| {
        let mut plan = plan.clone();
        plan.schedule.tail = plainer[index];
        Some(plan)
    });
    hold_back_two(candidates);
    leave_out_of(candidates, Stream::Choices, Grain::Fine);
    let choice_count = candidates.best().schedule.choices.len();
    for at in 0..choice_count {
        candidates.take_first(1, |plan, _| {
            let mut plan = plan.clone();
            *plan.schedule.choices.get_mut(at)? = 0;
            Some(plan)
        });
    }
}

/// Leaves out a large part of the operations and tries other orders, while that helps.
pub fn reorder_coarsely(candidates: &mut Candidates<'_>) {
    let mut part_count = 2;
    while part_count <= COARSE_PARTS {
        let size = candidates.best().ops.len().div_ceil(part_count);
        if !reorder_without(candidates, size, ORDER_COUNT_FEW) {
            part_count *= 2;
        }
    }
}

/// Leaves out one operation and tries other orders; returns whether that helped.
pub fn reorder(candidates: &mut Candidates<'_>) -> bool {
    let order_count = match trades::is_small(candidates.best()) {
        true => ORDER_COUNT,
        false => ORDER_COUNT_MANY,
    };
    reorder_without(candidates, 1, order_count)
}

/// Leaves out `size` adjacent operations and tries `order_count` other orders.
fn reorder_without(candidates: &mut Candidates<'_>, size: usize, order_count: usize) -> bool {
    let op_count = candidates.best().ops.len();
    if candidates.best().schedule == in_order() || op_count <= OPS_FEW {
        return false;
    }
    let part_count = op_count.div_ceil(size);
    let taken = candidates.take_first(part_count * order_count, |plan, index| {
        let (seed, index) = (index / part_count, index % part_count);
        let end = op_count - index * size;
        let mut plan = Stream::OpsAndOrdinals.without(plan, end.saturating_sub(size)..end);
        plan.schedule = Schedule {
            choices: Vec::new(),
            tail: Tail::ByRank(seed as u64),
        };
        Some(plan)
    });
    taken.is_some()
}

/// The timelines that the operations name.
pub fn timelines(plan: &Plan) -> BTreeSet<TimelineLabel> {
    plan.ops
        .iter()
        .filter_map(|line| line.op.timeline())
        .collect()
}

/// A line whose operation is waited for.
pub fn waited_for(op: PlanOp) -> Line {
    Line { how: How::Wait, op }
}

fn in_order() -> Schedule {
    Schedule {
        choices: Vec::new(),
        tail: Tail::InOrder,
    }
}

impl Stream {
    fn len(self, plan: &Plan) -> usize {
        match self {
            Stream::Ops | Stream::OpsAndOrdinals => plan.ops.len(),
            Stream::Rules => plan.faults.len(),
            Stream::Records => batches::record_count(plan),
            Stream::Choices => plan.schedule.choices.len(),
        }
    }

    /// The plan without this range of the stream.
    pub fn without(self, plan: &Plan, range: Range<usize>) -> Plan {
        let mut plan = plan.clone();
        if matches!(self, Stream::Ops | Stream::OpsAndOrdinals) {
            orders::move_starved(&mut plan.schedule.tail, &range);
        }
        match self {
            Stream::Ops => drop(plan.ops.drain(range)),
            Stream::Rules => drop(plan.faults.drain(range)),
            Stream::Records => batches::without_records(&mut plan, &range),
            Stream::Choices => drop(plan.schedule.choices.drain(range)),
            Stream::OpsAndOrdinals => {
                for line in plan.ops.drain(range) {
                    for rule in &mut plan.faults {
                        move_ordinals(&mut rule.address, &line.op);
                    }
                }
            }
        }
        plan
    }
}

/// Lowers the ordinal of a rule by one if it counts lives, or this timeline's jobs of this kind,
/// and the operation was one of them. Whether that one came before the rule's own is not known
/// here: the run of the candidate tells.
fn move_ordinals(address: &mut Address, gone: &PlanOp) {
    let Address::Call {
        life, scope, job, ..
    } = address
    else {
        return;
    };
    let lower = |ordinal: &mut Option<u32>| {
        *ordinal = ordinal.map(|ordinal| ordinal.saturating_sub(1).max(1));
    };
    if matches!(gone, PlanOp::Crash(_)) {
        lower(life);
    }
    if let Some((kind, timeline)) = job_of(gone)
        && job.kind == Some(kind)
        && (*scope == Scope::Any || *scope == Scope::Timeline(timeline))
    {
        lower(&mut job.index);
    }
}

/// The job of a timeline that an operation is, if rules count such jobs.
fn job_of(op: &PlanOp) -> Option<(Job, TimelineLabel)> {
    let job = op.row().job.filter(|job| COUNTED.contains(job))?;
    Some((job, op.timeline()?))
}
