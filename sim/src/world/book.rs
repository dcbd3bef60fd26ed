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
    /// A directory's sync failed and dropped its entries.
    FailedDirectorySync,
    /// A read gave fewer bytes than were there.
    ShortRead,
    /// A write took fewer bytes than it was given.
    ShortWrite,
    /// A future was dropped before it was done.
    Dropped,
}

impl FaultClass {
    /// Every class.
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
        }
    }

    /// The class of a crash.
    pub fn of_crash(crash: Crash) -> FaultClass {
        match crash {
            Crash::Kill => FaultClass::Kill,
            Crash::Power(_) => FaultClass::PowerLoss,
        }
    }

    pub(crate) fn of(fault: Fault, step: StepKind) -> FaultClass {
        match (fault, step) {
            (Fault::Crash(crash), _) => FaultClass::of_crash(crash),
            (Fault::Short(_), StepKind::Read) => FaultClass::ShortRead,
            (Fault::Short(_), _) => FaultClass::ShortWrite,
            (_, StepKind::Sync) => FaultClass::FailedSync,
            (_, StepKind::SyncDir) => FaultClass::FailedDirectorySync,
            (Fault::Eio, _) => FaultClass::Eio,
            (Fault::Enospc, _) => FaultClass::Enospc,
        }
    }
}

/// Rules with what is left of them.
pub(crate) struct FaultBook {
    rules: Vec<Open>,
    is_healed: bool,
    seed: u64,
}

struct Open {
    rule: Rule,
    matched: u64,
    fired: u32,
}

impl FaultBook {
    pub(crate) fn new(rules: &[Rule], seed: u64) -> FaultBook {
        let open = |rule: &Rule| Open {
            rule: rule.clone(),
            matched: 0,
            fired: 0,
        };
        FaultBook {
            rules: rules.iter().map(open).collect(),
            is_healed: false,
            seed,
        }
    }

    /// From now on nothing fires.
    pub(crate) fn heal(&mut self) {
        self.is_healed = true;
    }

    /// The fault for a call: the first rule that means it and fires.
    pub(crate) fn fault_at(&mut self, site: &CallSite) -> Option<Fault> {
        if self.is_healed {
            return None;
        }
        let seed = self.seed;
        let mut rules = self.rules.iter_mut().enumerate();
        rules.find_map(|(index, open)| {
            let can = can_happen(open.rule.fault, site.step);
            if !can || open.rule.times <= open.fired || !open.rule.address.means(site) {
                return None;
            }
            open.matched += 1;
            let draw = mix(seed ^ mix(index as u64) ^ open.matched);
            if draw % u64::from(open.rule.one_in) != 0 {
                return None;
            }
            open.fired += 1;
            Some(open.rule.fault)
        })
    }

    /// The rules that never fired.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &Rule> {
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
        Fault::Eio | Fault::Enospc => step != StepKind::Pass,
    }
}
