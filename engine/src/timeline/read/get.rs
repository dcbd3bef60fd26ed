//! `get`, `get_vectored` and `visits`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;

use bytes::Bytes;

use super::super::Timeline;
use super::super::memory_budget::Grant;
use super::super::shared::Shared;
use super::descent::Log;
use super::gathered::{Base, Gathered, Loaded};
use super::guard::ReadGuard;
use crate::base::{Error, Key, KeyRange, KeySpace, Lsn, LsnRange, Result};
use crate::format::{RecordRef, ValueRef};
use crate::io::{Io, Op, Pace, Part};
use crate::layer::LayerId;
use crate::store::Store;

/// A value of a key, or why there is none.
pub type KeyValue = (Key, Result<Vec<u8>>);

/// One visit of a read: a layer, and the LSNs for which it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The layer.
    pub layer: LayerId,
    /// The LSNs for which the layer has all records of the key.
    pub lsns: LsnRange,
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.layer, self.lsns)
    }
}

/// The values that a read has rebuilt.
pub(super) struct Rebuilt {
    pub(super) values: Vec<KeyValue>,
    /// The exclusive end of the keys that were read: there may be more values from it on.
    pub(super) end: Key,
}

impl<S: Store> Timeline<S> {
    /// Rebuilds `key` as it was at `lsn`.
    ///
    /// # Shape
    /// `lsn` is inclusive. The answer is one whole value; `None` if the key has no history there,
    /// or is sparse and its value is empty.
    /// # Errors
    /// `NotYet` above `last_record_lsn`, `BelowCutoff` below the cutoff, of this timeline or of an
    /// ancestor that the read descends to. `NoBase` if the key has records and no base below them,
    /// `Redo` if a record cannot be applied. `Corrupt` or `Io` if a layer cannot be read. `Closed`
    /// if the timeline was shut down, `Foreign` if another shard holds the key. The timeline is
    /// unchanged.
    /// # Source
    /// Law 7; the descent is drawn at the head of `timeline/read/mod.rs`.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// // An image at LSN 10, another at LSN 20.
    /// assert_eq!(timeline.get(Key::MIN, Lsn(9)).await?, None);
    /// assert_eq!(timeline.get(Key::MIN, Lsn(19)).await?, Some(b"first".to_vec()));
    /// assert_eq!(timeline.get(Key::MIN, Lsn(20)).await?, Some(b"second".to_vec()));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn get(&self, key: Key, lsn: Lsn) -> Result<Option<Vec<u8>>> {
        let Some(end) = key.checked_next() else {
            return Ok(None); // `Key::MAX` never has a record.
        };
        let shared = &self.shared;
        shared.shard.identity.check(key)?;
        let op = shared.read_op();
        let guard = ReadGuard::new(shared, op, lsn).await?;
        if let Some(image) = guard.image_on_top(key) {
            let value = image.get(op.on(Part::Image, 1), key).await;
            let value = shared.or_closed(value)?;
            return Ok(value.filter(|value| !shared.stands_for_none(key, value)));
        }
        let keys = KeySpace::from_disjoint(vec![KeyRange::new(key, end)]);
        let mut found = shared.rebuild(op, &guard, (keys, 1), lsn).await?;
        found.values.pop().map(|(_, value)| value).transpose()
    }

    /// Rebuilds all of `keys` as they were at `lsn`, with fewer calls than [`Timeline::get`] would
    /// make for each.
    ///
    /// # Shape
    /// In the order of the keys; keys without history are left out, sparse ones without a value,
    /// and those that another shard holds. All values are in memory at once: for ranges of many
    /// keys there is [`Timeline::scan`].
    /// # Errors
    /// Of each key: `NoBase` or `Redo`. Of the call: `NotYet`, `BelowCutoff`, `Corrupt`, `Io` or
    /// `Closed`, for the reasons that [`Timeline::get`] has; `Foreign` if a range is one key alone,
    /// and another shard holds it.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// let keys = KeySpace::from_ranges([
    ///     KeyRange::new(Key::MIN, Key::MIN.add(8)),
    ///     KeyRange::new(Key::MIN.add(100), Key::MIN.add(108)),
    /// ]);
    /// let mut found = Vec::new();
    /// for (key, value) in timeline.get_vectored(&keys, Lsn(20)).await? {
    ///     found.push((key, value?));
    /// }
    /// assert_eq!(found, [(Key::MIN, b"second".to_vec())]);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn get_vectored(&self, keys: &KeySpace, lsn: Lsn) -> Result<Vec<KeyValue>> {
        let shared = &self.shared;
        shared.check_single(keys)?;
        let op = shared.read_op();
        let guard = ReadGuard::new(shared, op, lsn).await?;
        let (mut keys, mut values) = (keys.clone(), Vec::new());
        while !keys.ranges().is_empty() {
            let rest = (keys.clone(), usize::MAX);
            let found = shared.rebuild(op, &guard, rest, lsn).await?;
            values.extend(found.values);
            let done = KeyRange::new(Key::MIN, found.end);
            keys.remove_overlapping_with(&KeySpace::from_ranges([done]));
        }
        Ok(values)
    }

    /// Lists the layers that [`Timeline::get`] would visit, in order, without reading a value.
    ///
    /// # Errors
    /// `NotYet`, `BelowCutoff`, `Corrupt`, `Io` or `Closed`, for the reasons that [`Timeline::get`]
    /// has.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// let visits = timeline.visits(Key::MIN, Lsn(20)).await?;
    /// assert_eq!(visits.len(), 1); // The L0 delta, whose image ends the search.
    /// println!("{}", visits[0]);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn visits(&self, key: Key, lsn: Lsn) -> Result<Vec<Visit>> {
        let Some(end) = key.checked_next() else {
            return Ok(Vec::new());
        };
        let shared = &self.shared;
        shared.shard.identity.check(key)?;
        let op = shared.read_op();
        let guard = ReadGuard::new(shared, op, lsn).await?;
        let keys = KeySpace::from_disjoint(vec![KeyRange::new(key, end)]);
        let mut log = Log::new();
        shared.gather(op, &guard, (keys, 1), &mut log).await?;
        let visits = log.into_iter().map(|(layer, lsns)| Visit { layer, lsns });
        Ok(visits.collect())
    }
}

