//! Garbage collection: removes the history that no reader may ask for.
//!
//! ```text
//!  cutoff published ─▶ cutoff durable ─▶ plan ─▶ publish ─▶ index ─▶ files
//!   (new readers refused)                 (layers leave the map)  (last reader)
//! ```
//!
//! 1. A read point is an LSN that can be read: the cutoff and everything above it, and each
//!    retained LSN. A layer is removed if no read point needs it: a read of whichever of its keys
//!    ends at an image before it comes to the layer.
//! 2. The retained LSNs are looked up after the cutoff is published. A branch is added to the
//!    branch tree before its LSN is compared with the cutoff: so in a race of the two, one sees the
//!    other.
//! 3. It waits for no reader: one that was admitted before has the layers that go in its snapshot,
//!    and one that is admitted later reads at a point for which the layers that stay are enough.

use std::collections::BTreeSet;
use std::fmt;

use super::Timeline;
use super::job_stats::{JobStats, Stopwatch};
use super::shared::{Shared, TimelineState};
use super::upkeep::Lane;
use crate::base::{LayerName, Lsn, Result, Time};
use crate::io::{Io, Job, Op};
use crate::layer::{FileLayer, LayerMap};
use crate::store::Store;

/// A planned gc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcPlan {
    /// The lowest LSN that can be read, except for `retained`.
    pub cutoff: Lsn,
    /// LSNs below the cutoff that stay readable for branches and leases.
    pub retained: BTreeSet<Lsn>,
    /// The layers to remove, in the order of their names.
    pub layers: Vec<LayerName>,
    /// How many layers stay for retained LSNs only.
    pub retained_layer_count: usize,
}

/// The result of a gc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The gc cutoff, which is durable.
    pub cutoff: Lsn,
    /// How many layers left the map.
    pub layer_count: usize,
    /// How many stay for branches and leases alone. What else stays, and why, is in
    /// [`TimelineStats`](super::TimelineStats).
    pub retained_layer_count: usize,
}

/// Chooses the layers that no read at `cutoff` or above, or at a retained LSN, needs.
pub fn plan<I: Io>(map: &LayerMap<I>, cutoff: Lsn, retained: &BTreeSet<Lsn>) -> GcPlan {
    let retained: BTreeSet<Lsn> = retained.range(..cutoff).copied().collect();
    let files = map.files();
    let is_needed = |name: &LayerName, point: Lsn| !files.is_hidden(name, point);
    let is_needed_above = |name: &LayerName| {
        let lsns = name.lsns();
        // The images that end a read at the last of these LSNs end those above it as well.
        let mut points = lsns.start.max(cutoff).0..lsns.end.0.max(cutoff.visible_end().0);
        points.any(|point| is_needed(name, Lsn(point)))
    };
    let is_retained = |name: &LayerName| {
        let mut points = retained.range(name.lsns().start..);
        points.any(|point| is_needed(name, *point))
    };
    let names = files.iter().map(|(name, _)| name);
    let mut layers: Vec<LayerName> = names.filter(|name| !is_needed_above(name)).collect();
    let collectable_count = layers.len();
    layers.retain(|name| !is_retained(name));
    GcPlan {
        cutoff,
        retained,
        retained_layer_count: collectable_count - layers.len(),
        layers,
    }
}

impl fmt::Display for GcPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gc up to {}, retained", self.cutoff)?;
        self.retained
            .iter()
            .try_for_each(|lsn| write!(f, " {lsn}"))?;
        write!(f, ":")?;
        self.layers
            .iter()
            .try_for_each(|name| write!(f, "\n  {name}"))
    }
}

impl<S: Store> Timeline<S> {
    /// Collects garbage: moves the cutoff up and drops the layers that no legal read needs then.
    ///
    /// The cutoff comes to `gc_distance` below the last record, but not above what is durable, nor
    /// above what was the last record `gc_age` ago; it never goes back. The call waits for another
    /// gc, and for no reader: the files of the layers are removed when the last read or scan that
    /// may need them has ended.
    ///
    /// # Errors
    /// `Busy` while the index of some timeline, which may be a branch of this one, cannot be read.
    /// `Io` if the device refused: retry. `Latched` if a sync has failed, `Closed` if the timeline
    /// was shut down.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # use std::time::Duration;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// let options = Options {
    ///     gc_distance: 5,
    ///     gc_age: Duration::ZERO,
    ///     ..Options::default()
    /// };
    /// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let mut writer = timeline.writer()?;
    /// for lsn in [10, 20] {
    ///     let mut batch = Batch::new();
    ///     batch.push(Key::MIN, Lsn(lsn), &Value::Image(b"page".to_vec()))?;
    ///     writer.put_batch(&batch).await?;
    ///     timeline.flush().await?;
    ///     timeline.create_images(Mode::Forced).await?;
    /// }
    /// let collected = timeline.gc().await?;
    /// assert_eq!(collected.cutoff, Lsn(15));
    /// assert_eq!(collected.layer_count, 1); // The delta below the image at LSN 10.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn gc(&self) -> Result<Collected> {
        let shared = &*self.shared;
        let _job_lock = shared.job_locks.gc.take().await;
        // An earlier one may have freed some.
        shared.store.hold_room(shared.op(Job::Gc, 0)).await;
        shared.branch_tree.check_known(shared.id)?;
        let (mut watch, mut stats) = (Stopwatch::start(shared.io()), JobStats::default());
        shared.io().interleave(shared.op(Job::Gc, 0)).await;
        let (op, from, cutoff) = shared.publish_cutoff()?;
        shared.tell_cutoff(from, cutoff);
        let collect = async {
            shared.io().interleave(op).await;
            let retained = shared.retained();
            shared.io().interleave(op).await;
            let publication = shared.state().publication();
            shared.save_index(op, publication).await?;
            assert!(
                cutoff <= shared.state().saved_cutoff(),
                "law 8: durable before a layer goes"
            );
            shared.io().interleave(op).await;
            stats.time_to_begin = watch.lap(shared.io());
            let (publication, retained_layer_count) =
                shared.publish_gc((cutoff, &retained), &mut stats)?;
            let layer_count = stats.layers_removed.count as usize;
            if 0 < layer_count {
                let saved = shared.save_index(op, publication).await;
                stats.time_to_publish = watch.lap(shared.io());
                shared.note_run(Job::Gc, stats);
                saved?;
            }
            Ok(Collected {
                cutoff,
                layer_count,
                retained_layer_count,
            })
        };
        shared.watched(op, collect).await
    }
}

