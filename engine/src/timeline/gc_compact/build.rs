//! Building: the layers are merged, and key by key what stays is written.

use std::sync::Arc;

use super::outputs::{Made, Outputs};
use super::plan::{Bottom, Fate, GcCompactPlan};
use super::stats::{GcCompactStats, len_of};
use crate::base::{Error, Key, KeyRange, LayerName, Result};
use crate::format::{RedoError, Value};
use crate::io::{Io, Op, Part};
use crate::layer::{
    BatchLimits, DeltaIter, DeltaLayer, Entry, FileLayer, ImageIter, LayerContext, Merge,
    RawRecord, RecordKind, RetainError, RetainRule, Retained, Source, retain,
};
use crate::store::Store;

use super::super::shared::Shared;

/// How much of the values of each layer is held in memory at once.
const LIMITS: BatchLimits = BatchLimits {
    len_max: 128 << 10,
    count_max: usize::MAX,
};

/// The records of one layer for the keys of the range.
enum LayerRecords<'a, I: Io> {
    Delta(DeltaIter<'a, I>),
    Image(ImageIter<'a, I>),
}

impl<I: Io> Source for LayerRecords<'_, I> {
    type Item = RawRecord;

    fn first_key(&self) -> Key {
        match self {
            LayerRecords::Delta(records) => records.first_key(),
            LayerRecords::Image(records) => records.first_key(),
        }
    }

    async fn next(&mut self) -> Result<Option<RawRecord>> {
        match self {
            LayerRecords::Delta(records) => records.next().await,
            LayerRecords::Image(records) => records.next().await,
        }
    }
}

/// The history of one key, as far as it has been read.
struct KeyHistory {
    key: Key,
    entries: Vec<Entry>,
    /// The length of the values, in bytes.
    len: u64,
}

/// A gc compaction that is being built.
pub(super) struct Build<'a, S: Store> {
    shared: &'a Arc<Shared<S>>,
    op: Op,
    plan: &'a GcCompactPlan<S::Io>,
    outputs: Outputs<'a, S>,
    stats: &'a mut GcCompactStats,
}

impl<'a, S: Store> Build<'a, S> {
    /// Before the first record. Without a context it is a dry run.
    pub(super) fn new(
        (shared, op): (&'a Arc<Shared<S>>, Op),
        plan: &'a GcCompactPlan<S::Io>,
        context: Option<LayerContext<S::Io>>,
        stats: &'a mut GcCompactStats,
    ) -> Build<'a, S> {
        let outputs = Outputs::new((shared.as_ref(), op), context, (plan.keys, plan.lsns));
        Build {
            shared,
            op,
            plan,
            outputs,
            stats,
        }
    }

    /// Writes all layers: durable files that are not published yet.
    pub(super) async fn run(mut self) -> Result<Made<S::Io>> {
        let plan = self.plan;
        for (index, (layer, fate)) in (1..).zip(plan.layers()) {
            let len = layer.entry().len;
            match layer {
                FileLayer::Delta(delta) => {
                    self.stats.deltas_read.add(len);
                    if *fate == Fate::Cut {
                        self.cut(index, delta).await?;
                    }
                }
                FileLayer::Image(_) => self.stats.images_read.add(len),
            }
        }
        self.reduce().await?;
        self.outputs.finish().await
    }

    /// Copies what a layer has of keys on either side of the range, whole.
    async fn cut(&mut self, index: u32, delta: &DeltaLayer<S::Io>) -> Result<()> {
        let (keys, range) = (delta.keys(), self.plan.keys);
        let below = (keys.start, keys.end.min(range.start));
        let above = (keys.start.max(range.end), keys.end);
        for (start, end) in [below, above] {
            if end <= start {
                continue;
            }
            let side = KeyRange::new(start, end);
            let op = self.op.on(Part::Delta, index);
            let mut records = delta.iter(op, LIMITS).within(side);
            let mut piece = None;
            while let Some(record) = records.next().await? {
                self.shared.check_running()?;
                let mut open = match piece.take() {
                    Some(piece) => piece,
                    None => self.outputs.begin_piece((side, delta.lsns())).await?,
                };
                self.stats.copied.add(record.bytes.len() as u64);
                let place = (record.key, record.lsn);
                open.push(place, &record.bytes, record.is_base).await?;
                piece = Some(open);
            }
            match piece {
                Some(piece) => self.outputs.end_piece(piece).await?,
                None => {
                    let io = self.shared.io();
                    io.probe("a gc compaction cuts a layer that has no record on one side");
                }
            }
        }
        Ok(())
    }

    /// Merges the layers, and writes what stays of each key.
    async fn reduce(&mut self) -> Result<()> {
        let mut merge = Merge::new(self.sources());
        let mut history: Option<KeyHistory> = None;
        while let Some(record) = merge.next().await? {
            if let Some(done) = history.take_if(|history| history.key != record.key) {
                self.settle(done).await?;
            }
            let history = history.get_or_insert_with(|| KeyHistory::new(record.key));
            self.push(history, record)?;
        }
        match history {
            Some(last) => self.settle(last).await,
            None => Ok(()),
        }
    }

