//! What a descent has gathered, key by key, before any value is read.

use std::collections::BTreeMap;

use crate::base::{Key, Lsn, Result};
use crate::format::{Record, Value};
use crate::io::{Io, Op, Part};
use crate::layer::{Layer, Located};

/// Where the records of some keys stand, newest first, each key down to its base or the end.
pub(super) struct Gathered<I: Io> {
    /// At most so many keys; those above the lowest of them are dropped.
    key_count_max: usize,
    /// The exclusive end of what is looked for: it comes down when there are too many keys.
    end: Key,
    layers: Vec<Layer<I>>,
    keys: BTreeMap<Key, Chain>,
}

/// One key's records, newest first.
#[derive(Default)]
struct Chain {
    links: Vec<GatheredLink>,
    is_complete: bool,
}

/// One record, and where it stands.
struct GatheredLink {
    layer: usize,
    located: Located,
}

/// One key's records as they were read.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The image that they stand on.
    pub(super) base: Option<Vec<u8>>,
    /// From the newest on.
    pub(super) records: Vec<(Lsn, Record)>,
    /// Whether there is a base, be it an image or a record that needs nothing below.
    pub(super) is_complete: bool,
}

impl<I: Io> Gathered<I> {
    /// Nothing yet, of keys below `end`.
    pub(super) fn new(key_count_max: usize, end: Key) -> Gathered<I> {
        assert!(0 < key_count_max);
        Gathered {
            key_count_max,
            end,
            layers: Vec::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The exclusive end of the keys of which everything is known.
    pub(super) fn end(&self) -> Key {
        self.end
    }

    pub(super) fn key_count_max(&self) -> usize {
        self.key_count_max
    }

    /// Takes what a layer has, which is below everything that was found of the same keys before:
    /// keys ascend, and each key's records descend.
    pub(super) fn take(&mut self, layer: &Layer<I>, found: Vec<Located>) {
        let last = found.last().map(|located| located.key);
        let is_other = |pair: &[Located]| pair[0].key != pair[1].key;
        let key_count = found.windows(2).filter(|pair| is_other(pair)).count() + 1;
        if let Some(last) = last
            && self.key_count_max <= key_count
        {
            // It may have more behind the last key.
            self.end = self.end.min(last.next());
        }
        let layer_index = self.layers.len();
        self.layers.push(layer.clone());
        for located in found {
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
        self.drop_what_is_too_much();
    }

    fn drop_what_is_too_much(&mut self) {
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

    /// Reads everything that was found: all that a layer has in one go.
    pub(super) async fn load(self, op: Op, read_len_max: u64) -> Result<BTreeMap<Key, Loaded>> {
        let mut wanted: Vec<Vec<&Located>> = self.layers.iter().map(|_| Vec::new()).collect();
        for link in self.keys.values().flat_map(|chain| &chain.links) {
            wanted[link.layer].push(&link.located);
        }
        let mut bytes = Vec::with_capacity(self.layers.len());
        for (layer, wanted) in self.layers.iter().zip(&wanted) {
            let read = match wanted.is_empty() {
                true => Vec::new(),
                false => read(layer, op, wanted, read_len_max).await?,
            };
            assert!(read.len() == wanted.len());
            bytes.push(read.into_iter());
        }
        let mut loaded = BTreeMap::new();
        for (key, chain) in &self.keys {
            let mut values = Loaded::default();
            for link in &chain.links {
                let bytes = bytes[link.layer]
                    .next()
                    .expect("one for each that was asked");
                values.push(&self.layers[link.layer], &link.located, bytes)?;
            }
            assert!(values.is_complete == chain.is_complete);
            loaded.insert(*key, values);
        }
        Ok(loaded)
    }
}

async fn read<I: Io>(
    layer: &Layer<I>,
    op: Op,
    wanted: &[&Located],
    read_len_max: u64,
) -> Result<Vec<Vec<u8>>> {
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

impl Loaded {
    /// Takes the next older value as it is stored.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are none, or not what the index says they are.
    fn push<I: Io>(&mut self, layer: &Layer<I>, located: &Located, bytes: Vec<u8>) -> Result<()> {
        assert!(!self.is_complete);
        if matches!(layer, Layer::Image(_)) {
            self.base = Some(bytes);
            self.is_complete = true;
            return Ok(());
        }
        let value = located.decode(&bytes);
        match value.map_err(|error| layer.corrupt(error))? {
            Value::Image(image) => {
                self.base = Some(image);
                self.is_complete = true;
            }
            Value::Record(record) => {
                self.is_complete = record.will_init();
                self.records.push((located.lsn, record));
            }
        }
        Ok(())
    }
}
