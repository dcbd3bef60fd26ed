//! Batches: the values that a writer puts at once, serialised once, with the position of each.

use std::collections::BTreeSet;

use crate::base::{Error, Key, Lsn, Result};
use crate::format::{BLOB_LEN_MAX, Value};

/// Records that become visible together.
///
/// # Shape
/// LSNs never fall from one record to the next, and no key stands twice at one LSN.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    raw: Vec<u8>,
    records: Vec<BatchRecord>,
    /// The keys of the records at the last LSN, if there are several; empty if there is one, as
    /// most often.
    keys_at_last_lsn: BTreeSet<Key>,
}

/// The place of a value in a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchRecord {
    pub(crate) key: Key,
    pub(crate) lsn: Lsn,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) will_init: bool,
}

impl Batch {
    /// A batch without records.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Key, Lsn, Value};
    /// assert!(Batch::new().is_empty());
    /// ```
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds a value of `key`, or a change to it, at `lsn`.
    ///
    /// # Errors
    /// `Refused` if `lsn` is below the last one, if it is `Lsn::MAX` or the key is `Key::MAX`,
    /// which stand for the end, if the batch has the key at that LSN already, or if the value is
    /// longer than a blob can be. The batch is unchanged.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Edit, Error, Key, Lsn, Value};
    /// let mut batch = Batch::new();
    /// batch.push(Key::MIN, Lsn(10), &Value::Image(b"page".to_vec()))?;
    /// let append = Edit::Append { suffix: b" two".to_vec() };
    /// batch.push(Key::MIN, Lsn(20), &Value::Record(append.into_record()))?;
    /// let refused = batch.push(Key::MIN, Lsn(19), &Value::Image(Vec::new()));
    /// assert!(matches!(refused, Err(Error::Refused { .. }))); // LSNs never fall.
    /// # Ok::<(), palimpsest::Error>(())
    /// ```
    pub fn push(&mut self, key: Key, lsn: Lsn, value: &Value) -> Result<()> {
        self.check(key, lsn, value)?;
        match self.records.last() {
            Some(last) if last.lsn == lsn => self.keys_at_last_lsn.extend([last.key, key]),
            _ => self.keys_at_last_lsn.clear(),
        }
        let offset = self.raw.len() as u64;
        value.encode(&mut self.raw);
        let len = self.raw.len() as u64 - offset;
        self.records.push(BatchRecord {
            key,
            lsn,
            offset,
            len: u32::try_from(len).expect("checked against the length of a blob"),
            will_init: value.will_init(),
        });
        Ok(())
    }

    fn check(&self, key: Key, lsn: Lsn, value: &Value) -> Result<()> {
        let refuse = |why: String| Err(Error::Refused { why });
        if lsn == Lsn::MAX {
            return refuse(format!(
                "LSN {lsn} is the end of all, no record can stand at it"
            ));
        }
        if key == Key::MAX {
            return refuse(format!("key {key} is the end of all, no layer can hold it"));
        }
        if let Some(last) = self.records.last() {
            if lsn < last.lsn {
                let last = last.lsn;
                return refuse(format!("LSN {lsn} of key {key} is below {last} before it"));
            }
            let is_there = last.key == key || self.keys_at_last_lsn.contains(&key);
            if lsn == last.lsn && is_there {
                return refuse(format!("key {key} stands twice at LSN {lsn}"));
            }
        }
        let len = value.encoded_len();
        if BLOB_LEN_MAX < len {
            return refuse(format!(
                "a value of {len} bytes is longer than {BLOB_LEN_MAX}"
            ));
        }
        Ok(())
    }

    /// The number of records.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Key, Lsn, Value};
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// assert_eq!(batch.record_count(), 2);
    /// # Ok::<(), palimpsest::Error>(())
    /// ```
    pub fn record_count(&self) -> usize {
        self.records.len()
    }

