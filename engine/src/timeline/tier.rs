//! Tiered compaction: what stacks up in a level is merged into the next, over and over.
//!
//! ```text
//!  plan: the first level that is deep enough ─┬─▶ merge: cut ─▶ write ─▶ publish ─▶ index
//!        (names and lengths alone)            └─▶ cover: images at its end ─▶ publish ─▶ index
//! ```
//!
//! 1. A level is a band of LSNs that no layer crosses, so a merge has all records of its keys and
//!    LSNs, and what it writes overlaps nothing that stays.
//! 2. History is kept in full: each record of the level is in exactly one layer afterwards. What a
//!    gc has taken from between stays away: no read comes there.
//! 3. What is written may have the name of a layer that goes, where that has the LSNs of the whole
//!    level. So unless all that goes are L0s, the merge takes a generation for its files.
//! 4. A merge leaves one layer over each key, but for a key whose history is cut by LSN: so a level
//!    that was merged is not due again.
//! 5. The images stand at the last LSN of the level, which all its records are at or below.

mod level;
mod plan;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::Timeline;
use super::compact::CompactPlan;
use super::image::ImageBuild;
use super::imaged::Imaged;
use super::job::{Mode, Progress};
use super::job_stats::{JobStats, Stopwatch};
use super::shared::{Shared, TimelineState};
use crate::base::{Error, KeyRange, LayerName, Lsn, Result, Strategy};
use crate::io::{Io, Job, Op};
use crate::layer::{DeltaLayer, FileLayer, LayerContext, LayerMap};
use crate::store::Store;

pub use plan::{TierAction, TierLimits, TierPlan, plan};

/// A compaction that is due, the plan of which is of this map.
type Planned<I> = (Op, Arc<LayerMap<I>>, TierPlan);

impl<S: Store> Timeline<S> {
    /// How [`compact`](Timeline::compact) compacts deltas.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// assert_eq!(timeline.strategy(), Strategy::L0ToL1);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn strategy(&self) -> Strategy {
        self.shared.state().strategy
    }

    /// Compacts deltas by another strategy from now on, whatever layers there are. A compaction
    /// that is under way ends before.
    ///
    /// # Shape
    /// The strategy is the timeline's, and durable when this returns. A branch begins with that of
    /// the options.
    /// # Errors
    /// `Io` if the device refused: the strategy holds for this opening; retry. `Latched` if a sync
    /// has failed, `Closed` if the timeline was shut down.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// timeline.set_strategy(Strategy::Tiered).await?;
    /// assert_eq!(timeline.strategy(), Strategy::Tiered);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn set_strategy(&self, strategy: Strategy) -> Result<()> {
        let shared = &self.shared;
        let _job_lock = shared.job_locks.compact.take().await;
        let look = shared.op(Job::Compact, 0);
        shared.io().interleave(look).await;
        let publication = {
            let mut state = shared.state();
            state.check_writable()?;
            match state.strategy == strategy {
                // A call before may have failed to write the index.
                true => state.publication(),
                false => {
                    state.strategy = strategy;
                    state.publish_lsns()
                }
            }
        };
        shared.save_index(look, publication).await
    }
}

impl<S: Store> Shared<S> {
    /// Compacts one level, if one is due.
    pub(super) async fn compact_level(self: &Arc<Self>, look: Op, mode: Mode) -> Result<Progress> {
        let Some((op, map, plan)) = self.plan_level(mode)? else {
            return self.idle(look).await;
        };
        let compact = async {
            match &plan.action {
                TierAction::Merge => self.merge_level(op, &map, &plan).await,
                TierAction::Cover(lsn, parts) => self.cover_level(op, (*lsn, parts)).await,
            }
        };
        self.watched(op, compact).await
    }

    /// What a plan of a tiered compaction is made from.
    pub(super) fn tier_inputs(
        &self,
        state: &TimelineState<S::Io>,
    ) -> (Vec<(LayerName, u64)>, TierLimits) {
        let files = state.map.files().iter();
        let layers = files.map(|(name, layer)| (name, layer.entry().len));
        let limits = TierLimits {
            keys: self.shard.identity.held_space(&state.key_space),
            cutoff: state.gc_cutoff,
            covered: state.covered,
        };
        (layers.collect(), limits)
    }

