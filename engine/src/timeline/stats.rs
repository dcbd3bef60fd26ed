//! The figures of a timeline: what it holds, what a read costs, and what a collection would do.
//!
//! 1. They are computed from one snapshot of each map, without I/O and without a change.
//! 2. A depth is what a read may have to visit, if no record on its way ends it earlier: an image
//!    does, by its keys alone.
//! 3. The forecast of a collection uses the words of `gc`: what it would take, and for what else
//!    there is the first reason why it stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Timeline;
use super::debts::Debts;
use super::gc::plan as plan_gc;
use super::job_stats::{JobRuns, Quantity};
use super::shared::Shared;
use crate::base::{KeyRange, LayerName, Lsn};
use crate::io::{Io, Job};
use crate::layer::{Layer, LayerMap};
use crate::store::Store;

/// The figures of a timeline at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineStats {
    /// The layers in memory, the open one too, with the bytes of their values.
    pub memory: Quantity,
    /// The delta layers as flushed, with the bytes of their files.
    pub l0s: Quantity,
    /// The delta layers as compacted, with the bytes of their files.
    pub l1s: Quantity,
    /// The image layers, with the bytes of their files.
    pub images: Quantity,
    /// The image layers that are the newest over some key, with the bytes of their files. The bytes
    /// of all files over these are the space amplification, where images stand over all that there
    /// is.
    pub newest_images: Quantity,
    /// How many layers a read of the last record may visit, for each range of keys: in order, from
    /// the first key to the last, ancestors included. Neighbours differ.
    pub read_depths: Vec<(KeyRange, usize)>,
    /// What a collection would do now.
    pub collection: Forecast,
    /// The frozen layers and L0s that wait: batches are held back by their number.
    pub backlog: usize,
    /// The LSN of the last record.
    pub last_record_lsn: Lsn,
    /// The LSN up to which all records are durable.
    pub disk_consistent_lsn: Lsn,
    /// For how long the oldest record that is in memory alone has been there; zero if there is
    /// none.
    pub unsaved_age: Duration,
    /// What is due of each job.
    pub debts: Debts,
    /// What the jobs have done since the timeline was opened. A job that had nothing to do is not
    /// among them.
    pub jobs: BTreeMap<Job, JobRuns>,
}

/// The counts of a timeline that take no walk over its keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimelineCounts {
    pub(crate) memory: Quantity,
    pub(crate) l0s: Quantity,
    pub(crate) l1s: Quantity,
    pub(crate) images: Quantity,
    pub(crate) backlog: usize,
    pub(crate) unsaved_age: Duration,
}

/// What a collection would do, if it ran now and alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The cutoff that it would publish.
    pub cutoff: Lsn,
    /// The layers that it would take, in the order of their names.
    pub taken: Vec<LayerName>,
    /// The bytes of their files.
    pub taken_len: u64,
    /// The layers that would stay, each with the reason, in the order of their names.
    pub kept: Vec<(LayerName, KeepReason)>,
}

/// Why a collection keeps a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepReason {
    /// It has LSNs above the cutoff, which can all be read.
    AboveCutoff,
    /// A read at the cutoff comes to it: no images above it cover all its keys.
    ReadAtCutoff,
    /// A read at this LSN comes to it, at which a branch or a lease stands.
    Retained(Lsn),
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeepReason::AboveCutoff => write!(f, "it reaches above the cutoff"),
            KeepReason::ReadAtCutoff => write!(f, "no images cover it at the cutoff"),
            KeepReason::Retained(lsn) => write!(f, "{lsn} is retained below the cutoff"),
        }
    }
}

impl TimelineStats {
    /// The bytes of all files.
    pub fn files_len(&self) -> u64 {
        self.l0s.len + self.l1s.len + self.images.len
    }

    /// The highest number of layers that a read of the last record may visit.
    pub fn read_depth_max(&self) -> usize {
        let depths = self.read_depths.iter().map(|(_, depth)| *depth);
        depths.max().unwrap_or(0)
    }
}

impl<S: Store> Timeline<S> {
    /// What the jobs have done since the timeline was opened, and what the last run of each did.
    ///
    /// # Shape
    /// A job that had nothing to do is not among them, nor one that failed before it changed which
    /// layers there are.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{io::Job, *};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// let flushes = timeline.job_runs()[&Job::Flush];
    /// assert_eq!(flushes.total.run_count, 1);
    /// assert_eq!(flushes.last.kept.count, 2);
    /// assert_eq!(flushes.last.layers_written.count, 1);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn job_runs(&self) -> BTreeMap<Job, JobRuns> {
        self.shared.state().job_runs.clone()
    }

    /// The figures of the timeline, from its maps alone: no file is read.
    ///
    /// # Shape
    /// The forecast holds for a [`gc`](Timeline::gc) beside which nothing else runs.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// let stats = timeline.stats();
    /// assert_eq!((stats.l0s.count, stats.read_depth_max()), (1, 1));
    /// assert!(stats.collection.taken.is_empty());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn stats(&self) -> TimelineStats {
        let shared = &self.shared;
        let retained = shared.retained_now();
        let (counts, debts) = (self.counts(), self.debts());
        let (map, last, durable, cutoff) = {
            let now = shared.io().now();
            let state = shared.state();
            let cutoff = shared.due_cutoff(&state, now).max(state.gc_cutoff);
            let durable = state.disk_consistent_lsn;
            (state.map.clone(), state.last_record_lsn, durable, cutoff)
        };
        TimelineStats {
            memory: counts.memory,
            l0s: counts.l0s,
            l1s: counts.l1s,
            images: counts.images,
            newest_images: newest_images(&map, last),
            read_depths: read_depths(&map, shared, last),
            collection: forecast(&map, cutoff, &retained),
            backlog: counts.backlog,
            last_record_lsn: last,
            disk_consistent_lsn: durable,
            unsaved_age: counts.unsaved_age,
            debts,
            jobs: self.job_runs(),
        }
    }

    /// The counts of the layers.
    pub(crate) fn counts(&self) -> TimelineCounts {
        let now = self.shared.io().now();
        let map = self.shared.state().map.clone();
        let mut counts = TimelineCounts {
            backlog: map.backlog(),
            ..TimelineCounts::default()
        };
        for layer in map.open().into_iter().chain(map.frozen()) {
            counts.memory.add(layer.byte_len());
            if 0 < layer.entry_count() {
                let age = now.saturating_since(layer.opened_at());
                counts.unsaved_age = counts.unsaved_age.max(age);
            }
        }
        for (name, layer) in map.files().iter() {
            let counter = match name {
                LayerName::Image { .. } => &mut counts.images,
                LayerName::Delta { .. } if name.is_l0() => &mut counts.l0s,
                LayerName::Delta { .. } => &mut counts.l1s,
            };
            counter.add(layer.entry().len);
        }
        counts
    }
}

