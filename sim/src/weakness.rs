//! A device with a weakness, and the search for a plan that fails on it.
//!
//! ```text
//!  weakness ─▶ each plan of certified/, every crash ─▶ crash in recovery as well ─▶ seeds, until
//!              one fails or the time is up ─▶ shrink ─▶ a counterexample of a few lines
//! ```
//!
//! A certified plan survives every crash on a device that keeps its promises. So if it, or a seed,
//! fails on a weak device, the engine needs what that device lacks.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own, by the clock"
)]

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::exhaust::{self, Counterexample, exhaust};
use crate::faults::{Address, Counted, Device, Fault, FaultClass, Rule, Scope};
use crate::plan::Plan;
use crate::run::{Keep, Outcome, STACK_LEN, run};
use crate::shrink;
use crate::text::{counted, grouped};
use crate::threads::side_by_side;
use crate::verdict::Verdict;

/// The plans of `sim/certified`, by name.
pub const CERTIFIED: [(&str, &str); 14] = [
    ("branch", include_str!("../certified/branch.plan")),
    (
        "branch-beside-gc",
        include_str!("../certified/branch-beside-gc.plan"),
    ),
    ("compaction", include_str!("../certified/compaction.plan")),
    ("delete", include_str!("../certified/delete.plan")),
    ("gc", include_str!("../certified/gc.plan")),
    (
        "gc-compaction",
        include_str!("../certified/gc-compaction.plan"),
    ),
    (
        "gc-compaction-in-sub-jobs",
        include_str!("../certified/gc-compaction-in-sub-jobs.plan"),
    ),
    ("images", include_str!("../certified/images.plan")),
    (
        "ingest-and-flush",
        include_str!("../certified/ingest-and-flush.plan"),
    ),
    ("lease", include_str!("../certified/lease.plan")),
    ("open", include_str!("../certified/open.plan")),
    ("split", include_str!("../certified/split.plan")),
    ("tiered", include_str!("../certified/tiered.plan")),
    (
        "told-deleted",
        include_str!("../certified/told-deleted.plan"),
    ),
];

/// The plans of `sim/certified`, with their names.
pub fn certified() -> Vec<(&'static str, Plan)> {
    let read = |(name, text): (_, &str)| (name, text.parse().expect("a test reads each of them"));
    CERTIFIED.into_iter().map(read).collect()
}

/// What a device does worse than it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// The faults that it shows, put before a plan's own rules.
    pub rules: Vec<Rule>,
    /// The device that replaces the plan's; `None` to keep that one.
    pub device: Option<Device>,
}

impl Weakness {
    /// A device that shows this fault at all calls that the address means.
    pub fn at(address: Address, fault: Fault) -> Weakness {
        let rule = Rule {
            address,
            fault,
            times: u32::MAX,
            one_in: 1,
        };
        Weakness {
            rules: vec![rule],
            device: None,
        }
    }

    /// The plan on the weak device.
    #[must_use]
    pub fn of(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        plan.faults.splice(0..0, self.rules.iter().cloned());
        if let Some(device) = self.device {
            plan.knobs.device = device;
            // This device does not show the faults of a wrong device: rules with these would be
            // invalid.
            plan.faults
                .retain(|rule| device.may_be_wrong() || !rule.fault.is_wrong());
        }
        if plan.knobs.device.may_be_wrong() {
            // A corrupt L0 is never compacted: a batch that waits for that would wait for ever.
            plan.knobs.maintenance = plan.knobs.maintenance.without_stall();
        }
        plan
    }

    /// Whether none of its rules fired. A weakness without rules is never silent.
    fn is_silent(&self, outcome: &Outcome) -> bool {
        let is_silent = |rule: &Rule| outcome.silent_rules.contains(&rule.to_string());
        !self.rules.is_empty() && self.rules.iter().all(is_silent)
    }

    /// Whether a run met the weakness. A lie is met only if it made a difference: not every call
    /// that a rule for a lie strikes is such.
    fn is_met(&self, outcome: &Outcome) -> bool {
        match self.rules.iter().any(|rule| rule.fault.is_lie()) {
            true => outcome.counts.faults.contains_key(&FaultClass::Lie),
            false => !self.is_silent(outcome),
        }
    }
}

/// The address of all calls, in any life and on any timeline: callers narrow it.
pub fn anywhere() -> Address {
    Address::Call {
        life: None,
        scope: Scope::Any,
        job: any(),
        part: any(),
        step: any(),
    }
}

fn any<T>() -> Counted<T> {
    Counted {
        kind: None,
        index: None,
    }
}

/// The limits of a search.
#[derive(Clone, Copy)]
pub struct HuntLimits<'a> {
    /// The time for the search.
    pub time: Duration,
    /// The time to shrink the plan that was found.
    pub shrink_time: Duration,
    /// The number of plans or recoveries that run concurrently.
    pub thread_count: u64,
    /// Whether the caller asks the search to end at once.
    pub is_interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// What made the search find a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A certified plan, without a crash.
    Plan(&'static str),
    /// A certified plan, with this many crashes in a row.
    Exhaust(&'static str, u32),
    /// The plan that this seed draws.
    Seed(u64),
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Plan(name) => write!(f, "{name}, no crash"),
            By::Exhaust(name, depth) => write!(f, "{name}, depth {depth}"),
            By::Seed(seed) => write!(f, "seed {seed}"),
        }
    }
}

/// A plan that fails on the weak device.
#[derive(Clone, Debug)]
pub struct Found {
    /// The plan, shrunk.
    pub plan: Plan,
    /// The verdict on it.
    pub verdict: Verdict,
    /// How it was found.
    pub by: By,
    /// The time until it was found.
    pub elapsed: Duration,
}

