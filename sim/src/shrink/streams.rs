//! Operations, rules and the schedule: what is left out whole, in chunks, one by one.

use std::ops::Range;

use palimpsest::io::Job;

use super::judge::Judge;
use super::orders;
use crate::faults::{Address, Rule, Scope};
use crate::plan::{Letter, Look, Plan, PlanOp, Schedule, Then};

/// So many other orders are tried for each operation that could be left out.
const ORDER_COUNT: u64 = 12;

/// So many calls of a kind wait where it is not known which one has to.
const ANYWHERE_TIMES: u32 = 1000;

/// Plans of so few operations are not worth trying other orders.
const OPS_FEW: usize = 4;

/// Of longer plans no pairs are tried: there are too many.
const PAIRED_OPS_MAX: usize = 40;

/// What can be left out item by item.
#[derive(Clone, Copy)]
enum Stream {
    Ops,
    /// The same, and the ordinals of rules count what was left out.
    OpsAndOrdinals,
    Rules,
    Choices,
}

/// Leaves out what came after the failure. Lets the oracle look at everything: then what is found
/// does not depend on what it drew. Tries to do without a schedule, without rules, and with rules
/// that say whom they hit.
pub fn drop_whole(judge: &mut Judge<'_>) {
    let begun = judge.outcome().tally.operations as usize;
    judge.take_first(1, |plan, _| {
        let mut plan = plan.clone();
        plan.ops.truncate(begun);
        Some(plan)
    });
    judge.take_first(1, |plan, _| {
        let mut plan = plan.clone();
        plan.knobs.look = Look::All;
        Some(plan)
    });
    judge.take_first(2, |plan, index| {
        let mut plan = plan.clone();
        plan.schedule = in_order();
        if index == 0 {
            plan.faults.clear();
        }
        Some(plan)
    });
    hold_back(judge);
    let spelled_out: Vec<Rule> = judge.outcome().hits.clone();
    judge.take_first(2, |plan, index| {
        let mut plan = plan.clone();
        plan.faults = match index {
            0 => Vec::new(),
            _ => spelled_out.clone(),
        };
        Some(plan)
    });
}

/// Tries to have one or two calls wait, of those that waited longest, where all others go in order:
/// a rule that names who waits is found again when the operations around it are left out.
fn hold_back(judge: &mut Judge<'_>) {
    if judge.best().schedule == in_order() {
        return;
    }
    let waits = judge.outcome().waits.clone();
    let alone = waits.iter().map(|wait| vec![wait.clone()]);
    let anywhere = waits.iter().map(|wait| vec![anywhere(wait.clone())]);
    let pairs = waits.iter().enumerate().flat_map(|(index, first)| {
        let others = waits[index + 1..].iter();
        others.map(|second| vec![first.clone(), second.clone()])
    });
    let choices: Vec<Vec<Rule>> = alone.chain(anywhere).chain(pairs).collect();
    judge.take_first(choices.len(), |plan, index| {
        let mut plan = plan.clone();
        plan.schedule = in_order();
        plan.faults.extend_from_slice(&choices[index]);
        Some(plan)
    });
}

/// The same, for any call of this kind: its ordinals were those of another order.
fn anywhere(mut rule: Rule) -> Rule {
    if let Address::Call { life, job, .. } = &mut rule.address {
        *life = None;
        job.index = None;
    }
    rule.times = ANYWHERE_TIMES;
    rule
}

/// Leaves out operations and rules: halves, quarters, and so on down to single ones.
pub fn leave_out(judge: &mut Judge<'_>) {
    leave_out_of(judge, Stream::Ops);
    leave_out_of(judge, Stream::Rules);
    if !judge.best().faults.is_empty() {
        leave_out_of(judge, Stream::OpsAndOrdinals);
    }
}

fn leave_out_of(judge: &mut Judge<'_>, stream: Stream) {
    let mut size = stream.len(judge.best()).div_ceil(2);
    while 0 < size {
        // Chunks are tried from the last to the first: nothing counts what comes after it.
        let mut end = stream.len(judge.best());
        while 0 < end {
            let range = |index: usize| {
                let end = end - index * size;
                end.saturating_sub(size)..end
            };
            let taken = judge.take_first(end.div_ceil(size), |plan, index| {
                Some(stream.without(plan, range(index)))
            });
            let Some(index) = taken else { break };
            end = range(index).start;
        }
        size /= 2;
    }
}

