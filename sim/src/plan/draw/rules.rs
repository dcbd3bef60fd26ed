//! Draws faults, at calls that the engine is known to make.

use palimpsest::io::{Job, Part};

use super::compound::draw_compound;
use super::kinds::{CrashKind, FaultKind, draw_crash, draw_power, draw_rot_offset};
use super::reach::Reach;
use super::swarm::Swarm;
use super::themes::Theme;
use crate::dice::Chance;
use crate::faults::StepKind::{
    self, Create, CreateDir, Len, Link, List, Lock, Open, Pass, Read, Remove, RemoveDir, Rename,
    Replace, Sync, SyncDir, Write,
};
use crate::faults::{Address, Counted, Device, Fault, Rule, Scope};
use crate::label::TimelineLabel;

/// The most rules that are drawn one by one.
const RULE_COUNT_MAX: u64 = 6;
/// The weight of a call of a job that the plan is about; others have 1.
const THEME_WEIGHT: u64 = 4;
/// One plan in this many has a fault in a job that is drawn separately, so that rare jobs have
/// theirs.
const APART_ONE_IN: u64 = 2;
/// One of those plans in this many crashes later in the same job, if crashes exist in the plan.
const APART_CRASHING_ONE_IN: u64 = 2;
/// One plan in this many crashes when an index has its name and no sync has covered that: only
/// there can a power loss keep the index and undo the names that it refers to. Where the device
/// tears renames, each plan does.
const UNSYNCED_RENAME_ONE_IN: u64 = 4;
/// One plan in this many has a fault at a call that hardly ever gets one of its kind otherwise.
const RARE_ONE_IN: u64 = 3;

/// The calls of a job on one kind of file.
pub(super) struct FaultSite {
    weight: u64,
    pub job: Job,
    pub part: Part,
    pub steps: &'static [StepKind],
}

const fn site(weight: u64, job: Job, part: Part, steps: &'static [StepKind]) -> FaultSite {
    FaultSite {
        weight,
        job,
        part,
        steps,
    }
}

pub(super) const INDEX_STEPS: &[StepKind] = &[Create, Write, Sync, Replace, SyncDir];
const SPLIT_STEPS: &[StepKind] = &[Create, Write, Sync, Replace, SyncDir, Remove];
const INDEX_READ_STEPS: &[StepKind] = &[Open, Len, Read];
const LAYER_STEPS: &[StepKind] = &[Create, Write, Sync, Rename];