impl<S: Store> Shared<S> {
    /// Publishes the new cutoff: from now on readers below it are refused, except at retained LSNs.
    fn publish_cutoff(&self) -> Result<(Op, Lsn, Lsn)> {
        let now = self.io().now();
        let mut state = self.state();
        state.check_writable()?;
        let op = self.next_op(&mut state, Job::Gc);
        let last = state.last_record_lsn;
        state.time_to_lsn.note(now, last);
        let cutoff = self.due_cutoff(&state, now);
        let before = state.gc_cutoff;
        if state.gc_cutoff < cutoff {
            let mut retained = self.branch_tree.retained(self.id);
            retained.extend(state.leases.keys());
            state.move_cutoff(cutoff, &retained);
            state.publish_lsns();
            self.upkeep.wake(Lane::Collect);
        }
        assert!(before <= state.gc_cutoff, "law 8");
        assert!(cutoff <= state.gc_cutoff);
        state.check_lsns();
        Ok((op, before, state.gc_cutoff))
    }

    /// The cutoff that is due now. It may be below the published one, which never goes back.
    pub(super) fn due_cutoff(&self, state: &TimelineState<S::Io>, now: Time) -> Lsn {
        let last = state.last_record_lsn;
        let by_age = match state.applied.options.gc_age.is_zero() {
            true => Some(last),
            false => state.time_to_lsn.cutoff(now),
        };
        let by_distance = Lsn(last.0.saturating_sub(state.applied.options.gc_distance));
        let limit = by_distance.min(state.disk_consistent_lsn);
        limit.min(by_age.unwrap_or(Lsn::ZERO))
    }

    /// Removes the layers that are not needed from the map, and counts them; returns the
    /// publication, and how many layers stay for retained LSNs only.
    fn publish_gc(
        &self,
        (cutoff, retained): (Lsn, &BTreeSet<Lsn>),
        stats: &mut JobStats,
    ) -> Result<(u64, usize)> {
        loop {
            let map = self.state().map.clone();
            let plan = plan(&map, cutoff, retained);
            if 0 < plan.retained_layer_count {
                self.io()
                    .probe("a collection keeps a layer for a retained LSN only");
            }
            let gone = take_out(&map, &plan);
            let mut state = self.state();
            state.check_writable()?;
            if gone.is_empty() {
                return Ok((state.publication(), plan.retained_layer_count));
            }
            if !state.map.has_all(&gone) {
                // A concurrent compaction replaced a layer: plan again. Only gc removes images, so
                // what covered the layers still does.
                continue;
            }
            assert!(cutoff <= state.gc_cutoff, "law 8");
            assert!(gone.len() == plan.layers.len());
            let count = gone.len();
            let map = state.map.replace(&gone, Vec::new());
            let is_hidden = |layer: &FileLayer<S::Io>| {
                let name = &layer.entry().name;
                let point = cutoff.max(Lsn(name.lsns().end.0 - 1));
                map.files().is_hidden(name, point)
            };
            assert!(gone.iter().all(is_hidden), "law 1: the images above stay");
            assert!(map.files().len() + count == state.map.files().len());
            assert!(map.frozen().len() == state.map.frozen().len());
            stats.swap(&[], &gone);
            let publication = state.publish(map, gone);
            drop(state);
            self.changed.notify(usize::MAX);
            return Ok((publication, plan.retained_layer_count));
        }
    }
}

fn take_out<I: Io>(map: &LayerMap<I>, plan: &GcPlan) -> Vec<FileLayer<I>> {
    let layers = plan.layers.iter();
    layers
        .filter_map(|name| map.files().get(name).cloned())
        .collect()
}
