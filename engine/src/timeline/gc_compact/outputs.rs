//! Writing layers without knowing beforehand where one ends: each is cut while it is written.
//!
//! 1. A layer is begun with its first record, and so none is empty.
//! 2. A delta layer is ended before the key that would make it longer than the target. A key that
//!    is longer by itself is cut by LSN, as a compaction does.
//! 3. An image layer is ended before the first key that finds it at the target. The first starts
//!    where the range does, each ends where the next begins, the last ends where the range does: of
//!    a key without a value in it, it says that there is none.
//! 4. A dry run encodes and counts and begins no file, so it comes to the names of a run.

use crate::base::{Error, Key, KeyRange, LayerName, Lsn, LsnRange, Result};
use crate::format::{BlobEncoder, Compression, IndexLayer, encode_blob};
use crate::io::{Io, Op, Part};
use crate::layer::{
    CutPlan, Cutter, DeltaFilePlan, DeltaLayer, DeltaWriter, Entry, Fill, ImageFilePlan,
    ImageLayer, ImageWriter, LayerContext,
};
use crate::store::Store;

use super::super::shared::Shared;

/// The layers of a gc compaction, the finished ones and those that are being written.
pub(super) struct Outputs<'a, S: Store> {
    shared: &'a Shared<S>,
    op: Op,
    /// The context with the job's generation; `None` in a dry run.
    context: Option<LayerContext<S::Io>>,
    /// The end of the keys.
    end: Key,
    /// The LSNs of delta layers.
    lsns: LsnRange,
    image_start: Key,
    image: Option<OpenImage<S::Io>>,
    delta: Option<OpenDelta<S::Io>>,
    made: Made<S::Io>,
}

/// Finished layers: durable files that are not published yet. A dry run has names alone.
pub(super) struct Made<I: Io> {
    pub(super) names: Vec<LayerName>,
    pub(super) deltas: Vec<DeltaLayer<I>>,
    pub(super) images: Vec<ImageLayer<I>>,
    delta_count: u32,
    image_count: u32,
}

struct OpenImage<I: Io> {
    lsn: Lsn,
    /// The length of its values so far, as they are stored, in bytes.
    len: u64,
    encoder: BlobEncoder,
    writer: Option<ImageWriter<I>>,
}

struct OpenDelta<I: Io> {
    keys: KeyRange,
    /// The length of its values so far, as they are stored, in bytes.
    len: u64,
    writer: Option<DeltaWriter<I>>,
}

impl<'a, S: Store> Outputs<'a, S> {
    pub(super) fn new(
        (shared, op): (&'a Shared<S>, Op),
        context: Option<LayerContext<S::Io>>,
        (keys, lsns): (KeyRange, LsnRange),
    ) -> Outputs<'a, S> {
        Outputs {
            shared,
            op,
            context,
            end: keys.end,
            lsns,
            image_start: keys.start,
            image: None,
            delta: None,
            made: Made {
                names: Vec::new(),
                deltas: Vec::new(),
                images: Vec::new(),
                delta_count: 0,
                image_count: 0,
            },
        }
    }

    fn len_target(&self) -> u64 {
        self.shared.options.layer_len_target
    }

    /// Begins a delta layer of these keys or the lowest of them.
    async fn begin_delta(
        &mut self,
        (keys, lsns): (KeyRange, LsnRange),
    ) -> Result<Option<DeltaWriter<S::Io>>> {
        self.made.delta_count += 1;
        let Some(context) = &self.context else {
            return Ok(None);
        };
        let attempt = self.shared.next_scratch();
        let plan = DeltaFilePlan {
            keys,
            lsns,
            attempt,
        };
        let op = self.op.on(Part::Delta, self.made.delta_count);
        DeltaWriter::create(context, op, plan).await.map(Some)
    }

    async fn end_delta(
        &mut self,
        (keys, lsns): (KeyRange, LsnRange),
        writer: Option<DeltaWriter<S::Io>>,
    ) -> Result<()> {
        assert!(!keys.is_all(), "such a layer would count as an L0");
        self.made.names.push(LayerName::Delta { keys, lsns });
        if let Some(writer) = writer {
            self.made.deltas.push(writer.finish_before(keys.end).await?);
        }
        Ok(())
    }

