//! Compacting: a run of L0s becomes deltas of few keys and many LSNs.
//!
//! ```text
//!  plan: oldest contiguous run ─▶ cut: indexes only ─▶ write, piece by piece ─▶ publish ─▶ index
//!    (names nothing twice)        (sizes ▶ pieces)      (no reader sees it)     (all or none)
//! ```
//!
//! 1. A run has no gap and no overlap: it holds all records between its first LSN and its last, so
//!    that each output holds all records of its keys and LSNs.
//! 2. The inputs are read twice. The first time only their indexes: the sizes say where to cut.
//!    Neither time more is held than a batch of each input.
//! 3. A shard's inputs may be older than a split: foreign keys are left out of all that follows.
//! 4. The outputs replace the inputs in one step, if the inputs are still in the map. Outputs that
//!    are not published are removed when they are dropped.

use std::fmt;
use std::sync::Arc;

use super::Timeline;
use super::job::{Mode, Progress, VALUE_LEN_ASSUMED};
use super::job_stats::{JobStats, Stopwatch};
use super::options::Options;
use super::shared::Shared;
use crate::base::{Error, KeyRange, LayerName, Lsn, LsnRange, Result, Strategy};
use crate::format::IndexLayer;
use crate::io::{Io, Job, Op, Part};
use crate::layer::{
    BatchLimits, CutPlan, Cutter, DeltaFilePlan, DeltaLayer, DeltaWriter, FileLayer, Fill,
    LayerContext, LayerMap, Merge, Piece, RawRecord, Source, is_wide_gap,
};
use crate::store::Store;

/// How much of the values of each input is held in memory at once, in bytes.
const BATCH_LEN: u64 = 128 << 10;

/// A compaction that is to stop writes this many records more at most. A piece may have millions.
const STOP_RECORD_COUNT: u64 = 1024;

/// A hole between keys is worth a cut if this many images or gaps between images lie in it.
const HOLE_SEGMENT_COUNT: usize = 3;

/// A planned compaction: a run of L0s that is merged.
pub struct CompactPlan<I: Io> {
    inputs: Vec<Arc<DeltaLayer<I>>>,
    lsns: LsnRange,
    cut: CutPlan,
}

/// Chooses the oldest L0s: as many as abut by LSN and stay within the length limit; `None` if a
/// compaction is not due.
pub fn plan<I: Io>(map: &LayerMap<I>, options: &Options, mode: Mode) -> Option<CompactPlan<I>> {
    let l0s = map.l0s();
    if mode == Mode::ByNeed && l0s.len() < options.l0_count_trigger.max(1) {
        return None;
    }
    let mut inputs: Vec<Arc<DeltaLayer<I>>> = Vec::new();
    let mut len = 0_u64;
    for l0 in l0s {
        len = len.saturating_add(l0.entry().len);
        if let Some(newest) = inputs.last() {
            let is_gap = newest.lsns().end != l0.lsns().start;
            // Two at least: otherwise one large L0 would block compaction for ever.
            if is_gap || (1 < inputs.len() && options.l0_run_len_max < len) {
                break;
            }
        }
        inputs.push(l0);
    }
    let (first, last) = inputs.first().zip(inputs.last())?;
    let lsns = LsnRange::new(first.lsns().start, last.lsns().end);
    let abut = |pair: &[Arc<DeltaLayer<I>>]| pair[0].lsns().end == pair[1].lsns().start;
    assert!(
        inputs.windows(2).all(abut),
        "a run has no gap and no overlap"
    );
    let len_target = options.layer_len_target;
    Some(CompactPlan {
        inputs,
        lsns,
        cut: CutPlan {
            lsns,
            len_target,
            fill: Fill::UpToTarget,
        },
    })
}

impl<I: Io> CompactPlan<I> {
    /// The layers that will be replaced, the oldest first.
    pub fn inputs(&self) -> Vec<LayerName> {
        self.inputs.iter().map(|input| input.entry().name).collect()
    }

