//! Draws faults that do nothing alone: who is held back, and what comes in between.

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

/// One plan in so many crashes inside two or three openings in a row, if crashes exist in it.
const CRASHING_OPENS_ONE_IN: u64 = 10;
/// One plan in so many that delete something ends deletions half way, if it is about something
/// else.
const FAILING_DELETES_ONE_IN: u64 = 2;
/// One plan in so many holds readers back before they have opened a layer, if stalls exist in it:
/// then what they are about to open may be replaced.
const STALLED_READERS_ONE_IN: u64 = 4;
/// One plan in so many holds jobs back where they are between two of their steps, if stalls exist
/// in it: then whatever can come between them does.
const STALLED_JOBS_ONE_IN: u64 = 2;
/// One plan in so many crashes before the index of a job is written whose layers were a long time
/// in coming, if both exist in it.
const CRASHING_LATE_ONE_IN: u64 = 4;
/// One plan in so many ends a creation when all but the sync of the engine's directory is done.
const FAILING_CREATIONS_ONE_IN: u64 = 8;
/// One plan in so many that branches and collects fails branches whose index is there: they are in
/// doubt, and what they read must stay.
const FAILING_BRANCHES_ONE_IN: u64 = 4;
/// One plan in so many crashes where an index has its name and no sync has covered that, if
/// crashes exist in it: nowhere else can a power loss keep what names, and undo what is named.
const CRASHING_INDEXES_ONE_IN: u64 = 4;
/// One plan in so many that collects holds a collection back before it lets go of layers, and an
/// index that is being written meanwhile, if crashes exist in it.
const OVERTAKEN_INDEXES_ONE_IN: u64 = 3;

/// One plan in so many that collects and branches holds one of the two back between two of its
/// steps: the other comes in between.
const WAITING_BRANCHES_ONE_IN: u64 = 2;
/// One plan in so many that reads, and compacts or collects, holds readers back between being let
/// in and opening a layer: what they are about to open goes meanwhile.
const WAITING_READERS_ONE_IN: u64 = 3;
/// One plan in so many that removes layers holds removals back: what is done meanwhile, also by
/// another instance of the timeline, must not come to have their names.
const WAITING_REMOVALS_ONE_IN: u64 = 4;
/// One plan in so many in which batches wait for compactions makes one of these slow, and then
/// fails its sync: who waits must be told.
const FAILING_STALLS_ONE_IN: u64 = 2;
/// Where readers are held back: before they take note of the layers as often as behind that.
const OF_READERS: [(Part, StepKind); 4] = [
    (Part::Directory, Pass),
    (Part::Directory, Pass),
    (Part::Delta, Open),
    (Part::Image, Open),
];
/// The number of an index that is synced, and was not written by who syncs it.
const CONFIRMED: u32 = 2;
/// Where a reader that was let in gives way before it takes note of which layers there are.
const BEFORE_SNAPSHOT: u32 = 2;
/// So many layers rot at most, besides what is drawn one by one.
const ROT_COUNT_MAX: u64 = 3;
/// Where.
const ROTTING: [(Job, Part, StepKind); 6] = [
    (Job::Flush, Part::Delta, Sync),
    (Job::Compact, Part::Delta, Sync),
    (Job::Image, Part::Image, Sync),
    (Job::Read, Part::Delta, Read),
    (Job::Compact, Part::Delta, Read),
    (Job::Image, Part::Delta, Read),
];
/// Where a collection gives way between its two indexes.
const BETWEEN_INDEXES: u32 = 4;
/// How it crashes where what was done should stay.
const KEEPING: [(u64, CrashKind); 3] = [
    (2, CrashKind::PowerDraw),
    (2, CrashKind::PowerAll),
    (4, CrashKind::Kill),
];

/// How it crashes where some of what is not durable should go, and some stay.
const UNDOING: [(u64, CrashKind); 3] = [
    (8, CrashKind::PowerDraw),
    (1, CrashKind::PowerNothing),
    (1, CrashKind::Kill),
];

/// Draws the rules of a plan that belong together.
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
        // The index has been renamed, and nothing says that it stays.
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

/// One of the jobs that change what a timeline's index names, if the plan does any.
fn pick_writer(chance: &mut impl Chance, reach: &Reach) -> Option<Job> {
    let jobs = [Job::Flush, Job::Compact, Job::Image, Job::Gc];
    let jobs: Vec<Job> = jobs.into_iter().filter(|job| reach.has(*job)).collect();
    (!jobs.is_empty()).then(|| *chance.pick(&jobs))
}

/// Draws a collection that waits before it lets go of layers, an index that is long in coming
/// meanwhile, and a crash before the collection's own has come. What the collection did too early
/// must be seen: it is not undone together with what is not durable.
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

/// Draws a rule that makes some calls of this kind take so many seconds.
fn slow_rule(chance: &mut impl Chance, place: (Job, Part, StepKind), seconds: u64) -> Rule {
    let slow = Fault::Slow(Duration::from_secs(seconds));
    let rule = rule_with(chance, place, slow);
    let times = chance.between(1, 8) as u32;
    Rule { times, ..rule }
}

/// The rule for this step of its kind alone.
fn at_step(mut rule: Rule, index: u32) -> Rule {
    if let Address::Call { step, .. } = &mut rule.address {
        step.index = Some(index);
    }
    rule
}

/// The rule for this one of its kind of files alone.
fn at_part(mut rule: Rule, index: u32) -> Rule {
    if let Address::Call { part, .. } = &mut rule.address {
        part.index = Some(index);
    }
    rule
}

/// The rule for all steps of its kind.
fn at_any_step(mut rule: Rule) -> Rule {
    if let Address::Call { step, .. } = &mut rule.address {
        step.index = None;
    }
    rule
}

/// Draws a layer that is long in coming, and a crash before an index names it.
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

/// Draws what rots in layers: as they are synced, or as they are read.
fn draw_rot(chance: &mut impl Chance, reach: &Reach, rules: &mut Vec<Rule>) {
    let places = ROTTING.into_iter().filter(|(job, ..)| reach.has(*job));
    let places: Vec<(Job, Part, StepKind)> = places.collect();
    for _ in 0..chance.below(ROT_COUNT_MAX + 1) {
        let place = *chance.pick(&places);
        let rot = Fault::Rot(draw_rot_offset(chance));
        rules.push(rule_with(chance, place, rot));
    }
}

/// Draws who is slow between two steps, so that others come in between.
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

/// Draws who is held back while others go on.
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

/// Draws what ends a deletion half way: a failure among its removals, or a crash that keeps an
/// index which is not durable, and one that undoes it while the open after that goes on with the
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
        // Who then reads the index that says "deleted" cannot sync it either.
        let index = (Job::Delete, Part::Index, SyncDir);
        let rule = rule_with(chance, index, Fault::Eio);
        if chance.ratio(2, 3) {
            // It was durable, though, before a removal failed: what it read may be collected.
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

/// One of these kinds, if the plan has any of them.
fn pick_one_of(
    chance: &mut impl Chance,
    kinds: &[(u64, FaultKind)],
    these: &[FaultKind],
) -> Option<FaultKind> {
    let is_one = |kind: &FaultKind| these.contains(kind);
    let here: Vec<FaultKind> = kinds.iter().map(|(_, kind)| *kind).filter(is_one).collect();
    (!here.is_empty()).then(|| *chance.pick(&here))
}
