//! Writing the images of one part of the keys, one file after another.

use std::sync::Arc;

use super::super::imaged::{self, WhyLeftOut};
use super::super::job_stats::Quantity;
use super::super::read::Scan;
use super::super::shared::Shared;
use crate::base::{FileName, Key, KeyRange, LayerName, Lsn, Result};
use crate::format::IndexLayer;
use crate::io::{Io, Op, Part};
use crate::layer::{ImageFilePlan as LayerPlan, ImageLayer, ImageWriter};
use crate::store::Store;

/// The creation of the images of one part of the keys.
pub(in crate::timeline) struct ImageBuild<S: Store> {
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

/// The images of one part, written one after another.
struct Images<S: Store> {
    shared: Arc<Shared<S>>,
    op: Op,
    lsn: Lsn,
    /// Whether the keys of the part are sparse.
    is_sparse: bool,
    /// The end of the last image, or of the key that was left out.
    start: Key,
    /// The end of the part.
    end: Key,
    writer: Option<ImageWriter<S::Io>>,
    made: Vec<ImageLayer<S::Io>>,
    left_out: Vec<(KeyRange, WhyLeftOut)>,
    /// The values of the current image.
    pushed: Quantity,
    /// The values of the images that were made.
    values: Quantity,
    count: u32,
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
            op,
            lsn,
            is_sparse: shared.options.sparse_keys.is_sparse(part.start),
            start: part.start,
            end: part.end,
            writer: None,
            made: Vec::new(),
            left_out: Vec::new(),
            pushed: Quantity::default(),
            values: Quantity::default(),
            count,
        };
        let scan = Scan::new(shared, op, part, lsn).await?;
        Ok(ImageBuild {
            images,
            scan,
            part,
            done: part.start,
        })
    }

    /// The number of files that the job has begun.
    pub(in crate::timeline) fn count(&self) -> u32 {
        self.images.count
    }

    /// The next images, as soon as there are any; at the end of the part perhaps none, then `None`.
    ///
    /// # Errors
    /// Those of a scan, and of writing layers.
    pub(in crate::timeline) async fn next(&mut self) -> Result<Option<BuiltImages<S::Io>>> {
        if self.done == self.part.end {
            return Ok(None);
        }
        while self.images.made.is_empty() {
            let Some(values) = self.scan.next_batch().await? else {
                self.images.finish(self.part.end).await?;
                assert!(self.images.start == self.part.end, "no key is left");
                break;
            };
            self.images.shared.check_running()?;
            for (key, value) in values {
                self.images.push(key, value).await?;
            }
        }
        let keys = KeyRange::new(self.done, self.images.start);
        self.done = keys.end;
        let images = std::mem::take(&mut self.images.made);
        assert!(images.iter().all(|image| image.lsn() == self.images.lsn));
        let stands_in = |image: &ImageLayer<S::Io>| {
            keys.start <= image.keys().start && image.keys().end <= keys.end
        };
        assert!(images.iter().all(stands_in));
        let entries: Vec<IndexLayer> = images.iter().map(|image| *image.entry()).collect();
        let shared = &self.images.shared;
        if !entries.is_empty() {
            shared
                .store
                .put_layers(self.images.op, shared.id, &entries)
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
            self.start = key.next();
            self.leave_out(KeyRange::single(key), why);
            return Ok(());
        }
        let value = value?;
        let target = self.shared.options.layer_len_target;
        if self
            .writer
            .as_ref()
            .is_some_and(|writer| target <= writer.blobs_len())
        {
            self.finish(key).await?;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(self.end).await?,
        };
        writer.push(key, &value).await?;
        self.pushed.add(value.len() as u64);
        self.writer = Some(writer);
        Ok(())
    }

    /// Notes that it writes no image of these keys, which start where the last image ends.
    fn leave_out(&mut self, keys: KeyRange, why: WhyLeftOut) {
        imaged::leave_out(&mut self.left_out, (keys, why));
    }

    async fn begin(&mut self, end: Key) -> Result<ImageWriter<S::Io>> {
        assert!(self.start < end);
        self.count += 1;
        let plan = LayerPlan {
            keys: KeyRange::new(self.start, end),
            lsn: self.lsn,
            attempt: self.shared.next_scratch(),
            compression: self.shared.options.image_compression,
        };
        let op = self.op.on(Part::Image, self.count);
        ImageWriter::create(&self.shared.context, op, plan).await
    }

    /// Ends the current image before `end`. An image without values says that its keys have none;
    /// of sparse keys there is none then.
    async fn finish(&mut self, end: Key) -> Result<()> {
        let keys = KeyRange::new(self.start, end);
        let writer = self.writer.take();
        let pushed = std::mem::take(&mut self.pushed);
        if keys.is_empty() {
            return Ok(());
        }
        self.start = end;
        if writer.is_none() && self.is_sparse {
            let io = self.shared.io();
            io.probe("an image creation makes no layer of sparse keys that have no value");
            self.leave_out(keys, WhyLeftOut::NoValue);
            return Ok(());
        }
        let name = LayerName::Image {
            keys,
            lsn: self.lsn,
        };
        if self.shared.state().map.files().has(&name) {
            self.shared
                .io()
                .probe("an image creation comes to an image that is there");
            self.leave_out(keys, WhyLeftOut::HasImage);
            return Ok(()); // It has the same values: law 1.
        }
        let file = FileName::Layer {
            name,
            generation: self.shared.context.generation,
        };
        if self.shared.context.names.is_of_layer(file) {
            // A gc compaction has replaced it, and this very job may be the reader that holds it.
            self.leave_out(keys, WhyLeftOut::Overtaken);
            return Ok(());
        }
        let writer = match writer {
            Some(writer) => writer,
            None => {
                self.start = keys.start;
                let writer = self.begin(end).await?;
                self.start = end;
                writer
            }
        };
        self.made.push(writer.finish(end).await?);
        self.values.add_all(pushed);
        Ok(())
    }
}
