//! The plan's rules, as they fire.

use std::hash::{Hash, Hasher};

use crate::dice::mix;
use crate::faults::{CallSite, Fault, Rule, StepKind};
use crate::plan::{CRASHING_LIFE_MAX, Crash};

/// A fault as the report counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultClass {
    /// A process was killed.
    Kill,
    /// The power failed.
    PowerLoss,
    /// A call failed with an I/O error.
    Eio,
    /// A call failed for want of space.
    Enospc,
    /// A call failed, for nothing may be changed.
    Erofs,
    /// A call failed for want of a right.
    Eacces,
    /// A file's sync failed and dropped its pages, which can still be read.
    FailedSync,
    /// A file's sync failed and dropped its pages, and they cannot be read any more.
    RevertedSync,
    /// A directory's sync failed; its entries stay pending.
    FailedDirectorySync,
    /// A read gave fewer bytes than were there.
    ShortRead,
    /// A write took fewer bytes than it was given.
    ShortWrite,
    /// A call took long.
    Slow,
    /// A call took until nobody else had anything to do.
    Stall,
    /// A bit of what was stored turned over.
    Rot,
    /// A write landed elsewhere.
    Astray,
    /// A write was acknowledged and not made.
    Lost,
    /// A read found what was there before.
    Stale,
    /// A future was dropped before it was done.
    Dropped,
    /// The clock jumped.
    ClockJump,
    /// A timeline was shut down beside what worked on it.
    Shutdown,
    /// A call was acknowledged, and not what was promised of it.
    Lie,
}

impl FaultClass {
    /// Every class that a device may show: all but lies.
    pub const ALL: [FaultClass; 20] = [
        FaultClass::Kill,
        FaultClass::PowerLoss,
        FaultClass::Eio,
        FaultClass::Enospc,
        FaultClass::Erofs,
        FaultClass::Eacces,
        FaultClass::FailedSync,
        FaultClass::RevertedSync,
        FaultClass::FailedDirectorySync,
        FaultClass::ShortRead,
        FaultClass::ShortWrite,
        FaultClass::Slow,
        FaultClass::Stall,
        FaultClass::Rot,
        FaultClass::Astray,
        FaultClass::Lost,
        FaultClass::Stale,
        FaultClass::Dropped,
        FaultClass::ClockJump,
        FaultClass::Shutdown,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            FaultClass::Kill => "process kill",
            FaultClass::PowerLoss => "power loss",
            FaultClass::Eio => "EIO",
            FaultClass::Enospc => "ENOSPC",
            FaultClass::Erofs => "EROFS",
            FaultClass::Eacces => "EACCES",
            FaultClass::FailedSync => "failed file sync",
            FaultClass::RevertedSync => "reverting file sync",
            FaultClass::FailedDirectorySync => "failed directory sync",
            FaultClass::ShortRead => "short read",
            FaultClass::ShortWrite => "short write",
            FaultClass::Slow => "slow call",
            FaultClass::Stall => "stalled call",
            FaultClass::Rot => "bit rot",
            FaultClass::Astray => "misdirected write",
            FaultClass::Lost => "lost write",
            FaultClass::Stale => "stale read",
            FaultClass::Dropped => "dropped future",
            FaultClass::ClockJump => "clock jump",
            FaultClass::Shutdown => "shutdown beside work",
            FaultClass::Lie => "lie",
        }
    }

    /// The class of a crash.
    pub fn of_crash(crash: Crash) -> FaultClass {
        match crash {
            Crash::Kill => FaultClass::Kill,
            Crash::Power(_) => FaultClass::PowerLoss,
        }
    }

    pub(super) fn of(fault: Fault, step: StepKind) -> FaultClass {
        match (fault, step) {
            (Fault::Crash(crash), _) => FaultClass::of_crash(crash),
            (Fault::Short(_), StepKind::Read) => FaultClass::ShortRead,
            (Fault::Short(_), _) => FaultClass::ShortWrite,
            (Fault::Lie | Fault::Tear, _) => FaultClass::Lie,
            (Fault::Slow(_), _) => FaultClass::Slow,
            (Fault::Stall, _) => FaultClass::Stall,
            (Fault::Rot(_), _) => FaultClass::Rot,
            (Fault::Astray(_), _) => FaultClass::Astray,
            (Fault::Lost, _) => FaultClass::Lost,
            (Fault::Stale, _) => FaultClass::Stale,
            (Fault::Revert, _) => FaultClass::RevertedSync,
            (_, StepKind::Sync) => FaultClass::FailedSync,
            (_, StepKind::SyncDir) => FaultClass::FailedDirectorySync,
            (Fault::Eio, _) => FaultClass::Eio,
            (Fault::Enospc, _) => FaultClass::Enospc,
            (Fault::Erofs, _) => FaultClass::Erofs,
            (Fault::Eacces, _) => FaultClass::Eacces,
        }
    }
}

/// So many of the calls that were hit are remembered: as many as a plan may have rules.
const HITS_MAX: usize = 1000;

/// Rules with what is left of them.
#[derive(Clone)]
pub(super) struct FaultBook {
    rules: Vec<Open>,
    hits: Vec<Rule>,
    is_healed: bool,
    seed: u64,
}

#[derive(Clone)]
struct Open {
    rule: Rule,
    matched: u64,
    fired: u32,
}

impl FaultBook {
    pub(super) fn new(rules: &[Rule], seed: u64) -> FaultBook {
        let open = |rule: &Rule| Open {
            rule: rule.clone(),
            matched: 0,
            fired: 0,
        };
        FaultBook {
            rules: rules.iter().map(open).collect(),
            hits: Vec::new(),
            is_healed: false,
            seed,
        }
    }

    /// From now on no call fails. A crash may still come: it asks for nothing to be done.
    pub(super) fn heal(&mut self) {
        self.is_healed = true;
    }

    /// The fault for a call: the first rule that means it and fires.
    pub(super) fn fault_at(&mut self, site: &CallSite) -> Option<Fault> {
        let seed = self.seed;
        let is_healed = self.is_healed;
        let mut rules = self.rules.iter_mut().enumerate();
        let fault = rules.find_map(|(index, open)| {
            let can = open.rule.fault.can_happen(site.step, site.op.part)
                && match open.rule.fault {
                    Fault::Crash(_) => site.life <= CRASHING_LIFE_MAX,
                    _ => !is_healed,
                };
            if !can || open.rule.times <= open.fired || !open.rule.address.means(site) {
                return None;
            }
            open.matched += 1;
            let draw = mix(seed ^ mix(index as u64) ^ open.matched);
            if !draw.is_multiple_of(u64::from(open.rule.one_in)) {
                return None;
            }
            open.fired += 1;
            Some(open.rule.fault)
        })?;
        if self.hits.len() < HITS_MAX {
            self.hits.push(Rule {
                address: site.address(),
                fault,
                times: 1,
                one_in: 1,
            });
        }
        Some(fault)
    }

    /// The calls that the rules hit, as rules that hit them alone.
    pub(super) fn hits(&self) -> &[Rule] {
        &self.hits
    }

    /// Stirs in what is left of the rules.
    pub(super) fn stir_into(&self, hasher: &mut impl Hasher) {
        self.is_healed.hash(hasher);
        for open in &self.rules {
            (open.matched, open.fired).hash(hasher);
        }
    }

    /// The rules that never fired.
    pub(super) fn silent(&self) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(|open| open.fired == 0)
            .map(|open| &open.rule)
    }
}
