//! What the jobs of a timeline count: what they have read, kept, dropped and made, and how long it
//! took.
//!
//! 1. A job counts into a value of its own, and notes it once it has changed the map, also if the
//!    index cannot be written then. What failed before, or was cancelled, is not noted.
//! 2. Times are those of the clock of the I/O, without the waiting for another job of the kind.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::base::Time;
use crate::io::{Io, Job};
use crate::layer::FileLayer;

/// How many things, and how long they are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// The number.
    pub count: u64,
    /// The length of their values, or of the files of layers. Bytes.
    pub len: u64,
}

/// What a job has read, kept, discarded and produced, and how long its phases took.
///
/// # Shape
/// Entries are records and images, each of one key at one LSN. Every entry that was visited was
/// kept or discarded: `visited = kept + discarded`, by number. The values that an image creation
/// reads are not counted as visited: it replaces nothing. The length of an entry is that of its
/// value as it was put, before compression; a shed, which copies values without reading them,
/// counts the entries alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobStats {
    /// The runs that found something to do.
    pub run_count: u64,
    /// The layers in memory or on the disk that were read to be replaced.
    pub layers_read: Quantity,
    /// The layers that came into the map.
    pub layers_written: Quantity,
    /// The layers that left the map.
    pub layers_removed: Quantity,
    /// The layers that were written and not used.
    pub layers_discarded: Quantity,
    /// The entries that were read of the layers to be replaced.
    pub visited: Quantity,
    /// Of these the entries that were written as they were.
    pub kept: Quantity,
    /// Of these the entries that are gone.
    pub discarded: Quantity,
    /// The values that were rebuilt of others and written as images.
    pub produced: Quantity,
    /// The time until the job could begin to read.
    pub time_to_begin: Duration,
    /// The time for reading and writing.
    pub time_to_build: Duration,
    /// The time for the map and its index.
    pub time_to_publish: Duration,
}

/// The runs of one job since the timeline was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobRuns {
    /// The last run.
    pub last: JobStats,
    /// The sum of all runs.
    pub total: JobStats,
}

/// The runs of all jobs of a timeline since it was opened.
pub(super) type AllRuns = BTreeMap<Job, JobRuns>;

/// Measures phases that follow each other.
pub(super) struct Stopwatch {
    last: Time,
}

impl Stopwatch {
    pub(super) fn start(io: &impl Io) -> Stopwatch {
        Stopwatch { last: io.now() }
    }

    /// The time since the last lap, or since the start.
    pub(super) fn lap(&mut self, io: &impl Io) -> Duration {
        let now = io.now();
        let lap = now.saturating_since(self.last);
        self.last = now;
        lap
    }
}

impl JobStats {
    /// Notes the layers that one step of the map has added and taken out.
    pub(super) fn swap<'a, I: Io>(
        &mut self,
        added: impl IntoIterator<Item = &'a FileLayer<I>>,
        removed: impl IntoIterator<Item = &'a FileLayer<I>>,
    ) {
        let len = |layer: &FileLayer<I>| layer.entry().len;
        added
            .into_iter()
            .for_each(|layer| self.layers_written.add(len(layer)));
        removed
            .into_iter()
            .for_each(|layer| self.layers_removed.add(len(layer)));
    }

    /// Counts an entry that is written as it was.
    pub(super) fn keep(&mut self, len: usize) {
        self.visited.add(len as u64);
        self.kept.add(len as u64);
    }

    /// Counts an entry that is not written.
    pub(super) fn discard(&mut self, len: usize) {
        self.visited.add(len as u64);
        self.discarded.add(len as u64);
    }

    /// Counts entries that were copied or left out without a look at their values.
    pub(super) fn count_unread(&mut self, kept: u64, discarded: u64) {
        self.visited.count += kept + discarded;
        self.kept.count += kept;
        self.discarded.count += discarded;
    }

    fn add_all(&mut self, other: &JobStats) {
        self.run_count += other.run_count;
        self.time_to_begin += other.time_to_begin;
        self.time_to_build += other.time_to_build;
        self.time_to_publish += other.time_to_publish;
        let mut other = *other;
        for (sum, more) in self.quantities().into_iter().zip(other.quantities()) {
            sum.add_all(*more);
        }
    }

    fn quantities(&mut self) -> [&mut Quantity; 8] {
        [
            &mut self.layers_read,
            &mut self.layers_written,
            &mut self.layers_removed,
            &mut self.layers_discarded,
            &mut self.visited,
            &mut self.kept,
            &mut self.discarded,
            &mut self.produced,
        ]
    }
}

impl JobRuns {
    /// Adds one run.
    pub(super) fn note(&mut self, stats: JobStats) {
        assert!(
            stats.visited.count == stats.kept.count + stats.discarded.count,
            "an entry is kept or discarded"
        );
        self.last = JobStats {
            run_count: 1,
            ..stats
        };
        let last = self.last;
        self.total.add_all(&last);
    }
}

impl Quantity {
    /// Adds one thing.
    pub(super) fn add(&mut self, len: u64) {
        self.count += 1;
        self.len += len;
    }

    /// Adds all of others.
    pub(super) fn add_all(&mut self, other: Quantity) {
        self.count += other.count;
        self.len += other.len;
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.count, self.len)
    }
}