    /// The merge of all deltas of a level.
    pub(super) fn of_level(
        inputs: Vec<Arc<DeltaLayer<I>>>,
        lsns: LsnRange,
        len_target: u64,
    ) -> CompactPlan<I> {
        let is_inside = |input: &Arc<DeltaLayer<I>>| {
            lsns.start <= input.lsns().start && input.lsns().end <= lsns.end
        };
        assert!(inputs.iter().all(is_inside));
        let fill = Fill::FromTarget;
        CompactPlan {
            inputs,
            lsns,
            cut: CutPlan {
                lsns,
                len_target,
                fill,
            },
        }
    }

    fn l0_count(&self) -> usize {
        let inputs = self.inputs.iter();
        inputs.filter(|input| input.entry().name.is_l0()).count()
    }

    fn files(&self) -> Vec<FileLayer<I>> {
        self.inputs.iter().cloned().map(FileLayer::Delta).collect()
    }
}

impl<I: Io> PartialEq for CompactPlan<I> {
    fn eq(&self, other: &CompactPlan<I>) -> bool {
        (self.inputs(), &self.cut) == (other.inputs(), &other.cut)
    }
}

impl<I: Io> fmt::Display for CompactPlan<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len: u64 = self.inputs.iter().map(|input| input.entry().len).sum();
        let (count, target) = (self.inputs.len(), self.cut.len_target);
        write!(f, "compact {}: {count} L0s of {len} bytes ", self.lsns)?;
        write!(f, "into layers of {target}")
    }
}

impl<I: Io> fmt::Debug for CompactPlan<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<S: Store> Timeline<S> {
    /// Compacts one run of L0s, the oldest, into L1s: layers of few keys and many LSNs.
    ///
    /// Puts, reads and other jobs run concurrently; another compaction waits for this one.
    ///
    /// # Shape
    /// `Superseded` if a concurrent gc took an input. With `Done` or `Idle`, the result is durable,
    /// that of earlier calls too.
    /// # Errors
    /// `Io` if the device refused: nothing was lost; retry. `Corrupt` if an input cannot be read.
    /// `Latched` if a sync has failed, `Closed` if the timeline was shut down.
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
    /// timeline.flush().await?;
    /// assert_eq!(timeline.compact(Mode::ByNeed).await?, Progress::Idle); // One L0 is too few.
    /// assert_eq!(timeline.compact(Mode::Forced).await?, Progress::Done);
    /// assert_eq!(timeline.get(Key::MIN, Lsn(10)).await?, Some(b"first".to_vec()));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn compact(&self, mode: Mode) -> Result<Progress> {
        let shared = &*self.shared;
        let _job_lock = shared.job_locks.compact.take().await;
        let look = shared.op(Job::Compact, 0);
        shared.io().interleave(look).await;
        if self.strategy() == Strategy::Tiered {
            return self.shared.compact_level(look, mode).await;
        }
        match shared.plan_compaction(mode)? {
            None => shared.idle(look).await,
            Some((op, plan)) => shared.watched(op, shared.compact_run(op, &plan)).await,
        }
    }
}

impl<S: Store> Shared<S> {
    /// Compacts a run of L0s.
    async fn compact_run(&self, op: Op, plan: &CompactPlan<S::Io>) -> Result<Progress> {
        let mut watch = Stopwatch::start(self.io());
        let mut stats = JobStats::default();
        let pieces = self.cut(op, plan).await?;
        stats.time_to_begin = watch.lap(self.io());
        let from = (plan, &self.context);
        let built = self.build_deltas(op, from, (&pieces, &mut stats)).await;
        let outputs = self.latch(built)?;
        stats.time_to_build = watch.lap(self.io());
        self.io().interleave(op).await;
        let published = self.publish_deltas(plan, outputs, &mut stats)?;
        let counted = (Job::Compact, watch, stats);
        self.settle((op, published), counted).await
    }

