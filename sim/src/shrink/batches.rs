//! Batches: fewer records in all of them, plainer ones, and one batch in the place of two.

use std::ops::Range;

use super::candidates::Candidates;
use super::orders;
use crate::plan::{Entry, Plan, PlanOp};

/// The number of records that a plan writes.
pub fn record_count(plan: &Plan) -> usize {
    plan.ops.iter().map(|line| records(&line.op).len()).sum()
}

/// Leaves out a range of records, counted over all batches of the plan. A batch without records is
/// left out as well.
pub fn without_records(plan: &mut Plan, range: &Range<usize>) {
    let mut index = 0;
    let mut emptied = Vec::new();
    for (at, line) in plan.ops.iter_mut().enumerate() {
        let PlanOp::Put { entries, .. } = &mut line.op else {
            continue;
        };
        entries.retain(|_| {
            index += 1;
            !range.contains(&(index - 1))
        });
        if entries.is_empty() {
            emptied.push(at);
        }
    }
    for at in emptied.into_iter().rev() {
        plan.ops.remove(at);
        orders::move_starved(&mut plan.schedule.tail, &(at..at + 1));
    }
}

fn records(op: &PlanOp) -> &[Entry] {
    match op {
        PlanOp::Put { entries, .. } => entries,
        _ => &[],
    }
}

/// Makes all records as plain as can be, or else those of half of the operations, of a quarter, and
/// so on.
pub fn simplify(candidates: &mut Candidates<'_>) {
    let count = candidates.best().ops.len();
    let mut size = count;
    while 0 < size {
        let mut start = 0;
        while start < count {
            let range = |index: usize| {
                let start = start + index * size;
                start..count.min(start + size)
            };
            let taken = candidates.take_first((count - start).div_ceil(size), |plan, index| {
                Some(with_plain_records(plan, range(index)))
            });
            let Some(index) = taken else { break };
            start = range(index).end;
        }
        size /= 2;
    }
}

fn with_plain_records(plan: &Plan, range: Range<usize>) -> Plan {
    let mut plan = plan.clone();
    for line in &mut plan.ops[range] {
        if let PlanOp::Put { entries, .. } = &mut line.op {
            entries.iter_mut().for_each(Entry::make_plain);
        }
    }
    plan
}

/// Merges two adjacent batches of a timeline, where the plan still fails in the same way.
pub fn merge(candidates: &mut Candidates<'_>) {
    loop {
        let count = candidates.best().ops.len();
        let taken = candidates.take_first(count, |plan, index| merged(plan, count - 1 - index));
        if taken.is_none() {
            return;
        }
    }
}

/// Merges the operation at `at` with the next one of its timeline, if both are batches; all between
/// them are of other timelines.
fn merged(plan: &Plan, at: usize) -> Option<Plan> {
    let PlanOp::Put { timeline, entries } = &plan.ops[at].op else {
        return None;
    };
    let is_next = |op: &PlanOp| op.timeline().is_none_or(|other| other == *timeline);
    let behind = &plan.ops[at + 1..];
    let next = at + 1 + behind.iter().position(|line| is_next(&line.op))?;
    let PlanOp::Put { entries: more, .. } = &plan.ops[next].op else {
        return None;
    };
    let entries = [entries.as_slice(), more].concat();
    let mut plan = plan.clone();
    plan.ops[next].op = PlanOp::Put {
        timeline: *timeline,
        entries,
    };
    plan.ops.remove(at);
    orders::move_starved(&mut plan.schedule.tail, &(at..at + 1));
    Some(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Schedule, Starved, Tail};

    /// A plan with these operations, in which a line behind them is starved.
    fn plan(ops: &str) -> Plan {
        let drawn = Plan::draw(0).to_string();
        let (knobs, _) = drawn.split_once("ops\n").expect("a plan has operations");
        let text = format!("{knobs}ops\n{ops}\nfaults\nschedule\n  then starve line 9 0\n");
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn ops(plan: &Plan) -> Vec<String> {
        let text = plan.to_string();
        let (_, ops) = text.split_once("ops\n").expect("a plan has operations");
        let (ops, _) = ops.split_once("faults").expect("a plan has faults");
        ops.lines().map(|line| line.trim().to_string()).collect()
    }

    #[test]
    fn a_batch_without_records_goes_with_the_last_of_them() {
        let mut plan =
            plan("create a 0\nput a +1 k0 clear, +2 k0 clear\nput a +3 k0 clear\nflush a");
        assert_eq!(record_count(&plan), 3);
        without_records(&mut plan, &(1..3));
        assert_eq!(ops(&plan), ["create a 0", "put a +1 k0 clear", "flush a"]);
        let choices = Vec::new();
        let tail = Tail::Starve(Starved::Line(8), 0);
        assert_eq!(plan.schedule, Schedule { choices, tail });
    }

    #[test]
    fn batches_of_a_timeline_become_one_where_nothing_of_it_is_between_them() {
        let plan = plan(
            "put a +1 k0 clear\nput b +2 k0 clear\nput a +3 k0 clear\nflush a\nput a +4 k0 clear",
        );
        let merged = |at| merged(&plan, at).map(|plan| ops(&plan));
        let expected = [
            "put b +2 k0 clear",
            "put a +1 k0 clear, +3 k0 clear",
            "flush a",
            "put a +4 k0 clear",
        ];
        assert_eq!(merged(0), Some(expected.map(String::from).to_vec()));
        assert_eq!([1, 2, 3, 4].map(merged), [None, None, None, None]);
    }
}
