//! What a plan must keep to, so that every driver can run it in bounded space.

use std::time::Duration;

use palimpsest::io::{Job, Part};

use super::limits::{
    BATCH_LEN_MAX, CHANGE_COUNT_MAX, CHOICE_COUNT_MAX, ENTRY_COUNT_MAX, LEN_MAX, OP_COUNT_MAX,
    ORDINALS, RULE_COUNT_MAX, SLOW_MAX, TOTAL_LEN_MAX, TOTAL_WAIT_MAX, check_duration, within,
};
use super::text::{Place, PlanError};
use super::{EditPlan, Entry, How, Jump, KeyIndex, Line, Plan, PlanOp, Starved, Then};
use crate::faults::{Address, CRASHING_LIFE_MAX, Counted, Device, Fault, Rule, Scope, StepKind};
use crate::label::Letter;
use crate::text::Problem;

impl Plan {
    /// Says whether a driver can run the plan. What a text or a seed made has passed this.
    ///
    /// # Errors
    /// `PlanError` names the first knob, operation or rule that breaks a limit, and the limit.
    pub fn check(&self) -> Result<(), PlanError> {
        self.knobs
            .check()
            .map_err(|problem| Place::Knobs.of(problem))?;
        let mut tally = Tally::new(self.knobs.key_count);
        for (index, line) in self.ops.iter().enumerate() {
            let added = tally.add(line);
            added.map_err(|problem| Place::Op(index + 1).of(problem))?;
        }
        for (index, rule) in self.faults.iter().enumerate() {
            let checked = within(
                "count of rules",
                index as u64 + 1,
                0..=RULE_COUNT_MAX as u64,
            )
            .and_then(|()| check_rule(rule, self.knobs.device));
            checked.map_err(|problem| Place::Rule(index + 1).of(problem))?;
        }
        let choice_count = self.schedule.choices.len() as u64;
        within(
            "count of choices",
            choice_count,
            0..=CHOICE_COUNT_MAX as u64,
        )
        .and_then(|()| check_then(self.schedule.then))
        .map_err(|problem| Place::Schedule.of(problem))
    }
}

/// Checks what comes after a schedule's choices.
pub(super) fn check_then(then: Then) -> Result<(), Problem> {
    match then {
        Then::Pct(_, count) => within("count of changes", count.into(), 0..=CHANGE_COUNT_MAX),
        Then::Starve(Starved::Line(line), _) => within("line", line.into(), ORDINALS),
        _ => Ok(()),
    }
}

/// What the operations of a plan come to, one after another.
pub(super) struct Tally {
    key_count: u16,
    op_count: usize,
    entry_count: usize,
    total_len: u64,
    start_lsn_max: u64,
    lsn_steps: u64,
    total_wait: Duration,
}

impl Tally {
    /// Nothing yet.
    pub fn new(key_count: u16) -> Tally {
        Tally {
            key_count,
            op_count: 0,
            entry_count: 0,
            total_len: 0,
            start_lsn_max: 0,
            lsn_steps: 0,
            total_wait: Duration::ZERO,
        }
    }

