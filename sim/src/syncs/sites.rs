//! The syncs that the engine makes, by the job that makes them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use palimpsest::io::{Job, Part};

use crate::faults::{Address, CallSite, Counted, Scope, StepKind};
use crate::plan::Plan;
use crate::run::{STACK_LEN, run_watched};
use crate::threads::{Numbers, side_by_side};
use crate::weakness;

/// The calls of one sync: by job, file and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncSite {
    /// The job.
    pub job: Job,
    /// The kind of file, or the directory.
    pub part: Part,
    /// The kind of call: `Sync` or `SyncDir`.
    pub step: StepKind,
    /// The ordinal of the directory or the index: directory 1 is the timeline's, 2 the engine's;
    /// index 1 was just written by the job, 2 was found by it.
    pub number: Option<u32>,
}

impl SyncSite {
    /// The site of a call, if it is a sync.
    fn of(call: &CallSite) -> Option<SyncSite> {
        let is_sync = matches!(call.step, StepKind::Sync | StepKind::SyncDir);
        let is_numbered = matches!(call.op.part, Part::Directory | Part::Index);
        is_sync.then_some(SyncSite {
            job: call.op.job,
            part: call.op.part,
            step: call.step,
            number: is_numbered.then_some(call.op.part_index),
        })
    }

    /// A name for its plan's file: `flush-delta-sync`.
    pub fn name(&self) -> String {
        let address = self.to_string();
        let name = address.trim_start_matches("life*/*/");
        name.replace(['/', '#'], "-")
    }

    /// The address of all its calls, in any life and on any timeline.
    pub fn address(&self) -> Address {
        Address::Call {
            life: None,
            scope: Scope::Any,
            job: only(self.job, None),
            part: only(self.part, self.number),
            step: only(self.step, None),
        }
    }
}

fn only<T>(kind: T, index: Option<u32>) -> Counted<T> {
    Counted {
        kind: Some(kind),
        index,
    }
}

impl fmt::Display for SyncSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address())
    }
}

/// Runs the plans that these seeds draw and the certified plans, and counts the calls of each sync.
pub fn collect(seeds: Range<u64>, thread_count: u64) -> BTreeMap<SyncSite, u64> {
    let counts: Arc<Mutex<BTreeMap<SyncSite, u64>>> = Arc::default();
    for (_, plan) in weakness::certified() {
        note(&plan, &counts);
    }
    let seeds = Numbers::new(seeds.start, seeds.end);
    side_by_side(thread_count, STACK_LEN, &|| {
        while let Some(seed) = seeds.take() {
            note(&Plan::draw(seed), &counts);
        }
    });
    let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.clone()
}

fn note(plan: &Plan, counts: &Arc<Mutex<BTreeMap<SyncSite, u64>>>) {
    let counts = counts.clone();
    run_watched(plan, |_| {
        Box::new(move |_, call| {
            if let Some(site) = SyncSite::of(call) {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                *counts.entry(site).or_insert(0) += 1;
            }
        })
    });
}
