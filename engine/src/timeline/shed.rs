//! Shedding: what a split has left of other shards' keys goes, layer by layer.
//!
//! ```text
//!  plan: inherited layers ─▶ next generation ─▶ copy own keys ─▶ publish ─▶ index ─▶ files
//!   (drop, rewrite, leave)    (only to rewrite)  (no reader sees it)
//! ```
//!
//! 1. Only layers from before the last split are looked at: what the shard has written since holds
//!    own keys alone. Compaction and gc compaction leave foreign keys out by themselves.
//! 2. A layer without an own key in its range is dropped, whatever it is. An image is rewritten if
//!    few of its keys are own, and it is to stay: it ends below the cutoff, and a collection would
//!    not take it. All else is left to age.
//! 3. A rewritten image has the name of the one that it replaces, and the generation that the job
//!    takes, as a gc compaction does: the contract of such a generation stands in ARCHITECTURE.md.
//! 4. Answers for own keys do not change, at any LSN; so no cutoff is looked at by readers. It runs
//!    under gc's lock, since a collection relies on it that nothing else takes images away.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::Timeline;
use super::gc;
use super::job::Progress;
use super::job_stats::{JobStats, Stopwatch};
use super::shared::Shared;
use crate::base::{Generation, LayerName, Lsn, Result, block_count};
use crate::format::{Compression, IndexLayer, IndexShard};
use crate::io::{Io, Job, Op, Part};
use crate::layer::{FileLayer, ImageFilePlan, ImageLayer, ImageWriter, LayerContext, LayerMap};
use crate::store::Store;
use crate::sync::atomic::{AtomicU32, Ordering};

/// An image is rewritten if at most this many of a hundred of its keys are own.
const REWRITE_PERCENT_MAX: u64 = 30;

/// A planned shed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShedPlan {
    /// The layers without an own key, in the order of their names.
    pub dropped: Vec<LayerName>,
    /// The images of which only the own keys stay, in the order of their names.
    pub rewritten: Vec<LayerName>,
    /// How many images are left to the next call.
    pub pending_count: usize,
}

/// The result of a shed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shed {
    /// How it ended.
    pub progress: Progress,
    /// The layers that are gone, in the order of their names.
    pub dropped: Vec<LayerName>,
    /// The images of which only the own keys are left, in the order of their names.
    pub rewritten: Vec<LayerName>,
    /// How many images are left to the next call.
    pub pending_count: usize,
}

/// What becomes of an inherited layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lot {
    Drop,
    Leave,
    Rewrite,
}

/// Chooses what to drop and what to rewrite; `None` if there is neither. `points` are the cutoff,
/// and the LSNs below it that stay readable.
pub fn plan<I: Io>(
    map: &LayerMap<I>,
    shard: &IndexShard,
    (cutoff, retained): (Lsn, &BTreeSet<Lsn>),
    image_count_max: usize,
) -> Option<ShedPlan> {
    let mut plan = ShedPlan {
        dropped: Vec::new(),
        rewritten: Vec::new(),
        pending_count: 0,
    };
    let files = map.files().iter();
    let inherited = files.filter(|(_, layer)| shard.is_inherited(layer.entry().generation));
    let inherited: Vec<LayerName> = inherited.map(|(name, _)| name).collect();
    if inherited.is_empty() {
        return None;
    }
    let collectable = gc::plan(map, cutoff, retained).layers;
    for name in inherited {
        match lot(&name, shard, cutoff) {
            Lot::Drop => plan.dropped.push(name),
            Lot::Rewrite if collectable.contains(&name) => {}
            Lot::Rewrite if plan.rewritten.len() < image_count_max => plan.rewritten.push(name),
            Lot::Rewrite => plan.pending_count += 1,
            Lot::Leave => {}
        }
    }
    let is_idle = plan.dropped.is_empty() && plan.rewritten.is_empty();
    (!is_idle).then_some(plan)
}

