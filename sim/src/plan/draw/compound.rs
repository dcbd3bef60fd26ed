//! Draws compound faults: faults that have an effect only together.
//!
//! ```text
//! first effect ──▶ any call ──▶ relation ──▶ second effect ──▶ any call that fits
//!  hold                          again        hold
//!  fail                          same job     fail
//!  crash                         other job    crash
//!  wrong                         next life    wrong
//! ```
//!
//! No bug is named here. Both calls come from the table of all calls, [`SITES`], so that each job
//! and each class of file gets its share: first a job is drawn, then a file of it, then a step. A
//! job that makes thousands of calls a plan and one that makes three are alike.

use std::time::Duration;

use palimpsest::io::{Job, Part};

use super::kinds::{CrashKind, draw_crash, draw_rot_offset};
use super::reach::Reach;
use super::rules::{SITES, draw_ordinal, has_crashes, rule_with};
use super::swarm::Swarm;
use super::themes::Theme;
use crate::dice::Chance;
use crate::faults::StepKind::{
    self, Len, List, Lock, Open, Pass, Read, Remove, RemoveDir, Sync, SyncDir, Write,
};
use crate::faults::{Address, Fault, Rule};

/// What a fault does to the task that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// The task is held back between two of its steps, and all others go on.
    Hold,
    /// The call fails.
    Fail,
    /// The process ends at the call.
    Crash,
    /// The device keeps or returns wrong bytes.
    Wrong,
}

/// Where the second fault lies, seen from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// At the same kind of call, again.
    Again,
    /// At another call of the same job.
    SameJob,
    /// At a call of another job.
    OtherJob,
    /// While the next life opens, or the same job is resumed there.
    NextLife,
}

use Effect::{Crash, Fail, Hold, Wrong};
use Relation::{Again, NextLife, OtherJob, SameJob};

/// The kinds of compound faults, each with its weight.
const KINDS: [(u64, (Effect, Relation, Effect)); 17] = [
    (12, (Hold, Again, Hold)),
    (4, (Hold, SameJob, Fail)),
    (4, (Hold, SameJob, Crash)),
    (2, (Hold, OtherJob, Hold)),
    (2, (Hold, OtherJob, Fail)),
    (4, (Hold, OtherJob, Crash)),
    (4, (Fail, Again, Fail)),
    (4, (Fail, SameJob, Fail)),
    (2, (Fail, SameJob, Hold)),
    (4, (Fail, SameJob, Crash)),
    (1, (Fail, OtherJob, Fail)),
    (2, (Fail, OtherJob, Crash)),
    (9, (Crash, NextLife, Crash)),
    (3, (Crash, NextLife, Fail)),
    (3, (Wrong, Again, Wrong)),
    (2, (Wrong, OtherJob, Wrong)),
    (1, (Wrong, SameJob, Crash)),
];

/// How many compound faults a plan has, each number with its weight.
const COUNTS: [(u64, u64); 4] = [(1, 0), (3, 1), (3, 2), (2, 3)];
/// How many compound faults a plan about timelines that come and go has, each number with its
/// weight.
const COUNTS_OF_TIMELINES: [(u64, u64); 4] = [(1, 1), (2, 2), (3, 3), (2, 4)];
/// The weight of a job that the plan is about; others have 1.
const THEME_WEIGHT: u64 = 3;
/// The weight of deletions among the other jobs: a plan makes few, and pairs of faults seldom meet
/// one.
const DELETION_WEIGHT: u64 = 3;
/// How much heavier faults in two lives are where the plan is about timelines that come and go:
/// what one life leaves of these, the next one completes or clears away.
const NEXT_LIFE_WEIGHT: u64 = 3;
/// The weight of a call that is seldom made; others have 1.
const SELDOM_WEIGHT: u64 = 3;
/// The calls that less than a third of the plans make which run their job, as counted in 300 plans.
const SELDOM: [(Job, Part, StepKind); 9] = [
    (Job::Create, Part::Directory, Remove),
    (Job::Create, Part::Index, Read),
    (Job::Branch, Part::Directory, Remove),
    (Job::Branch, Part::Directory, RemoveDir),
    (Job::Branch, Part::Index, Read),
    (Job::Read, Part::Ephemeral, Read),
    (Job::Read, Part::Image, Open),
    (Job::Drop, Part::Index, Remove),
    (Job::Freeze, Part::Directory, Pass),
];
/// The weight of a sync as the place of a crash; others have 1. What was done before it is not
/// durable, and the next life may take it for durable.
const UNSYNCED_WEIGHT: u64 = 12;
/// The share of the crashes in a chain that are chosen to matter: the first keeps what is not
/// durable, the next undoes it.
const CHOSEN: (u64, u64) = (3, 4);
/// The most lives behind the first that a chain of crashes goes on in.
const CHAIN_LEN_MAX: u32 = 3;
/// One chain of crashes in this many goes on in the life behind the second crash.
const LONGER_CHAIN_ONE_IN: u64 = 3;

/// One fault in an opening in this many is in what the opening deletes.
const CLEARING_ONE_IN: u64 = 3;

