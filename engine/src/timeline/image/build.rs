//! Writing the images of one part of the keys, one file after another.

use std::sync::Arc;

use super::super::imaged::{self, WhyLeftOut};
use super::super::job_stats::Quantity;
use super::super::read::Scan;
use super::super::shared::Shared;
use super::files::ImageFiles;
use crate::base::{FileName, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::IndexLayer;
use crate::io::{Io, Op};
use crate::layer::ImageLayer;
use crate::store::Store;

/// The creation of the images of one part of the keys.
pub(in crate::timeline) struct ImageBuild<S: Store> {
    op: Op,
    images: Images<S>,
    scan: Scan<S>,
    part: KeyRange,
    /// The end of what was handed out.
    done: Key,
}

/// Images that are durable and not published yet, and what they are of.
pub(in crate::timeline) struct BuiltImages<I: Io> {
    /// The keys behind those of the images before, up to the end of the last image.
    pub(super) keys: KeyRange,
    pub(in crate::timeline) images: Vec<ImageLayer<I>>,
    /// The keys that it wrote no image of: ranges in order, which do not overlap.
    pub(super) left_out: Vec<(KeyRange, WhyLeftOut)>,
    /// The values of the images.
    pub(in crate::timeline) values: Quantity,
}

/// The images of one part, and what they leave out.
struct Images<S: Store> {
    shared: Arc<Shared<S>>,
    lsn: Lsn,
    /// Whether the keys of the part are sparse.
    is_sparse: bool,
    files: ImageFiles<S>,
    left_out: Vec<(KeyRange, WhyLeftOut)>,
    /// The values of the current image.
    pushed: Quantity,
    /// The values of the images that were made.
    values: Quantity,
}

impl<S: Store> ImageBuild<S> {
    /// Begins the images of a part at `lsn`, after `count` files that the job has begun.
    ///
    /// # Errors
    /// Those of a scan.
    pub(in crate::timeline) async fn begin(
        shared: &Arc<Shared<S>>,
        op: Op,
        (part, lsn): (KeyRange, Lsn),
        count: u32,
    ) -> Result<ImageBuild<S>> {
        shared.check_running()?;
        let images = Images {
            shared: shared.clone(),
            lsn,
            is_sparse: shared.options.sparse_keys.is_sparse(part.start),
            files: ImageFiles::new(shared, op, (part, lsn), count),
            left_out: Vec::new(),
            pushed: Quantity::default(),
            values: Quantity::default(),
        };
        let scan = Scan::new(shared, op, part, lsn).await?;
        Ok(ImageBuild {
            op,
            images,
            scan,
            part,
            done: part.start,
        })
    }

    /// The number of files that the job has begun.
    pub(in crate::timeline) fn count(&self) -> u32 {
        self.images.files.count()
    }

    /// The next images, as soon as there are any; at the end of the part perhaps none, then `None`.
    ///
    /// # Errors
    /// Those of a scan, and of writing layers.
    pub(in crate::timeline) async fn next(&mut self) -> Result<Option<BuiltImages<S::Io>>> {
        if self.done == self.part.end {
            return Ok(None);
        }
        while !self.images.files.has_made() {
            let Some(values) = self.scan.next_batch().await? else {
                self.images.finish(self.part.end).await?;
                assert!(self.images.files.rest().is_empty(), "no key is left");
                break;
            };
            self.images.shared.check_running()?;
            for (key, value) in values {
                self.images.push(key, value).await?;
            }
        }
        let keys = KeyRange::new(self.done, self.images.files.rest().start);
        self.done = keys.end;
        let images = self.images.files.take_made();
        let stands_in = |image: &ImageLayer<S::Io>| {
            keys.start <= image.keys().start && image.keys().end <= keys.end
        };
        assert!(images.iter().all(stands_in));
        let entries: Vec<IndexLayer> = images.iter().map(|image| *image.entry()).collect();
        let shared = &self.images.shared;
        if !entries.is_empty() {
            shared
                .store
                .put_layers(self.op, shared.id, &entries)
                .await?;
        }
        Ok(Some(BuiltImages {
            keys,
            images,
            left_out: std::mem::take(&mut self.images.left_out),
            values: std::mem::take(&mut self.images.values),
        }))
    }
}

impl<S: Store> Images<S> {
    async fn push(&mut self, key: Key, value: Result<Vec<u8>>) -> Result<()> {
        if let Some(why) = WhyLeftOut::of(&value) {
            self.shared
                .io()
                .probe("an image creation leaves a key out that has no value");
            self.finish(key).await?;
            self.leave_out(KeyRange::single(key), why);
            return Ok(());
        }
        let value = value?;
        if self.files.is_full() {
            self.finish(key).await?;
        }
        self.files.push(key, &value).await?;
        self.pushed.add(value.len() as u64);
        Ok(())
    }

    /// Writes no image of these keys, which begin where the last image ends.
    fn leave_out(&mut self, keys: KeyRange, why: WhyLeftOut) {
        self.files.leave_out(keys.end);
        imaged::leave_out(&mut self.left_out, (keys, why));
    }

    /// Ends the current image before `end`. An image without values says that its keys have none;
    /// of sparse keys there is none then.
    async fn finish(&mut self, end: Key) -> Result<()> {
        let keys = KeyRange::new(self.files.rest().start, end);
        let pushed = std::mem::take(&mut self.pushed);
        if keys.is_empty() {
            return Ok(());
        }
        if let Some(why) = self.why_not(keys) {
            self.leave_out(keys, why);
            return Ok(());
        }
        self.files.finish(end).await?;
        self.values.add_all(pushed);
        Ok(())
    }

    /// Why there is to be no image of the keys since the last one.
    fn why_not(&self, keys: KeyRange) -> Option<WhyLeftOut> {
        let io = self.shared.io();
        if self.is_sparse && !self.files.has_values() {
            io.probe("an image creation makes no layer of sparse keys that have no value");
            return Some(WhyLeftOut::NoValue);
        }
        let name = LayerName::Image {
            keys,
            lsn: self.lsn,
        };
        if self.shared.state().map.files().has(&name) {
            io.probe("an image creation comes to an image that is there");
            return Some(WhyLeftOut::HasImage); // It has the same values: law 1.
        }
        let file = FileName::Layer {
            name,
            generation: self.shared.context.generation,
        };
        // A gc compaction has replaced it, and this very job may be the reader that holds it.
        let is_held = self.shared.context.names.is_of_layer(file);
        is_held.then_some(WhyLeftOut::Overtaken)
    }
}
