//! Draws faults that have an effect only together: one task is held back, and another runs in
//! between.

use std::time::Duration;

use palimpsest::io::{Job, Part};

use super::kinds::{CrashKind, FaultKind, draw_crash, draw_power, draw_rot_offset};
use super::reach::Reach;
use super::rules::{INDEX_STEPS, draw_ordinal, draw_rule_at, has_crashes, rule_with};
use super::swarm::Swarm;
use super::themes::Theme;
use crate::dice::Chance;
use crate::faults::StepKind::{
    self, Create, Open, Pass, Read, Remove, RemoveDir, Rename, Replace, Sync, SyncDir, Write,
};
use crate::faults::{Address, Counted, Device, Fault, Rule, Scope};

/// One plan in this many crashes inside two or three openings in a row, if crashes exist in it.
const CRASHING_OPENS_ONE_IN: u64 = 10;
/// One plan in this many of those that delete something ends deletions half way; a plan about
/// timelines always does.
const FAILING_DELETES_ONE_IN: u64 = 2;
/// One plan in this many holds readers back before they open a layer, if stalls exist in it: the
/// layer may then be replaced first.
const STALLED_READERS_ONE_IN: u64 = 4;
/// One plan in this many holds jobs back between two of their steps, if stalls exist in it: every
/// job that can run in between then does.
const STALLED_JOBS_ONE_IN: u64 = 2;
/// One plan in this many makes the layers of a job slow and crashes before its index is written, if
/// both faults exist in it.
const CRASHING_LATE_ONE_IN: u64 = 4;
/// One plan in this many ends a creation when only the sync of the engine's directory is left.
const FAILING_CREATIONS_ONE_IN: u64 = 8;
/// One plan in this many of those that branch and collect fails branches whose index is written:
/// they are in doubt, and what they read must stay.
const FAILING_BRANCHES_ONE_IN: u64 = 4;
/// One plan in this many crashes when an index has its name and no sync has covered that, if
/// crashes exist in it: only there can a power loss keep the index and undo the names that it
/// refers to.
const CRASHING_INDEXES_ONE_IN: u64 = 4;
/// One plan in this many of those that collect holds back a collection before it releases layers,
/// and an index that is written concurrently, if crashes exist in it.
const OVERTAKEN_INDEXES_ONE_IN: u64 = 3;

/// One plan in this many of those that collect and branch holds one of the two back between two of
/// its steps: the other runs in between.
const WAITING_BRANCHES_ONE_IN: u64 = 2;
/// One plan in this many of those that read, and compact or collect, holds readers back between
/// registration and the open of a layer: the layer is removed in between.
const WAITING_READERS_ONE_IN: u64 = 3;
/// One plan in this many of those that remove layers holds removals back: files that are made in
/// between, also by another instance of the timeline, must not get their names.
const WAITING_REMOVALS_ONE_IN: u64 = 4;
/// One plan in this many of those in which batches wait for compactions makes a compaction slow and
/// then fails its sync: the waiting batch must get the error.
const FAILING_STALLS_ONE_IN: u64 = 2;
/// Where readers are held back: before their snapshot of the layers as often as after it.
const OF_READERS: [(Part, StepKind); 4] = [
    (Part::Directory, Pass),
    (Part::Directory, Pass),
    (Part::Delta, Open),
    (Part::Image, Open),
];
/// The ordinal of an index that is synced by another job than the one that wrote it.
const CONFIRMED: u32 = 2;
/// The ordinal of the `pass` at which a registered reader has no snapshot of the layers yet.
const BEFORE_SNAPSHOT: u32 = 2;
/// The most rotten layers of a plan, besides those that are drawn one by one.
const ROT_COUNT_MAX: u64 = 3;
/// The calls at which layers rot.
const ROTTING: [(Job, Part, StepKind); 6] = [
    (Job::Flush, Part::Delta, Sync),
    (Job::Compact, Part::Delta, Sync),
    (Job::Image, Part::Image, Sync),
    (Job::Read, Part::Delta, Read),
    (Job::Compact, Part::Delta, Read),
    (Job::Image, Part::Delta, Read),
];
/// The ordinal of the `pass` of a collection between its two indexes.
const BETWEEN_INDEXES: u32 = 4;
/// Kinds of crashes, each with its weight, where most of what was done should stay.
const KEEPING: [(u64, CrashKind); 3] = [
    (2, CrashKind::PowerDraw),
    (2, CrashKind::PowerAll),
    (4, CrashKind::Kill),
];