/// Kinds of crashes, each with its weight, where most of what was done should stay.
const KEEPING: [(u64, CrashKind); 3] = [
    (1, CrashKind::PowerDraw),
    (1, CrashKind::PowerAll),
    (6, CrashKind::Kill),
];
/// Kinds of crashes, each with its weight, where some of the unsynced state should go, and some
/// stay.
const UNDOING: [(u64, CrashKind); 3] = [
    (8, CrashKind::PowerDraw),
    (1, CrashKind::PowerNothing),
    (1, CrashKind::Kill),
];

type Place = (Job, Part, StepKind);

/// Draws the compound faults of a plan.
pub(super) fn draw_compound(
    chance: &mut impl Chance,
    (swarm, reach): (&Swarm, &Reach),
    rules: &mut Vec<Rule>,
) {
    let can_be = |effect: Effect| match effect {
        Hold | Fail => true,
        Crash => has_crashes(&swarm.faults),
        Wrong => swarm.device.may_be_wrong(),
    };
    let is_of_timelines = swarm.theme == Theme::Timelines;
    let here = KINDS.into_iter();
    let here: Vec<_> = here
        .filter(|(_, (first, _, second))| can_be(*first) && can_be(*second))
        .map(|(weight, kind)| match kind.1 {
            NextLife if is_of_timelines => (NEXT_LIFE_WEIGHT * weight, kind),
            _ => (weight, kind),
        })
        .collect();
    let counts = match is_of_timelines {
        true => COUNTS_OF_TIMELINES,
        false => COUNTS,
    };
    for _ in 0..chance.pick_weighted(&counts) {
        let kind = chance.pick_weighted(&here);
        draw_one(chance, (swarm, reach), kind, rules);
    }
}

fn draw_one(
    chance: &mut impl Chance,
    (swarm, reach): (&Swarm, &Reach),
    (first, relation, second): (Effect, Relation, Effect),
    rules: &mut Vec<Rule>,
) {
    let weigh = |job: Job| {
        let by_theme = if swarm.theme.is_about(job) {
            THEME_WEIGHT
        } else {
            1
        };
        match (reach.has(job), job) {
            (false, _) => 0,
            (true, Job::Delete) => DELETION_WEIGHT * by_theme,
            (true, _) => by_theme,
        }
    };
    let Some(place) = draw_place(chance, first, weigh) else {
        return;
    };
    let mut rule = draw_rule(chance, place, first);
    match relation {
        Again => {
            rule.times = match first {
                Hold => chance.between(1, 40) as u32,
                Fail | Crash | Wrong => chance.between(2, 4) as u32,
            };
            any_step(&mut rule);
            if first == Fail {
                // A retry fails like the first try.
                rule.one_in = 1;
            }
            rules.push(rule);
        }
        SameJob => {
            rules.push(rule);
            let only = |job: Job| u64::from(job == place.0);
            rules.extend(draw_second(chance, second, only));
        }
        OtherJob => {
            rules.push(rule);
            let others = |job: Job| if job == place.0 { 0 } else { weigh(job) };
            rules.extend(draw_second(chance, second, others));
        }
        NextLife => {
            choose_crash(chance, &mut rule, &KEEPING);
            rules.push(rule);
            draw_lives(chance, (place.0, reach), second, rules);
        }
    }
}

/// Draws a fault for the opening of the next life, or for the same job where it is resumed there;
/// perhaps another one for the life behind it.
fn draw_lives(
    chance: &mut impl Chance,
    (job, reach): (Job, &Reach),
    second: Effect,
    rules: &mut Vec<Rule>,
) {
    let first = chance.between(2, reach.life_count() + 1) as u32;
    for link in 0..CHAIN_LEN_MAX {
        if 0 < link && !chance.one_in(LONGER_CHAIN_ONE_IN) {
            return;
        }
        let is_resumed = chance.one_in(2) && job != Job::Open;
        let next = match is_resumed {
            true => job,
            // An opening completes deletions, and deletes what creations have left.
            false if chance.one_in(CLEARING_ONE_IN) => Job::Delete,
            false => Job::Open,
        };
        let Some(mut rule) = draw_second(chance, second, |job| u64::from(job == next)) else {
            return;
        };
        choose_crash(chance, &mut rule, &UNDOING);
        if let Address::Call { life: of, .. } = &mut rule.address
            && !is_resumed
        {
            *of = Some(first + link);
        }
        rules.push(rule);
    }
}

fn draw_second(
    chance: &mut impl Chance,
    effect: Effect,
    weigh: impl Fn(Job) -> u64,
) -> Option<Rule> {
    let place = draw_place(chance, effect, weigh)?;
    let rule = draw_rule(chance, place, effect);
    // It matters only behind the first one, which may have been left out itself.
    Some(Rule { one_in: 1, ..rule })
}

