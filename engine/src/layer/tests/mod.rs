//! Layers on real files: a read returns what was written, at every LSN, or an error.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests look at the files themselves, and damage them"
)]

mod cache;
mod damage;
mod delta;
mod ephemeral;
mod file_writer;
mod image;
mod locate;
mod map;
mod memory;
mod peer;
mod records;
mod removal;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    Batch, BatchLimits, BlockCache, DeltaFilePlan, DeltaLayer, DeltaWriter, FileNames,
    ImageFilePlan, ImageLayer, ImageWriter, LayerContext, Located, RecordKind,
};
use crate::base::{
    DecodeError, Generation, Key, KeyRange, Lsn, LsnRange, Result, TenantId, TimelineId,
};
use crate::format::{Compression, Edit, IndexLayer, Record, Value, ValueRef};
use crate::io::tests::faulty::FaultyIo;
use crate::io::{Job, Op, OpenFiles, Part};

const TENANT: TenantId = TenantId([0x7E; 16]);
const TIMELINE: TimelineId = TimelineId([0x71; 16]);

/// The records that were written; also the model of a layer.
type Records = BTreeMap<(Key, Lsn), Value>;

/// The parts of a value: the image, and the records above it, the oldest first.
type Parts = (Option<Vec<u8>>, Vec<(Lsn, Record)>);

/// A directory for layers, with its context.
struct Shelf {
    dir: TempDir,
    io: FaultyIo,
    context: LayerContext<FaultyIo>,
}

impl Shelf {
    fn new() -> Shelf {
        let dir = tempfile::tempdir().expect("a directory");
        let io = FaultyIo::new();
        let context = LayerContext {
            io: io.clone(),
            dir: dir.path().into(),
            tenant: TENANT,
            timeline: TIMELINE,
            generation: Generation(1),
            cache: Arc::new(BlockCache::new(64 << 20)),
            decoders: Arc::default(),
            open_files: Arc::new(OpenFiles::new(64)),
            names: Arc::new(FileNames::new()),
        };
        Shelf { dir, io, context }
    }