    fn plan_compaction(&self, mode: Mode) -> Result<Option<(Op, CompactPlan<S::Io>)>> {
        let mut state = self.state();
        state.check_writable()?;
        let Some(plan) = plan(&state.map, &state.applied.options, mode) else {
            return Ok(None);
        };
        assert!(
            plan.lsns.end <= state.flushed_lsn.visible_end(),
            "L0s hold what is flushed"
        );
        if plan.inputs.len() < state.map.l0_count() {
            self.io()
                .probe("a compaction leaves L0s that stand above its run");
        }
        Ok(Some((self.next_op(&mut state, Job::Compact), plan)))
    }

    /// Chooses where to cut the outputs, from the inputs' indexes.
    pub(super) async fn cut(&self, op: Op, plan: &CompactPlan<S::Io>) -> Result<Vec<Piece>> {
        let sources = plan.inputs.iter().zip(1..);
        let sources = sources.map(|(input, index)| input.entries(op.on(Part::Delta, index)));
        let mut merge = Merge::new(sources.collect());
        let mut cutter = Cutter::new(plan.cut);
        let gap_min = plan.cut.len_target / VALUE_LEN_ASSUMED;
        let mut last = None;
        while let Some(entry) = merge.next().await? {
            if !self.shard.identity.holds(entry.key) {
                continue; // Before its size is counted, so that no piece is of foreign keys alone.
            }
            if let Some(last) = last
                && last != entry.key
                && !self.options.sparse_keys.is_sparse(last)
                && is_wide_gap(last, entry.key, gap_min.max(2))
                && self.is_hole(KeyRange::new(last.next(), entry.key), plan.lsns)
            {
                cutter.push_hole();
            }
            last = Some(entry.key);
            cutter.push(entry.key, entry.lsn, entry.len);
        }
        let pieces = cutter.finish();
        assert!(
            pieces
                .windows(2)
                .all(|pair| pair[0].stands_before(&pair[1]))
        );
        assert!(
            pieces
                .iter()
                .all(|piece| plan.lsns.start <= piece.lsns.start)
        );
        assert!(pieces.iter().all(|piece| piece.lsns.end <= plan.lsns.end));
        let io = self.io();
        if pieces.windows(2).any(|pair| pair[0].keys == pair[1].keys) {
            io.probe("a compaction cuts one key's history by LSN");
        }
        Ok(pieces)
    }

    /// Whether keys without records in the run have images of their own: an output over these keys
    /// would make them look changed.
    fn is_hole(&self, keys: KeyRange, lsns: LsnRange) -> bool {
        let map = self.state().map.clone();
        let segments = map.files().image_coverage(keys, Lsn(lsns.end.0 - 1));
        let is_hole = HOLE_SEGMENT_COUNT <= segments.len();
        if is_hole {
            self.io().probe("a compaction leaves a hole between keys");
        }
        is_hole
    }

    /// Writes the pieces: durable files that are not published yet.
    pub(super) async fn build_deltas(
        &self,
        op: Op,
        (plan, context): (&CompactPlan<S::Io>, &LayerContext<S::Io>),
        (pieces, stats): (&[Piece], &mut JobStats),
    ) -> Result<Vec<DeltaLayer<S::Io>>> {
        let limits = BatchLimits {
            len_max: BATCH_LEN,
            count_max: usize::MAX,
        };
        let sources = plan.inputs.iter().zip(1..);
        let sources = sources.map(|(input, index)| input.iter(op.on(Part::Delta, index), limits));
        let mut merge = Merge::new(sources.collect());
        let lens = plan.inputs.iter().map(|input| input.entry().len);
        lens.for_each(|len| stats.layers_read.add(len));
        let mut next = self.next_held(&mut merge, stats).await?;
        let mut outputs = Vec::new();
        for (piece, index) in pieces.iter().zip(1..) {
            self.check_running()?;
            let op = op.on(Part::Delta, index);
            let mut writer = self.delta_writer((op, context), (plan, piece)).await?;
            while let Some(record) = &next
                && piece.contains(record.key, record.lsn)
            {
                let at = (record.key, record.lsn);
                writer.push(at, &record.bytes, record.is_base).await?;
                stats.keep(record.bytes.len());
                if stats.kept.count.is_multiple_of(STOP_RECORD_COUNT) {
                    self.check_running()?;
                }
                next = self.next_held(&mut merge, stats).await?;
            }
            outputs.push(writer.finish().await?);
        }
        assert!(next.is_none(), "every record has a piece");
        assert!(outputs.len() == pieces.len());
        let entries: Vec<IndexLayer> = outputs.iter().map(|output| *output.entry()).collect();
        self.store.put_layers(op, self.id, &entries).await?;
        Ok(outputs)
    }

