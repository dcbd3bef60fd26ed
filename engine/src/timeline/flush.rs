//! Flushing: the oldest frozen layer becomes an L0 delta, and an index that names it durable.
//!
//! ```text
//!  freeze ─▶ plan ─▶ build (no reader sees it) ─▶ publish (one step) ─▶ index ─▶ durable
//!              ▲                                        │
//!              └──────────── frozen layers left ────────┘
//! ```

use std::fmt;
use std::sync::Arc;

use super::Timeline;
use super::job_stats::{JobStats, Stopwatch};
use super::shared::Shared;
use super::upkeep::Lane;
use crate::base::{KeyRange, KeySpace, LayerName, Lsn, LsnRange, Result};
use crate::io::{Io, Job, Op, Part};
use crate::layer::{DeltaFilePlan, DeltaWriter, FileLayer, LayerMap, MemoryLayer};
use crate::store::Store;

/// A planned flush: one frozen layer that becomes an L0.
pub struct FlushPlan<I: Io> {
    pub(super) layer: Arc<MemoryLayer<I>>,
    pub(super) lsns: LsnRange,
    /// The keys that get images: those of initial data that are declared.
    pub(super) image_keys: KeySpace,
}

/// Chooses the oldest frozen layer; `None` if there is none.
pub fn plan<I: Io>(map: &LayerMap<I>) -> Option<FlushPlan<I>> {
    let layer = map.frozen().first()?.clone();
    let lsns = layer.lsns().expect("it is frozen");
    assert!(
        0 < layer.entry_count(),
        "a layer without records is never frozen"
    );
    let image_keys = KeySpace::new();
    Some(FlushPlan {
        layer,
        lsns,
        image_keys,
    })
}

impl<I: Io> FlushPlan<I> {
    /// The name of the L0 that will be written.
    pub fn output(&self) -> LayerName {
        LayerName::Delta {
            keys: KeyRange::ALL,
            lsns: self.lsns,
        }
    }
}

impl<I: Io> PartialEq for FlushPlan<I> {
    fn eq(&self, other: &FlushPlan<I>) -> bool {
        self.lsns == other.lsns
            && self.image_keys == other.image_keys
            && Arc::ptr_eq(&self.layer, &other.layer)
    }
}

impl<I: Io> fmt::Display for FlushPlan<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (records, bytes) = (self.layer.entry_count(), self.layer.byte_len());
        write!(f, "flush {}: {records} records of {bytes} bytes", self.lsns)
    }
}

impl<I: Io> fmt::Debug for FlushPlan<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<S: Store> Timeline<S> {
    /// Makes everything durable that was put before the call, and returns the LSN up to which all
    /// is durable. It freezes the open layer, as [`Timeline::freeze`] does.
    ///
    /// # Errors
    /// `Io` if the device refused: a retry resumes where it stopped. `Latched` if a sync has
    /// failed: what was being written is in doubt. `Closed` if the timeline was shut down.
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
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// assert_eq!(timeline.flush().await?, Lsn(20));
    /// // No crash takes back what is at or below LSN 20.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn flush(&self) -> Result<Lsn> {
        let shared = &*self.shared;
        let op = shared.op(Job::Flush, 0);
        shared.io().interleave(op).await;
        let target = {
            let mut state = shared.state();
            state.check_writable()?;
            state.freeze();
            assert!(state.map.open().is_none_or(|open| open.entry_count() == 0));
            state.last_record_lsn
        };
        // Should this call be dropped, maintenance goes on with what it has frozen.
        shared.upkeep.wake(Lane::Flush);
        let durable = self.flush_to(op, target).await?;
        assert!(
            target <= durable,
            "a flush makes durable what was written before it"
        );
        Ok(durable)
    }

    /// Flushes the frozen layers only, and leaves the open one as it is.
    pub(crate) async fn flush_frozen(&self) -> Result<()> {
        let shared = &*self.shared;
        let op = shared.op(Job::Flush, 0);
        shared.io().interleave(op).await;
        let target = {
            let state = shared.state();
            state.check_writable()?;
            let newest = state.map.frozen().last().and_then(|layer| layer.lsns());
            newest.map_or(state.flushed_lsn, |lsns| Lsn(lsns.end.0 - 1))
        };
        self.flush_to(op, target).await.map(|_| ())
    }

    async fn flush_to(&self, mut op: Op, target: Lsn) -> Result<Lsn> {
        let shared = &self.shared;
        loop {
            let _job_lock = shared.job_locks.flush.take().await;
            shared.io().interleave(op).await;
            let planned = {
                let mut state = shared.state();
                state.check_writable()?;
                assert!(target <= state.last_record_lsn);
                if target <= state.disk_consistent_lsn {
                    return Ok(state.disk_consistent_lsn);
                }
                match plan(&state.map) {
                    Some(mut plan) => {
                        plan.image_keys = shared.initial_keys(&state, plan.lsns);
                        op = shared.next_op(&mut state, Job::Flush);
                        Ok(plan)
                    }
                    None => {
                        assert!(
                            target <= state.flushed_lsn,
                            "without frozen layers the target is flushed"
                        );
                        Err(state.publication())
                    }
                }
            };
            match planned {
                Ok(plan) => shared.watched(op, shared.flush_one(op, &plan)).await?,
                Err(publication) => {
                    if op.job_index == 0 {
                        shared
                            .io()
                            .probe("a flush finds its layers written, and no index of them");
                    }
                    shared.save_index(op, publication).await?;
                }
            }
        }
    }
}