    fn plan_level(&self, mode: Mode) -> Result<Option<Planned<S::Io>>> {
        let mut state = self.state();
        state.check_writable()?;
        let map = state.map.clone();
        let (layers, limits) = self.tier_inputs(&state);
        let Some(plan) = plan(&layers, &limits, &state.applied.options, mode) else {
            return Ok(None);
        };
        assert!(
            plan.lsns.end <= state.flushed_lsn.visible_end(),
            "deltas hold what is flushed"
        );
        let is_above = |name: &LayerName| name.is_delta() && plan.lsns.end <= name.lsns().start;
        if layers.iter().any(|(name, _)| is_above(name)) {
            self.io()
                .probe("a tiered compaction finds a lower level deep enough");
        }
        Ok(Some((self.next_op(&mut state, Job::Compact), map, plan)))
    }

    /// Merges the deltas of a level, and cuts them anew.
    async fn merge_level(
        &self,
        op: Op,
        map: &LayerMap<S::Io>,
        plan: &TierPlan,
    ) -> Result<Progress> {
        let deltas = plan.deltas.iter().map(|name| map.files().get(name));
        let deltas = deltas.filter_map(|layer| match layer {
            Some(FileLayer::Delta(delta)) => Some(delta.clone()),
            Some(FileLayer::Image(_)) | None => None,
        });
        let inputs: Vec<Arc<DeltaLayer<S::Io>>> = deltas.collect();
        assert!(inputs.len() == plan.deltas.len(), "the plan is of this map");
        let merge = CompactPlan::of_level(inputs, plan.lsns, self.options.layer_len_target);
        let (mut watch, mut stats) = (Stopwatch::start(self.io()), JobStats::default());
        let pieces = self.cut(op, &merge).await?;
        let context = match plan.deltas.iter().all(LayerName::is_l0) {
            true => self.context.clone(),
            false => self.take_generation(op).await?,
        };
        stats.time_to_begin = watch.lap(self.io());
        let from = (&merge, &context);
        let built = self.build_deltas(op, from, (&pieces, &mut stats)).await;
        let outputs = self.latch(built)?;
        stats.time_to_build = watch.lap(self.io());
        self.io().interleave(op).await;
        let published = self.publish_deltas(&merge, outputs, &mut stats)?;
        let counted = (Job::Compact, watch, stats);
        self.settle((op, published), counted).await
    }

    /// Takes a generation for the files of one job. It is durable when this returns.
    pub(super) async fn take_generation(&self, op: Op) -> Result<LayerContext<S::Io>> {
        let (generation, publication) = {
            let mut state = self.state();
            state.check_writable()?;
            state.take_generation()?
        };
        self.save_index(op, publication).await?;
        Ok(LayerContext {
            generation,
            ..self.context.clone()
        })
    }

    /// Makes images over a level, and publishes them all at once.
    async fn cover_level(
        self: &Arc<Self>,
        op: Op,
        (lsn, parts): (Lsn, &[KeyRange]),
    ) -> Result<Progress> {
        // An image creation beside it may come to the very same images, whose files have the names
        // of these.
        let _job_lock = self.job_locks.image.take().await;
        let (mut watch, mut stats) = (Stopwatch::start(self.io()), JobStats::default());
        let (mut images, mut count) = (Vec::new(), 0);
        for part in parts {
            let mut build = match ImageBuild::begin(self, op, (*part, lsn), count).await {
                Err(Error::BelowCutoff { .. }) => {
                    self.io()
                        .probe("the images of a level are overtaken by a collection");
                    return Ok(Progress::Superseded);
                }
                build => self.latch(build)?,
            };
            while let Some(built) = self.latch(build.next().await)? {
                images.extend(built.images);
                stats.produced.add_all(built.values);
            }
            count = build.count();
        }
        stats.time_to_build = watch.lap(self.io());
        self.io().interleave(op).await;
        if !images.is_empty() {
            let imaged = &mut Imaged::nothing(lsn);
            self.publish_images(images, (imaged, &mut stats))?;
        }
        let publication = {
            let mut state = self.state();
            state.covered = Some(lsn);
            state.publication()
        };
        let saved = self.save_index(op, publication).await;
        stats.time_to_publish = watch.lap(self.io());
        self.note_run(Job::Compact, stats);
        saved?;
        self.io().probe("a level gets images instead of a merge");
        Ok(Progress::Done)
    }
}