/// What a search without a result has tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotFound {
    /// Certified plans that met the weakness and survived every crash.
    pub certified_count: u64,
    /// Seeds that met the weakness and passed.
    pub met_count: u64,
    /// All seeds that were run.
    pub seed_count: u64,
    /// The time of the search.
    pub elapsed: Duration,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (met, seeds) = (grouped(self.met_count), grouped(self.seed_count));
        let certified = counted(self.certified_count, "plan");
        write!(
            f,
            "met in {met} of {seeds} seeds; {certified} certified at depth 1"
        )
    }
}

/// The result of a search.
#[derive(Clone, Debug)]
pub enum Search {
    /// Some plan fails: the engine needs what the device lacks.
    Found(Box<Found>),
    /// No plan failed.
    NotFound(NotFound),
}

impl Search {
    /// The time of the search.
    pub fn elapsed(&self) -> Duration {
        match self {
            Search::Found(caught) => caught.elapsed,
            Search::NotFound(missed) => missed.elapsed,
        }
    }
}

/// Searches for a plan that fails on the weak device.
pub fn hunt(weakness: &Weakness, limits: HuntLimits<'_>) -> Search {
    let started = Instant::now();
    let mut hunt = Hunt {
        weakness,
        limits,
        started,
        missed: NotFound::default(),
    };
    let found = hunt.crash_everywhere(1);
    let found = found.or_else(|| hunt.crash_everywhere(2));
    let Some((by, found)) = found.or_else(|| hunt.run_seeds()) else {
        let elapsed = started.elapsed();
        return Search::NotFound(NotFound {
            elapsed,
            ..hunt.missed
        });
    };
    let elapsed = started.elapsed();
    let limits = shrink::ShrinkLimits {
        deadline: Instant::now() + limits.shrink_time,
        thread_count: limits.thread_count,
        is_interrupted: limits.is_interrupted,
    };
    let shrunk = shrink::shrink(&found.plan, limits);
    let (plan, verdict) = match shrunk {
        Some(shrunk) => (shrunk.plan, shrunk.outcome.verdict.unwrap_or(found.verdict)),
        None => (found.plan, found.verdict),
    };
    Search::Found(Box::new(Found {
        plan,
        verdict,
        by,
        elapsed,
    }))
}

/// A search in progress.
struct Hunt<'a> {
    weakness: &'a Weakness,
    limits: HuntLimits<'a>,
    started: Instant,
    missed: NotFound,
}

type Hit = Option<(By, Counterexample)>;

impl Hunt<'_> {
    /// Tries every crash of each certified plan, for a quarter of the time at each depth.
    fn crash_everywhere(&mut self, depth: u32) -> Hit {
        let deadline = self.started + self.limits.time * depth / 4;
        for (name, plan) in certified() {
            let plan = self.weakness.of(&plan);
            let outcome = run(&plan, Keep::Tail);
            if let Some(verdict) = outcome.verdict {
                return Some((By::Plan(name), Counterexample { plan, verdict }));
            }
            let is_silent = self.weakness.is_silent(&outcome);
            // Only recovery meets it: then a second crash, in recovery, must show it.
            if (depth == 1 && is_silent) || self.is_over(deadline) {
                continue;
            }
            let limits = exhaust::ExhaustLimits {
                depth,
                deadline: Some(deadline),
                thread_count: self.limits.thread_count,
                is_interrupted: self.limits.is_interrupted,
                from_line: 0,
            };
            let Ok(certificate) = exhaust(&plan, limits) else {
                continue;
            };
            self.missed.certified_count += u64::from(depth == 1 && certificate.is_complete());
            if let Some(found) = certificate.counterexample {
                return Some((By::Exhaust(name, depth), found));
            }
        }
        None
    }

    /// Runs the plans that seeds draw, until one fails or the time is up.
    fn run_seeds(&mut self) -> Hit {
        let next = AtomicU64::new(0);
        let met_count = AtomicU64::new(0);
        let found: Mutex<Option<(u64, Counterexample)>> = Mutex::new(None);
        let deadline = self.started + self.limits.time;
        let work = || {
            while !self.is_over(deadline) && lock(&found).is_none() {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let plan = self.weakness.of(&Plan::draw(seed));
                let outcome = run(&plan, Keep::Tail);
                let is_met = self.weakness.is_met(&outcome);
                met_count.fetch_add(u64::from(is_met), Ordering::Relaxed);
                let Some(verdict) = outcome.verdict else {
                    continue;
                };
                let mut found = lock(&found);
                if found.as_ref().is_none_or(|(other, _)| seed < *other) {
                    *found = Some((seed, Counterexample { plan, verdict }));
                }
            }
        };
        side_by_side(self.limits.thread_count, STACK_LEN, &work);
        self.missed.seed_count = next.into_inner();
        self.missed.met_count = met_count.into_inner();
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.map(|(seed, found)| (By::Seed(seed), found))
    }

    fn is_over(&self, deadline: Instant) -> bool {
        deadline <= Instant::now() || (self.limits.is_interrupted)()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_on_another_device_is_valid() {
        for device in [Device::Posix, Device::Rots] {
            let weakness = Weakness {
                rules: Vec::new(),
                device: Some(device),
            };
            for seed in 0..100 {
                assert_eq!(
                    weakness.of(&Plan::draw(seed)).check(),
                    Ok(()),
                    "seed {seed}"
                );
            }
        }
    }
}
