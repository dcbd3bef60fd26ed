//! One line at a time: a plainer way to say nearly the same.

use std::time::Duration;

use palimpsest::io::Part;

use super::judge::Judge;
use crate::faults::{Address, Counted, Crash, Fault, Rule, Survival};
use crate::plan::{EditPlan, Entry, How, Jump, Kept, Line, Plan, PlanOp, Shutdowns};

/// How far LSNs are apart where nothing depends on it.
const LSN_STEP: u64 = 10;

/// How long a wait is where nothing depends on it.
const WAIT: Duration = Duration::from_secs(1);

/// Makes each operation and each rule as plain as can be.
pub fn simplify(judge: &mut Judge<'_>) {
    for at in (0..judge.best().ops.len()).rev() {
        simplify_one(judge, |plan| &mut plan.ops[at], plainer_lines);
    }
    for at in 0..judge.best().faults.len() {
        simplify_one(judge, |plan| &mut plan.faults[at], plainer_rules);
    }
}

/// Puts a plainer item in the place of `item`, until none fails alike.
fn simplify_one<T: Clone + Sync>(
    judge: &mut Judge<'_>,
    item: impl Fn(&mut Plan) -> &mut T + Sync,
    plainer: impl Fn(&T) -> Vec<T>,
) {
    loop {
        let items = plainer(item(&mut judge.best().clone()));
        let taken = judge.take_first(items.len(), |plan, index| {
            let mut plan = plan.clone();
            *item(&mut plan) = items[index].clone();
            Some(plan)
        });
        if taken.is_none() {
            return;
        }
    }
}

/// Each is plainer than `line` by a measure of its own, so that no two of them take turns.
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
        plainer_ops(&line.op)
            .into_iter()
            .map(|op| Line { how: line.how, op }),
    );
    lines
}

fn plainer_ops(op: &PlanOp) -> Vec<PlanOp> {
    let mut plainer = Vec::new();
    let mut change = |change: &dyn Fn(&mut PlanOp)| {
        let mut changed = op.clone();
        change(&mut changed);
        if changed != *op {
            plainer.push(changed);
        }
    };
    match op {
        PlanOp::Put { timeline, entries } => {
            let timeline = *timeline;
            let puts = plainer_batches(entries);
            return Vec::from_iter(puts.map(|entries| PlanOp::Put { timeline, entries }));
        }
        PlanOp::Create { .. } => change(&|op| {
            if let PlanOp::Create { start_lsn, .. } = op {
                *start_lsn = 0;
            }
        }),
        PlanOp::Crash(crash) => {
            for &plainer in plainer_crashes(*crash) {
                change(&|op| *op = PlanOp::Crash(plainer));
            }
        }
        PlanOp::Clock(Jump::Forward(duration)) if WAIT < *duration => {
            change(&|op| *op = PlanOp::Clock(Jump::Forward(WAIT)));
        }
        PlanOp::Clock(Jump::Back(duration)) if WAIT < *duration => {
            change(&|op| *op = PlanOp::Clock(Jump::Back(WAIT)));
        }
        PlanOp::Shutdown { .. } => {
            change(&|op| {
                if let PlanOp::Shutdown { shutdowns, .. } = op {
                    *shutdowns = Shutdowns::One;
                }
            });
            change(&|op| {
                if let PlanOp::Shutdown { kept, .. } = op {
                    *kept = Kept::Nothing;
                }
            });
        }
        PlanOp::Wait { duration } if WAIT < *duration => {
            change(&|op| *op = PlanOp::Wait { duration: WAIT });
        }
        _ => change(&|op| {
            if let Some(offset) = offset_of(op) {
                *offset = 0;
            }
        }),
    }
    plainer
}

/// Of what a power loss keeps, all or nothing is plainer than a draw, and a kill than both.
fn plainer_crashes(crash: Crash) -> &'static [Crash] {
    const ALL: [Crash; 3] = [
        Crash::Kill,
        Crash::Power(Survival::Nothing),
        Crash::Power(Survival::All),
    ];
    match crash {
        Crash::Kill => &[],
        Crash::Power(Survival::Draw(_) | Survival::Case(_)) => &ALL,
        Crash::Power(_) => &ALL[..1],
    }
}

fn offset_of(op: &mut PlanOp) -> Option<&mut i64> {
    match op {
        PlanOp::Get { offset, .. }
        | PlanOp::GetMany { offset, .. }
        | PlanOp::Scan { offset, .. }
        | PlanOp::Branch { offset, .. } => Some(offset),
        _ => None,
    }
}

