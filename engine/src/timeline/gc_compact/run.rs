//! A run of gc compaction through all keys: in sub-jobs, each of them short enough to be repeated.
//!
//! ```text
//!  run under way? ── no ─▶ due? ─▶ horizon = cutoff, next = the lowest key
//!       │ yes                            │
//!       ▼                                ▼
//!  keys from next on, up to a length ─▶ gc compaction of them ─▶ swap, and next moves with it ─┐
//!       ▲                                                                                      │
//!       └────────── too many L0s? stop here, and resume in a later call ◀──────────────────────┘
//! ```
//!
//! 1. How far the run has come is in the index, and it moves in the publication that swaps the
//!    layers of a sub-job. After a crash the run goes on behind the last one that is durable: none
//!    is left out, and none is told done that was not.
//! 2. All sub-jobs of a run reduce up to one horizon, the cutoff at its begin. So once the last is
//!    done, the history of all keys is reduced up to there, wherever the cutoff is by then.
//! 3. A key whose history is too long to be held in memory stays as it is: the sub-job ends before
//!    it, and the next one begins behind it. A run that failed there would fail there for ever.
//! 4. A sub-job ends where a layer begins or ends, since what lies on both sides of its end is
//!    copied. If layers are so wide that most of what is read would be copied, it takes more keys.

use std::collections::BTreeSet;

use super::build::TooLong;
use super::plan::Limits;
use super::{Effect, GcCompactPlan, GcCompacted, HistoryRange};
use crate::base::{Key, KeyRange, Lsn, LsnRange, Result};
use crate::format::{GcCompaction, GcCompactionRun};
use crate::io::{Io, Job, Op};
use crate::layer::LayerMap;
use crate::store::Store;
use crate::timeline::Timeline;
use crate::timeline::imaged::{self, WhyLeftOut};
use crate::timeline::job::{Mode, Progress};
use crate::timeline::options::Options;
use crate::timeline::shared::Shared;

/// What the next step of a run is.
enum Step<I: Io> {
    /// Nothing is due, or nothing is left that could go.
    Idle(Lsn),
    /// No key that was left has history that could go: the run is over, up to this LSN. The
    /// publication says so.
    End(Lsn, u64),
    /// A sub-job, and how far the run has come once it is done.
    Reduce(Op, GcCompactPlan<I>, GcCompaction),
}

impl<S: Store> Timeline<S> {
    /// Rewrites the history of all keys up to the cutoff, as [`gc_compact`](Timeline::gc_compact)
    /// does, in sub-jobs of about `gc_compact_len_max` bytes. A run that was interrupted, also by a
    /// crash, is resumed; else one begins if it is due, or if the mode is `Forced`.
    ///
    /// # Shape
    /// `Preempted` if it stopped between two sub-jobs because too many L0s wait to be compacted,
    /// `Superseded` if a concurrent job took a layer: the next call resumes there. `Idle` if
    /// nothing was due, or no history can go. The result names the layers of all sub-jobs of this
    /// call, and adds up what they counted. With `Done`, `Preempted` or `Idle` it is durable, that
    /// of earlier calls too.
    /// # Errors
    /// As for [`gc_compact`](Timeline::gc_compact). The sub-jobs before the one that failed stay
    /// done, and the next call resumes behind them.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # use std::time::Duration;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let options = Options { gc_distance: 0, gc_age: Duration::ZERO, ..Options::default() };
    /// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # for lsn in 1..=100 {
    /// #     batch.push(Key::MIN, Lsn(lsn), &Value::Image(vec![lsn as u8; 100]))?;
    /// # }
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// timeline.gc().await?;
    /// let run = timeline.gc_compact_all(Mode::ByNeed).await?;
    /// assert_eq!(run.progress, Progress::Idle); // There are no 5 GiB to reduce.
    /// let run = timeline.gc_compact_all(Mode::Forced).await?;
    /// assert_eq!(run.stats.dropped.count, 99);
    /// assert_eq!(timeline.gc_compaction().reduced_lsn, Lsn(100));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn gc_compact_all(&self, mode: Mode) -> Result<GcCompacted> {
        let shared = &self.shared;
        let mut sum = GcCompacted::idle(Lsn::ZERO);
        let mut too_long = BTreeSet::new();
        loop {
            let _job_lock = shared.job_locks.gc.take().await;
            shared.branch_tree.check_known(shared.id)?;
            let look = shared.op(Job::GcCompact, 0);
            shared.io().interleave(look).await;
            let limits = shared.history_limits(look, Effect::Write).await?;
            let may_begin = sum.progress == Progress::Idle;
            let step = shared.next_step(&limits, (mode, may_begin), &too_long)?;
            let (op, plan, after) = match step {
                Step::Idle(horizon) => {
                    shared.idle(look).await?;
                    return Ok(GcCompacted { horizon, ..sum });
                }
                Step::End(horizon, publication) => {
                    shared.save_index(look, publication).await?;
                    let progress = Progress::Done;
                    return Ok(GcCompacted {
                        horizon,
                        progress,
                        ..sum
                    });
                }
                Step::Reduce(op, plan, after) => (op, plan, after),
            };
            let effect = (Effect::Write, Some(after));
            let compact = shared.compact_history(op, &plan, effect);
            match shared.watched(op, compact).await? {
                Ok(one) => sum = sum.with(one),
                Err(TooLong { key }) => {
                    let io = shared.io();
                    io.probe("a run of gc compaction goes around a key that is too long");
                    let is_new = too_long.insert(key);
                    assert!(is_new, "the plan goes around what was too long");
                    sum.stats.left_out_count += 1;
                    let one = (KeyRange::single(key), WhyLeftOut::LongHistory);
                    imaged::leave_out(&mut sum.left_out, one);
                    continue;
                }
            }
            if sum.progress != Progress::Done || after.run.is_none() {
                return Ok(sum);
            }
            if shared.must_yield() {
                let io = shared.io();
                io.probe("a run of gc compaction yields to the compaction of L0s");
                let progress = Progress::Preempted;
                return Ok(GcCompacted { progress, ..sum });
            }
        }
    }

    /// How far gc compaction by itself has come. What is told may not be durable yet.
    pub fn gc_compaction(&self) -> GcCompaction {
        self.shared.state().gc_compaction
    }
}

