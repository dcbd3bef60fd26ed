//! The records that a descent has located, key by key, before any value is read.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::future::{MaybeDone, maybe_done};

use crate::base::{Key, Lsn, Result, ShardIdentity};
use crate::format::ValueRef;
use crate::io::{Io, Op, Part};
use crate::layer::{ImageLayer, Layer, Located};

/// The places of the records of some keys, newest first, each key down to its base or the end.
pub(super) struct Gathered<I: Io> {
    /// The highest number of keys; if more are found, the lowest are kept.
    key_count_max: usize,
    /// The exclusive end of the keys that are read. It decreases when there are too many keys.
    end: Key,
    /// The shard, whose layers may hold foreign keys as well: those are left out.
    shard: ShardIdentity,
    layers: Vec<Layer<I>>,
    keys: BTreeMap<Key, Chain>,
}

/// One key's records, newest first.
#[derive(Default)]
struct Chain {
    links: Vec<GatheredLink>,
    is_complete: bool,
}

/// One record, and the layer that it is in.
struct GatheredLink {
    layer: usize,
    located: Located,
}

/// The values of one key's records.
pub(super) struct Loaded<I: Io> {
    /// The image below the records, if one was found.
    pub(super) base: Option<Base<I>>,
    /// The records above the base, newest first, as they are stored: each decodes as a record.
    pub(super) records: Vec<(Lsn, Bytes)>,
    /// Whether there is a base, be it an image or a record that needs nothing below.
    pub(super) is_complete: bool,
}

/// An image below the records of a key.
pub(super) enum Base<I: Io> {
    Value(Bytes),
    /// What an image layer has at this offset, as it is stored: it may be much longer as a value.
    Stored(Arc<ImageLayer<I>>, u64, Bytes),
}

impl<I: Io> Base<I> {
    /// The image.
    ///
    /// # Errors
    /// `Corrupt` if it does not decode.
    pub(super) fn value(self) -> Result<Bytes> {
        match self {
            Base::Value(value) => Ok(value),
            Base::Stored(layer, offset, stored) => layer.value_of(offset, stored),
        }
    }
}

impl Located {
    /// The length of its blob, as far as it is known: at most one in a node of the index is not.
    fn len(&self) -> u64 {
        self.blob
            .end
            .map_or(0, |end| end.saturating_sub(self.blob.offset))
    }
}