/// Draws a call to which this can happen: a job first, then one of its files, then a step.
fn draw_place(
    chance: &mut impl Chance,
    effect: Effect,
    weigh: impl Fn(Job) -> u64,
) -> Option<Place> {
    let mut jobs: Vec<(u64, Job)> = Vec::new();
    for site in &SITES {
        let is_new = jobs.iter().all(|(_, job)| *job != site.job);
        if is_new && 0 < weigh(site.job) && !steps_of(effect, site.job, site.part).is_empty() {
            jobs.push((weigh(site.job), site.job));
        }
    }
    if jobs.is_empty() {
        return None;
    }
    let job = chance.pick_weighted(&jobs);
    let sites = SITES.iter().filter(|site| site.job == job);
    let mut parts: Vec<Part> = sites.map(|site| site.part).collect();
    parts.dedup();
    parts.retain(|part| !steps_of(effect, job, *part).is_empty());
    let part = *chance.pick(&parts);
    let step = chance.pick_weighted(&steps_of(effect, job, part));
    Some((job, part, step))
}

/// The steps of a job on a file to which this can happen, each with its weight.
fn steps_of(effect: Effect, job: Job, part: Part) -> Vec<(u64, StepKind)> {
    let sites = SITES.iter();
    let sites = sites.filter(|site| site.job == job && site.part == part);
    let steps = sites.flat_map(|site| site.steps.iter().copied());
    let fitting = steps.filter(|step| match effect {
        Hold => true,
        Fail => Fault::Eio.can_happen(*step, part),
        // A crash before a call that changes nothing equals one before the next call that does.
        Crash => !matches!(step, Open | Len | List | Lock | Read),
        Wrong => [Fault::Rot(0), Fault::Lost, Fault::Stale]
            .iter()
            .any(|fault| fault.can_happen(*step, part)),
    });
    fitting
        .map(|step| match SELDOM.contains(&(job, part, step)) {
            _ if effect == Crash && matches!(step, Sync | SyncDir) => (UNSYNCED_WEIGHT, step),
            true => (SELDOM_WEIGHT, step),
            false => (1, step),
        })
        .collect()
}

fn draw_rule(chance: &mut impl Chance, (job, part, step): Place, effect: Effect) -> Rule {
    let fault = match effect {
        Hold => draw_hold(chance),
        Fail => draw_failure(chance, (part, step)),
        Crash => {
            let kinds = if chance.one_in(2) { KEEPING } else { UNDOING };
            let kind = chance.pick_weighted(&kinds);
            Fault::Crash(draw_crash(chance, kind))
        }
        Wrong => draw_wrong(chance, (part, step)),
    };
    let mut rule = rule_with(chance, (job, part, step), fault);
    if effect == Hold {
        rule.times = chance.between(1, 8) as u32;
    }
    if let Address::Call { step: of, .. } = &mut rule.address {
        let (any, last) = match step {
            Pass | Write | Read | SyncDir => (4, 4),
            _ => (7, 2),
        };
        of.index = draw_ordinal(chance, any, last);
    }
    if let Address::Call { part: of, .. } = &mut rule.address {
        of.index = draw_ordinal(chance, 6, 2);
    }
    rule
}

/// Lets a crash of a chain be of one of these kinds, most of the time.
fn choose_crash(chance: &mut impl Chance, rule: &mut Rule, kinds: &[(u64, CrashKind)]) {
    let (part, whole) = CHOSEN;
    if matches!(rule.fault, Fault::Crash(_)) && chance.ratio(part, whole) {
        let kind = chance.pick_weighted(kinds);
        rule.fault = Fault::Crash(draw_crash(chance, kind));
    }
}

fn draw_hold(chance: &mut impl Chance) -> Fault {
    match chance.one_in(3) {
        true => Fault::Stall,
        false => Fault::Slow(Duration::from_secs(*chance.pick(&[1, 5, 20]))),
    }
}

fn draw_failure(chance: &mut impl Chance, (part, step): (Part, StepKind)) -> Fault {
    let failures = [
        (6, Fault::Eio),
        (2, Fault::Enospc),
        (1, Fault::Eacces),
        (1, Fault::Erofs),
        (1, Fault::Emfile),
        (2, Fault::Short(chance.between(1, 8) as u32)),
        (2, Fault::Revert),
    ];
    let fitting = failures.into_iter();
    let fitting: Vec<_> = fitting
        .filter(|(_, fault)| fault.can_happen(step, part))
        .filter(|(_, fault)| *fault != Fault::Revert || step == Sync)
        .collect();
    chance.pick_weighted(&fitting)
}

fn draw_wrong(chance: &mut impl Chance, (part, step): (Part, StepKind)) -> Fault {
    let wrong = [
        (3, Fault::Rot(draw_rot_offset(chance))),
        (1, Fault::Lost),
        (1, Fault::Astray(chance.between(1, 20) as u32)),
        (1, Fault::Stale),
    ];
    let fitting = wrong.into_iter();
    let fitting: Vec<_> = fitting
        .filter(|(_, fault)| fault.can_happen(step, part))
        .collect();
    chance.pick_weighted(&fitting)
}

/// Lets the rule meet every ordinal of its step.
fn any_step(rule: &mut Rule) {
    if let Address::Call { step, .. } = &mut rule.address {
        step.index = None;
    }
}
