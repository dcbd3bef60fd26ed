//! GC compaction: rewrites the history of a range of keys so that only what can be read stays.
//!
//! ```text
//!  plan ─▶ next generation ─▶ merge ─▶ key by key: retain ─▶ write ─▶ publish
//!    (which layers)   (durable: names are new)   (memory: one key's history)   (all or none)
//!                                                          ─▶ index, with the cutoff ─▶ files
//! ```
//!
//! 1. It moves no cutoff: it takes away what can not be read since the last gc. The retained LSNs
//!    are looked up after the cutoff was published, as gc does; readers from before have the
//!    layers that go in their snapshots.
//! 2. It runs under gc's lock: neither takes away what the other has found to stay.
//! 3. What it writes may have the names of layers that it replaces. So it first takes a generation
//!    of its own, by an index write: no file has a name that another one had. Jobs beside it go on
//!    under the opening's generation.
//! 4. The layers are swapped in one step, if the ones that leave are still in the map. The index
//!    that names the new ones has the cutoff as well, and only then the old files go.
//! 5. An image that covers a sparse key and lacks it is a deletion at its LSN, also in the merge:
//!    the layer that had the deletion as a record may be gone.
//! 6. A dry run does all this but for the steps that change something.

mod build;
mod outputs;
mod plan;
mod run;
mod stats;

use std::sync::Arc;

use super::Timeline;
use super::imaged::WhyLeftOut;
use super::job::Progress;
use super::job_stats::JobStats;
use super::shared::Shared;
use crate::base::{Error, KeyRange, LayerName, Lsn, LsnRange, Result};
use crate::format::GcCompaction;
use crate::io::{Io, Job, Op};
use crate::layer::{FileLayer, LayerMap};
use crate::store::Store;

use build::{Build, TooLong};
use outputs::Made;
pub use plan::{GcCompactPlan, Limits, plan};
pub use stats::GcCompactStats;

/// The part of a timeline's history that a gc compaction reduces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRange {
    /// The keys.
    pub keys: KeyRange,
    /// The LSNs: what stands at its end or above stays, and so does what the cutoff allows to be
    /// read. With a start above 0, the layers that end there or below stay, and what is reduced
    /// stands on them.
    pub lsns: LsnRange,
}

impl HistoryRange {
    /// All keys, as far as the cutoff allows.
    pub const ALL: HistoryRange = HistoryRange {
        keys: KeyRange::ALL,
        lsns: LsnRange {
            start: Lsn::ZERO,
            end: Lsn::MAX,
        },
    };
}

/// Whether a job does its work or only says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does its work.
    Write,
    /// It reads what it would read, and changes nothing.
    DryRun,
}

/// The result of a gc compaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcCompacted {
    /// How it ended. A dry run ends as the run would, if nothing else happens.
    pub progress: Progress,
    /// The LSN from which on everything stays readable.
    pub horizon: Lsn,
    /// The layers that others replace, in the order of their names.
    pub replaced: Vec<LayerName>,
    /// The layers that are written in their place, in the order in which they are ended.
    pub written: Vec<LayerName>,
    /// The keys of the range that were left as they were, in order, and why.
    pub left_out: Vec<(KeyRange, WhyLeftOut)>,
    /// What it has counted.
    pub stats: GcCompactStats,
}

impl GcCompacted {
    /// This one, and the one that came behind it, as if they were one.
    fn with(mut self, next: GcCompacted) -> GcCompacted {
        self.replaced.extend(next.replaced);
        self.written.extend(next.written);
        self.left_out.extend(next.left_out);
        // A sub-job of the keys before one whose history is too long comes behind it.
        self.left_out.sort_unstable();
        self.stats.add_all(&next.stats);
        GcCompacted {
            progress: next.progress,
            horizon: next.horizon,
            ..self
        }
    }

    fn idle(horizon: Lsn) -> GcCompacted {
        GcCompacted {
            progress: Progress::Idle,
            horizon,
            replaced: Vec::new(),
            written: Vec::new(),
            left_out: Vec::new(),
            stats: GcCompactStats::default(),
        }
    }
}