    /// Whether the batch has no record.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Key, Lsn, Value};
    /// let mut batch = Batch::new();
    /// assert!(batch.is_empty());
    /// batch.push(Key::MIN, Lsn(10), &Value::Image(Vec::new()))?;
    /// assert!(!batch.is_empty());
    /// # Ok::<(), palimpsest::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The length of all values, as they are serialised, in bytes.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Key, Lsn, Value};
    /// let mut batch = Batch::new();
    /// batch.push(Key::MIN, Lsn(10), &Value::Image(vec![0; 8192]))?;
    /// assert_eq!(batch.byte_len(), 12 + 8192); // A header of 12 bytes, and the page.
    /// # Ok::<(), palimpsest::Error>(())
    /// ```
    pub fn byte_len(&self) -> u64 {
        self.raw.len() as u64
    }

    /// The LSN of the first record.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Key, Lsn, Value};
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// assert_eq!(batch.first_lsn(), Some(Lsn(10)));
    /// assert_eq!(Batch::new().first_lsn(), None);
    /// # Ok::<(), palimpsest::Error>(())
    /// ```
    pub fn first_lsn(&self) -> Option<Lsn> {
        self.records.first().map(|record| record.lsn)
    }

    /// The LSN of the last record.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::{Batch, Key, Lsn, Value};
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// assert_eq!(batch.last_lsn(), Some(Lsn(20)));
    /// # Ok::<(), palimpsest::Error>(())
    /// ```
    pub fn last_lsn(&self) -> Option<Lsn> {
        self.records.last().map(|record| record.lsn)
    }

    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn records(&self) -> &[BatchRecord] {
        &self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Value {
        Value::Image(vec![1])
    }

    #[test]
    fn lsns_may_stay_but_not_fall() {
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(8), &image()).unwrap();
        batch.push(Key::MIN.next(), Lsn(8), &image()).unwrap();
        let refused = batch.push(Key::MIN, Lsn(7), &image());
        assert!(matches!(refused, Err(Error::Refused { .. })));
        assert_eq!(batch.record_count(), 2);
    }

    #[test]
    fn one_key_stands_once_at_one_lsn() {
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(8), &image()).unwrap();
        let refused = batch.push(Key::MIN, Lsn(8), &image());
        assert!(matches!(refused, Err(Error::Refused { .. })));
        batch.push(Key::MIN, Lsn(9), &image()).unwrap();
    }

    #[test]
    fn one_key_stands_once_at_one_lsn_of_many() {
        let mut batch = Batch::new();
        for key in [3, 1, 2].map(|number| Key::MIN.add(number)) {
            batch.push(key, Lsn(8), &image()).unwrap();
        }
        for key in [1, 2, 3].map(|number| Key::MIN.add(number)) {
            let refused = batch.push(key, Lsn(8), &image());
            assert!(matches!(refused, Err(Error::Refused { .. })));
        }
        assert_eq!(batch.record_count(), 3);
    }

    #[test]
    fn nothing_stands_at_the_end_of_all_lsns_or_keys() {
        let refused = Batch::new().push(Key::MIN, Lsn::MAX, &image());
        assert!(matches!(refused, Err(Error::Refused { .. })));
        let refused = Batch::new().push(Key::MAX, Lsn(8), &image());
        assert!(matches!(refused, Err(Error::Refused { .. })));
    }

    #[test]
    fn a_refused_record_leaves_no_trace() {
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(8), &image()).unwrap();
        let too_long = Value::Image(vec![0; BLOB_LEN_MAX]);
        for (key, lsn, value) in [
            (Key::MIN, Lsn(7), &image()),
            (Key::MIN, Lsn(8), &image()),
            (Key::MIN, Lsn::MAX, &image()),
            (Key::MAX, Lsn(9), &image()),
            (Key::MIN, Lsn(9), &too_long),
        ] {
            let refused = batch.push(key, lsn, value);
            assert!(matches!(refused, Err(Error::Refused { .. })));
            assert_eq!((batch.record_count(), batch.byte_len()), (1, 13));
            assert_eq!(batch.last_lsn(), Some(Lsn(8)));
        }
    }
}
