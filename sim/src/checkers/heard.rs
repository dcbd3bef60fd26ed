//! Checks what the engine tells its listener.
//!
//! * Verified: each job that begins ends once, and no other of its kind in the timeline begins
//!   before that. A job that has counted tells the very stats that the timeline has of its last
//!   run, and as many have told as the timeline has counted. A cutoff that moves is told in steps
//!   that stand on each other, and the last one is the published one.
//! * Not verified: when a batch is delayed or waits; the times.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use palimpsest::base::{Generation, Lsn, TimelineId};
use palimpsest::io::{Job, Op};
use palimpsest::{Event, JobStats, Listener};

use super::Sight;
use crate::keys;
use crate::verdict::Verdict;

/// What one engine has told so far.
#[derive(Default)]
pub struct Heard {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    running: BTreeMap<(Option<TimelineId>, Job), Op>,
    runs: BTreeMap<(TimelineId, Job), (u64, JobStats)>,
    cutoffs: BTreeMap<TimelineId, Lsn>,
    /// The generation of the last opening.
    opened: BTreeMap<TimelineId, Generation>,
    /// The first broken law.
    broken: Option<Verdict>,
}

impl Heard {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let mut told = self.told();
        match event {
            Event::JobBegun { op } => told.begin(*op),
            Event::JobEnded { op, stats, .. } => told.end(*op, *stats),
            Event::TimelineOpened {
                timeline,
                generation,
            } => told.open(*timeline, *generation),
            Event::CutoffMoved { timeline, from, to } => told.cutoff(*timeline, *from, *to),
            _ => {}
        }
    }
}

impl Told {
    fn breaks(&mut self, law: &str, found: String) {
        self.broken.get_or_insert_with(|| Verdict::law(law, found));
    }

    fn begin(&mut self, op: Op) {
        if let Some(before) = self.running.insert((op.timeline, op.job), op) {
            let law = "a job begins when the one before it of its kind has ended";
            self.breaks(law, format!("{op:?} while {before:?} runs"));
        }
    }

    fn end(&mut self, op: Op, stats: Option<JobStats>) {
        let begun = self.running.remove(&(op.timeline, op.job));
        if begun != Some(op) {
            let law = "the job that ends is the one that has begun";
            self.breaks(law, format!("{op:?}, not {begun:?}"));
        }
        if let (Some(timeline), Some(stats)) = (op.timeline, stats) {
            let runs = self.runs.entry((timeline, op.job)).or_default();
            *runs = (runs.0 + 1, stats);
        }
    }

    /// The next instance counts anew.
    fn open(&mut self, timeline: TimelineId, generation: Generation) {
        self.opened.insert(timeline, generation);
        self.runs.retain(|(id, _), _| *id != timeline);
        self.cutoffs.remove(&timeline);
    }

    fn cutoff(&mut self, timeline: TimelineId, from: Lsn, to: Lsn) {
        let before = self.cutoffs.insert(timeline, to);
        if to <= from || before.is_some_and(|before| before != from) {
            let law = "a cutoff moves up from where it was";
            self.breaks(law, format!("from {from} to {to}, after {before:?}"));
        }
    }
}

/// Compares what was told with what the open timelines show.
///
/// # Errors
/// The broken law.
pub fn look(sight: &Sight, heard: &Heard) -> Result<(), Verdict> {
    let told = heard.told();
    if let Some(broken) = &told.broken {
        return Err(broken.clone());
    }
    for (label, timeline) in &sight.open {
        let id = keys::timeline(*label);
        if told.opened.get(&id) != Some(&timeline.generation()) {
            // It is an instance that was shut down: another one was opened since.
            continue;
        }
        let cutoff = told.cutoffs.get(&id);
        if cutoff.is_some_and(|told| *told != timeline.gc_cutoff()) {
            let law = "the cutoff that was told last is the published one";
            let found = format!("{cutoff:?}, not {}", timeline.gc_cutoff());
            return Err(Verdict::law(law, found));
        }
        for (job, runs) in timeline.job_runs() {
            let told = told.runs.get(&(id, job)).copied();
            if told != Some((runs.total.run_count, runs.last)) {
                let law = "what a job has counted was told at its end";
                let found = format!("{label}, {}: {told:?}, not {runs:?}", job.name());
                return Err(Verdict::law(law, found));
            }
        }
    }
    Ok(())
}