    /// Begins the delta layer of a piece that is cut off another one.
    pub(super) async fn begin_piece(
        &mut self,
        (keys, lsns): (KeyRange, LsnRange),
    ) -> Result<Piece<S::Io>> {
        let writer = self.begin_delta((keys, lsns)).await?;
        Ok(Piece { keys, lsns, writer })
    }

    /// Ends a piece.
    pub(super) async fn end_piece(&mut self, piece: Piece<S::Io>) -> Result<()> {
        let Piece { keys, lsns, writer } = piece;
        self.end_delta((keys, lsns), writer).await
    }

    /// Adds the value of a key to the image layers; keys ascend.
    pub(super) async fn push_image(&mut self, key: Key, lsn: Lsn, value: &[u8]) -> Result<()> {
        let target = self.len_target();
        if self.image.as_ref().is_some_and(|open| target <= open.len) {
            self.end_image(key).await?;
        }
        let mut open = match self.image.take() {
            Some(open) => open,
            None => self.begin_image(lsn).await?,
        };
        match &mut open.writer {
            Some(writer) => {
                writer.push(key, value).await?;
                open.len = writer.blobs_len();
            }
            None => {
                let mut blob = Vec::new();
                let encoded = open.encoder.encode(&mut blob, value);
                encoded.map_err(|error| {
                    let why = format!("key {key}: {error}");
                    Error::Refused { why }
                })?;
                open.len += blob.len() as u64;
            }
        }
        self.image = Some(open);
        Ok(())
    }

    async fn begin_image(&mut self, lsn: Lsn) -> Result<OpenImage<S::Io>> {
        assert!(self.image_start < self.end);
        self.made.image_count += 1;
        let compression = self.shared.options.image_compression;
        let writer = match &self.context {
            None => None,
            Some(context) => {
                let plan = ImageFilePlan {
                    keys: KeyRange::new(self.image_start, self.end),
                    lsn,
                    compression,
                    attempt: self.shared.next_scratch(),
                };
                let op = self.op.on(Part::Image, self.made.image_count);
                Some(ImageWriter::create(context, op, plan).await?)
            }
        };
        Ok(OpenImage {
            lsn,
            len: 0,
            encoder: BlobEncoder::new(compression),
            writer,
        })
    }

    /// Ends the open image layer before `end`, if there is one: the next one starts there.
    async fn end_image(&mut self, end: Key) -> Result<()> {
        let keys = KeyRange::new(self.image_start, end);
        self.image_start = end;
        let Some(open) = self.image.take() else {
            return Ok(());
        };
        let lsn = open.lsn;
        self.made.names.push(LayerName::Image { keys, lsn });
        if let Some(writer) = open.writer {
            self.made.images.push(writer.finish(end).await?);
        }
        Ok(())
    }

    /// Adds the entries of a key to the delta layers; keys ascend.
    pub(super) async fn push_deltas(&mut self, key: Key, entries: &[Entry]) -> Result<()> {
        let blobs = encode(entries);
        let len: u64 = blobs.iter().map(|blob| blob.len).sum();
        if self.len_target() < len {
            self.end_open_delta().await?;
            let lsns = self.lsns;
            return self.push_alone((key, lsns), &blobs).await;
        }
        let fits = |open: &OpenDelta<S::Io>| {
            let is_all = KeyRange::new(open.keys.start, key.next()).is_all();
            open.len + len <= self.len_target() && !is_all
        };
        if self.delta.as_ref().is_some_and(|open| !fits(open)) {
            self.end_open_delta().await?;
        }
        let mut open = match self.delta.take() {
            Some(open) => open,
            None => {
                let keys = KeyRange::new(key, self.end);
                OpenDelta {
                    keys: KeyRange::single(key),
                    len: 0,
                    writer: self.begin_delta((keys, self.lsns)).await?,
                }
            }
        };
        open.keys.end = key.next();
        open.len += len;
        if let Some(writer) = &mut open.writer {
            push_all(writer, key, &blobs).await?;
        }
        self.delta = Some(open);
        Ok(())
    }

