//! Layers on real files: what comes out is what went in, at every LSN, or an error that says so.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests look at the files themselves, and damage them"
)]

mod damage;
mod delta;
mod ephemeral;
mod map;
mod memory;
mod peer;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Batch, DeltaIter, DeltaLayer, DeltaPlan, DeltaRecord, DeltaWriter, Gathered};
use crate::base::{Generation, Key, KeyRange, Lsn, LsnRange, Result, TenantId, TimelineId};
use crate::format::{Edit, IndexLayer, Record, Value};
use crate::io::tests::faulty::FaultyIo;
use crate::io::{Job, Op, Part};

const TENANT: TenantId = TenantId([0x7E; 16]);
const TIMELINE: TimelineId = TimelineId([0x71; 16]);

/// What was written, and the model of a layer at the same time.
type Records = BTreeMap<(Key, Lsn), Value>;

/// What a read gathers: the image, and the records above it from the oldest on.
type Parts = (Option<Vec<u8>>, Vec<(Lsn, Record)>);

/// A directory, and the way to it.
struct Shelf {
    dir: TempDir,
    io: FaultyIo,
}

impl Shelf {
    fn new() -> Shelf {
        Shelf {
            dir: tempfile::tempdir().expect("a directory"),
            io: FaultyIo::new(),
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    async fn write(&self, plan: DeltaPlan, records: &Records) -> Result<IndexLayer> {
        let mut writer = DeltaWriter::create(&self.io, op(), self.dir.path(), plan).await?;
        for (&at, value) in records {
            let bytes = encode(value);
            writer.push(at, &bytes, value.will_init()).await?;
        }
        writer.finish().await
    }

    fn layer(&self, entry: IndexLayer) -> DeltaLayer<FaultyIo> {
        DeltaLayer::new(self.io.clone(), self.dir.path(), TENANT, entry)
    }

    /// Every record of the layer, as a new reader finds it.
    async fn read(&self, entry: IndexLayer) -> Result<Records> {
        let layer = self.layer(entry);
        let mut iter: DeltaIter<'_, _> = layer.iter(op()).await?;
        let mut records = Records::new();
        let mut last = None;
        while let Some(DeltaRecord { key, lsn, value }) = iter.next().await? {
            assert!(last < Some((key, lsn)));
            last = Some((key, lsn));
            records.insert((key, lsn), value);
        }
        Ok(records)
    }
}

fn op() -> Op {
    Op::new(Some(TIMELINE), Job::Flush, 1).on(Part::Delta, 1)
}

/// A layer of all keys.
fn l0(start: u64, end: u64) -> DeltaPlan {
    DeltaPlan {
        tenant: TENANT,
        timeline: TIMELINE,
        keys: KeyRange::ALL,
        lsns: LsnRange::new(Lsn(start), Lsn(end)),
        generation: Generation(1),
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

/// What a read at the point finds: down to one that needs nothing below it, and no further.
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

/// What a layer that holds nothing else gathers for the point.
async fn gather(layer: &DeltaLayer<FaultyIo>, point: (Key, Lsn)) -> Result<Parts> {
    let mut gathered = Gathered::new();
    layer.gather(op(), point, &mut gathered).await?;
    Ok(gathered.into_parts())
}

/// A few keys and LSNs, so that they meet.
fn any_records(lsn_max: u64) -> impl Strategy<Value = Records> {
    let any_value = (0_u8..6, any::<u8>()).prop_map(|(kind, byte)| match kind {
        0 => image([byte]),
        1 => init([byte]),
        _ => append([byte]),
    });
    let any_point = (0_u32..4, 1..=lsn_max).prop_map(|(number, lsn)| (key(number), Lsn(lsn)));
    proptest::collection::btree_map(any_point, any_value, 1..60)
}

/// Changes a byte of a file where it stands: a new file each time would cost a flush.
fn poke(path: &Path, at: usize, byte: u8) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&[byte], at as u64).unwrap();
}

/// Polls `future` so many times and drops it; its result, if it came to that.
fn poll_times<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..count).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}