impl<S: Store> Shared<S> {
    /// Refuses a set of keys that asks for a foreign one by itself.
    fn check_single(&self, keys: &KeySpace) -> Result<()> {
        let mut ranges = keys.ranges().iter();
        ranges.try_for_each(
            |range| match range.start.checked_next() == Some(range.end) {
                true => self.shard.identity.check(range.start),
                false => Ok(()),
            },
        )
    }

    /// Rebuilds the lowest of `keys`, at most `key_count_max` of them.
    pub(super) async fn rebuild(
        &self,
        op: Op,
        guard: &ReadGuard<S>,
        keys: (KeySpace, usize),
        lsn: Lsn,
    ) -> Result<Rebuilt> {
        let mut gathered = self.gather(op, guard, keys, &mut Log::new()).await?;
        let is_many = 1 < gathered.key_count();
        let grant = is_many.then(|| self.memory.grant(self.options.scan_len_max));
        let len_max = grant.as_ref().map_or(u64::MAX, Grant::len);
        gathered.keep_up_to(len_max);
        let end = gathered.end();
        // A layer that was located may have been closed for another one since.
        let loaded = gathered.load(op, self.options.read_len_max).await;
        let loaded = self.or_closed(loaded)?;
        assert!(loaded.last_key_value().is_none_or(|(last, _)| *last < end));
        self.redo_all((loaded, end), lsn, len_max).await
    }

    /// Locates the records of `keys` in the timeline and its ancestors.
    async fn gather(
        &self,
        op: Op,
        guard: &ReadGuard<S>,
        (mut keys, key_count_max): (KeySpace, usize),
        log: &mut Log,
    ) -> Result<Gathered<S::Io>> {
        let end = keys.ranges().last().map_or(Key::MIN, |range| range.end);
        let mut gathered = Gathered::new(key_count_max, end, self.shard.identity);
        for depth in 0..guard.depth() {
            if 0 < depth {
                self.leave_behind(&mut keys);
            }
            if keys.ranges().is_empty() {
                break;
            }
            if 0 < depth {
                self.io().probe("a read goes on in an ancestor");
            }
            self.io().interleave(op).await;
            let (snapshot, lsn) = guard.snapshot(depth);
            let descent = snapshot.descend((self.io(), op), (keys, lsn), &mut gathered, log);
            keys = self.or_closed(descent.await)?;
        }
        Ok(gathered)
    }