impl<S: Store> Timeline<S> {
    /// Rewrites the history of a range so that of each key only what can be read stays: its values
    /// at the cutoff and at the LSNs that are retained below it, and all that stands above.
    ///
    /// [`gc`](Timeline::gc) moves the cutoff and drops whole layers; this drops single records.
    /// Puts, reads and other jobs run concurrently; a gc, or another gc compaction, waits for this
    /// one. It holds one key's history in memory, up to `history_len_max`.
    ///
    /// # Shape
    /// `Idle` if nothing below the cutoff can go, `Superseded` if a concurrent compaction took a
    /// layer. With `Done` or `Idle` the result is durable, that of earlier calls too. A key whose
    /// records cannot be replayed, or to a value that is too long for an image or another one over
    /// a reduced history, stays as it is: `left_out` says so.
    /// # Errors
    /// `Busy` as for [`gc`](Timeline::gc). `Refused` if a key's history is too long, or two layers
    /// overlap. `Io` if the device refused: retry. `Corrupt` if a layer cannot be read. `Latched`
    /// if a sync has failed, `Closed` if the timeline was shut down. No layer was changed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # use std::time::Duration;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// let options = Options { gc_distance: 0, gc_age: Duration::ZERO, ..Options::default() };
    /// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let mut batch = Batch::new();
    /// for lsn in 1..=100 {
    ///     batch.push(Key::MIN, Lsn(lsn), &Value::Image(vec![lsn as u8; 100]))?;
    /// }
    /// timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// timeline.gc().await?;
    /// let compacted = timeline.gc_compact(HistoryRange::ALL, Effect::Write).await?;
    /// assert_eq!(compacted.stats.dropped.count, 99);
    /// assert_eq!(timeline.get(Key::MIN, Lsn(100)).await?, Some(vec![100; 100]));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn gc_compact(&self, range: HistoryRange, effect: Effect) -> Result<GcCompacted> {
        let shared = &self.shared;
        let _job_lock = shared.job_locks.gc.take().await;
        shared.branch_tree.check_known(shared.id)?;
        let look = shared.op(Job::GcCompact, 0);
        shared.io().interleave(look).await;
        let limits = shared.history_limits(look, effect).await?;
        let horizon = limits.cutoff;
        let planned = match range.keys.is_empty() || range.lsns.is_empty() {
            true => None,
            false => shared.plan_gc_compaction(range, &limits)?,
        };
        let Some((op, plan)) = planned else {
            if effect == Effect::Write {
                shared.idle(look).await?;
            }
            return Ok(GcCompacted::idle(horizon));
        };
        let compact = shared.compact_history(op, &plan, (effect, None));
        match shared.watched(op, compact).await? {
            Ok(compacted) => Ok(compacted),
            Err(TooLong { key }) => {
                let len_max = shared.options.history_len_max;
                let why = format!(
                    "the history of key {key} is longer than history_len_max, {len_max} bytes: \
                     raise the option, or leave the key out of the range"
                );
                Err(Error::Refused { why })
            }
        }
    }
}

impl<S: Store> Shared<S> {
    /// The cutoff, and what is retained below it: looked up in this order.
    async fn history_limits(&self, op: Op, effect: Effect) -> Result<Limits> {
        let cutoff = {
            let state = self.state();
            state.check_writable()?;
            state.gc_cutoff
        };
        self.io().interleave(op).await;
        Ok(Limits {
            cutoff,
            retained: match effect {
                Effect::Write => self.retained(),
                Effect::DryRun => self.retained_now(),
            },
            ancestor_lsn: self.ancestor.map(|ancestor| ancestor.lsn),
        })
    }

    fn plan_gc_compaction(
        &self,
        range: HistoryRange,
        limits: &Limits,
    ) -> Result<Option<(Op, GcCompactPlan<S::Io>)>> {
        let mut state = self.state();
        state.check_writable()?;
        assert!(limits.cutoff <= state.gc_cutoff, "law 8");
        check_conflict(&state.map)?;
        let planned = plan(&state.map, range, limits);
        Ok(planned.map(|plan| (self.next_op(&mut state, Job::GcCompact), plan)))
    }