    /// Writes a key that stays as it is: its layers reach down to its oldest record, and no image
    /// covers it.
    pub(super) async fn push_left_out(
        &mut self,
        (key, lsn_min): (Key, Lsn),
        entries: &[Entry],
    ) -> Result<()> {
        self.end_image(key).await?;
        self.image_start = key.next();
        self.end_open_delta().await?;
        let lsns = LsnRange::new(lsn_min, self.lsns.end);
        self.push_alone((key, lsns), &encode(entries)).await
    }

    /// Writes layers of one key alone, cut by LSN if they would be too long.
    async fn push_alone(&mut self, (key, lsns): (Key, LsnRange), blobs: &[Blob]) -> Result<()> {
        let len_target = self.len_target();
        let mut cutter = Cutter::new(CutPlan {
            lsns,
            len_target,
            fill: Fill::UpToTarget,
        });
        blobs
            .iter()
            .for_each(|blob| cutter.push(key, blob.lsn, blob.len));
        let pieces = cutter.finish();
        if 1 < pieces.len() {
            let io = self.shared.io();
            io.probe("a gc compaction cuts one key's history by LSN");
        }
        let mut blobs = blobs;
        for piece in pieces {
            let end = blobs.partition_point(|blob| blob.lsn < piece.lsns.end);
            let (inside, above) = blobs.split_at(end);
            blobs = above;
            let place = (piece.keys, piece.lsns);
            let mut writer = self.begin_delta(place).await?;
            if let Some(writer) = &mut writer {
                push_all(writer, key, inside).await?;
            }
            self.end_delta(place, writer).await?;
        }
        assert!(blobs.is_empty(), "every record has a piece");
        Ok(())
    }

    async fn end_open_delta(&mut self) -> Result<()> {
        match self.delta.take() {
            Some(open) => self.end_delta((open.keys, self.lsns), open.writer).await,
            None => Ok(()),
        }
    }

    /// Ends all layers, and makes their files durable.
    pub(super) async fn finish(mut self) -> Result<Made<S::Io>> {
        self.end_open_delta().await?;
        let end = self.end;
        self.end_image(end).await?;
        let made = self.made;
        let deltas = made.deltas.iter().map(|delta| *delta.entry());
        let images = made.images.iter().map(|image| *image.entry());
        let entries: Vec<IndexLayer> = deltas.chain(images).collect();
        let (shared, op) = (self.shared, self.op);
        shared.store.put_layers(op, shared.id, &entries).await?;
        Ok(made)
    }
}

/// A delta layer of the records that another one has of other keys.
pub(super) struct Piece<I: Io> {
    keys: KeyRange,
    lsns: LsnRange,
    writer: Option<DeltaWriter<I>>,
}

impl<I: Io> Piece<I> {
    /// Adds a record as it was.
    pub(super) async fn push(
        &mut self,
        place: (Key, Lsn),
        value: &[u8],
        is_base: bool,
    ) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.push(place, value, is_base).await,
            None => Ok(()),
        }
    }
}

/// A value as a delta layer stores it.
struct Blob {
    lsn: Lsn,
    value: Vec<u8>,
    is_base: bool,
    /// The length in a layer's file, in bytes.
    len: u64,
}

fn encode(entries: &[Entry]) -> Vec<Blob> {
    let encode = |(lsn, value): &Entry| {
        let (mut bytes, mut blob) = (Vec::new(), Vec::new());
        value.encode(&mut bytes);
        encode_blob(&mut blob, &bytes, Compression::None)
            .expect("a batch refuses what is longer than a blob");
        Blob {
            lsn: *lsn,
            value: bytes,
            is_base: value.will_init(),
            len: blob.len() as u64,
        }
    };
    entries.iter().map(encode).collect()
}

async fn push_all<I: Io>(writer: &mut DeltaWriter<I>, key: Key, blobs: &[Blob]) -> Result<()> {
    for blob in blobs {
        writer
            .push((key, blob.lsn), &blob.value, blob.is_base)
            .await?;
    }
    Ok(())
}