    /// Takes the keys out that a branch does not inherit.
    fn leave_behind(&self, keys: &mut KeySpace) {
        let left = keys.remove_overlapping_with(self.options.sparse_keys.not_inherited());
        if !left.ranges().is_empty() {
            let io = self.io();
            io.probe("a read comes to a branch point with keys that are not inherited");
        }
    }

    /// Whether a value says that the key has none.
    pub(super) fn stands_for_none(&self, key: Key, value: &[u8]) -> bool {
        value.is_empty() && self.options.sparse_keys.is_sparse(key)
    }

    /// The result of a step that may open files. Once the timeline is closed, its next open or its
    /// deletion removes the files that the durable index does not name, also those that a reader
    /// from before has not opened yet: that is no failure of the device.
    fn or_closed<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(Error::Io(failure)) if failure.source.kind() == ErrorKind::NotFound => {
                self.state().check_open().inspect_err(|_| {
                    let io = self.io();
                    io.probe("a read of a closed timeline comes to a removed file");
                })?;
                Err(Error::Io(failure))
            }
            result => result,
        }
    }

    /// Replays the records of the keys below `end`, until the values are longer than `len_max`.
    async fn redo_all(
        &self,
        (loaded, end): (BTreeMap<Key, Loaded<S::Io>>, Key),
        lsn: Lsn,
        len_max: u64,
    ) -> Result<Rebuilt> {
        let (mut values, mut len) = (Vec::new(), 0);
        let mut pace = Pace::default();
        for (key, loaded) in loaded {
            if len_max < len {
                // Values may be much longer than what was read of them.
                return Ok(Rebuilt { values, end: key });
            }
            let value = self.redo((key, lsn), loaded);
            let value_len = value.as_ref().map_or(0, |value| value.len() as u64);
            len += value_len;
            pace.handled(self.io(), (1, value_len)).await;
            match value {
                Err(error) if !error.is_of_key() => return Err(error),
                Ok(value) if self.stands_for_none(key, &value) => {}
                value => values.push((key, value)),
            }
        }
        Ok(Rebuilt { values, end })
    }

    fn redo(&self, (key, lsn): (Key, Lsn), mut loaded: Loaded<S::Io>) -> Result<Vec<u8>> {
        let newest = loaded.records.first();
        assert!(
            newest.is_none_or(|(newest, _)| *newest <= lsn),
            "a read sees nothing above it"
        );
        if !loaded.is_complete {
            if !self.options.sparse_keys.is_sparse(key) {
                return Err(Error::NoBase { key, lsn });
            }
            // What is sparse has an empty value below all records.
            loaded.base = Some(Base::Value(Bytes::new()));
        }
        let base = loaded.base.map(Base::value).transpose()?;
        match (base, loaded.records) {
            (Some(image), records) if records.is_empty() => Ok(image.into()),
            (base, mut records) => {
                records.reverse();
                self.replay(key, base.as_deref(), &records)
            }
        }
    }

    fn replay(&self, key: Key, base: Option<&[u8]>, records: &[(Lsn, Bytes)]) -> Result<Vec<u8>> {
        let records = records.iter();
        let records = records.map(|(lsn, bytes)| (*lsn, decode_record(bytes)));
        let records: Vec<(Lsn, RecordRef<'_>)> = records.collect();
        let value = self.options.redo.redo(key, base, &records);
        value.map_err(|error| Error::Redo {
            key,
            lsn: error.lsn,
            why: error.why,
        })
    }
}

fn decode_record(bytes: &[u8]) -> RecordRef<'_> {
    match ValueRef::decode(bytes) {
        Ok(ValueRef::Record(record)) => record,
        Ok(ValueRef::Image(_)) => panic!("an image is a base, and no record"),
        Err(error) => panic!("it was decoded when it was loaded: {error}"),
    }
}