/// What the keys and LSNs of a layer make of it.
fn lot(name: &LayerName, shard: &IndexShard, cutoff: Lsn) -> Lot {
    let keys = name.keys();
    let held = shard.identity.held_count(&keys);
    let is_foreign = held == Some(0);
    let is_mostly_own = held
        .zip(block_count(&keys))
        .is_some_and(|(held, all)| REWRITE_PERCENT_MAX * all < 100 * held);
    match is_foreign {
        true => Lot::Drop,
        false if is_mostly_own || name.is_delta() || cutoff <= name.lsns().end => Lot::Leave,
        false => Lot::Rewrite,
    }
}

impl fmt::Display for ShedPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shed, {} left for later", self.pending_count)?;
        let mut dropped = self.dropped.iter();
        dropped.try_for_each(|name| write!(f, "\n  drop {name}"))?;
        let mut rewritten = self.rewritten.iter();
        rewritten.try_for_each(|name| write!(f, "\n  rewrite {name}"))
    }
}

impl<S: Store> Timeline<S> {
    /// Drops layers of other shards' keys, and rewrites images in which few keys are this shard's:
    /// what a split has left. Some layers with foreign keys stay, until compaction, gc compaction
    /// or a collection takes them.
    ///
    /// Puts, reads and other jobs run concurrently; a gc, a gc compaction or another shed waits for
    /// this one. One call rewrites `shed_image_count_max` images at most.
    ///
    /// # Shape
    /// `Idle` if there is nothing to shed, as where there was no split. With `Done` or `Idle` the
    /// result is durable, that of earlier calls too. `Superseded` if a layer is gone meanwhile.
    /// # Errors
    /// `Io` if the device refused: retry. `Corrupt` if an image cannot be read. `Latched` if a sync
    /// has failed, `Closed` if the timeline was shut down. No layer was changed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// assert_eq!(timeline.shed().await?.progress, Progress::Idle); // There was no split.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn shed(&self) -> Result<Shed> {
        let shared = &self.shared;
        let _job_lock = shared.job_locks.gc.take().await;
        let look = shared.op(Job::Shed, 0);
        shared.io().interleave(look).await;
        let Some((op, plan)) = shared.plan_shed()? else {
            return Ok(Shed {
                progress: shared.idle(look).await?,
                dropped: Vec::new(),
                rewritten: Vec::new(),
                pending_count: 0,
            });
        };
        shared.watched(op, shared.shed_all(op, plan)).await
    }
}

impl<S: Store> Shared<S> {
    async fn shed_all(&self, op: Op, plan: ShedPlan) -> Result<Shed> {
        let mut watch = Stopwatch::start(self.io());
        let mut stats = JobStats::default();
        let built = self.rewrite(op, &plan, &mut stats).await;
        let made = self.latch(built)?;
        stats.time_to_build = watch.lap(self.io());
        self.io().interleave(op).await;
        let (mut shed, publication) = self.publish_shed(plan, made, &mut stats)?;
        let counted = (Job::Shed, watch, stats);
        shed.progress = self.settle((op, publication), counted).await?;
        Ok(shed)
    }

    fn plan_shed(&self) -> Result<Option<(Op, ShedPlan)>> {
        let retained = self.retained_now();
        let mut state = self.state();
        state.check_writable()?;
        let points = (state.gc_cutoff, &retained);
        let count_max = self.options.shed_image_count_max;
        let planned = plan(&state.map, &self.shard, points, count_max);
        if planned.as_ref().is_some_and(|plan| 0 < plan.pending_count) {
            self.io().probe("a shed leaves images to the next one");
        }
        Ok(planned.map(|plan| (self.next_op(&mut state, Job::Shed), plan)))
    }

    /// Writes what stays of the images that are rewritten: durable files that are not published.
    async fn rewrite(
        &self,
        op: Op,
        plan: &ShedPlan,
        stats: &mut JobStats,
    ) -> Result<Vec<ImageLayer<S::Io>>> {
        if plan.rewritten.is_empty() {
            return Ok(Vec::new());
        }
        let context = self.take_generation(op).await?;
        let mut made = Vec::new();
        for (name, index) in plan.rewritten.iter().zip(1..) {
            self.check_running()?;
            let map = self.state().map.clone();
            // Whether all inputs stand is for the publication to see.
            let Some(FileLayer::Image(image)) = map.files().get(name) else {
                continue;
            };
            let op = op.on(Part::Image, index);
            stats.layers_read.add(image.entry().len);
            let rewritten = self.rewrite_image(op, (image, &context), stats);
            made.extend(rewritten.await?);
        }
        let entries: Vec<IndexLayer> = made.iter().map(|image| *image.entry()).collect();
        self.store.put_layers(op, self.id, &entries).await?;
        Ok(made)
    }

