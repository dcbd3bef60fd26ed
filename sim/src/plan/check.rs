//! The limits of a plan, so that every driver can run it in bounded space.

use palimpsest::io::{Job, Part};

use super::limits::{
    CHANGE_COUNT_MAX, CHOICE_COUNT_MAX, ORDINALS, RULE_COUNT_MAX, SLOW_MAX, check_label, within,
};
use super::op::{LimitTally, Start};
use super::text::{PlanError, PlanPlace};
use super::{How, Line, Plan, Starved, Tail};
use crate::faults::{
    Address, Amount, CRASHING_LIFE_MAX, Counted, Device, Fault, Rule, Scope, StepKind, Text,
};
use crate::text::Problem;

impl Plan {
    /// Checks that a driver can run the plan. Parsing a text and drawing from a seed both check it.
    ///
    /// # Errors
    /// `PlanError` names the first knob, operation or rule that breaks a limit, and the limit.
    pub fn check(&self) -> Result<(), PlanError> {
        self.knobs
            .check()
            .map_err(|problem| PlanPlace::Knobs.of(problem))?;
        let mut tally = LimitTally::new(&self.knobs);
        for (index, line) in self.ops.iter().enumerate() {
            let added = check_line(line, &mut tally);
            added.map_err(|problem| PlanPlace::Op(index + 1).of(problem))?;
        }
        for (index, rule) in self.faults.iter().enumerate() {
            let checked = within(
                "count of rules",
                index as u64 + 1,
                0..=RULE_COUNT_MAX as u64,
            )
            .and_then(|()| check_rule(rule, self.knobs.device));
            checked.map_err(|problem| PlanPlace::Rule(index + 1).of(problem))?;
        }
        let choice_count = self.schedule.choices.len() as u64;
        within(
            "count of choices",
            choice_count,
            0..=CHOICE_COUNT_MAX as u64,
        )
        .and_then(|()| check_tail(self.schedule.tail))
        .map_err(|problem| PlanPlace::Schedule.of(problem))
    }
}

/// Checks one more operation.
pub(super) fn check_line(line: &Line, tally: &mut LimitTally) -> Result<(), Problem> {
    tally.add_op()?;
    check_how(line)?;
    line.op.check(tally)
}

/// Only an operation that works on a timeline has a future that can be left running or dropped; a
/// restart's can be dropped.
fn check_how(line: &Line) -> Result<(), Problem> {
    match line.how {
        How::Beside | How::DropAt(_) if line.op.row().start == Start::Waited => {
            let remedy = "write it without `&` and `drop`: it is always waited for";
            Err(Problem::new("operation", &line.op, remedy))
        }
        How::Beside if line.op.row().start < Start::Beside => {
            let remedy = "write it without `&`: it is always waited for";
            Err(Problem::new("operation", &line.op, remedy))
        }
        How::DropAt(count) => within("drop", count.into(), ORDINALS),
        How::Wait | How::Beside => Ok(()),
    }
}

/// Checks the tail of a schedule.
pub(super) fn check_tail(tail: Tail) -> Result<(), Problem> {
    match tail {
        Tail::Pct(_, count) => within("count of changes", count.into(), 0..=CHANGE_COUNT_MAX),
        Tail::Starve(Starved::Line(line), _) => within("line", line.into(), ORDINALS),
        _ => Ok(()),
    }
}

