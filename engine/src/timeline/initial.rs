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
use super::image::ImageFiles;
use super::job_stats::JobStats;
use super::shared::{Shared, TimelineState};
use crate::base::{Key, KeyRange, KeySpace, LsnRange, Result};
use crate::format::{IMAGE_LEN_MAX, IndexLayer, ValueRef};
use crate::io::{Op, Part};
use crate::layer::{FileLayer, MemoryRecord};
use crate::store::Store;

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
        self: &Arc<Self>,
        op: Op,
        plan: &FlushPlan<S::Io>,
        stats: &mut JobStats,
    ) -> Result<Vec<FileLayer<S::Io>>> {
        let grant = self.memory.grant(plan.layer.byte_len());
        let mut records = plan.layer.stream(op.on(Part::Ephemeral, 1), grant.len());
        let none = KeyRange::new(Key::MIN, Key::MIN);
        let mut images = ImageFiles::new(self, op, (none, plan.lsns.start), 0);
        // The numbers of the records that stay in the delta.
        let mut rest = Vec::new();
        let mut ranges = plan.image_keys.ranges().iter().copied().peekable();
        while let Some((record, bytes)) = records.next().await? {
            stats.keep(bytes.len());
            while let Some(range) = ranges.next_if(|range| range.end <= record.key) {
                enter(&mut images, range);
                images.finish(range.end).await?;
            }
            let range = ranges.peek().filter(|range| range.start <= record.key);
            let Some(range) = range else {
                rest.push(records.number());
                continue;
            };
            enter(&mut images, *range);
            let value = self.initial_value(record, bytes);
            if value.is_none() || images.is_full() {
                images.finish(record.key).await?;
            }
            if let Some(value) = value {
                images.push(record.key, &value).await?;
            } else {
                images.leave_out(record.key.next());
                rest.push(records.number());
            }
        }
        for range in ranges {
            enter(&mut images, range);
            images.finish(range.end).await?;
        }
        let made = images.take_made().into_iter();
        let made = made.map(|image| FileLayer::Image(Arc::new(image)));
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

/// Goes on with the images of `range`, unless it is among them.
fn enter<S: Store>(images: &mut ImageFiles<S>, range: KeyRange) {
    if images.rest().end != range.end {
        images.go_on_with(range);
    }
}