    /// Writes what stays of one image; `None` if no own key can have a value in it.
    async fn rewrite_image(
        &self,
        op: Op,
        (image, context): (&ImageLayer<S::Io>, &LayerContext<S::Io>),
        stats: &mut JobStats,
    ) -> Result<Option<ImageLayer<S::Io>>> {
        let (shard, attempt) = (self.shard.identity, self.next_scratch());
        let foreign_count = AtomicU32::new(0);
        let is_own = |key| {
            let is_own = shard.holds(key);
            foreign_count.fetch_add(u32::from(!is_own), Ordering::Relaxed);
            is_own
        };
        let filtered = image.filter(op, (context, attempt), is_own).await?;
        // Values are copied as they are stored, so that their lengths are not known.
        stats.count_unread(
            filtered.as_ref().map_or(0, |(_, own_count)| *own_count),
            foreign_count.into_inner().into(),
        );
        if let Some((own, _)) = filtered {
            return Ok(Some(own));
        }
        let keys = image.keys();
        if shard.held_count(&keys).is_some() {
            // Blocks without a value had none before, so nothing shows below.
            self.io()
                .probe("a shed drops an image in which no own key has a value");
            return Ok(None);
        }
        // Of keys that may be absent it says that they are.
        let plan = ImageFilePlan {
            keys,
            lsn: image.lsn(),
            compression: Compression::None,
            attempt,
        };
        let writer = ImageWriter::create(context, op, plan).await?;
        writer.finish(keys.end).await.map(Some)
    }

    /// Takes out what is dropped or replaced, in one step; no publication if a layer has left the
    /// map.
    fn publish_shed(
        &self,
        plan: ShedPlan,
        made: Vec<ImageLayer<S::Io>>,
        stats: &mut JobStats,
    ) -> Result<(Shed, Option<u64>)> {
        let mut state = self.state();
        state.check_writable()?;
        let names = plan.dropped.iter().chain(&plan.rewritten);
        let inputs = names.filter_map(|name| state.map.files().get(name).cloned());
        let inputs: Vec<FileLayer<S::Io>> = inputs.collect();
        let mut shed = Shed {
            progress: Progress::Done,
            dropped: plan.dropped,
            rewritten: plan.rewritten,
            pending_count: plan.pending_count,
        };
        let is_inherited = |layer: &FileLayer<S::Io>| {
            let generation: Generation = layer.entry().generation;
            self.shard.is_inherited(generation)
        };
        let count = shed.dropped.len() + shed.rewritten.len();
        if inputs.len() < count || !inputs.iter().all(is_inherited) {
            let lens = made.iter().map(|image| image.entry().len);
            lens.for_each(|len| stats.layers_discarded.add(len));
            return Ok((shed, None));
        }
        let is_kept = |name: &LayerName| made.iter().any(|image| image.entry().name == *name);
        let (rewritten, emptied): (Vec<_>, Vec<_>) = shed.rewritten.into_iter().partition(is_kept);
        shed.rewritten = rewritten;
        shed.dropped.extend(emptied);
        shed.dropped.sort();
        let made = made.into_iter().map(|image| {
            image.keep();
            FileLayer::Image(Arc::new(image))
        });
        let made: Vec<FileLayer<S::Io>> = made.collect();
        stats.swap(&made, &inputs);
        let map = state.map.replace(&inputs, made);
        assert!(map.files().len() + shed.dropped.len() == state.map.files().len());
        assert!(map.frozen().len() == state.map.frozen().len());
        let publication = state.publish(map, inputs);
        drop(state);
        self.changed.notify(usize::MAX);
        Ok((shed, Some(publication)))
    }
}

#[cfg(test)]
mod tests;
