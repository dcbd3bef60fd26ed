//! Building: the layers are merged, and key by key what stays is written.

use std::collections::VecDeque;
use std::sync::Arc;

use super::outputs::{Made, Outputs};
use super::plan::{Bottom, Fate, GcCompactPlan};
use super::stats::{GcCompactStats, len_of};
use crate::base::{Error, Key, KeyRange, KeySpace, LayerName, Lsn, Result};
use crate::format::{RedoError, Value};
use crate::io::{Io, Op, Part};
use crate::layer::{
    BatchLimits, Below, DeltaIter, DeltaLayer, Entry, FileLayer, ImageIter, LayerContext, Merge,
    RawRecord, RecordKind, RetainError, RetainRule, Retained, Source, retain,
};
use crate::store::Store;

use super::super::imaged::{self, WhyLeftOut};
use super::super::read::KeysBelow;
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
    /// The LSNs of the entries that come from image layers.
    imaged: Vec<Lsn>,
    /// The length of the values, in bytes.
    len: u64,
}

/// A key has a longer history than may be held in memory.
pub(super) struct TooLong {
    pub(super) key: Key,
}

/// A gc compaction that is being built.
pub(super) struct Build<'a, S: Store> {
    shared: &'a Arc<Shared<S>>,
    op: Op,
    plan: &'a GcCompactPlan<S::Io>,
    outputs: Outputs<'a, S>,
    stats: &'a mut GcCompactStats,
    left_out: &'a mut Vec<(KeyRange, WhyLeftOut)>,
    /// The images that cover sparse keys: where one lacks such a key, it says that the key is gone.
    deleting: Vec<(KeyRange, Lsn)>,
    /// Those of them that stay as they are.
    staying: Vec<(KeyRange, Lsn)>,
    /// The sparse keys with a value below the layers, once they were asked for: an image may be all
    /// that says of such a key that it is gone.
    below: Option<KeysBelow<S>>,
    next_below: VecDeque<Key>,
}

impl<'a, S: Store> Build<'a, S> {
    /// Before the first record. Without a context it is a dry run.
    pub(super) fn new(
        (shared, op): (&'a Arc<Shared<S>>, Op),
        plan: &'a GcCompactPlan<S::Io>,
        context: Option<LayerContext<S::Io>>,
        (stats, left_out): (&'a mut GcCompactStats, &'a mut Vec<(KeyRange, WhyLeftOut)>),
    ) -> Build<'a, S> {
        let outputs = Outputs::new((shared.as_ref(), op), context, (plan.keys, plan.lsns));
        let sparse = shared.options.sparse_keys.sparse();
        let images = plan
            .layers()
            .iter()
            .filter_map(|(layer, fate)| match layer {
                FileLayer::Image(image) => Some(((image.keys(), image.lsn()), *fate)),
                FileLayer::Delta(_) => None,
            });
        let deleting: Vec<_> = images
            .filter(|((keys, _), _)| sparse.overlaps(keys))
            .collect();
        let staying = deleting.iter().filter(|(_, fate)| *fate == Fate::Stays);
        Build {
            shared,
            op,
            plan,
            outputs,
            stats,
            left_out,
            staying: staying.map(|(image, _)| *image).collect(),
            deleting: deleting.iter().map(|(image, _)| *image).collect(),
            below: None,
            next_below: VecDeque::new(),
        }
    }