impl<S: Store> Shared<S> {
    /// Whether so many L0s wait that a run gives way.
    fn must_yield(&self) -> bool {
        self.options.image_preempt_l0_count <= self.state().map.l0_count()
    }

    /// Looks for the next sub-job of the run that is under way, around keys that are too long.
    /// Without a run one begins, if it may and is due. Under gc's lock nothing else moves a run.
    fn next_step(
        &self,
        limits: &Limits,
        (mode, may_begin): (Mode, bool),
        too_long: &BTreeSet<Key>,
    ) -> Result<Step<S::Io>> {
        let (map, GcCompaction { reduced_lsn, run }) = {
            let state = self.state();
            state.check_writable()?;
            assert!(limits.cutoff <= state.gc_cutoff, "law 8");
            (state.map.clone(), state.gc_compaction)
        };
        super::check_conflict(&map)?;
        let is_due = || is_due(&map, (reduced_lsn, limits.cutoff), &self.options);
        let run = match run {
            Some(run) => run,
            None if may_begin && (mode == Mode::Forced || is_due()) => GcCompactionRun {
                horizon: limits.cutoff,
                next: Key::MIN,
            },
            None => return Ok(Step::Idle(limits.cutoff)),
        };
        let planned = next_sub_job(
            &map,
            run,
            (limits, too_long),
            self.options.gc_compact_len_max,
        );
        let done = GcCompaction {
            reduced_lsn: reduced_lsn.max(run.horizon),
            run: None,
        };
        let mut state = self.state();
        state.check_writable()?;
        if let Some(plan) = planned {
            let next = plan.keys.end;
            let after = match next == Key::MAX {
                true => done,
                false => GcCompaction {
                    reduced_lsn,
                    run: Some(GcCompactionRun { next, ..run }),
                },
            };
            let op = self.next_op(&mut state, Job::GcCompact);
            return Ok(Step::Reduce(op, plan, after));
        }
        if state.gc_compaction == done {
            return Ok(Step::Idle(run.horizon));
        }
        state.gc_compaction = done;
        Ok(Step::End(run.horizon, state.publish_lsns()))
    }
}

/// The next sub-job of a run that has something to reduce.
fn next_sub_job<I: Io>(
    map: &LayerMap<I>,
    run: GcCompactionRun,
    (limits, too_long): (&Limits, &BTreeSet<Key>),
    len_max: u64,
) -> Option<GcCompactPlan<I>> {
    let lsns = LsnRange::new(Lsn::ZERO, run.horizon.visible_end());
    let mut next = run.next;
    while next < Key::MAX {
        while too_long.contains(&next) {
            next = next.next();
        }
        let mut keys = sub_job(map, (next, run.horizon), len_max);
        let around = too_long.range(keys.start..keys.end).next();
        keys.end = around.copied().unwrap_or(keys.end);
        next = keys.end;
        let plan = super::plan(map, HistoryRange { keys, lsns }, limits);
        if plan.is_some() {
            return plan;
        }
    }
    None
}