    /// Carries a plan out. What is published with its layers is how far a run has come then.
    async fn compact_history(
        self: &Arc<Self>,
        op: Op,
        plan: &GcCompactPlan<S::Io>,
        (effect, run): (Effect, Option<GcCompaction>),
    ) -> Result<Result<GcCompacted, TooLong>> {
        let inputs = plan.inputs();
        let mut compacted = GcCompacted {
            progress: Progress::Done,
            replaced: inputs.iter().map(|input| input.entry().name).collect(),
            ..GcCompacted::idle(plan.horizon)
        };
        let stats = &mut compacted.stats;
        let started = self.io().now();
        let context = match effect {
            Effect::DryRun => None,
            Effect::Write => Some(self.take_generation(op).await?),
        };
        let begun = self.io().now();
        stats.time_to_begin = begun.saturating_since(started);
        let counts = (&mut *stats, &mut compacted.left_out);
        let built = Build::new((self, op), plan, context, counts).run().await;
        let made = match self.latch(built)? {
            Ok(made) => made,
            Err(too_long) => return Ok(Err(too_long)),
        };
        compacted.written = made.names.clone();
        let built = self.io().now();
        stats.time_to_build = built.saturating_since(begun);
        stats.count_written(&made);
        if effect == Effect::DryRun {
            return Ok(Ok(compacted));
        }
        self.io().interleave(op).await;
        let mut swapped = JobStats::default();
        let published = self.publish_history(&inputs, (made, run), (stats, &mut swapped))?;
        let saved = self.save_published(op, published).await;
        stats.time_to_publish = self.io().now().saturating_since(built);
        self.note_run(Job::GcCompact, stats.of_any_job(swapped));
        compacted.progress = saved?;
        Ok(Ok(compacted))
    }

    /// Replaces the inputs by the layers that were made in one step; `None` if an input has left
    /// the map.
    fn publish_history(
        &self,
        inputs: &[FileLayer<S::Io>],
        (made, run): (Made<S::Io>, Option<GcCompaction>),
        (stats, swapped): (&mut GcCompactStats, &mut JobStats),
    ) -> Result<Option<u64>> {
        let mut state = self.state();
        state.check_writable()?;
        let is_input = |name: &LayerName| inputs.iter().any(|input| input.entry().name == *name);
        let is_taken = |name: &LayerName| state.map.files().has(name) && !is_input(name);
        let deltas: Vec<LayerName> = made.deltas.iter().map(|it| it.entry().name).collect();
        // A tiered compaction may have merged layers of keys on both sides into one over these.
        let has_taken = state.map.has_delta_over(&deltas, inputs);
        if has_taken || !state.map.has_all(inputs) {
            drop(state);
            let io = self.io();
            io.probe("a gc compaction finds an input compacted meanwhile");
            stats.discarded.add_all(stats.deltas_written);
            stats.discarded.add_all(stats.images_written);
            return Ok(None);
        }
        let (needless, images): (Vec<_>, Vec<_>) = made
            .images
            .into_iter()
            .partition(|image| is_taken(&image.entry().name));
        let deltas = made.deltas.into_iter().map(|delta| {
            delta.keep();
            FileLayer::Delta(Arc::new(delta))
        });
        let images = images.into_iter().map(|image| {
            image.keep();
            FileLayer::Image(Arc::new(image))
        });
        let outputs: Vec<FileLayer<S::Io>> = deltas.chain(images).collect();
        let count = state.map.files().len() + outputs.len();
        swapped.swap(&outputs, inputs);
        let map = state.map.replace(inputs, outputs);
        assert!(map.files().len() + inputs.len() == count);
        assert!(map.frozen().len() == state.map.frozen().len());
        state.gc_compaction = run.unwrap_or(state.gc_compaction);
        let publication = state.publish(map, inputs.to_vec());
        drop(state);
        // An image creation has made its like meanwhile, with the same values: law 1.
        for image in &needless {
            stats.discarded.add(image.entry().len);
            let io = self.io();
            io.probe("a gc compaction comes to an image that is there");
        }
        drop(needless);
        self.changed.notify(usize::MAX);
        Ok(Some(publication))
    }
}

/// Refuses a map whose layers overlap, as one from elsewhere may.
fn check_conflict<I: Io>(map: &LayerMap<I>) -> Result<()> {
    match map.files().find_conflict() {
        None => Ok(()),
        Some((a, b)) => {
            let why = format!("the layers {a} and {b} overlap: their history cannot be told apart");
            Err(Error::Refused { why })
        }
    }
}