/// The calls that the engine makes: `cargo sim replay SEED --trace` shows them.
pub(super) const SITES: [FaultSite; 59] = [
    site(1, Job::Open, Part::Lock, &[Lock]),
    site(
        3,
        Job::Open,
        Part::Directory,
        &[List, CreateDir, SyncDir, Remove],
    ),
    site(2, Job::Open, Part::Index, INDEX_READ_STEPS),
    site(5, Job::Open, Part::Index, INDEX_STEPS),
    site(
        1,
        Job::Create,
        Part::Directory,
        &[List, CreateDir, SyncDir, Remove],
    ),
    site(1, Job::Create, Part::Index, INDEX_READ_STEPS),
    site(2, Job::Create, Part::Index, INDEX_STEPS),
    site(4, Job::Put, Part::Ephemeral, &[Create, Write, Pass]),
    site(1, Job::Freeze, Part::Directory, &[Pass]),
    site(2, Job::Flush, Part::Ephemeral, &[Read]),
    site(
        10,
        Job::Flush,
        Part::Delta,
        &[Create, Write, Sync, Rename, SyncDir],
    ),
    site(2, Job::Flush, Part::Image, &[Create, Write, Sync, Rename]),
    site(8, Job::Flush, Part::Index, INDEX_STEPS),
    site(2, Job::Flush, Part::Directory, &[Pass]),
    site(8, Job::Read, Part::Delta, &[Open, Read]),
    site(8, Job::Read, Part::Image, &[Open, Read]),
    site(2, Job::Read, Part::Ephemeral, &[Read]),
    site(1, Job::Read, Part::Directory, &[Pass]),
    site(1, Job::Branch, Part::Index, INDEX_READ_STEPS),
    site(3, Job::Branch, Part::Index, INDEX_STEPS),
    site(
        2,
        Job::Branch,
        Part::Directory,
        &[List, CreateDir, SyncDir, Remove, RemoveDir, Pass],
    ),
    site(3, Job::Lease, Part::Index, INDEX_STEPS),
    site(1, Job::Lease, Part::Directory, &[Pass]),
    site(5, Job::Compact, Part::Delta, &[Open, Read]),
    site(6, Job::Compact, Part::Delta, LAYER_STEPS),
    site(1, Job::Compact, Part::Image, &[Open, Read]),
    site(3, Job::Compact, Part::Image, LAYER_STEPS),
    site(4, Job::Compact, Part::Index, INDEX_STEPS),
    site(1, Job::Compact, Part::Directory, &[SyncDir, Pass]),
    site(4, Job::Image, Part::Delta, &[Open, Read]),
    site(1, Job::Image, Part::Image, &[Open, Read]),
    site(6, Job::Image, Part::Image, LAYER_STEPS),
    site(4, Job::Image, Part::Index, INDEX_STEPS),
    site(1, Job::Image, Part::Directory, &[SyncDir, Pass]),
    site(5, Job::Gc, Part::Index, INDEX_STEPS),
    site(1, Job::Gc, Part::Directory, &[Pass]),
    site(4, Job::GcCompact, Part::Delta, &[Open, Read]),
    site(2, Job::GcCompact, Part::Image, &[Open, Read]),
    site(6, Job::GcCompact, Part::Delta, LAYER_STEPS),
    site(4, Job::GcCompact, Part::Image, LAYER_STEPS),
    site(5, Job::GcCompact, Part::Index, INDEX_STEPS),
    site(1, Job::GcCompact, Part::Directory, &[SyncDir, Pass]),
    site(2, Job::Shed, Part::Image, &[Open, Read]),
    site(5, Job::Shed, Part::Image, LAYER_STEPS),
    site(4, Job::Shed, Part::Index, INDEX_STEPS),
    site(1, Job::Shed, Part::Directory, &[SyncDir, Pass]),
    site(1, Job::Split, Part::Lock, &[Lock]),
    site(
        4,
        Job::Split,
        Part::Directory,
        &[List, CreateDir, SyncDir, Remove, RemoveDir, Pass],
    ),
    site(1, Job::Split, Part::Index, INDEX_READ_STEPS),
    site(8, Job::Split, Part::Index, SPLIT_STEPS),
    site(
        5,
        Job::Split,
        Part::Delta,
        &[Link, Open, Read, Create, Write, Sync, Rename],
    ),
    site(
        3,
        Job::Split,
        Part::Image,
        &[Link, Open, Read, Create, Write, Sync, Rename],
    ),
    site(1, Job::Drop, Part::Ephemeral, &[Remove]),
    site(6, Job::Drop, Part::Delta, &[Remove]),
    site(6, Job::Drop, Part::Image, &[Remove]),
    site(1, Job::Drop, Part::Index, &[Remove]),
    site(1, Job::Delete, Part::Index, INDEX_READ_STEPS),
    site(1, Job::Delete, Part::Index, INDEX_STEPS),
    site(
        2,
        Job::Delete,
        Part::Directory,
        &[List, Remove, RemoveDir, SyncDir],
    ),
];

/// The jobs that get a fault drawn separately, each with its weight: high where other faults are
/// rare.
const APART: [(u64, Job); 16] = [
    (1, Job::Open),
    (3, Job::Create),
    (8, Job::Delete),
    (3, Job::Put),
    (1, Job::Freeze),
    (1, Job::Flush),
    (3, Job::Read),
    (4, Job::Branch),
    (3, Job::Lease),
    (1, Job::Compact),
    (1, Job::Image),
    (3, Job::Gc),
    (3, Job::GcCompact),
    (3, Job::Shed),
    (6, Job::Split),
    (3, Job::Drop),
];

