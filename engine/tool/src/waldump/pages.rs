//! From records of the log to values of pages, with what is known of each page.

use std::collections::BTreeSet;

use palimpsest::{Key, Lsn, Value};

use super::line::{Change, WalRecord};
use super::value::{PAGE_LEN, value};

/// A value of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageValue {
    /// The page.
    pub key: Key,
    /// Where the value stands.
    pub lsn: Lsn,
    /// The value.
    pub value: Value,
}

/// What was converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The records of the log.
    pub records: u64,
    /// The images of pages.
    pub images: u64,
    /// The records that need no base.
    pub inits: u64,
    /// The other records of pages.
    pub changes: u64,
    /// The bytes of all values.
    pub value_len: u64,
    /// The pages that begin without a base.
    pub baseless: u64,
}

/// Converts records, in the order of their LSNs.
///
/// # Shape
/// It holds a key for each page.
#[derive(Clone, Debug, Default)]
pub struct Converter {
    has_zero_base: bool,
    known: BTreeSet<Key>,
    counts: Counts,
}

impl Converter {
    /// A converter that knows no page yet. With `has_zero_base`, a page that begins without a base
    /// gets a page of zeros, one LSN below its first record.
    pub fn new(has_zero_base: bool) -> Converter {
        Converter {
            has_zero_base,
            ..Converter::default()
        }
    }

    /// Whether a page has come before.
    pub fn is_known(&self, key: Key) -> bool {
        self.known.contains(&key)
    }

    /// Says that a page has a base already.
    pub fn know(&mut self, key: Key) {
        self.known.insert(key);
    }

    /// The number of pages.
    pub fn page_count(&self) -> usize {
        self.known.len()
    }

    /// What was converted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The values that a record gives to pages, in the order of their LSNs.
    pub fn convert(&mut self, record: &WalRecord) -> Vec<PageValue> {
        self.counts.records += 1;
        let mut values = Vec::with_capacity(record.pages.len());
        for page in &record.pages {
            let is_first = self.known.insert(page.key);
            if is_first && page.change == Change::Record {
                self.counts.baseless += 1;
                if let Some(base) = self.zero_base(page.key, record.lsn) {
                    values.push(base);
                }
            }
        }
        for page in &record.pages {
            let counter = match page.change {
                Change::Image => &mut self.counts.images,
                Change::Init => &mut self.counts.inits,
                Change::Record => &mut self.counts.changes,
            };
            *counter += 1;
            values.push(PageValue {
                key: page.key,
                lsn: record.lsn,
                value: value(record, page),
            });
        }
        let lens = values.iter().map(|page| page.value.encoded_len() as u64);
        self.counts.value_len += lens.sum::<u64>();
        values
    }

    /// The page of zeros below the first record of a page. No record stands at its LSN: records are
    /// longer than that.
    fn zero_base(&self, key: Key, lsn: Lsn) -> Option<PageValue> {
        let below = lsn.0.checked_sub(1).filter(|_| self.has_zero_base)?;
        Some(PageValue {
            key,
            lsn: Lsn(below),
            value: Value::Image(vec![0; PAGE_LEN]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_line;
    use super::*;
    use palimpsest::Key;
    use palimpsest::format::{Edits, Record, RecordRef, Redo};

    fn record(lsn: u64, rest: &str) -> WalRecord {
        let head = format!("rmgr: Heap len (rec/tot): 60/60, tx: 1, lsn: 0/{lsn:X}, prev 0/0");
        parse_line(&format!("{head}, desc: {rest}"))
            .unwrap()
            .unwrap()
    }

    fn records() -> [WalRecord; 3] {
        [
            record(0x100, "INSERT off 1, blkref #0: rel 1/2/3 blk 0"),
            record(0x140, "INSERT+INIT off 1, blkref #0: rel 1/2/3 blk 1"),
            record(
                0x180,
                "UPDATE off 1, blkref #0: rel 1/2/3 blk 0, blkref #1: rel 1/2/3 blk 1",
            ),
        ]
    }

    #[test]
    fn a_page_that_begins_without_a_base_is_counted_and_may_get_zeros() {
        for has_zero_base in [false, true] {
            let mut converter = Converter::new(has_zero_base);
            let values: Vec<PageValue> = records()
                .iter()
                .flat_map(|record| converter.convert(record))
                .collect();
            assert_eq!(converter.counts().baseless, 1);
            assert_eq!(converter.page_count(), 2);
            let images = values
                .iter()
                .filter(|page| matches!(page.value, Value::Image(_)));
            assert_eq!(images.count(), usize::from(has_zero_base));
            assert_eq!(values.len(), 4 + usize::from(has_zero_base));
            assert!(values.is_sorted_by_key(|page| page.lsn));
        }
    }

    #[test]
    fn a_record_is_as_long_as_in_the_log_and_can_be_replayed() {
        let mut converter = Converter::new(true);
        let mut page: Option<Vec<u8>> = None;
        for value in records()
            .iter()
            .flat_map(|record| converter.convert(record))
        {
            match value.value {
                Value::Image(image) => page = Some(image),
                Value::Record(record) => {
                    let Record::Postgres { will_init, rec } = &record else {
                        panic!("a patch is PostgreSQL's");
                    };
                    assert_eq!(rec.len(), 60);
                    let base = page.as_deref().filter(|_| !will_init);
                    let records = [(value.lsn, RecordRef::from(&record))];
                    page = Some(Edits.redo(Key::MIN, base, &records).unwrap());
                }
            }
            assert_eq!(page.as_ref().unwrap().len(), PAGE_LEN);
        }
    }
}
