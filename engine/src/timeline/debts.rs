//! What is due of each job, as each would decide now.

use super::Timeline;
use super::compact::plan as plan_compaction;
use super::image::plan as plan_images;
use super::job::Mode;
use super::job_stats::Quantity;
use super::shared::{Shared, TimelineState};
use super::shed::plan as plan_shed;
use super::tier::plan as plan_tier;
use crate::base::{LayerName, Strategy};
use crate::io::Io;
use crate::store::Store;

/// What is due of each job of a timeline at one moment.
///
/// # Shape
/// What a collection would take is in the forecast of the figures. Nothing is due where all are
/// zero, but for what is too young, or waits for a trigger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debts {
    /// The frozen layers that wait to be flushed, with the bytes of their values.
    pub flush: Quantity,
    /// The layers that the next compaction would take, with the bytes of their files; none if none
    /// is due.
    pub compaction: Quantity,
    /// The parts of the keys of which images are due, of those that were not left out.
    pub image_part_count: usize,
    /// The deltas between what gc compaction has reduced and the cutoff, with the bytes of their
    /// files: it is due once they are long enough.
    pub gc_compaction: Quantity,
    /// The layers from before a split that hold other shards' keys.
    pub shed_layer_count: usize,
}

impl<S: Store> Timeline<S> {
    /// What is due of each job, from the map alone: no file is read.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let options = Options { l0_count_trigger: 2, ..Options::default() };
    /// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut writer = timeline.writer()?;
    /// for lsn in [10, 20] {
    ///     let mut batch = Batch::new();
    ///     batch.push(Key::MIN, Lsn(lsn), &Value::Image(b"page".to_vec()))?;
    ///     writer.put_batch(&batch).await?;
    ///     timeline.flush().await?;
    /// }
    /// assert_eq!(timeline.debts().compaction.count, 2); // `l0_count_trigger` is 2 here.
    /// timeline.compact(Mode::ByNeed).await?;
    /// assert_eq!(timeline.debts().compaction.count, 0);
    /// # drop(writer);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn debts(&self) -> Debts {
        let shared = &self.shared;
        let retained = shared.retained_now();
        let state = shared.state();
        let map = state.map.clone();
        let mut debts = Debts {
            compaction: shared.compaction_debt(&state),
            gc_compaction: gc_compaction_debt(&state),
            ..Debts::default()
        };
        let keys = shared.shard.identity.held_space(&state.key_space);
        let (lsn, cutoff) = (state.flushed_lsn, state.gc_cutoff);
        let (options, strategy) = (state.applied.options.clone(), state.strategy);
        drop(state);
        for frozen in map.frozen() {
            debts.flush.add(frozen.byte_len());
        }
        if strategy == Strategy::L0ToL1 && !map.files().is_empty() {
            let due = plan_images(&map, (&keys, lsn), &options, Mode::ByNeed);
            debts.image_part_count = due.map_or(0, |plan| plan.parts.len());
        }
        let shed = plan_shed(&map, &shared.shard, (cutoff, &retained), usize::MAX);
        let count =
            |dropped: &[LayerName], rewritten: &[LayerName]| dropped.len() + rewritten.len();
        debts.shed_layer_count = shed.map_or(0, |plan| count(&plan.dropped, &plan.rewritten));
        debts
    }
}

impl<S: Store> Shared<S> {
    fn compaction_debt(&self, state: &TimelineState<S::Io>) -> Quantity {
        let (map, options) = (&state.map, &state.applied.options);
        let inputs = match state.strategy {
            Strategy::L0ToL1 => {
                let due = plan_compaction(map, options, Mode::ByNeed);
                due.map(|plan| plan.inputs())
            }
            Strategy::Tiered => {
                let (layers, limits) = self.tier_inputs(state);
                plan_tier(&layers, &limits, options, Mode::ByNeed).map(|plan| plan.deltas)
            }
        };
        let mut debt = Quantity::default();
        for name in inputs.unwrap_or_default() {
            let layer = map.files().get(&name);
            debt.add(layer.expect("the plan is of this map").entry().len);
        }
        debt
    }
}

fn gc_compaction_debt<I: Io>(state: &TimelineState<I>) -> Quantity {
    let reduced = state.gc_compaction.reduced_lsn;
    let mut debt = Quantity::default();
    for (name, layer) in state.map.files().iter() {
        let start = name.lsns().start;
        if name.is_delta() && reduced < start && start <= state.gc_cutoff {
            debt.add(layer.entry().len);
        }
    }
    debt
}