    /// Checks one more operation.
    pub fn add(&mut self, line: &Line) -> Result<(), Problem> {
        self.op_count += 1;
        within(
            "count of operations",
            self.op_count as u64,
            0..=OP_COUNT_MAX as u64,
        )?;
        check_how(line)?;
        match &line.op {
            PlanOp::Create {
                timeline,
                start_lsn,
            } => {
                check_letter(*timeline)?;
                self.start_lsn_max = self.start_lsn_max.max(*start_lsn);
                self.add_lsn_step(0)
            }
            PlanOp::Put { timeline, entries } => {
                check_letter(*timeline)?;
                self.add_entries(entries)
            }
            PlanOp::Branch {
                timeline, ancestor, ..
            } => check_branch(*timeline, *ancestor),
            PlanOp::Get { timeline, key, .. } => {
                check_letter(*timeline)?;
                self.check_key(*key)
            }
            PlanOp::GetMany {
                timeline,
                first,
                count,
                ..
            }
            | PlanOp::Declare {
                timeline,
                first,
                count,
            } => {
                check_letter(*timeline)?;
                self.check_keys(*first, *count)
            }
            PlanOp::Delete { timeline }
            | PlanOp::Freeze { timeline }
            | PlanOp::Flush { timeline }
            | PlanOp::Compact { timeline, .. }
            | PlanOp::Images { timeline, .. }
            | PlanOp::Gc { timeline }
            | PlanOp::Scan { timeline, .. } => check_letter(*timeline),
            PlanOp::Shutdown { timeline, .. } => check_letter(*timeline),
            PlanOp::Wait { duration } => self.add_wait(*duration),
            PlanOp::Clock(Jump::Forward(duration) | Jump::Back(duration)) => {
                check_duration("duration", *duration)
            }
            PlanOp::Join | PlanOp::LetGo | PlanOp::Restart | PlanOp::Crash(_) => Ok(()),
        }
    }

    /// Far below the end of the numbers that a clock counts with.
    fn add_wait(&mut self, duration: Duration) -> Result<(), Problem> {
        check_duration("duration", duration)?;
        self.total_wait += duration;
        let (total, most) = (self.total_wait.as_secs(), TOTAL_WAIT_MAX.as_secs());
        within("seconds of all waits", total, 0..=most)
    }

    fn add_entries(&mut self, entries: &[Entry]) -> Result<(), Problem> {
        if entries.is_empty() {
            return Err(Problem::missing("record", "put at least one"));
        }
        within(
            "count of records of one put",
            entries.len() as u64,
            1..=BATCH_LEN_MAX as u64,
        )?;
        self.entry_count += entries.len();
        within(
            "count of records",
            self.entry_count as u64,
            0..=ENTRY_COUNT_MAX as u64,
        )?;
        for entry in entries {
            self.check_key(entry.key)?;
            self.add_lsn_step(entry.lsn_step)?;
            self.add_edit(entry.edit)?;
        }
        Ok(())
    }

    /// Whatever fails, crashes, is put again or branches off: no LSN ever gets above the highest
    /// start plus all steps, and that must leave room for the exclusive end of a range.
    fn add_lsn_step(&mut self, lsn_step: u64) -> Result<(), Problem> {
        let steps = self.lsn_steps.checked_add(lsn_step);
        let last = steps.and_then(|steps| steps.checked_add(self.start_lsn_max));
        if last.is_none_or(|last| last == u64::MAX) {
            let remedy = "keep the highest start and all steps together below 2^64 - 1";
            return Err(Problem::new("LSN step", lsn_step, remedy));
        }
        self.lsn_steps += lsn_step;
        Ok(())
    }

    fn add_edit(&mut self, edit: EditPlan) -> Result<(), Problem> {
        let (offset, len) = match edit {
            EditPlan::Patch { offset, len, .. } => (offset, len),
            EditPlan::Image { len, .. }
            | EditPlan::Init { len, .. }
            | EditPlan::Set { len, .. }
            | EditPlan::Append { len, .. }
            | EditPlan::AppendIf { len, .. } => (0, len),
            EditPlan::Clear => (0, 0),
        };
        within("offset", offset.into(), 0..=LEN_MAX.into())?;
        within("length", len.into(), 0..=LEN_MAX.into())?;
        self.total_len += u64::from(offset) + u64::from(len);
        within("sum of lengths", self.total_len, 0..=TOTAL_LEN_MAX)
    }

    fn check_key(&self, key: KeyIndex) -> Result<(), Problem> {
        if key.0 < self.key_count {
            return Ok(());
        }
        let last = self.key_count - 1;
        Err(Problem::new(
            "key",
            key,
            format!("write k0 to k{last}, or raise the knob `keys`"),
        ))
    }

    fn check_keys(&self, first: KeyIndex, count: u16) -> Result<(), Problem> {
        self.check_key(first)?;
        within("count of keys", count.into(), 1..=self.key_count.into())
    }
}