/// Kinds of crashes, each with its weight, where some of the unsynced state should go, and some
/// stay.
const UNDOING: [(u64, CrashKind); 3] = [
    (8, CrashKind::PowerDraw),
    (1, CrashKind::PowerNothing),
    (1, CrashKind::Kill),
];

/// Draws groups of rules that belong together.
pub(super) fn draw_pairs(
    chance: &mut impl Chance,
    (swarm, reach): (&Swarm, &Reach),
    rules: &mut Vec<Rule>,
) {
    let kinds = &swarm.faults;
    let has_crashes = has_crashes(kinds);
    if has_crashes && chance.one_in(CRASHING_OPENS_ONE_IN) {
        rules.push(draw_crash_in_open(chance, 2));
        rules.push(draw_crash_in_open(chance, 3));
        if chance.one_in(2) {
            rules.push(draw_crash_in_open(chance, 4));
        }
    }
    if has_crashes
        && chance.one_in(CRASHING_INDEXES_ONE_IN)
        && let Some(job) = pick_writer(chance, reach)
    {
        let place = (job, Part::Index, SyncDir);
        rules.push(draw_rule_at(chance, place, FaultKind::CrashAtStep));
    }
    if has_crashes
        && swarm.device == Device::RenameNotAtomic
        && let Some(job) = pick_writer(chance, reach)
    {
        // The index has been renamed, and no sync has made the rename durable.
        let crash = draw_crash(chance, CrashKind::PowerDraw);
        let place = (job, Part::Index, SyncDir);
        rules.push(rule_with(chance, place, Fault::Crash(crash)));
    }
    draw_stalls(chance, (swarm, reach), rules);
    if swarm.device.may_be_wrong() {
        draw_rot(chance, reach, rules);
    }
    if has_crashes && chance.one_in(OVERTAKEN_INDEXES_ONE_IN) {
        draw_overtaken_index(chance, reach, rules);
    }
    draw_waits(chance, reach, rules);
    if reach.has_stall()
        && chance.one_in(FAILING_STALLS_ONE_IN)
        && let Some(kind) = pick_one_of(chance, kinds, &[FaultKind::Sync])
    {
        rules.push(slow_rule(chance, (Job::Compact, Part::Delta, Write), 5));
        let part = *chance.pick(&[Part::Delta, Part::Index]);
        rules.push(draw_rule_at(chance, (Job::Compact, part, Sync), kind));
    }
    if has_crashes && chance.one_in(CRASHING_LATE_ONE_IN) {
        draw_late_crash(chance, (kinds, reach), rules);
    }
    let is_theme = swarm.theme == Theme::Timelines;
    if reach.has(Job::Delete) && (is_theme || chance.one_in(FAILING_DELETES_ONE_IN)) {
        draw_failing_deletes(chance, kinds, rules);
    }
    if reach.has(Job::Branch) && reach.has(Job::Gc) && chance.one_in(FAILING_BRANCHES_ONE_IN) {
        let rule = rule_with(chance, (Job::Branch, Part::Index, SyncDir), Fault::Eio);
        let times = chance.between(1, 3) as u32;
        rules.push(at_any_step(Rule { times, ..rule }));
    }
    if chance.one_in(FAILING_CREATIONS_ONE_IN) {
        let ends = [FaultKind::CrashAtStep, FaultKind::Sync];
        let job = *chance.pick(&[Job::Create, Job::Branch]);
        if let Some(kind) = pick_one_of(chance, kinds, &ends) {
            let place = (job, Part::Directory, SyncDir);
            rules.push(draw_rule_at(chance, place, kind));
        }
    }
}

/// Draws one of the jobs that change what a timeline's index names, if the plan runs any.
fn pick_writer(chance: &mut impl Chance, reach: &Reach) -> Option<Job> {
    let jobs = [Job::Flush, Job::Compact, Job::Image, Job::Gc];
    let jobs: Vec<Job> = jobs.into_iter().filter(|job| reach.has(*job)).collect();
    (!jobs.is_empty()).then(|| *chance.pick(&jobs))
}

/// Draws a collection that waits before it releases layers, a concurrent index that is slow, and a
/// crash before the collection's own index. What the collection did too early must be seen, so the
/// crash keeps most of what was not durable.
fn draw_overtaken_index(chance: &mut impl Chance, reach: &Reach, rules: &mut Vec<Rule>) {
    let Some(first) = pick_writer(chance, reach).filter(|_| reach.has(Job::Gc)) else {
        return;
    };
    let between = (Job::Gc, Part::Directory, Pass);
    let waiting = slow_rule(chance, between, 5);
    rules.push(at_step(waiting, BETWEEN_INDEXES));
    let held = (first, Part::Index, *chance.pick(INDEX_STEPS));
    rules.push(slow_rule(chance, held, 20));
    let place = (
        Job::Gc,
        Part::Index,
        *chance.pick(&[Create, Write, Sync, Replace]),
    );
    let kind = chance.pick_weighted(&KEEPING);
    let crash = draw_crash(chance, kind);
    let rule = rule_with(chance, place, Fault::Crash(crash));
    rules.push(at_step(rule, 2));
}

