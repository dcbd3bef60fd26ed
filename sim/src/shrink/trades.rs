//! Trades: replaces several things by one, or one by a plainer one.
//!
//! A stack of batches or a rule may be replaced by one operation, or by a knob at which a job is
//! due sooner. Each trade leaves fewer operations or fewer rules; rules replace a schedule only
//! once. So trades come to an end.

use super::candidates::Candidates;
use super::streams::{Stream, timelines, waited_for};
use crate::faults::{Crash, Fault, Survival};
use crate::plan::{HistoryPlan, Knobs, Mode, Plan, PlanOp};

/// A plan with at most this many operations is small.
const OPS_FEW: usize = 10;

/// A plan with at most this many rules is small.
const RULES_FEW: usize = 2;

/// The most operations that are replaced by one.
const RUN_LEN_MAX: usize = 5;

/// The number of draws that are tried for what a power loss keeps.
const DRAW_COUNT: u64 = 6;

/// Each function sets one knob to where a job is due sooner.
const SOONER: [fn(&mut Knobs); 7] = [
    |knobs| knobs.freeze_len_max = 1,
    |knobs| knobs.freeze_distance_max = 1,
    |knobs| knobs.l0_count_trigger = 1,
    |knobs| knobs.l0_count_trigger = 2,
    |knobs| knobs.image_delta_count_trigger = 1,
    |knobs| knobs.layer_len_target = 1,
    |knobs| knobs.gc_distance = 0,
];

/// Whether a plan is so small that no trade is tried.
pub fn is_small(plan: &Plan) -> bool {
    plan.ops.len() <= OPS_FEW && plan.faults.len() <= RULES_FEW
}

/// Makes the first trade after which the plan fails in the same way; returns whether there was one.
pub fn trade(candidates: &mut Candidates<'_>) -> bool {
    let is_large = OPS_FEW < candidates.best().ops.len();
    (is_large && (sooner(candidates) || other_draws(candidates) || one_for_a_run(candidates)))
        || (RULES_FEW < candidates.best().faults.len() && one_for_a_rule(candidates))
}

/// Leaves out an operation, and makes a job due sooner.
fn sooner(candidates: &mut Candidates<'_>) -> bool {
    let count = candidates.best().ops.len();
    let taken = candidates.take_first(SOONER.len() * count, |plan, index| {
        let mut knobs = plan.knobs.clone();
        SOONER[index % SOONER.len()](&mut knobs);
        if knobs == plan.knobs {
            return None;
        }
        let plan = without(plan, count - 1 - index / SOONER.len());
        Some(Plan { knobs, ..plan })
    });
    taken.is_some()
}

/// Leaves out an operation, and draws anew what power losses keep.
fn other_draws(candidates: &mut Candidates<'_>) -> bool {
    let count = candidates.best().ops.len();
    let taken = candidates.take_first(count * DRAW_COUNT as usize, |plan, index| {
        let draw = Survival::Draw(index as u64 % DRAW_COUNT);
        let plan = without(plan, count - 1 - index / DRAW_COUNT as usize);
        with_draws(plan, draw)
    });
    taken.is_some()
}

/// The plan with all draws of power losses replaced by `draw`; `None` if it has none.
fn with_draws(mut plan: Plan, draw: Survival) -> Option<Plan> {
    let in_ops = plan.ops.iter_mut().filter_map(|line| match &mut line.op {
        PlanOp::Crash(crash) => Some(crash),
        _ => None,
    });
    let in_rules = plan
        .faults
        .iter_mut()
        .filter_map(|rule| match &mut rule.fault {
            Fault::Crash(crash) => Some(crash),
            _ => None,
        });
    let mut has_draw = false;
    for crash in in_ops.chain(in_rules) {
        if let Crash::Power(survival @ Survival::Draw(_)) = crash {
            *survival = draw;
            has_draw = true;
        }
    }
    has_draw.then_some(plan)
}

