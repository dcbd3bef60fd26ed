//! Replaces one line at a time by a plainer one.

use palimpsest::io::Part;

use super::candidates::Candidates;
use crate::faults::{Address, Counted, Rule};
use crate::plan::{How, Line, Plan};

/// Makes each operation and each rule as plain as can be.
pub fn simplify(candidates: &mut Candidates<'_>) {
    for at in (0..candidates.best().ops.len()).rev() {
        simplify_one(candidates, |plan| &mut plan.ops[at], plainer_lines);
    }
    for at in 0..candidates.best().faults.len() {
        simplify_one(candidates, |plan| &mut plan.faults[at], plainer_rules);
    }
}

/// Replaces `item` by a plainer one, until no plainer one fails in the same way.
fn simplify_one<T: Clone + Sync>(
    candidates: &mut Candidates<'_>,
    item: impl Fn(&mut Plan) -> &mut T + Sync,
    plainer: impl Fn(&T) -> Vec<T>,
) {
    loop {
        let items = plainer(item(&mut candidates.best().clone()));
        let taken = candidates.take_first(items.len(), |plan, index| {
            let mut plan = plan.clone();
            *item(&mut plan) = items[index].clone();
            Some(plan)
        });
        if taken.is_none() {
            return;
        }
    }
}

/// Plainer lines, each by a measure of its own, so that no two of them replace each other for ever.
fn plainer_lines(line: &Line) -> Vec<Line> {
    let how = match line.how {
        How::Wait => None,
        _ => Some(How::Wait),
    };
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(how.map(|how| Line {
        how,
        op: line.op.clone(),
    }));
    lines.extend(
        line.op
            .plainer()
            .into_iter()
            .map(|op| Line { how: line.how, op }),
    );
    lines
}

/// Plainer rules: that fire once, that strike by a plainer draw, and that need not count.
fn plainer_rules(rule: &Rule) -> Vec<Rule> {
    let mut plainer = Vec::new();
    let mut change = |change: &dyn Fn(&mut Rule)| {
        let mut changed = rule.clone();
        change(&mut changed);
        if changed != *rule {
            plainer.push(changed);
        }
    };
    change(&|rule| rule.times = 1);
    change(&|rule| rule.one_in = 1);
    for plainer in rule.fault.plainer() {
        change(&|rule| rule.fault = plainer);
    }
    change(&|rule| set_ordinals(rule, |life, _, _, _| *life = None));
    change(&|rule| set_ordinals(rule, |_, job, _, _| *job = None));
    if !is_broken_promise(rule) {
        change(&|rule| set_ordinals(rule, |_, _, part, _| *part = None));
    }
    change(&|rule| set_ordinals(rule, |_, _, _, step| *step = None));
    plainer
}

/// Whether the rule is a lie about one directory or index of a job, where each ordinal stands for
/// another promise.
fn is_broken_promise(rule: &Rule) -> bool {
    let part = match &rule.address {
        Address::Call { part, .. } => part.kind,
        _ => None,
    };
    rule.fault.is_lie() && matches!(part, Some(Part::Directory | Part::Index))
}

type Ordinal = Option<u32>;

fn set_ordinals(
    rule: &mut Rule,
    set: impl Fn(&mut Ordinal, &mut Ordinal, &mut Ordinal, &mut Ordinal),
) {
    if let Address::Call {
        life,
        job: Counted { index: job, .. },
        part: Counted { index: part, .. },
        step: Counted { index: step, .. },
        ..
    } = &mut rule.address
    {
        set(life, job, part, step);
    }
}