/// Checks the limits of a rule.
pub(super) fn check_rule(rule: &Rule, device: Device) -> Result<(), Problem> {
    match rule.address {
        Address::Nth { life, index } => {
            check_ordinal("life", life)?;
            check_ordinal("ordinal", Some(index))?;
        }
        Address::Call {
            life,
            scope,
            job,
            part,
            step,
        } => {
            check_ordinal("life", life)?;
            if let Scope::Timeline(label) = scope {
                check_label(label)?;
            }
            check_counted(job)?;
            check_counted(part)?;
            check_counted(step)?;
            check_owner(scope, job.kind, part.kind)?;
            check_can_happen(rule.fault, part.kind, step.kind)?;
        }
    }
    check_crashing_life(rule)?;
    match (rule.fault.amount(), &rule.fault.row().text) {
        (Amount::Number(number), Text::Number { what, least, .. }) => {
            within(what, number.into(), (*least).into()..=u32::MAX.into())?;
        }
        (Amount::Time(time), _) if SLOW_MAX < time => {
            let remedy = "write at most 3600s, an hour";
            return Err(Problem::new("duration", format!("{time:?}"), remedy));
        }
        _ => {}
    }
    if rule.fault.is_wrong() && !device.may_be_wrong() {
        let remedy = "write the knob `device rots`";
        return Err(Problem::new("fault", rule.fault, remedy));
    }
    within("times", rule.times.into(), ORDINALS)?;
    within("one-in", rule.one_in.into(), ORDINALS)
}

/// A crash rule may name only so many lives: otherwise a plan would not end.
fn check_crashing_life(rule: &Rule) -> Result<(), Problem> {
    let (Address::Nth { life, .. } | Address::Call { life, .. }) = rule.address;
    match (life, rule.fault) {
        (Some(life), Fault::Crash(_)) if CRASHING_LIFE_MAX < life => {
            let remedy = format!(
                "write at most life{CRASHING_LIFE_MAX}: a later one does not crash by a rule"
            );
            Err(Problem::new("life", life, remedy))
        }
        _ => Ok(()),
    }
}

/// Each component calls for its own files only: the engine for its directories and their lock, a
/// timeline for all others.
fn check_owner(scope: Scope, job: Option<Job>, part: Option<Part>) -> Result<(), Problem> {
    let is_lock = part == Some(Part::Lock);
    if job == Some(Job::Keep) {
        let remedy = "write the job that maintenance runs: flush, compact, image or gc";
        return Err(Problem::new("job", Job::Keep.name(), remedy));
    }
    if let Some(job) = job.filter(|job| is_lock && !matches!(job, Job::Open | Job::Split)) {
        return Err(Problem::new(
            "job",
            job.name(),
            "write open or split: no other job locks",
        ));
    }
    match (scope, part) {
        (Scope::Timeline(label), Some(Part::Lock)) => {
            let remedy = "write engine or *: a timeline has no lock";
            Err(Problem::new("scope", label, remedy))
        }
        // The marks of a split count as its index.
        (Scope::Engine, Some(Part::Index)) if job == Some(Job::Split) => Ok(()),
        (Scope::Engine, Some(part)) if !matches!(part, Part::Lock | Part::Directory) => {
            let remedy = "write a timeline's letter or *: the engine has only dir and lock, and a \
                          split its index";
            Err(Problem::new("scope", "engine", remedy))
        }
        _ => Ok(()),
    }
}

/// Rejects a fault that can happen to no call of that kind: the rule would never fire.
fn check_can_happen(
    fault: Fault,
    part: Option<Part>,
    step: Option<StepKind>,
) -> Result<(), Problem> {
    let parts = Part::ALL
        .iter()
        .filter(|it| part.is_none_or(|part| part == **it));
    let can = |step: &StepKind| parts.clone().any(|part| fault.can_happen(*step, *part));
    let steps: Vec<&str> = StepKind::ALL
        .iter()
        .filter(|it| can(it))
        .map(|it| it.name())
        .collect();
    if step.map_or(!steps.is_empty(), |step| can(&step)) {
        return Ok(());
    }
    let remedy = match steps.is_empty() {
        true => "write another part: it can happen to nothing of this one".to_string(),
        false => format!(
            "write one of the steps that it can happen to: {}",
            steps.join(" ")
        ),
    };
    Err(Problem::new("fault", fault, remedy))
}

fn check_counted<T>(counted: Counted<T>) -> Result<(), Problem> {
    check_ordinal("ordinal", counted.index)
}

fn check_ordinal(what: &'static str, ordinal: Option<u32>) -> Result<(), Problem> {
    ordinal.map_or(Ok(()), |ordinal| within(what, ordinal.into(), ORDINALS))
}