    fn sources(&self) -> Vec<LayerRecords<'a, S::Io>> {
        let (keys, op) = (self.plan.keys, self.op);
        let layers = self.plan.layers().iter().zip(1..);
        let source = |((layer, _), index): (&'a (FileLayer<S::Io>, Fate), u32)| match layer {
            FileLayer::Delta(delta) => {
                let op = op.on(Part::Delta, index);
                LayerRecords::Delta(delta.iter(op, LIMITS).within(keys))
            }
            FileLayer::Image(image) => {
                let op = op.on(Part::Image, index);
                LayerRecords::Image(image.iter(op, LIMITS).within(keys))
            }
        };
        layers.map(source).collect()
    }

    /// Adds a record to its key's history.
    fn push(&mut self, history: &mut KeyHistory, record: RawRecord) -> Result<()> {
        let len = record.bytes.len() as u64;
        history.len += len;
        let len_max = self.shared.options.history_len_max;
        if len_max < history.len {
            let key = record.key;
            let why = format!(
                "the history of key {key} is longer than history_len_max, {len_max} bytes: raise \
                 the option, or leave the key out of the range"
            );
            return Err(Error::Refused { why });
        }
        let (lsn, kind) = (record.lsn, record.kind);
        let value = self.decode(record)?;
        let stats = &mut *self.stats;
        match kind {
            RecordKind::Image => stats.images.add(len_of(&value)),
            RecordKind::Delta => stats.records.add(len_of(&value)),
        }
        match history.entries.last() {
            // It says the same as the entry before it.
            Some((last, _)) if *last == lsn => stats.dropped.add(len_of(&value)),
            _ => history.entries.push((lsn, value)),
        }
        Ok(())
    }

    fn decode(&self, record: RawRecord) -> Result<Value> {
        if record.kind == RecordKind::Image {
            return Ok(Value::Image(record.bytes));
        }
        Value::decode(&record.bytes).map_err(|cause| {
            let holds = |name: LayerName| {
                name.keys().contains(record.key) && name.lsns().contains(record.lsn)
            };
            let mut layers = self.plan.layers().iter();
            let layer = layers.find_map(|(layer, _)| match layer {
                FileLayer::Delta(delta) if holds(delta.entry().name) => Some(delta),
                _ => None,
            });
            layer.expect("a record comes from a layer").corrupt(cause)
        })
    }

    /// Writes what stays of a key whose history is complete.
    async fn settle(&mut self, mut history: KeyHistory) -> Result<()> {
        self.shared.check_running()?;
        self.stats.key_count += 1;
        match self.retain(&mut history).await? {
            Ok(retained) => self.write(history, retained).await,
            Err(RetainError::Differs { lsn, trace }) => Err(Error::Redo {
                key: history.key,
                lsn,
                why: format!("a reduced history would give another value: {trace}"),
            }),
            Err(RetainError::NoBase { .. } | RetainError::Redo { .. }) => {
                let io = self.shared.io();
                io.probe("a gc compaction leaves a key as it is that has no value");
                self.stats.left_out_count += 1;
                let KeyHistory { key, entries, .. } = history;
                self.stats.compare(&entries, entries.iter());
                let place = (key, self.plan.lsn_min());
                self.outputs.push_left_out(place, &entries).await
            }
        }
    }

    async fn retain(&self, history: &mut KeyHistory) -> Result<Result<Retained, RetainError>> {
        let plan = self.plan;
        let below = match plan.bottom {
            Bottom::Images(_) => None,
            Bottom::History => {
                let place = (history.key, plan.floor);
                self.shared.value_below(self.op, place).await?
            }
        };
        let rule = RetainRule {
            points: &plan.points,
            horizon: plan.horizon,
            threshold: self.shared.options.history_record_count_trigger,
        };
        let base = match below {
            None => None,
            Some((_, Ok(base))) => Some(base),
            // What stands below has no value, so neither has what stands on it.
            Some((_, Err(error @ (Error::NoBase { .. } | Error::Redo { .. })))) => {
                let (lsn, why) = (plan.floor, error.to_string());
                return Ok(Err(rule.fails(&history.entries, RedoError { lsn, why })));
            }
            Some((_, Err(error))) => return Err(error),
        };
        let redo = &*self.shared.options.redo;
        Ok(retain(&mut history.entries, base.as_deref(), rule, redo))
    }

    async fn write(&mut self, history: KeyHistory, retained: Retained) -> Result<()> {
        let KeyHistory { key, entries, .. } = history;
        let mut below = retained.below;
        let mut first = Vec::new();
        if let Bottom::Images(lsn) = self.plan.bottom {
            let (point, bucket) = below.remove(0);
            assert!(point == lsn, "the lowest point is where the images stand");
            first = bucket;
        }
        let below = below.into_iter().flat_map(|(_, kept)| kept);
        let stays: Vec<Entry> = below.chain(retained.above).collect();
        self.stats.compare(&entries, first.iter().chain(&stays));
        match &first[..] {
            [] => {}
            [(lsn, Value::Image(image))] => self.outputs.push_image(key, *lsn, image).await?,
            _ => panic!("what has nothing below becomes one image"),
        }
        match stays.is_empty() {
            true => Ok(()),
            false => self.outputs.push_deltas(key, &stays).await,
        }
    }
}

impl KeyHistory {
    fn new(key: Key) -> KeyHistory {
        KeyHistory {
            key,
            entries: Vec::new(),
            len: 0,
        }
    }
}
