//! Image files at one LSN, written one behind another.

use std::sync::Arc;

use super::super::shared::Shared;
use crate::base::{Key, KeyRange, Lsn, Result};
use crate::io::{Op, Part};
use crate::layer::{ImageFilePlan, ImageLayer, ImageWriter};
use crate::store::Store;

/// Writes image files: each of the keys behind the one before, up to a length of values.
pub(in crate::timeline) struct ImageFiles<S: Store> {
    shared: Arc<Shared<S>>,
    op: Op,
    lsn: Lsn,
    /// The keys that no file covers yet and that none leaves out.
    rest: KeyRange,
    /// The file that is being written. It begins with `rest`.
    writer: Option<ImageWriter<S::Io>>,
    made: Vec<ImageLayer<S::Io>>,
    /// The number of files that were begun.
    count: u32,
}

impl<S: Store> ImageFiles<S> {
    /// Begins with `keys`, after `count` files that the job has begun.
    pub(in crate::timeline) fn new(
        shared: &Arc<Shared<S>>,
        op: Op,
        (keys, lsn): (KeyRange, Lsn),
        count: u32,
    ) -> Self {
        ImageFiles {
            shared: shared.clone(),
            op,
            lsn,
            rest: keys,
            writer: None,
            made: Vec::new(),
            count,
        }
    }

    /// The number of files that the job has begun.
    pub(in crate::timeline) fn count(&self) -> u32 {
        self.count
    }

    /// The keys that no file covers yet and that none leaves out.
    pub(in crate::timeline) fn rest(&self) -> KeyRange {
        self.rest
    }

    /// Whether the file that is being written has values.
    pub(in crate::timeline) fn has_values(&self) -> bool {
        self.writer.is_some()
    }

    /// Whether the file that is being written is as long as one is to be.
    pub(in crate::timeline) fn is_full(&self) -> bool {
        let target = self.shared.options.layer_len_target;
        let is_long = |writer: &ImageWriter<S::Io>| target <= writer.blobs_len();
        self.writer.as_ref().is_some_and(is_long)
    }

    /// Goes on with these keys, whose start is behind all files.
    pub(in crate::timeline) fn go_on_with(&mut self, keys: KeyRange) {
        assert!(self.writer.is_none() && self.rest.start <= keys.start);
        self.rest = keys;
    }

    /// Leaves the keys up to `end` without a file, and the one that is being written with them.
    pub(in crate::timeline) fn leave_out(&mut self, end: Key) {
        self.writer = None;
        self.rest.start = end;
    }

    /// Adds the value of the next key.
    pub(in crate::timeline) async fn push(&mut self, key: Key, value: &[u8]) -> Result<()> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin().await?,
        };
        writer.push(key, value).await?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Ends a file of the keys up to `end`, if there are any. One without values says that its keys
    /// have none.
    pub(in crate::timeline) async fn finish(&mut self, end: Key) -> Result<()> {
        if self.rest.start == end {
            assert!(self.writer.is_none());
            return Ok(());
        }
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin().await?,
        };
        self.made.push(writer.finish(end).await?);
        self.rest.start = end;
        Ok(())
    }

    /// Takes the files that were ended: durable ones, which are not published yet.
    pub(in crate::timeline) fn take_made(&mut self) -> Vec<ImageLayer<S::Io>> {
        let made = std::mem::take(&mut self.made);
        assert!(made.iter().all(|image| image.lsn() == self.lsn));
        made
    }

    /// Whether a file was ended and not taken.
    pub(in crate::timeline) fn has_made(&self) -> bool {
        !self.made.is_empty()
    }

    async fn begin(&mut self) -> Result<ImageWriter<S::Io>> {
        assert!(!self.rest.is_empty());
        self.count += 1;
        let plan = ImageFilePlan {
            keys: self.rest,
            lsn: self.lsn,
            attempt: self.shared.next_scratch(),
            compression: self.shared.options.image_compression,
        };
        let op = self.op.on(Part::Image, self.count);
        ImageWriter::create(&self.shared.context, op, plan).await
    }
}