/// Leaves out two operations at once, of which neither can be left out alone; says whether that
/// helped.
pub fn leave_out_pairs(judge: &mut Judge<'_>) -> bool {
    let count = judge.best().ops.len();
    if PAIRED_OPS_MAX < count {
        return false;
    }
    let first = (0..count).rev();
    let pairs = first.flat_map(|first| (first + 1..count).map(move |second| (first, second)));
    let pairs: Vec<(usize, usize)> = pairs.collect();
    let taken = judge.take_first(pairs.len(), |plan, index| {
        let (first, second) = pairs[index];
        let plan = Stream::OpsAndOrdinals.without(plan, second..second + 1);
        Some(Stream::OpsAndOrdinals.without(&plan, first..first + 1))
    });
    taken.is_some()
}

/// Tries plainer orders of the same plan.
pub fn simplify_schedule(judge: &mut Judge<'_>) {
    hold_back(judge);
    judge.take_first(2, |plan, index| {
        let mut plan = plan.clone();
        match index {
            0 => plan.schedule = in_order(),
            _ => plan.schedule.choices.clear(),
        }
        Some(plan)
    });
    let plainer = orders::plainer(judge.best());
    judge.take_first(plainer.len(), |plan, index| {
        let mut plan = plan.clone();
        plan.schedule.then = plainer[index];
        Some(plan)
    });
    leave_out_of(judge, Stream::Choices);
    let choice_count = judge.best().schedule.choices.len();
    for at in 0..choice_count {
        judge.take_first(1, |plan, _| {
            let mut plan = plan.clone();
            *plan.schedule.choices.get_mut(at)? = 0;
            Some(plan)
        });
    }
}

/// Leaves out one operation and goes on in another order; says whether that helped.
pub fn reorder(judge: &mut Judge<'_>) -> bool {
    let op_count = judge.best().ops.len();
    if judge.best().schedule == in_order() || op_count <= OPS_FEW {
        return false;
    }
    let orders = ORDER_COUNT as usize;
    let taken = judge.take_first(op_count * orders, |plan, index| {
        let (seed, index) = (index / op_count, index % op_count);
        let at = op_count - 1 - index;
        let mut plan = Stream::OpsAndOrdinals.without(plan, at..at + 1);
        plan.schedule = Schedule {
            choices: Vec::new(),
            then: Then::ByRank(seed as u64),
        };
        Some(plan)
    });
    taken.is_some()
}

fn in_order() -> Schedule {
    Schedule {
        choices: Vec::new(),
        then: Then::InOrder,
    }
}

impl Stream {
    fn len(self, plan: &Plan) -> usize {
        match self {
            Stream::Ops | Stream::OpsAndOrdinals => plan.ops.len(),
            Stream::Rules => plan.faults.len(),
            Stream::Choices => plan.schedule.choices.len(),
        }
    }

    fn without(self, plan: &Plan, range: Range<usize>) -> Plan {
        let mut plan = plan.clone();
        if matches!(self, Stream::Ops | Stream::OpsAndOrdinals) {
            orders::move_starved(&mut plan.schedule.then, &range);
        }
        match self {
            Stream::Ops => drop(plan.ops.drain(range)),
            Stream::Rules => drop(plan.faults.drain(range)),
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

/// A rule that counts lives, or this timeline's jobs of this kind, counts one less, if the
/// operation was one of them. Which ones came before its own is not known here: the judge tells.
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

/// Which of a timeline's jobs an operation is, where they are counted.
fn job_of(op: &PlanOp) -> Option<(Job, Letter)> {
    match op {
        PlanOp::Put { timeline, .. } => Some((Job::Put, *timeline)),
        PlanOp::Get { timeline, .. }
        | PlanOp::GetMany { timeline, .. }
        | PlanOp::Scan { timeline, .. } => Some((Job::Read, *timeline)),
        PlanOp::Flush { timeline } => Some((Job::Flush, *timeline)),
        PlanOp::Compact { timeline, .. } => Some((Job::Compact, *timeline)),
        PlanOp::Images { timeline, .. } => Some((Job::Image, *timeline)),
        PlanOp::Gc { timeline } => Some((Job::Gc, *timeline)),
        _ => None,
    }
}
