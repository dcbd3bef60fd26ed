//! Layers as lists of records.

use std::collections::BTreeMap;

use palimpsest::base::{LayerName, LsnRange};
use palimpsest::format::{Compression, encode_blob};
use palimpsest::{Key, KeyRange, Lsn, Value};

/// A record, and where it stands.
pub type Entry = (Lsn, Value);

/// The records of some keys, those of each key by LSN.
pub type Records = BTreeMap<Key, Vec<Entry>>;

/// A layer.
#[derive(Clone, Debug)]
pub struct Layer {
    pub name: LayerName,
    pub records: Records,
}

impl Layer {
    /// A delta of those of the records that are inside.
    pub fn delta((keys, lsns): (KeyRange, LsnRange), records: &Records) -> Layer {
        let inside = records.iter().filter(|(key, _)| keys.contains(**key));
        let inside = inside.map(|(key, entries)| {
            let entries = entries.iter().filter(|(lsn, _)| lsns.contains(*lsn));
            (*key, entries.cloned().collect())
        });
        Layer {
            name: LayerName::Delta { keys, lsns },
            records: inside.collect(),
        }
    }

    /// An image of those of the values that are inside.
    pub fn image((keys, lsn): (KeyRange, Lsn), values: &BTreeMap<Key, Vec<u8>>) -> Layer {
        let inside = values.iter().filter(|(key, _)| keys.contains(**key));
        let inside = inside.map(|(key, value)| {
            let entry = (lsn, Value::Image(value.clone()));
            (*key, vec![entry])
        });
        Layer {
            name: LayerName::Image { keys, lsn },
            records: inside.collect(),
        }
    }
}

/// The length of a record in a delta's file, in bytes.
pub fn delta_len(value: &Value) -> u64 {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    blob_len(&bytes, Compression::None)
}

/// The length of a value in an image's file, in bytes.
pub fn image_len(value: &[u8], compression: Compression) -> u64 {
    blob_len(value, compression)
}

fn blob_len(bytes: &[u8], compression: Compression) -> u64 {
    let mut blob = Vec::new();
    // No value that a script writes is longer than a blob can be.
    let _ = encode_blob(&mut blob, bytes, compression);
    blob.len() as u64
}
