//! Orders of steps, beginning with the plainest.

use std::ops::Range;

use palimpsest::io::Job;

use crate::plan::{How, Line, Plan, Starved, Tail};

/// The number of seeds that are tried of an order by ranks.
const SEED_COUNT: u64 = 4;

/// With at most this many changes of ranks, an order is plainer than one drawn step by step.
const CHANGES_FEW: u32 = 2;

/// The orders that are plainer than the plan's, the plainest first: in order; with one task
/// starved, which names the task that has to wait; newest first; by ranks that rarely change.
pub fn plainer(plan: &Plan) -> Vec<Tail> {
    let present = plan.schedule.tail;
    let all = all(&plan.ops);
    let end = all.iter().position(|tail| *tail == present);
    let mut plainer = all;
    plainer.truncate(end.unwrap_or(usize::MAX));
    if let Tail::Pct(seed, count) = present {
        let fewer = [0, count / 2, count.saturating_sub(1)];
        let fewer = fewer.into_iter().filter(|fewer| *fewer < count);
        plainer.extend(fewer.map(|fewer| Tail::Pct(seed, fewer)));
    }
    plainer
}

fn all(ops: &[Line]) -> Vec<Tail> {
    let beside = (1..).zip(ops).filter(|(_, line)| line.how == How::Beside);
    let lines = beside.map(|(number, _)| Starved::Line(number));
    let jobs = [Job::Keep, Job::Drop].map(Starved::Engine);
    let starved = [Starved::Driver].into_iter().chain(jobs).chain(lines);
    let by_ranks =
        (0..=CHANGES_FEW).flat_map(|count| (0..SEED_COUNT).map(move |seed| Tail::Pct(seed, count)));
    let mut all = vec![Tail::InOrder];
    all.extend(starved.map(|starved| Tail::Starve(starved, 0)));
    all.push(Tail::NewestFirst);
    all.extend(by_ranks);
    all
}

/// Adjusts the number of a starved line when lines before it are left out.
pub fn move_starved(tail: &mut Tail, gone: &Range<usize>) {
    if let Tail::Starve(Starved::Line(number), _) = tail {
        let index = (*number as usize).saturating_sub(1);
        let before = gone.start.min(index)..gone.end.min(index);
        *number -= before.len() as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Schedule;

    fn with(tail: Tail) -> Plan {
        let choices = Vec::new();
        Plan {
            schedule: Schedule { choices, tail },
            ..Plan::draw(0)
        }
    }

    #[test]
    fn nothing_is_plainer_than_in_order() {
        assert_eq!(plainer(&with(Tail::InOrder)), []);
    }

    #[test]
    fn plainer_orders_lead_to_in_order() {
        for tail in [Tail::Uniform(7), Tail::Pct(7, 5), Tail::NewestFirst] {
            let mut plan = with(tail);
            let mut step_count = 0;
            while let Some(last) = plainer(&plan).pop() {
                plan.schedule.tail = last;
                step_count += 1;
                assert!(step_count < 1000, "{tail:?}");
            }
            assert_eq!(plan.schedule.tail, Tail::InOrder);
        }
    }

    #[test]
    fn a_starved_line_moves_with_those_before_it() {
        let moved = |gone: Range<usize>| {
            let mut tail = Tail::Starve(Starved::Line(5), 0);
            move_starved(&mut tail, &gone);
            tail
        };
        let line = |number| Tail::Starve(Starved::Line(number), 0);
        assert_eq!(moved(0..2), line(3));
        assert_eq!(moved(3..4), line(4));
        assert_eq!(moved(5..9), line(5));
    }
}
