//! The fault injector: decides by the plan's rules which call gets which fault.

use std::hash::{Hash, Hasher};

use crate::dice::mix;
use crate::faults::{CRASHING_LIFE_MAX, CallSite, Fault, Rule};

/// How many hit calls are remembered: as many as a plan may have rules.
const HITS_MAX: usize = 1000;

/// The rules, and how often each may still fire.
#[derive(Clone)]
pub(super) struct FaultInjector {
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

impl FaultInjector {
    pub(super) fn new(rules: &[Rule], seed: u64) -> FaultInjector {
        let open = |rule: &Rule| Open {
            rule: rule.clone(),
            matched: 0,
            fired: 0,
        };
        FaultInjector {
            rules: rules.iter().map(open).collect(),
            hits: Vec::new(),
            is_healed: false,
            seed,
        }
    }

    /// Stops all faults but crashes, which ask for nothing to be done.
    pub(super) fn heal(&mut self) {
        self.is_healed = true;
    }

    /// The fault for a call: that of the first rule that matches it and fires.
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

    /// Hashes what is left of the rules.
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