/// Batches with fewer records, and with plainer ones.
fn plainer_batches(entries: &[Entry]) -> impl Iterator<Item = Vec<Entry>> {
    let sizes = std::iter::successors(Some(entries.len() / 2), |size| Some(size / 2));
    let sizes = sizes.take_while(|size| 0 < *size);
    let fewer = sizes.flat_map(move |size| {
        let starts = (0..entries.len()).step_by(size);
        starts.map(move |start| {
            let end = entries.len().min(start + size);
            let kept = [&entries[..start], &entries[end..]];
            kept.concat()
        })
    });
    let plainer = (0..entries.len()).flat_map(move |at| {
        plainer_entries(&entries[at]).into_iter().map(move |entry| {
            let mut entries = entries.to_vec();
            entries[at] = entry;
            entries
        })
    });
    fewer.filter(|kept| !kept.is_empty()).chain(plainer)
}

/// Makes a record an empty image, not far above the one before it.
pub fn make_plain(entry: &mut Entry) {
    entry.edit = EditPlan::Image { len: 0, seed: 0 };
    entry.lsn_step = entry.lsn_step.min(LSN_STEP);
}

fn plainer_entries(entry: &Entry) -> Vec<Entry> {
    let mut plainer: Vec<Entry> = plainer_edits(entry.edit)
        .into_iter()
        .map(|edit| Entry {
            edit,
            ..entry.clone()
        })
        .collect();
    if LSN_STEP < entry.lsn_step {
        let lsn_step = LSN_STEP;
        plainer.push(Entry {
            lsn_step,
            ..entry.clone()
        });
    }
    plainer
}

/// An image is plainer than what needs a page, and what adds to a page than what looks at it.
fn plainer_edits(edit: EditPlan) -> Vec<EditPlan> {
    let (len, seed) = match edit {
        EditPlan::Image { len, seed }
        | EditPlan::Init { len, seed }
        | EditPlan::Set { len, seed }
        | EditPlan::Patch { len, seed, .. }
        | EditPlan::Append { len, seed }
        | EditPlan::AppendIf { len, seed } => (len, seed),
        EditPlan::Clear => return vec![EditPlan::Image { len: 0, seed: 0 }],
    };
    let (image, append) = (
        EditPlan::Image { len, seed },
        EditPlan::Append { len, seed },
    );
    let mut plainer = match edit {
        EditPlan::Image { .. } | EditPlan::Clear => Vec::new(),
        EditPlan::Append { .. } => vec![image],
        _ => vec![image, append],
    };
    let shorter = [0, 1, 8, len / 2]
        .into_iter()
        .filter(|shorter| *shorter < len);
    plainer.extend(shorter.map(|len| resized(edit, len, seed)));
    if 0 < seed {
        plainer.push(resized(edit, len, 0));
    }
    plainer
}

/// The same edit, of another length and with other bytes.
fn resized(edit: EditPlan, len: u32, seed: u64) -> EditPlan {
    match edit {
        EditPlan::Image { .. } => EditPlan::Image { len, seed },
        EditPlan::Init { .. } => EditPlan::Init { len, seed },
        EditPlan::Set { .. } => EditPlan::Set { len, seed },
        EditPlan::Patch { offset, .. } => EditPlan::Patch { offset, len, seed },
        EditPlan::Append { .. } => EditPlan::Append { len, seed },
        EditPlan::AppendIf { .. } => EditPlan::AppendIf { len, seed },
        EditPlan::Clear => EditPlan::Clear,
    }
}

/// Rules that fire once, that hit by a plainer draw, and that need not count.
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
    for plainer in plainer_faults(rule.fault) {
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

/// Whether it is a lie at one directory or index of a job, where each number is another promise.
fn is_broken_promise(rule: &Rule) -> bool {
    let is_lie = matches!(rule.fault, Fault::Lie | Fault::Tear);
    let part = match &rule.address {
        Address::Call { part, .. } => part.kind,
        _ => None,
    };
    is_lie && matches!(part, Some(Part::Directory | Part::Index))
}

/// EIO is the plainest error, and a lost write the plainest of those that are wrong.
fn plainer_faults(fault: Fault) -> Vec<Fault> {
    match fault {
        Fault::Crash(crash) => {
            let plainer = plainer_crashes(crash).iter();
            plainer.map(|crash| Fault::Crash(*crash)).collect()
        }
        Fault::Enospc | Fault::Erofs | Fault::Eacces | Fault::Revert => vec![Fault::Eio],
        Fault::Slow(time) if WAIT < time => vec![Fault::Stall, Fault::Slow(WAIT)],
        Fault::Slow(_) => vec![Fault::Stall],
        Fault::Astray(1) => vec![Fault::Lost],
        Fault::Astray(_) => vec![Fault::Lost, Fault::Astray(1)],
        Fault::Rot(offset) if 0 < offset => vec![Fault::Rot(0), Fault::Rot(offset / 2)],
        Fault::Rot(_)
        | Fault::Eio
        | Fault::Stall
        | Fault::Short(_)
        | Fault::Lost
        | Fault::Stale
        | Fault::Lie
        | Fault::Tear => Vec::new(),
    }
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