    /// Writes all layers: durable files that are not published yet.
    pub(super) async fn run(mut self) -> Result<Result<Made<S::Io>, TooLong>> {
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
        if let Some(too_long) = self.reduce().await? {
            return Ok(Err(too_long));
        }
        self.outputs.finish().await.map(Ok)
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
                if !self.shared.shard.identity.holds(record.key) {
                    continue;
                }
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

    /// Merges the layers, and writes what stays of each key, up to one that is too long.
    async fn reduce(&mut self) -> Result<Option<TooLong>> {
        self.begin_below().await?;
        let mut merge = Merge::new(self.sources());
        let mut history: Option<KeyHistory> = None;
        while let Some(record) = merge.next().await? {
            if !self.shared.shard.identity.holds(record.key) {
                self.drop_foreign(&record);
                continue;
            }
            if let Some(done) = history.take_if(|history| history.key != record.key) {
                self.settle_below(Some(done.key)).await?;
                self.settle(done).await?;
            }
            let history = history.get_or_insert_with(|| KeyHistory::new(record.key));
            history.len += record.bytes.len() as u64;
            if self.shared.options.history_len_max < history.len {
                let key = record.key;
                return Ok(Some(TooLong { key }));
            }
            self.push(history, record)?;
        }
        if let Some(last) = history {
            self.settle_below(Some(last.key)).await?;
            self.settle(last).await?;
        }
        self.settle_below(None).await?;
        Ok(None)
    }

    /// Starts to look for sparse keys that have a value below the layers, where an image may lack
    /// them.
    async fn begin_below(&mut self) -> Result<()> {
        if self.plan.bottom != Bottom::History || self.deleting.is_empty() {
            return Ok(());
        }
        let images = KeySpace::from_ranges(self.deleting.iter().map(|(keys, _)| *keys));
        let mut sparse = self.shared.options.sparse_keys.sparse().clone();
        let mut covered = sparse.remove_overlapping_with(&images);
        let keys = KeySpace::from_ranges([self.plan.keys]);
        let keys = covered.remove_overlapping_with(&keys);
        self.below = self
            .shared
            .keys_below(self.op, (keys, self.plan.floor))
            .await?;
        Ok(())
    }

    /// Writes what stays of the sparse keys before `end` that have no record in the layers, and
    /// passes over `end` itself.
    async fn settle_below(&mut self, end: Option<Key>) -> Result<()> {
        loop {
            while let Some(key) = self.next_below.front().copied() {
                if end.is_some_and(|end| end < key) {
                    return Ok(());
                }
                self.next_below.pop_front();
                if end != Some(key) {
                    let io = self.shared.io();
                    io.probe("a gc compaction keeps a deletion that only an image has");
                    self.settle(KeyHistory::new(key)).await?;
                }
            }
            let Some(below) = &mut self.below else {
                return Ok(());
            };
            match below.next_batch().await? {
                Some(keys) => self.next_below.extend(keys),
                None => self.below = None,
            }
        }
    }

    /// Counts a record of another shard, which a layer from before a split has.
    fn drop_foreign(&mut self, record: &RawRecord) {
        let io = self.shared.io();
        io.probe("a gc compaction leaves out a key of another shard");
        let len = record.bytes.len() as u64;
        match record.kind {
            RecordKind::Image => self.stats.images.add(len),
            RecordKind::Delta => self.stats.records.add(len),
        }
        self.stats.dropped.add(len);
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
        let (lsn, kind) = (record.lsn, record.kind);
        let value = self.decode(record)?;
        let stats = &mut *self.stats;
        match kind {
            RecordKind::Image => {
                stats.images.add(len_of(&value));
                history.imaged.push(lsn);
            }
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
            return Ok(Value::Image(record.bytes.into()));
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
        self.add_deletions(&mut history);
        if history.entries.is_empty() {
            return Ok(());
        }
        self.stats.key_count += 1;
        match self.retain(&mut history).await? {
            Ok(retained) => self.write(history, retained).await,
            Err(error) => {
                let io = self.shared.io();
                io.probe("a gc compaction leaves a key as it is that has no value");
                self.leave_out(history, why_left_out(&error)).await
            }
        }
    }

    /// Writes the history of a key as it was.
    async fn leave_out(&mut self, history: KeyHistory, why: WhyLeftOut) -> Result<()> {
        let KeyHistory { key, entries, .. } = history;
        self.stats.left_out_count += 1;
        imaged::leave_out(self.left_out, (KeyRange::single(key), why));
        self.stats.compare(&entries, entries.iter());
        let place = (key, self.plan.lsn_min());
        self.outputs.push_left_out(place, &entries).await
    }

    /// Adds the deletions of a sparse key that images stand for, since they cover it and lack it.
    fn add_deletions(&mut self, history: &mut KeyHistory) {
        if !self.shared.options.sparse_keys.is_sparse(history.key) {
            return;
        }
        for (keys, lsn) in &self.deleting {
            if !keys.contains(history.key) || history.imaged.contains(lsn) {
                continue;
            }
            let io = self.shared.io();
            io.probe("a gc compaction finds a sparse key deleted by an image that lacks it");
            let index = history.entries.partition_point(|(at, _)| at < lsn);
            if history.entries.get(index).is_some_and(|(at, _)| at == lsn) {
                // The image has what the record has made of the key.
                let (_, record) = history.entries.remove(index);
                self.stats.dropped.add(len_of(&record));
            }
            self.stats.absent_count += 1;
            let deletion = (*lsn, Value::Image(Vec::new()));
            history.entries.insert(index, deletion);
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
        let is_sparse = self.shared.options.sparse_keys.is_sparse(history.key);
        let base = match below {
            None if is_sparse && plan.bottom == Bottom::History => Some(Vec::new()),
            None => None,
            Some((_, Ok(base))) => Some(base),
            // What stands below has no value, so neither has what stands on it.
            Some((_, Err(error @ (Error::NoBase { .. } | Error::Redo { .. })))) => {
                let (lsn, why) = (plan.floor, error.to_string());
                return Ok(Err(rule.fails(&history.entries, RedoError { lsn, why })));
            }
            Some((_, Err(error))) => return Err(error),
        };
        let redo = (history.key, &*self.shared.options.redo);
        let below = match &base {
            Some(base) => Below::Value(base),
            None if is_sparse && self.is_in_staying_image(history, plan.horizon) => Below::Hidden,
            None if is_sparse => Below::Empty,
            None => Below::Nothing,
        };
        Ok(retain(&mut history.entries, below, rule, redo))
    }

    /// Whether an image that stays has a value of a key below a point at which the key has none: an
    /// image of what is written need not cover the key.
    fn is_in_staying_image(&self, history: &KeyHistory, point: Lsn) -> bool {
        let mut staying = self.staying.iter();
        staying.any(|(keys, lsn)| {
            keys.contains(history.key) && *lsn < point && history.imaged.contains(lsn)
        })
    }

    async fn write(&mut self, history: KeyHistory, retained: Retained) -> Result<()> {
        let mut below = retained.below;
        let (mut first, mut deletion) = (Vec::new(), None);
        if let Bottom::Images(lsn) = self.plan.bottom {
            let (point, bucket) = below.remove(0);
            assert!(point == lsn, "the lowest point is where the images stand");
            first = bucket;
            // No image layer has an empty value of a sparse key.
            let is_sparse = self.shared.options.sparse_keys.is_sparse(history.key);
            first.retain(|(_, value)| !(is_sparse && *value == Value::Image(Vec::new())));
            if first.is_empty() && self.is_in_staying_image(&history, point) {
                let io = self.shared.io();
                io.probe("a gc compaction keeps a deletion over an image that stays");
                deletion = Some((point, Value::Image(Vec::new())));
            }
        }
        let KeyHistory { key, entries, .. } = history;
        let below = below.into_iter().flat_map(|(_, kept)| kept);
        let below = deletion.into_iter().chain(below);
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

fn why_left_out(error: &RetainError) -> WhyLeftOut {
    match error {
        RetainError::NoBase { .. } | RetainError::Redo { .. } => WhyLeftOut::NoReplay,
        RetainError::TooLong { .. } => WhyLeftOut::TooLong,
        RetainError::Differs { .. } => WhyLeftOut::Differs,
    }
}

impl KeyHistory {
    fn new(key: Key) -> KeyHistory {
        KeyHistory {
            key,
            entries: Vec::new(),
            imaged: Vec::new(),
            len: 0,
        }
    }
}