/// Whether a run is to begin: by the length of what stands between the LSN up to which all is
/// reduced and the cutoff.
fn is_due<I: Io>(map: &LayerMap<I>, (reduced, cutoff): (Lsn, Lsn), options: &Options) -> bool {
    let (mut above, mut below) = (0_u64, 0_u64);
    for (name, layer) in map.files().iter() {
        let start = name.lsns().start;
        if start <= reduced {
            below += layer.entry().len;
        } else if start <= cutoff && name.is_delta() {
            above += layer.entry().len;
        }
    }
    match reduced {
        Lsn::ZERO => options.gc_compact_len_trigger <= above,
        _ => {
            let growth = options.gc_compact_growth_trigger;
            0 < above && below.saturating_mul(growth) <= above.saturating_mul(100)
        }
    }
}

/// The keys of the next sub-job: fact 4.
fn sub_job<I: Io>(map: &LayerMap<I>, (next, horizon): (Key, Lsn), len_max: u64) -> KeyRange {
    let files = map.files().iter();
    let layers = files
        .filter(|(name, _)| name.lsns().start <= horizon && next < name.keys().end)
        .map(|(name, layer)| (name.keys(), layer.entry().len));
    KeyRange::new(next, sub_job_end(next, layers.collect(), len_max))
}

/// Where a sub-job ends that begins at `next`, of layers with these keys and lengths.
fn sub_job_end(next: Key, mut by_end: Vec<(KeyRange, u64)>, len_max: u64) -> Key {
    let mut by_start = by_end.clone();
    by_start.sort_unstable_by_key(|(keys, _)| keys.start);
    by_end.sort_unstable_by_key(|(keys, _)| keys.end);
    let edges = by_end.iter().flat_map(|(keys, _)| [keys.start, keys.end]);
    let mut edges: Vec<Key> = edges.filter(|edge| next < *edge).collect();
    edges.sort_unstable();
    edges.dedup();
    let (mut starts, mut ends) = (by_start.iter().peekable(), by_end.iter().peekable());
    // The lengths of the layers that begin before an edge, and of those that it is the end of.
    let (mut read, mut whole) = (0_u64, 0_u64);
    let mut found = None;
    for edge in edges {
        while let Some((_, len)) = starts.next_if(|(keys, _)| keys.start < edge) {
            read += len;
        }
        while let Some((keys, len)) = ends.next_if(|(keys, _)| keys.end <= edge) {
            whole += if next <= keys.start { *len } else { 0 };
        }
        let is_short = read <= len_max && 0 < whole;
        if is_short || found.is_none() && read <= 2 * whole {
            found = Some(edge);
        }
        if len_max < read && found.is_some() {
            break;
        }
    }
    found.unwrap_or(Key::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer's first key, its end and its length.
    type Layer = (u32, u32, u64);

    /// The ends of all sub-jobs.
    fn sub_jobs(layers: &[Layer], len_max: u64) -> Vec<u32> {
        let at = |number| Key::MIN.add(number);
        let layers = layers.iter();
        let layers = layers.map(|(start, end, len)| (KeyRange::new(at(*start), at(*end)), *len));
        let layers: Vec<(KeyRange, u64)> = layers.collect();
        let (mut next, mut ends) = (Key::MIN, Vec::new());
        while next < Key::MAX {
            let left = layers.iter().filter(|(keys, _)| next < keys.end);
            // What the sub-job before has cut begins where that ended.
            let left =
                left.map(|(keys, len)| (KeyRange::new(keys.start.max(next), keys.end), *len));
            next = sub_job_end(next, left.collect(), len_max);
            ends.extend((next != Key::MAX).then_some(next.field6));
        }
        ends
    }

    #[test]
    fn sub_jobs_take_as_many_layers_as_fit() {
        let cases: [(&[Layer], u64, &[u32]); 8] = [
            (&[], 4096, &[]),
            // A peer closes a job behind its limit: at 20 and 40, with 5000 in the first.
            (&[(0, 15, 3000), (15, 40, 2000)], 4096, &[15, 40]),
            (&[(0, 15, 5000), (15, 40, 2000)], 4096, &[15, 40]),
            (&[(0, 15, 3000), (15, 40, 1000)], 4096, &[40]),
            (&[(0, 10, 1), (20, 30, 1), (30, 40, 1)], 2, &[30, 40]),
            // Two layers beside each other end a job together.
            (&[(0, 10, 1), (0, 10, 1), (10, 20, 1)], 2, &[10, 20]),
            // One over all keys would be copied for each: the job takes half of them first.
            (
                &[(0, 40, 2), (0, 10, 1), (10, 20, 1), (20, 30, 1)],
                1,
                &[20, 40],
            ),
            (&[(0, 40, 9), (0, 10, 1), (10, 20, 1)], 1, &[40]),
        ];
        for (layers, len_max, expected) in cases {
            assert_eq!(sub_jobs(layers, len_max), expected, "{layers:?} {len_max}");
        }
    }
}