fn newest_images<I: Io>(map: &LayerMap<I>, last: Lsn) -> Quantity {
    let coverage = map.files().image_coverage(KeyRange::ALL, last);
    let names: BTreeSet<LayerName> = coverage.into_iter().filter_map(|(_, name)| name).collect();
    let mut newest = Quantity::default();
    for name in names {
        let layer = map
            .files()
            .get(&name)
            .expect("the coverage names layers of the map");
        newest.add(layer.entry().len);
    }
    newest
}

/// Descends over all keys at once, as a read does, and counts the visits of each.
fn read_depths<S: Store>(
    map: &LayerMap<S::Io>,
    shared: &Arc<Shared<S>>,
    last: Lsn,
) -> Vec<(KeyRange, usize)> {
    let mut depths = Vec::new();
    let mut end = last.visible_end();
    let mut open = descend(map, vec![(KeyRange::ALL, 0)], (end, &mut depths));
    let mut above = shared;
    while let (Some(ancestor), Some(parent)) = (above.ancestor, &above.parent) {
        let map = parent.state().map.clone();
        // A branch may stand below the point at which its parent begins itself.
        end = end.min(ancestor.lsn.visible_end());
        open = descend(&map, open, (end, &mut depths));
        above = parent;
    }
    depths.extend(open);
    depths.sort_unstable_by_key(|(keys, _)| *keys);
    let mut merged: Vec<(KeyRange, usize)> = Vec::new();
    for (keys, depth) in depths {
        match merged.last_mut() {
            Some((last, of_last)) if last.end == keys.start && *of_last == depth => {
                last.end = keys.end;
            }
            _ => merged.push((keys, depth)),
        }
    }
    merged
}

/// Descends in one timeline from `end` on. Returns the ranges that no image has ended, each with
/// the visits so far; the others are added to `depths`.
fn descend<I: Io>(
    map: &LayerMap<I>,
    from: Vec<(KeyRange, usize)>,
    (end, depths): (Lsn, &mut Vec<(KeyRange, usize)>),
) -> Vec<(KeyRange, usize)> {
    let mut left = Vec::new();
    let mut open: Vec<(KeyRange, usize, Lsn)> = from
        .into_iter()
        .map(|(keys, depth)| (keys, depth, end))
        .collect();
    while let Some((keys, depth, end)) = open.pop() {
        let mut start = keys.start;
        for (range, layer, floor) in map.next_visits(keys, end) {
            if start < range.start {
                left.push((KeyRange::new(start, range.start), depth));
            }
            start = range.end;
            match layer {
                Layer::Image(_) => depths.push((range, depth + 1)),
                Layer::Memory(_) | Layer::Delta(_) => open.push((range, depth + 1, floor)),
            }
        }
        if start < keys.end {
            left.push((KeyRange::new(start, keys.end), depth));
        }
    }
    left
}

fn forecast<I: Io>(map: &LayerMap<I>, cutoff: Lsn, retained: &BTreeSet<Lsn>) -> Forecast {
    let plan = plan_gc(map, cutoff, retained);
    let mut forecast = Forecast {
        cutoff,
        taken_len: 0,
        kept: Vec::new(),
        taken: plan.layers,
    };
    for (name, layer) in map.files().iter() {
        match forecast.taken.binary_search(&name) {
            Ok(_) => forecast.taken_len += layer.entry().len,
            Err(_) => forecast
                .kept
                .push((name, keep_reason(map, &name, (cutoff, &plan.retained)))),
        }
    }
    forecast
}

/// The first reason for a layer that a collection keeps.
fn keep_reason<I: Io>(
    map: &LayerMap<I>,
    name: &LayerName,
    (cutoff, retained): (Lsn, &BTreeSet<Lsn>),
) -> KeepReason {
    let lsns = name.lsns();
    if cutoff.visible_end() < lsns.end {
        return KeepReason::AboveCutoff;
    }
    let is_read_at = |point: &Lsn| lsns.start <= *point && !map.files().is_hidden(name, *point);
    if is_read_at(&cutoff) {
        return KeepReason::ReadAtCutoff;
    }
    let point = retained.iter().copied().find(is_read_at);
    point.map_or(KeepReason::AboveCutoff, KeepReason::Retained)
}