/// Replaces several adjacent operations by one.
fn one_for_a_run(candidates: &mut Candidates<'_>) -> bool {
    let count = candidates.best().ops.len();
    let jobs = jobs(candidates.best());
    let runs = (2..=RUN_LEN_MAX).flat_map(|len| {
        let starts = (0..(count + 1).saturating_sub(len)).rev();
        starts.map(move |start| start..start + len)
    });
    let runs = Vec::from_iter(runs);
    let taken = candidates.take_first(runs.len() * jobs.len(), |plan, index| {
        let run = runs[index / jobs.len()].clone();
        let start = run.start;
        let mut plan = Stream::OpsAndOrdinals.without(plan, run);
        plan.ops
            .insert(start, waited_for(jobs[index % jobs.len()].clone()));
        Some(plan)
    });
    taken.is_some()
}

/// Replaces a rule by one operation.
fn one_for_a_rule(candidates: &mut Candidates<'_>) -> bool {
    let rule_count = candidates.best().faults.len();
    let op_count = candidates.best().ops.len();
    let jobs = jobs(candidates.best());
    let place_count = op_count * jobs.len();
    let taken = candidates.take_first(rule_count * place_count, |plan, index| {
        let (rule, place) = (index / place_count, index % place_count);
        let (at, job) = (op_count - place / jobs.len(), place % jobs.len());
        let mut plan = plan.clone();
        plan.faults.remove(rule);
        plan.ops.insert(at, waited_for(jobs[job].clone()));
        Some(plan)
    });
    taken.is_some()
}

/// Operations that may replace several others, or a rule.
fn jobs(plan: &Plan) -> Vec<PlanOp> {
    let of_all = [
        PlanOp::Crash(Crash::Kill),
        PlanOp::Crash(Crash::Power(Survival::Nothing)),
        PlanOp::Join,
    ];
    let mode = Mode::Forced;
    let of_one = timelines(plan).into_iter().flat_map(|timeline| {
        [
            PlanOp::Flush { timeline },
            PlanOp::Freeze { timeline },
            PlanOp::Compact { timeline, mode },
            PlanOp::Images { timeline, mode },
            PlanOp::Gc { timeline },
            PlanOp::GcCompactAll { timeline, mode },
            PlanOp::GcCompact {
                timeline,
                past: HistoryPlan::ALL,
            },
        ]
    });
    of_one.chain(of_all).collect()
}

fn without(plan: &Plan, at: usize) -> Plan {
    Stream::OpsAndOrdinals.without(plan, at..at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::TimelineLabel;

    /// A plan with these operations and rules, and the knobs of a drawn plan.
    fn plan(ops: &str, faults: &str) -> Plan {
        let drawn = Plan::draw(0).to_string();
        let (knobs, _) = drawn.split_once("ops\n").expect("a plan has operations");
        let text = format!("{knobs}ops\n{ops}\nfaults\n{faults}\nschedule\n  then in-order\n");
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_draw_of_a_power_loss_is_drawn_anew_and_nothing_else() {
        let crashes = |draw: &str| {
            let ops = format!("create a 0\ncrash power {draw}\ncrash power all\ncrash kill");
            plan(&ops, &format!("at life*/io#3 crash power {draw}"))
        };
        let drawn = with_draws(crashes("draw:7"), Survival::Draw(3));
        assert_eq!(drawn, Some(crashes("draw:3")));
        assert_eq!(with_draws(crashes("none"), Survival::Draw(3)), None);
    }

    #[test]
    fn trades_are_offered_for_every_timeline() {
        let jobs = jobs(&plan("create a 0\nbranch b a 0\nflush b", ""));
        let of = |label| {
            let is_its = |op: &&PlanOp| op.timeline() == Some(TimelineLabel(label));
            jobs.iter().filter(is_its).count()
        };
        assert_eq!((of(b'a'), of(b'b'), jobs.len()), (7, 7, 17));
    }

    #[test]
    fn a_plan_is_small_by_its_operations_and_by_its_rules() {
        let ops = |count| vec!["flush a"; count].join("\n");
        let rules = |count| vec!["at life*/io#3 eio"; count].join("\n");
        assert!(is_small(&plan(&ops(10), &rules(2))));
        assert!(!is_small(&plan(&ops(11), "")));
        assert!(!is_small(&plan("", &rules(3))));
    }
}