/// Calls of rare jobs, or of jobs that make few calls, each with a fault that they rarely get.
const RARE: [(Job, Part, StepKind, FaultKind); 22] = [
    (Job::Delete, Part::Index, Read, FaultKind::Short),
    (Job::Delete, Part::Index, Write, FaultKind::Short),
    (Job::Delete, Part::Index, Write, FaultKind::Enospc),
    (Job::Delete, Part::Index, Sync, FaultKind::Sync),
    (Job::Delete, Part::Index, Replace, FaultKind::Slow),
    (Job::Delete, Part::Index, Replace, FaultKind::Stall),
    (Job::Delete, Part::Index, Read, FaultKind::Wrong),
    (Job::Delete, Part::Index, Write, FaultKind::Wrong),
    (Job::Create, Part::Index, Write, FaultKind::Wrong),
    (Job::Branch, Part::Index, Write, FaultKind::Wrong),
    (Job::Branch, Part::Index, Write, FaultKind::Short),
    (Job::Branch, Part::Index, Create, FaultKind::Denied),
    (Job::Gc, Part::Index, Write, FaultKind::Wrong),
    (Job::Compact, Part::Delta, Read, FaultKind::Wrong),
    (Job::Compact, Part::Delta, Write, FaultKind::Short),
    (Job::Image, Part::Delta, Read, FaultKind::Wrong),
    (Job::Shed, Part::Directory, SyncDir, FaultKind::Sync),
    (Job::Freeze, Part::Directory, Pass, FaultKind::CrashAtStep),
    (Job::Flush, Part::Ephemeral, Read, FaultKind::Short),
    (Job::Drop, Part::Image, Remove, FaultKind::Eio),
    (Job::Drop, Part::Image, Remove, FaultKind::Slow),
    (Job::Drop, Part::Delta, Remove, FaultKind::Denied),
];

/// Draws the rules of a plan from the kinds of faults that exist in it.
pub fn draw_rules(chance: &mut impl Chance, swarm: &Swarm, reach: &Reach) -> Vec<Rule> {
    let kinds = &swarm.faults;
    if kinds.is_empty() {
        return Vec::new();
    }
    let mut rules = Vec::new();
    for _ in 0..chance.below(RULE_COUNT_MAX + 1) {
        let kind = chance.pick_weighted(kinds);
        rules.push(draw_rule(chance, (swarm.theme, reach), kind));
    }
    if chance.one_in(APART_ONE_IN) {
        draw_apart(chance, (kinds, reach), &mut rules);
    }
    if chance.one_in(RARE_ONE_IN) {
        rules.extend(draw_rare(chance, swarm, reach));
    }
    if has_crashes(kinds) {
        draw_unsynced_rename(chance, (swarm, reach), &mut rules);
    }
    draw_compound(chance, (swarm, reach), &mut rules);
    rules
}

/// Draws rules of one origin: one by itself half of the time.
///
/// # Panics
/// If no kind of fault exists in the plan.
pub fn draw_rule_group(
    chance: &mut impl Chance,
    swarm: &Swarm,
    reach: &Reach,
    rules: &mut Vec<Rule>,
) {
    match chance.below(8) {
        0..4 => {
            let kind = chance.pick_weighted(&swarm.faults);
            rules.push(draw_rule(chance, (swarm.theme, reach), kind));
        }
        4 => draw_apart(chance, (&swarm.faults, reach), rules),
        5 => rules.extend(draw_rare(chance, swarm, reach)),
        6 => draw_unsynced_rename(chance, (swarm, reach), rules),
        _ => draw_compound(chance, (swarm, reach), rules),
    }
}

pub(super) fn has_crashes(kinds: &[(u64, FaultKind)]) -> bool {
    kinds.iter().any(|(_, kind)| kind.is_crash())
}

/// Draws a crash between the rename of an index and the sync that covers it.
fn draw_unsynced_rename(
    chance: &mut impl Chance,
    (swarm, reach): (&Swarm, &Reach),
    rules: &mut Vec<Rule>,
) {
    let is_torn = swarm.device == Device::RenameNotAtomic;
    if !is_torn && !chance.one_in(UNSYNCED_RENAME_ONE_IN) {
        return;
    }
    let renaming = SITES.iter().filter(|site| {
        reach.has(site.job) && site.part == Part::Index && site.steps.contains(&SyncDir)
    });
    let jobs: Vec<Job> = renaming.map(|site| site.job).collect();
    let place = (*chance.pick(&jobs), Part::Index, SyncDir);
    let crash = match is_torn {
        true => draw_crash(chance, CrashKind::PowerDraw),
        false => draw_power(chance),
    };
    rules.push(rule_with(chance, place, Fault::Crash(crash)));
}