/// Draws a rule that makes some calls of this kind take `seconds`.
fn slow_rule(chance: &mut impl Chance, place: (Job, Part, StepKind), seconds: u64) -> Rule {
    let slow = Fault::Slow(Duration::from_secs(seconds));
    let rule = rule_with(chance, place, slow);
    let times = chance.between(1, 8) as u32;
    Rule { times, ..rule }
}

/// The rule for this ordinal of the step alone.
fn at_step(mut rule: Rule, index: u32) -> Rule {
    if let Address::Call { step, .. } = &mut rule.address {
        step.index = Some(index);
    }
    rule
}

/// The rule for this ordinal of the file alone.
fn at_part(mut rule: Rule, index: u32) -> Rule {
    if let Address::Call { part, .. } = &mut rule.address {
        part.index = Some(index);
    }
    rule
}

/// The rule for every ordinal of the step.
fn at_any_step(mut rule: Rule) -> Rule {
    if let Address::Call { step, .. } = &mut rule.address {
        step.index = None;
    }
    rule
}

/// Draws a slow layer, and a crash before an index names it.
fn draw_late_crash(
    chance: &mut impl Chance,
    (kinds, reach): (&[(u64, FaultKind)], &Reach),
    rules: &mut Vec<Rule>,
) {
    let layers = [
        (Job::Flush, Part::Delta),
        (Job::Compact, Part::Delta),
        (Job::Image, Part::Image),
    ];
    let layers: Vec<_> = layers
        .into_iter()
        .filter(|(job, _)| reach.has(*job))
        .collect();
    let (job, part) = *chance.pick(&layers);
    let late = [FaultKind::Short, FaultKind::Slow, FaultKind::Stall];
    let Some(kind) = pick_one_of(chance, kinds, &late) else {
        return;
    };
    let step = *chance.pick(&[Read, Write]);
    rules.push(draw_rule_at(chance, (job, part, step), kind));
    let place = (job, Part::Index, *chance.pick(INDEX_STEPS));
    rules.push(draw_rule_at(chance, place, FaultKind::CrashAtStep));
}

/// Draws which layers rot: as they are synced, or as they are read.
fn draw_rot(chance: &mut impl Chance, reach: &Reach, rules: &mut Vec<Rule>) {
    let places = ROTTING.into_iter().filter(|(job, ..)| reach.has(*job));
    let places: Vec<(Job, Part, StepKind)> = places.collect();
    for _ in 0..chance.below(ROT_COUNT_MAX + 1) {
        let place = *chance.pick(&places);
        let rot = Fault::Rot(draw_rot_offset(chance));
        rules.push(rule_with(chance, place, rot));
    }
}

/// Draws which task is slow between two steps, so that others run in between.
fn draw_waits(chance: &mut impl Chance, reach: &Reach, rules: &mut Vec<Rule>) {
    if reach.has(Job::Branch) && reach.has(Job::Gc) && chance.one_in(WAITING_BRANCHES_ONE_IN) {
        let job = *chance.pick(&[Job::Branch, Job::Branch, Job::Gc]);
        let between = (job, Part::Directory, Pass);
        let rule = slow_rule(chance, between, 5);
        let index = chance.between(1, 3) as u32;
        rules.push(if chance.one_in(2) {
            at_step(rule, index)
        } else {
            rule
        });
    }
    let takes_layers = reach.has(Job::Gc) || reach.has(Job::Compact);
    if reach.has(Job::Read) && takes_layers && chance.one_in(WAITING_READERS_ONE_IN) {
        let (part, step) = *chance.pick(&OF_READERS);
        let rule = slow_rule(chance, (Job::Read, part, step), 5);
        rules.push(match step {
            Pass if chance.one_in(2) => at_step(rule, BEFORE_SNAPSHOT),
            _ => rule,
        });
    }
    if reach.has(Job::Drop) && chance.one_in(WAITING_REMOVALS_ONE_IN) {
        let part = *chance.pick(&[Part::Delta, Part::Image]);
        rules.push(slow_rule(chance, (Job::Drop, part, Remove), 5));
    }
}