/// A timeline cannot stand on itself.
fn check_branch(timeline: Letter, ancestor: Letter) -> Result<(), Problem> {
    check_letter(timeline)?;
    check_letter(ancestor)?;
    if timeline != ancestor {
        return Ok(());
    }
    let remedy = "write another letter than the branch's";
    Err(Problem::new("ancestor", ancestor, remedy))
}

/// Only what a timeline works on has a future that can be left running or dropped, and a restart
/// one that can be dropped. A branch is left running at an LSN that no batch can come to have
/// meanwhile.
fn check_how(line: &Line) -> Result<(), Problem> {
    let is_at_the_end = matches!(line.op, PlanOp::Branch { offset: 0.., .. });
    let has_no_future = matches!(
        line.op,
        PlanOp::Declare { .. }
            | PlanOp::Join
            | PlanOp::Wait { .. }
            | PlanOp::Clock(_)
            | PlanOp::LetGo
            | PlanOp::Crash(_)
    );
    match line.how {
        How::Beside | How::DropAt(_) if has_no_future => {
            let remedy = "write it without `&` and `drop`: it is always waited for";
            Err(Problem::new("operation", &line.op, remedy))
        }
        How::Beside if matches!(line.op, PlanOp::Restart) => {
            let remedy = "write it without `&`: it is always waited for";
            Err(Problem::new("operation", &line.op, remedy))
        }
        How::Beside if is_at_the_end => {
            let remedy = "write it without `&`, or an offset below 0";
            Err(Problem::new("operation", &line.op, remedy))
        }
        How::DropAt(count) => within("drop", count.into(), ORDINALS),
        How::Wait | How::Beside => Ok(()),
    }
}

/// A rule's limits.
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
            if let Scope::Timeline(letter) = scope {
                check_letter(letter)?;
            }
            check_counted(job)?;
            check_counted(part)?;
            check_counted(step)?;
            check_owner(scope, job.kind, part.kind)?;
            check_can_happen(rule.fault, part.kind, step.kind)?;
        }
    }
    check_crashing_life(rule)?;
    match rule.fault {
        Fault::Short(len) => within("length", len.into(), ORDINALS)?,
        Fault::Astray(sectors) => within("sectors", sectors.into(), ORDINALS)?,
        Fault::Slow(time) if SLOW_MAX < time => {
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

/// A plan ends, so a rule crashes no more lives than so many.
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

/// Nobody makes a call for files that are not its own: the engine has its directories and their
/// lock, a timeline has all others.
fn check_owner(scope: Scope, job: Option<Job>, part: Option<Part>) -> Result<(), Problem> {
    let is_lock = part == Some(Part::Lock);
    if job == Some(Job::Keep) {
        let remedy = "write the job that the housekeeper does: flush, compact, image or gc";
        return Err(Problem::new("job", Job::Keep.name(), remedy));
    }
    if let Some(job) = job.filter(|job| is_lock && *job != Job::Open) {
        return Err(Problem::new(
            "job",
            job.name(),
            "write open: it alone locks",
        ));
    }
    match (scope, part) {
        (Scope::Timeline(letter), Some(Part::Lock)) => {
            let remedy = "write engine or *: a timeline has no lock";
            Err(Problem::new("scope", letter, remedy))
        }
        (Scope::Engine, Some(part)) if !matches!(part, Part::Lock | Part::Directory) => {
            let remedy = "write a timeline's letter or *: the engine has only dir and lock";
            Err(Problem::new("scope", "engine", remedy))
        }
        _ => Ok(()),
    }
}

/// A fault that can happen to no call of that kind is a mistake, and would only be silent.
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

fn check_letter(letter: Letter) -> Result<(), Problem> {
    match letter.0 {
        b'a'..=b'z' => Ok(()),
        _ => Err(Problem::new(
            "timeline",
            letter,
            "write a letter from a to z",
        )),
    }
}