    /// What a memory layer is created with.
    fn io(&self) -> (&FaultyIo, &OpenFiles<FaultyIo>) {
        (&self.io, &self.context.open_files)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Writes and keeps a layer.
    async fn write(&self, plan: DeltaFilePlan, records: &Records) -> Result<IndexLayer> {
        let layer = self.finish(plan, records).await?;
        layer.keep();
        Ok(*layer.entry())
    }

    /// Writes a layer and does not publish it.
    async fn finish(&self, plan: DeltaFilePlan, records: &Records) -> Result<DeltaLayer<FaultyIo>> {
        let mut writer = DeltaWriter::create(&self.context, op(), plan).await?;
        for (&at, value) in records {
            let bytes = encode(value);
            writer.push(at, &bytes, value.will_init()).await?;
        }
        writer.finish().await
    }

    fn layer(&self, entry: IndexLayer) -> DeltaLayer<FaultyIo> {
        DeltaLayer::new(&self.context, entry)
    }

    /// Reads every record of the layer, which is opened anew.
    async fn read(&self, entry: IndexLayer) -> Result<Records> {
        read_all(&self.layer(entry), LIMITS).await
    }
}

/// The content of an image layer.
type Images = BTreeMap<Key, Vec<u8>>;

/// The plan of an image of `keys` at LSN 10.
fn image_plan(keys: KeyRange) -> ImageFilePlan {
    ImageFilePlan {
        keys,
        lsn: Lsn(10),
        compression: Compression::None,
        attempt: 1,
    }
}

/// Writes an image layer and does not publish it.
async fn finish_image(
    shelf: &Shelf,
    plan: ImageFilePlan,
    images: &Images,
) -> Result<ImageLayer<FaultyIo>> {
    let mut writer = ImageWriter::create(&shelf.context, op(), plan).await?;
    for (&key, value) in images {
        writer.push(key, value).await?;
    }
    writer.finish(plan.keys.end).await
}

/// Reads every value of the layer, in batches of `limits`.
async fn read_images(layer: &ImageLayer<FaultyIo>, limits: BatchLimits) -> Result<Images> {
    let mut iter = layer.iter(op(), limits);
    let mut images = Images::new();
    while let Some(record) = iter.next().await? {
        assert!(
            images
                .last_key_value()
                .is_none_or(|(last, _)| *last < record.key)
        );
        assert_eq!((record.lsn, record.is_base), (layer.lsn(), true));
        assert_eq!(record.kind, RecordKind::Image);
        images.insert(record.key, record.bytes.into());
    }
    Ok(images)
}

/// Limits that take everything in one batch.
const LIMITS: BatchLimits = BatchLimits {
    len_max: u64::MAX,
    count_max: usize::MAX,
};

/// Reads every record of the layer, in batches of `limits`.
async fn read_all(layer: &DeltaLayer<FaultyIo>, limits: BatchLimits) -> Result<Records> {
    let mut iter = layer.iter(op(), limits);
    let mut records = Records::new();
    let mut last = None;
    while let Some(record) = iter.next().await? {
        let at = (record.key, record.lsn);
        assert!(last < Some(at));
        assert_eq!(record.kind, RecordKind::Delta);
        last = Some(at);
        let value = Value::decode(&record.bytes).map_err(|error| error.of_file("a value"))?;
        assert_eq!(record.is_base, value.will_init());
        records.insert(at, value);
    }
    Ok(records)
}

fn op() -> Op {
    Op::new(Some(TIMELINE), Job::Flush, 1).on(Part::Delta, 1)
}

/// The plan of an L0.
fn l0(start: u64, end: u64) -> DeltaFilePlan {
    DeltaFilePlan {
        keys: KeyRange::ALL,
        lsns: LsnRange::new(Lsn(start), Lsn(end)),
        attempt: 1,
    }
}

fn key(number: u32) -> Key {
    Key::MIN.add(number)
}

fn image(content: impl Into<Vec<u8>>) -> Value {
    Value::Image(content.into())
}

fn append(suffix: impl Into<Vec<u8>>) -> Value {
    let suffix = suffix.into();
    Value::Record(Edit::Append { suffix }.into_record())
}

fn init(suffix: impl Into<Vec<u8>>) -> Value {
    let suffix = suffix.into();
    Value::Record(Edit::Append { suffix }.into_init_record())
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

fn batch<'a>(records: impl IntoIterator<Item = (&'a (Key, Lsn), &'a Value)>) -> Batch {
    let mut batch = Batch::new();
    for (&(key, lsn), value) in records {
        batch.push(key, lsn, value).unwrap();
    }
    batch
}

/// The parts that a read at the point must find: down to a base, and no further.
fn history(records: &Records, (key, lsn): (Key, Lsn)) -> Parts {
    let mut gathered = Vec::new();
    for ((_, lsn), value) in records.range((key, Lsn::ZERO)..=(key, lsn)).rev() {
        match value {
            Value::Image(content) => {
                gathered.reverse();
                return (Some(content.clone()), gathered);
            }
            Value::Record(record) => gathered.push((*lsn, record.clone())),
        }
        if value.will_init() {
            break;
        }
    }
    gathered.reverse();
    (None, gathered)
}

/// The parts that a read of this layer alone finds at the point.
async fn gather(layer: &DeltaLayer<FaultyIo>, point: (Key, Lsn)) -> Result<Parts> {
    let lsns = LsnRange::new(Lsn::ZERO, point.1.visible_end());
    let keys = KeyRange::new(point.0, point.0.next());
    let located = layer.locate(op(), keys, lsns, 1).await?;
    let places: Vec<_> = located.iter().map(|located| located.blob).collect();
    let values = layer.read(op(), &places, 64 << 10).await?;
    parts(&located, &values).map_err(|error| layer.corrupt(error))
}

/// Turns located values into the parts for a redo.
fn parts(located: &[Located], values: &[bytes::Bytes]) -> Result<Parts, DecodeError> {
    let (mut base, mut records) = (None, Vec::new());
    for (located, bytes) in located.iter().zip(values) {
        match located.decode(bytes)? {
            ValueRef::Image(image) => base = Some(image.to_vec()),
            ValueRef::Record(record) => records.push((located.lsn, record.into_record())),
        }
    }
    records.reverse();
    Ok((base, records))
}

/// Records at few keys and LSNs, so that they often collide.
fn any_records(lsn_max: u64) -> impl Strategy<Value = Records> {
    let any_value = (0_u8..6, any::<u8>()).prop_map(|(kind, byte)| match kind {
        0 => image([byte]),
        1 => init([byte]),
        _ => append([byte]),
    });
    let any_point = (0_u32..4, 1..=lsn_max).prop_map(|(number, lsn)| (key(number), Lsn(lsn)));
    proptest::collection::btree_map(any_point, any_value, 1..60)
}

/// Changes a byte of a file in place: a new file each time would cost a flush.
fn poke(path: &Path, at: usize, byte: u8) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&[byte], at as u64).unwrap();
}

/// Polls `future` at most `count` times and drops it. Returns its result, if it was ready.
fn poll_times<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..count).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}