/// Draws which tasks are held back while others go on.
fn draw_stalls(chance: &mut impl Chance, (swarm, reach): (&Swarm, &Reach), rules: &mut Vec<Rule>) {
    let Some(kind) = pick_one_of(chance, &swarm.faults, &[FaultKind::Stall]) else {
        return;
    };
    if reach.has(Job::Read) && chance.one_in(STALLED_READERS_ONE_IN) {
        let mut rule = draw_rule_at(chance, (Job::Read, Part::Delta, Open), kind);
        rule.times = chance.between(1, 20) as u32;
        rules.push(rule);
    }
    if chance.one_in(STALLED_JOBS_ONE_IN) {
        let jobs = [Job::Flush, Job::Compact, Job::Image, Job::Gc, Job::Branch];
        let about: Vec<Job> = jobs
            .into_iter()
            .filter(|job| swarm.theme.is_about(*job))
            .collect();
        let mut rule = draw_rule_at(chance, (Job::Gc, Part::Directory, Pass), kind);
        if let Address::Call { job, .. } = &mut rule.address {
            let is_one = !about.is_empty() && chance.one_in(2);
            job.kind = is_one.then(|| *chance.pick(&about));
        }
        rule.times = chance.between(1, 40) as u32;
        rules.push(rule);
    }
}

/// Draws what ends a deletion half way: a failure among its removals; or a crash that keeps an
/// index which is not durable, and another crash that undoes it while the next opening resumes the
/// deletion.
fn draw_failing_deletes(
    chance: &mut impl Chance,
    kinds: &[(u64, FaultKind)],
    rules: &mut Vec<Rule>,
) {
    if has_crashes(kinds) && chance.one_in(2) {
        let index = (Job::Delete, Part::Index, SyncDir);
        let removal = (
            Job::Delete,
            Part::Directory,
            *chance.pick(&[Remove, RemoveDir, SyncDir]),
        );
        for (place, powers) in [(index, &KEEPING), (removal, &UNDOING)] {
            let kind = chance.pick_weighted(powers);
            let crash = draw_crash(chance, kind);
            let rule = rule_with(chance, place, Fault::Crash(crash));
            rules.push(Rule { one_in: 1, ..rule });
        }
        return;
    }
    if chance.one_in(2) {
        // The opening that then reads the index that says "deleted" cannot sync it either.
        let index = (Job::Delete, Part::Index, SyncDir);
        let rule = rule_with(chance, index, Fault::Eio);
        if chance.ratio(2, 3) {
            // The index was durable, though, before a removal failed: what the branch read may be
            // collected.
            let removal = (Job::Delete, Part::Directory, Remove);
            let removal = rule_with(chance, removal, Fault::Eio);
            rules.push(Rule {
                one_in: 1,
                ..removal
            });
            let times = chance.between(2, 4) as u32;
            rules.push(Rule {
                times,
                ..at_part(at_any_step(rule), CONFIRMED)
            });
            return;
        }
        let times = chance.between(1, 4) as u32;
        rules.push(Rule { times, ..rule });
        return;
    }
    let these = [FaultKind::CrashAtStep, FaultKind::Eio, FaultKind::Denied];
    let Some(kind) = pick_one_of(chance, kinds, &these) else {
        return;
    };
    let removals = [Remove, RemoveDir, SyncDir];
    let removal = (Job::Delete, Part::Directory, *chance.pick(&removals));
    let rule = draw_rule_at(chance, removal, kind);
    if rule.fault.can_happen(removal.2, removal.1) {
        rules.push(rule);
    }
}

/// Draws a crash in the opening that begins a life.
fn draw_crash_in_open(chance: &mut impl Chance, life: u32) -> Rule {
    let steps = [Create, Write, Sync, Rename, Replace, SyncDir, Remove];
    let any = Counted {
        kind: None,
        index: None,
    };
    Rule {
        address: Address::Call {
            life: Some(life),
            scope: Scope::Any,
            job: Counted {
                kind: Some(Job::Open),
                index: None,
            },
            part: any,
            step: Counted {
                kind: Some(*chance.pick(&steps)),
                index: draw_ordinal(chance, 4, 2),
            },
        },
        fault: Fault::Crash(draw_power(chance)),
        times: 1,
        one_in: 1,
    }
}

/// Draws one of these kinds, if the plan has any of them.
fn pick_one_of(
    chance: &mut impl Chance,
    kinds: &[(u64, FaultKind)],
    these: &[FaultKind],
) -> Option<FaultKind> {
    let is_one = |kind: &FaultKind| these.contains(kind);
    let here: Vec<FaultKind> = kinds.iter().map(|(_, kind)| *kind).filter(is_one).collect();
    (!here.is_empty()).then(|| *chance.pick(&here))
}