/// Draws a fault in a job that is drawn first, and sometimes a crash before the job's end.
fn draw_apart(
    chance: &mut impl Chance,
    (kinds, reach): (&[(u64, FaultKind)], &Reach),
    rules: &mut Vec<Rule>,
) {
    let jobs: Vec<(u64, Job)> = APART
        .into_iter()
        .filter(|(_, job)| reach.has(*job))
        .collect();
    let job = chance.pick_weighted(&jobs);
    let kind = chance.pick_weighted(kinds);
    let fault = kind.draw(chance);
    let sites = SITES.iter().filter(|site| site.job == job);
    let calls: Vec<(Part, StepKind)> = sites
        .flat_map(|site| site.steps.iter().map(|step| (site.part, *step)))
        .collect();
    let can_fail = |(part, step): &(Part, StepKind)| fault.can_happen(*step, *part);
    let failing: Vec<_> = calls.iter().copied().filter(can_fail).collect();
    if failing.is_empty() {
        return;
    }
    let (part, step) = *chance.pick(&failing);
    rules.push(rule_with(chance, (job, part, step), fault));
    let is_crash = matches!(fault, Fault::Crash(_));
    if !is_crash && has_crashes(kinds) && chance.one_in(APART_CRASHING_ONE_IN) {
        let (part, step) = *chance.pick(&calls);
        let power = Fault::Crash(draw_power(chance));
        rules.push(rule_with(chance, (job, part, step), power));
    }
}

/// Draws one of the rare faults, whichever kinds of faults exist in the plan; those of a wrong
/// device only if the plan has one.
fn draw_rare(chance: &mut impl Chance, swarm: &Swarm, reach: &Reach) -> Option<Rule> {
    let may_be_wrong = swarm.device.may_be_wrong();
    let can_be = |(job, _, _, kind): &(Job, Part, StepKind, FaultKind)| {
        reach.has(*job) && may_be_wrong == (*kind == FaultKind::Wrong)
    };
    let here: Vec<_> = RARE.into_iter().filter(can_be).collect();
    let (job, part, step, kind) = *chance.pick(&here);
    let fault = match (kind, step) {
        (FaultKind::Wrong, Write) if chance.one_in(2) => Fault::Lost,
        (FaultKind::Wrong, Write) => Fault::Astray(chance.between(1, 20) as u32),
        (FaultKind::Wrong, _) if chance.one_in(2) => Fault::Stale,
        (FaultKind::Wrong, _) => Fault::Rot(draw_rot_offset(chance)),
        (FaultKind::Sync, Sync) if chance.one_in(2) => Fault::Revert,
        (FaultKind::Sync, _) => Fault::Eio,
        (FaultKind::Short, _) => Fault::Short(chance.between(1, 8) as u32),
        _ => kind.draw(chance),
    };
    let rule = rule_with(chance, (job, part, step), fault);
    fault.can_happen(step, part).then_some(rule)
}

fn draw_rule(chance: &mut impl Chance, (theme, reach): (Theme, &Reach), kind: FaultKind) -> Rule {
    let fault = kind.draw(chance);
    let address = match kind {
        FaultKind::CrashAtCall => Address::Nth {
            life: draw_life(chance, reach),
            index: chance.between(1, 120) as u32,
        },
        _ => draw_call(chance, (theme, reach), (kind, fault)),
    };
    Rule {
        address,
        fault,
        times: chance.pick_weighted(&[(6, 1), (1, 2), (1, 3)]),
        one_in: chance.pick_weighted(&[(5, 1), (1, 2), (1, 3), (1, 4)]),
    }
}