    /// The next record of a key that the shard holds.
    async fn next_held<T: Source<Item = RawRecord>>(
        &self,
        merge: &mut Merge<T>,
        stats: &mut JobStats,
    ) -> Result<Option<RawRecord>> {
        loop {
            match merge.next().await? {
                Some(record) if !self.shard.identity.holds(record.key) => {
                    stats.discard(record.bytes.len());
                    let io = self.io();
                    io.probe("a compaction leaves out a key of another shard");
                }
                next => return Ok(next),
            }
        }
    }

    async fn delta_writer(
        &self,
        (op, context): (Op, &LayerContext<S::Io>),
        (plan, piece): (&CompactPlan<S::Io>, &Piece),
    ) -> Result<DeltaWriter<S::Io>> {
        let name = LayerName::Delta {
            keys: piece.keys,
            lsns: piece.lsns,
        };
        assert!(!name.is_l0(), "a compaction makes no L0");
        let map = self.state().map.clone();
        // If not all inputs stand, another job has made it of them, and what this one makes goes.
        let is_input = || plan.inputs().contains(&name);
        if map.files().has(&name) && !is_input() && map.has_all(&plan.files()) {
            let why = format!("{name} is there already, over records that are merged");
            return Err(Error::Refused { why });
        }
        let plan = DeltaFilePlan {
            keys: piece.keys,
            lsns: piece.lsns,
            attempt: self.next_scratch(),
        };
        DeltaWriter::create(context, op, plan).await
    }

    /// Replaces the inputs by the outputs in one step; `None` if an input has left the map.
    pub(super) fn publish_deltas(
        &self,
        plan: &CompactPlan<S::Io>,
        outputs: Vec<DeltaLayer<S::Io>>,
        stats: &mut JobStats,
    ) -> Result<Option<u64>> {
        let mut state = self.state();
        state.check_writable()?;
        let inputs = plan.files();
        let names: Vec<LayerName> = outputs.iter().map(|it| it.entry().name).collect();
        // A gc compaction may have made deltas of images alone, where a merge found no delta.
        if !state.map.has_all(&inputs) || state.map.has_delta_over(&names, &inputs) {
            drop(state);
            let lens = outputs.iter().map(|output| output.entry().len);
            lens.for_each(|len| stats.layers_discarded.add(len));
            self.io()
                .probe("a compaction finds an input collected meanwhile");
            return Ok(None);
        }
        assert!(
            outputs
                .iter()
                .all(|output| plan.lsns.start <= output.lsns().start)
        );
        assert!(
            outputs
                .iter()
                .all(|output| output.lsns().end <= plan.lsns.end)
        );
        let (before, input_count, output_count) = (&state.map, inputs.len(), outputs.len());
        let outputs = outputs.into_iter().map(|output| {
            output.keep();
            FileLayer::Delta(Arc::new(output))
        });
        let outputs: Vec<FileLayer<S::Io>> = outputs.collect();
        stats.swap(&outputs, &inputs);
        let map = before.replace(&inputs, outputs);
        assert!(
            map.l0_count() + plan.l0_count() == before.l0_count(),
            "no output is an L0"
        );
        assert!(map.files().len() + input_count == before.files().len() + output_count);
        assert!(map.frozen().len() == before.frozen().len());
        let publication = state.publish(map, inputs);
        drop(state);
        self.changed.notify(usize::MAX);
        Ok(Some(publication))
    }
}
