//! Flushing initial data: what a root begins with, all at one LSN, becomes images.
//!
//! ```text
//!  frozen layer, LSNs start..start+1 ─▶ declared dense keys ─▶ images at start
//!  of a root without a file layer   └─▶ all other records  ─▶ an L0, if there are any
//! ```
//!
//! 1. Nothing stands below, so an image says of each key that it covers all that there is, and no
//!    record that is in one is needed in a delta. Reads end there, and a compaction need not move
//!    what a load of a whole database has written.
//! 2. Sparse keys and those that are not declared stay in the L0, and so does a record that is no
//!    base or cannot be replayed: the images are cut around its key.

use std::sync::Arc;

use super::flush::FlushPlan;
use super::job_stats::JobStats;
use super::shared::{Shared, TimelineState};
use crate::base::{Key, KeyRange, KeySpace, Lsn, LsnRange, Result};
use crate::format::{IMAGE_LEN_MAX, IndexLayer, ValueRef};
use crate::io::{Op, Part};
use crate::layer::{FileLayer, ImageFilePlan, ImageLayer, ImageWriter, MemoryRecord};
use crate::store::Store;

/// The images of one range of keys, written one after another.
struct InitialImages<'a, S: Store> {
    shared: &'a Shared<S>,
    op: Op,
    lsn: Lsn,
    /// The end of the last image, or of the key that stays in the delta.
    start: Key,
    writer: Option<ImageWriter<S::Io>>,
    made: Vec<ImageLayer<S::Io>>,
    count: u32,
}

impl<S: Store> Shared<S> {
    /// The keys of which a flush of these LSNs writes images: none, unless it is the first of a
    /// root, and of one LSN.
    pub(super) fn initial_keys(&self, state: &TimelineState<S::Io>, lsns: LsnRange) -> KeySpace {
        let is_first = self.ancestor.is_none() && state.map.files().is_empty();
        if !is_first || lsns.start.visible_end() != lsns.end {
            return KeySpace::new();
        }
        let mut dense = state.key_space.clone();
        dense.remove_overlapping_with(self.options.sparse_keys.sparse());
        dense
    }

    /// Writes the images and the delta of initial data: durable files that are not published yet.
    pub(super) async fn build_initial(
        &self,
        op: Op,
        plan: &FlushPlan<S::Io>,
        stats: &mut JobStats,
    ) -> Result<Vec<FileLayer<S::Io>>> {
        let grant = self.memory.grant(plan.layer.byte_len());
        let mut records = plan.layer.stream(op.on(Part::Ephemeral, 1), grant.len());
        let mut images = InitialImages {
            shared: self,
            op,
            lsn: plan.lsns.start,
            start: Key::MIN,
            writer: None,
            made: Vec::new(),
            count: 0,
        };
        // The numbers of the records that stay in the delta.
        let mut rest = Vec::new();
        let mut ranges = plan.image_keys.ranges().iter().peekable();
        while let Some((record, bytes)) = records.next().await? {
            stats.keep(bytes.len());
            while let Some(range) = ranges.next_if(|range| range.end <= record.key) {
                images.end(*range).await?;
            }
            let range = ranges.peek().filter(|range| range.start <= record.key);
            let value = range.and_then(|_| self.initial_value(record, bytes));
            match (range, value) {
                (Some(range), Some(value)) => {
                    images.start_at_least(range.start);
                    images.push(**range, record.key, &value).await?;
                }
                (Some(range), None) => {
                    images.start_at_least(range.start);
                    images.finish(record.key).await?;
                    images.start = record.key.next();
                    rest.push(records.number());
                }
                (None, _) => rest.push(records.number()),
            }
        }
        for range in ranges {
            images.end(*range).await?;
        }
        let made = images.made.into_iter().map(|image| {
            assert!(image.lsn() == plan.lsns.start);
            FileLayer::Image(Arc::new(image))
        });
        let mut made: Vec<FileLayer<S::Io>> = made.collect();
        if !rest.is_empty() {
            let mut writer = self.begin_l0(op.on(Part::Delta, 1), plan).await?;
            let mut records = records.again(rest);
            while let Some((record, value)) = records.next().await? {
                let place = (record.key, record.lsn);
                writer.push(place, value, record.will_init).await?;
            }
            made.push(FileLayer::Delta(Arc::new(writer.finish().await?)));
        }
        let entries: Vec<IndexLayer> = made.iter().map(|layer| *layer.entry()).collect();
        let op = op.on(Part::Delta, 1);
        self.store.put_layers(op, self.id, &entries).await?;
        Ok(made)
    }

    /// The value that a record alone makes; `None` if it makes none.
    fn initial_value(&self, record: &MemoryRecord, bytes: &[u8]) -> Option<Vec<u8>> {
        match ValueRef::decode(bytes) {
            Ok(ValueRef::Image(image)) => Some(image.to_vec()),
            Ok(ValueRef::Record(change)) if change.will_init() => {
                let redo = &self.options.redo;
                let value = redo.redo(record.key, None, &[(record.lsn, change)]).ok()?;
                (value.len() <= IMAGE_LEN_MAX).then_some(value)
            }
            // A read reports what does not decode.
            Ok(ValueRef::Record(_)) | Err(_) => None,
        }
    }
}

impl<S: Store> InitialImages<'_, S> {
    /// Goes on at `start`, unless it is beyond it.
    fn start_at_least(&mut self, start: Key) {
        self.start = self.start.max(start);
    }

    /// Ends the images of a range, whose keys have all been pushed.
    async fn end(&mut self, range: KeyRange) -> Result<()> {
        self.start_at_least(range.start);
        self.finish(range.end).await
    }

    async fn push(&mut self, range: KeyRange, key: Key, value: &[u8]) -> Result<()> {
        let target = self.shared.options.layer_len_target;
        let is_full = |writer: &ImageWriter<S::Io>| target <= writer.blobs_len();
        if self.writer.as_ref().is_some_and(is_full) {
            self.finish(key).await?;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(range.end).await?,
        };
        writer.push(key, value).await?;
        self.writer = Some(writer);
        Ok(())
    }

    async fn begin(&mut self, end: Key) -> Result<ImageWriter<S::Io>> {
        assert!(self.start < end);
        self.count += 1;
        let plan = ImageFilePlan {
            keys: KeyRange::new(self.start, end),
            lsn: self.lsn,
            attempt: self.shared.next_scratch(),
            compression: self.shared.options.image_compression,
        };
        let op = self.op.on(Part::Image, self.count);
        ImageWriter::create(&self.shared.context, op, plan).await
    }

    /// Ends the current image before `end`. One without values says that its keys have none.
    async fn finish(&mut self, end: Key) -> Result<()> {
        if self.start == end {
            assert!(self.writer.is_none());
            return Ok(());
        }
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(end).await?,
        };
        self.made.push(writer.finish(end).await?);
        self.start = end;
        Ok(())
    }
}