impl<S: Store> Shared<S> {
    async fn flush_one(self: &Arc<Self>, op: Op, plan: &FlushPlan<S::Io>) -> Result<()> {
        let mut watch = Stopwatch::start(self.io());
        let mut stats = JobStats::default();
        let built = match plan.image_keys.ranges().is_empty() {
            true => self.build_l0(op.on(Part::Delta, 1), plan, &mut stats).await,
            false => self.build_initial(op, plan, &mut stats).await,
        };
        let made = self.latch(built)?;
        stats.time_to_build = watch.lap(self.io());
        stats.layers_read.add(plan.layer.byte_len());
        stats.swap(&made, &[]);
        self.io().interleave(op).await;
        self.publish_flushed(plan, made)?;
        stats.time_to_publish = watch.lap(self.io());
        self.note_run(Job::Flush, stats);
        Ok(())
    }

    /// Writes the L0: a durable file that is not published yet.
    async fn build_l0(
        &self,
        op: Op,
        plan: &FlushPlan<S::Io>,
        stats: &mut JobStats,
    ) -> Result<Vec<FileLayer<S::Io>>> {
        let grant = self.memory.grant(plan.layer.byte_len());
        let mut records = plan.layer.stream(op.on(Part::Ephemeral, 1), grant.len());
        let mut writer = None;
        while let Some((record, value)) = records.next().await? {
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(self.begin_l0(op, plan).await?),
            };
            let place = (record.key, record.lsn);
            writer.push(place, value, record.will_init).await?;
            stats.keep(value.len());
        }
        let writer = writer.expect("a frozen layer has a record");
        let delta = writer.finish().await?;
        assert!(delta.entry().name == plan.output());
        assert!(delta.entry().generation == self.generation, "law 6");
        self.store
            .put_layers(op, self.id, &[*delta.entry()])
            .await?;
        Ok(vec![FileLayer::Delta(Arc::new(delta))])
    }

    /// Begins the L0 of a flush.
    pub(super) async fn begin_l0(
        &self,
        op: Op,
        plan: &FlushPlan<S::Io>,
    ) -> Result<DeltaWriter<S::Io>> {
        let delta = DeltaFilePlan {
            keys: KeyRange::ALL,
            lsns: plan.lsns,
            attempt: self.next_scratch(),
        };
        DeltaWriter::create(&self.context, op, delta).await
    }

    /// Replaces the frozen layer by the layers that were made of it in one step: a reader sees
    /// it or them.
    fn publish_flushed(&self, plan: &FlushPlan<S::Io>, made: Vec<FileLayer<S::Io>>) -> Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        assert!(
            state.flushed_lsn < plan.lsns.start,
            "layers are flushed from the oldest on"
        );
        assert!(
            plan.lsns.end <= state.next_start,
            "what is flushed is closed"
        );
        let initial_count = made
            .iter()
            .filter(|layer| layer.entry().name.is_image())
            .count();
        assert!(
            initial_count == 0 || state.map.files().is_empty(),
            "nothing stands below initial data"
        );
        let (made_count, l0_count) = (made.len(), made.len() - initial_count);
        made.iter().for_each(FileLayer::keep);
        let map = state.map.flush(&plan.layer, made);
        // One flush runs at a time, so the plan still holds.
        let map = map.expect("the oldest frozen layer is the planned one");
        assert!(l0_count <= 1, "one L0 at most replaces the frozen layer");
        assert!(map.l0_count() == state.map.l0_count() + l0_count);
        assert!(map.backlog() <= state.map.backlog());
        assert!(map.files().len() == state.map.files().len() + made_count);
        state.flushed_lsn = Lsn(plan.lsns.end.0 - 1);
        state.publish(map, Vec::new());
        drop(state);
        self.changed.notify(usize::MAX);
        Ok(())
    }
}