/// Draws a call to which a fault of this kind can happen, one that the plan reaches if there is
/// any.
fn draw_call(
    chance: &mut impl Chance,
    (theme, reach): (Theme, &Reach),
    (kind, fault): (FaultKind, Fault),
) -> Address {
    let mut calls = Vec::new();
    for site in SITES.iter().filter(|site| reach.has(site.job)) {
        let steps = site.steps.iter();
        let steps =
            steps.filter(|step| fault.can_happen(**step, site.part) && kind.is_worth_it(**step));
        let weight = if theme.is_about(site.job) {
            THEME_WEIGHT * site.weight
        } else {
            site.weight
        };
        calls.extend(steps.map(|step| (weight, (site, *step))));
    }
    let (site, step) = chance.pick_weighted(&calls);
    Address::Call {
        life: draw_life(chance, reach),
        scope: draw_scope(chance, theme, site),
        job: Counted {
            kind: Some(site.job),
            index: draw_job_index(chance, site.job),
        },
        part: Counted {
            kind: Some(site.part),
            index: draw_part_index(chance, site.job),
        },
        step: Counted {
            kind: Some(step),
            index: draw_step_index(chance, step),
        },
    }
}

fn draw_life(chance: &mut impl Chance, reach: &Reach) -> Option<u32> {
    (!chance.ratio(3, 5)).then(|| chance.between(1, reach.life_count()) as u32)
}

/// Draws whose files: the engine's own are its lock and directories, a timeline has all others.
fn draw_scope(chance: &mut impl Chance, theme: Theme, site: &FaultSite) -> Scope {
    let branch_one_in = if theme == Theme::Branches { 3 } else { 12 };
    match site.part {
        Part::Lock => Scope::Engine,
        Part::Directory if site.job == Job::Open && chance.one_in(3) => Scope::Engine,
        _ if matches!(site.job, Job::Branch | Job::Delete) || chance.one_in(2) => Scope::Any,
        _ if chance.one_in(branch_one_in) => {
            Scope::Timeline(TimelineLabel(b'b' + chance.below(2) as u8))
        }
        _ => Scope::Timeline(TimelineLabel(b'a')),
    }
}

/// Draws the ordinal of a job: some jobs run once a life.
fn draw_job_index(chance: &mut impl Chance, job: Job) -> Option<u32> {
    match job {
        Job::Open | Job::Create | Job::Branch | Job::Delete => None,
        Job::Compact | Job::Image | Job::Gc | Job::GcCompact => draw_ordinal(chance, 3, 4),
        _ => draw_ordinal(chance, 2, 6),
    }
}

/// Draws the ordinal of a file in its job: most jobs have one file of a kind.
fn draw_part_index(chance: &mut impl Chance, job: Job) -> Option<u32> {
    match job {
        Job::Compact | Job::Image | Job::GcCompact | Job::Drop => draw_ordinal(chance, 4, 5),
        _ => draw_ordinal(chance, 7, 1),
    }
}

/// Draws the ordinal of a step on its file: most steps are taken once on a file.
fn draw_step_index(chance: &mut impl Chance, step: StepKind) -> Option<u32> {
    match step {
        Read | Write => draw_ordinal(chance, 3, 6),
        SyncDir | Pass => draw_ordinal(chance, 3, 3),
        _ => draw_ordinal(chance, 7, 2),
    }
}

/// Draws any ordinal in `any` of 8 cases, else one from 1 to `last`, low ones more often.
pub(super) fn draw_ordinal(chance: &mut impl Chance, any: u64, last: u64) -> Option<u32> {
    if chance.ratio(any, 8) {
        return None;
    }
    let last = chance.between(1, last);
    Some(chance.between(1, last) as u32)
}

/// Draws a rule with this fault for any call of this kind, in any life and on any timeline.
pub(super) fn rule_with(
    chance: &mut impl Chance,
    (job, part, step): (Job, Part, StepKind),
    fault: Fault,
) -> Rule {
    Rule {
        address: Address::Call {
            life: None,
            scope: Scope::Any,
            job: Counted {
                kind: Some(job),
                index: None,
            },
            part: Counted {
                kind: Some(part),
                index: None,
            },
            step: Counted {
                kind: Some(step),
                index: draw_ordinal(chance, 6, 2),
            },
        },
        fault,
        times: 1,
        one_in: chance.pick_weighted(&[(4, 1), (1, 2), (1, 3)]),
    }
}
