//! The values of keys, from all records that a script has put.

use palimpsest::{Key, Lsn, Record, Value};

use super::layer::{Entry, Records};

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has no record.
    Unborn,
    /// Its records have no base.
    NoBase,
    Value(Vec<u8>),
}

/// The value that records come to.
pub fn replay(entries: &[Entry]) -> Found {
    if entries.is_empty() {
        return Found::Unborn;
    }
    let base = entries.iter().rposition(|(_, value)| value.will_init());
    let Some(base) = base else {
        return Found::NoBase;
    };
    Found::Value(replay_over(Vec::new(), &entries[base..]))
}

/// The value that records come to over a value.
pub fn replay_over(mut value: Vec<u8>, entries: &[Entry]) -> Vec<u8> {
    for (_, change) in entries {
        match change {
            Value::Image(image) => value.clone_from(image),
            Value::Record(Record::Test { append, clear, .. }) => {
                if *clear {
                    value.clear();
                }
                value.extend_from_slice(append.as_bytes());
            }
            Value::Record(_) => unreachable!("a script writes records of one kind"),
        }
    }
    value
}

/// Those of a key's records that stand at an LSN or below.
pub fn up_to(records: &Records, key: Key, lsn: Lsn) -> &[Entry] {
    let entries = records.get(&key).map_or(&[][..], Vec::as_slice);
    &entries[..entries.partition_point(|(at, _)| *at <= lsn)]
}