impl<I: Io> Gathered<I> {
    /// An empty set, for keys below `end`.
    pub(super) fn new(key_count_max: usize, end: Key, shard: ShardIdentity) -> Gathered<I> {
        assert!(0 < key_count_max);
        Gathered {
            key_count_max,
            end,
            shard,
            layers: Vec::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The exclusive end of the keys whose records were all located.
    pub(super) fn end(&self) -> Key {
        self.end
    }

    /// The number of keys that have records.
    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn key_count_max(&self) -> usize {
        self.key_count_max
    }

    /// Adds the records located in a layer. They are older than all that was added for these keys;
    /// keys ascend, and the records of a key descend.
    pub(super) fn take(&mut self, layer: &Layer<I>, found: Vec<Located>) {
        let last = found.last().map(|located| located.key);
        let is_other = |pair: &[Located]| pair[0].key != pair[1].key;
        let key_count = found.windows(2).filter(|pair| is_other(pair)).count() + 1;
        if let Some(last) = last
            && self.key_count_max <= key_count
        {
            // The layer may have more records behind the last key.
            self.end = self.end.min(last.next());
        }
        let layer_index = self.layers.len();
        self.layers.push(layer.clone());
        let shard = self.shard;
        for located in found.into_iter().filter(|located| shard.holds(located.key)) {
            let chain = self.keys.entry(located.key).or_default();
            let newest = chain.links.last();
            assert!(newest.is_none_or(|newer| located.lsn < newer.located.lsn));
            assert!(!chain.is_complete);
            chain.is_complete = located.is_base;
            chain.links.push(GatheredLink {
                layer: layer_index,
                located,
            });
        }
        self.drop_excess_keys();
    }

    fn drop_excess_keys(&mut self) {
        if self.key_count_max < self.keys.len()
            && let Some(first) = self.keys.keys().nth(self.key_count_max)
        {
            self.end = self.end.min(*first);
        }
        let last = self.keys.last_key_value();
        if last.is_some_and(|(last, _)| self.end <= *last) {
            self.keys.split_off(&self.end);
        }
    }

    /// Keeps the lowest keys only whose records have `len_max` bytes together, as far as their
    /// lengths are known; one key at least.
    pub(super) fn keep_up_to(&mut self, len_max: u64) {
        let mut sum = 0_u64;
        let exceeds = |(_, chain): &(&Key, &Chain)| {
            let lens = chain.links.iter().map(|link| link.located.len());
            sum = sum.saturating_add(lens.sum());
            len_max < sum
        };
        let first = self.keys.iter().skip(1).find(exceeds).map(|(key, _)| *key);
        if let Some(first) = first {
            self.end = self.end.min(first);
            self.keys.split_off(&first);
        }
    }

    /// Reads all located values. The calls of all layers are issued together and awaited once: a
    /// read waits as long for many layers as for the slowest of them.
    pub(super) async fn load(self, op: Op, read_len_max: u64) -> Result<BTreeMap<Key, Loaded<I>>> {
        let mut wanted: Vec<Vec<&Located>> = self.layers.iter().map(|_| Vec::new()).collect();
        for link in self.keys.values().flat_map(|chain| &chain.links) {
            wanted[link.layer].push(&link.located);
        }
        let busy: Vec<usize> = (0..wanted.len())
            .filter(|at| !wanted[*at].is_empty())
            .collect();
        let reads = busy.iter();
        let reads = reads.map(|&at| read(&self.layers[at], op, &wanted[at], read_len_max));
        let reads: Result<Vec<_>> = await_all(reads.collect()).await.into_iter().collect();
        let mut bytes: Vec<_> = wanted.iter().map(|_| Vec::new().into_iter()).collect();
        for (at, read) in busy.into_iter().zip(reads?) {
            assert!(read.len() == wanted[at].len());
            bytes[at] = read.into_iter();
        }
        let mut loaded = BTreeMap::new();
        for (key, chain) in &self.keys {
            let mut values = Loaded::new();
            for link in &chain.links {
                let bytes = bytes[link.layer]
                    .next()
                    .expect("one value for each located record");
                values.push(&self.layers[link.layer], &link.located, bytes)?;
            }
            assert!(values.is_complete == chain.is_complete);
            loaded.insert(*key, values);
        }
        Ok(loaded)
    }
}

/// Awaits all futures at once, and returns their outputs in order. Each is polled whenever the task
/// is woken: there are as many as layers on the way of one read.
async fn await_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    if futures.len() == 1 {
        let only = futures.into_iter().next().expect("there is one");
        return vec![only.await];
    }
    let all = futures.into_iter();
    let mut all: Vec<_> = all.map(|one| Box::pin(maybe_done(one))).collect();
    poll_fn(|context| {
        let is_ready = |one: &mut Pin<Box<MaybeDone<F>>>| one.as_mut().poll(context).is_ready();
        // All are polled, also behind one that is pending.
        let ready_count = all.iter_mut().map(is_ready).filter(|ready| *ready).count();
        match ready_count == all.len() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    let outputs = all.iter_mut().map(|one| one.as_mut().take_output());
    outputs.map(|output| output.expect("it is done")).collect()
}

async fn read<I: Io>(
    layer: &Layer<I>,
    op: Op,
    wanted: &[&Located],
    read_len_max: u64,
) -> Result<Vec<Bytes>> {
    let places: Vec<_> = wanted.iter().map(|located| located.blob).collect();
    match layer {
        Layer::Memory(memory) => {
            memory
                .read(op.on(Part::Ephemeral, 1), &places, read_len_max)
                .await
        }
        Layer::Delta(delta) => {
            delta
                .read(op.on(Part::Delta, 1), &places, read_len_max)
                .await
        }
        Layer::Image(image) => {
            image
                .read(op.on(Part::Image, 1), &places, read_len_max)
                .await
        }
    }
}

impl<I: Io> Loaded<I> {
    fn new() -> Loaded<I> {
        Loaded {
            base: None,
            records: Vec::new(),
            is_complete: false,
        }
    }

    /// Adds the next older value, as it is stored.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are no value, or differ from what the index says of them.
    fn push(&mut self, layer: &Layer<I>, located: &Located, bytes: Bytes) -> Result<()> {
        assert!(!self.is_complete);
        if let Layer::Image(image) = layer {
            let offset = located.blob.offset;
            self.base = Some(Base::Stored(image.clone(), offset, bytes));
            self.is_complete = true;
            return Ok(());
        }
        let value = located.decode(&bytes);
        match value.map_err(|error| layer.corrupt(error))? {
            ValueRef::Image(image) => {
                self.base = Some(Base::Value(bytes.slice_ref(image)));
                self.is_complete = true;
            }
            ValueRef::Record(record) => {
                self.is_complete = record.will_init();
                self.records.push((located.lsn, bytes));
            }
        }
        Ok(())
    }
}
