//! The plan's rules, as they fire.

use crate::dice::mix;
use crate::faults::{CallSite, Fault, Rule, StepKind};
use crate::plan::Crash;

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
    /// A file's sync failed and dropped its pages.
    FailedSync,
    /// A directory's sync failed; its entries stay pending.
    FailedDirectorySync,
    /// A read gave fewer bytes than were there.
    ShortRead,
    /// A write took fewer bytes than it was given.
    ShortWrite,
    /// A future was dropped before it was done.
    Dropped,
    /// A sync that was acknowledged and not made.
    Lie,
}

impl FaultClass {
    /// Every class that a device may show: all but the lie.
    pub const ALL: [FaultClass; 9] = [
        FaultClass::Kill,
        FaultClass::PowerLoss,
        FaultClass::Eio,
        FaultClass::Enospc,
        FaultClass::FailedSync,
        FaultClass::FailedDirectorySync,
        FaultClass::ShortRead,
        FaultClass::ShortWrite,
        FaultClass::Dropped,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            FaultClass::Kill => "process kill",
            FaultClass::PowerLoss => "power loss",
            FaultClass::Eio => "EIO",
            FaultClass::Enospc => "ENOSPC",
            FaultClass::FailedSync => "failed file sync",
            FaultClass::FailedDirectorySync => "failed directory sync",
            FaultClass::ShortRead => "short read",
            FaultClass::ShortWrite => "short write",
            FaultClass::Dropped => "dropped future",
            FaultClass::Lie => "lying sync",
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
            (Fault::Lie, _) => FaultClass::Lie,
            (_, StepKind::Sync) => FaultClass::FailedSync,
            (_, StepKind::SyncDir) => FaultClass::FailedDirectorySync,
            (Fault::Eio, _) => FaultClass::Eio,
            (Fault::Enospc, _) => FaultClass::Enospc,
        }
    }
}

/// A life after so many does not crash by a rule: a plan ends.
const CRASHING_LIVES_MAX: u32 = 60;

/// So many of the calls that were hit are remembered: as many as a plan may have rules.
const HITS_MAX: usize = 1000;

/// Rules with what is left of them.
pub(super) struct FaultBook {
    rules: Vec<Open>,
    hits: Vec<Rule>,
    is_healed: bool,
    seed: u64,
}

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
            let can = can_happen(open.rule.fault, site.step)
                && match open.rule.fault {
                    Fault::Crash(_) => site.life <= CRASHING_LIVES_MAX,
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

    /// The rules that never fired.
    pub(super) fn silent(&self) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(|open| open.fired == 0)
            .map(|open| &open.rule)
    }
}

/// Whether a fault can happen to such a call at all.
fn can_happen(fault: Fault, step: StepKind) -> bool {
    match fault {
        Fault::Crash(_) => true,
        Fault::Short(_) => matches!(step, StepKind::Read | StepKind::Write),
        Fault::Lie => matches!(step, StepKind::Sync | StepKind::SyncDir),
        Fault::Eio | Fault::Enospc => step != StepKind::Pass,
    }
}
