//! Scans: every key of a range, a batch at a time.

use std::sync::Arc;

use super::super::Timeline;
use super::super::shared::Shared;
use super::get::KeyValue;
use super::guard::ReadGuard;
use crate::base::{Key, KeyRange, KeySpace, Lsn, Result};
use crate::io::Op;
use crate::store::Store;

/// A read of every key of a range at an LSN, a batch at a time.
///
/// All batches read one snapshot of the timeline and its ancestors. No job waits for a scan,
/// however long it is held; the files that it may read stay on the disk until it is dropped.
pub struct Scan<S: Store> {
    shared: Arc<Shared<S>>,
    op: Op,
    lsn: Lsn,
    guard: ReadGuard<S>,
    /// The keys that the scan has not read yet.
    keys: KeyRange,
}

impl<S: Store> Timeline<S> {
    /// Starts a read of every key of `keys` as it was at `lsn`: of a shard, of those that it holds.
    ///
    /// # Errors
    /// `NotYet` above `last_record_lsn`, `BelowCutoff` below the cutoff, of this timeline or of an
    /// ancestor that the scan would read; `Closed` if the timeline was shut down.
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
    /// let mut scan = timeline.scan(KeyRange::ALL, Lsn(20)).await?;
    /// let mut count = 0;
    /// while let Some(values) = scan.next_batch().await? {
    ///     for (key, value) in values {
    ///         println!("{key}: {} bytes", value?.len());
    ///         count += 1;
    ///     }
    /// }
    /// assert_eq!(count, 1);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn scan(&self, keys: KeyRange, lsn: Lsn) -> Result<Scan<S>> {
        let op = self.shared.read_op();
        Scan::new(&self.shared, op, keys, lsn).await
    }
}

impl<S: Store> Scan<S> {
    pub(crate) async fn new(
        shared: &Arc<Shared<S>>,
        op: Op,
        keys: KeyRange,
        lsn: Lsn,
    ) -> Result<Scan<S>> {
        Ok(Scan {
            shared: shared.clone(),
            op,
            lsn,
            guard: ReadGuard::new(shared, op, lsn).await?,
            keys,
        })
    }

    /// Reads the next values, in the order of their keys; `None` at the end. A batch may be empty.
    ///
    /// # Errors
    /// Of each key: `NoBase` or `Redo`. Of the batch: `Corrupt` or `Io` if a layer cannot be read,
    /// `Closed` if the timeline was shut down. The batch can be retried.
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
    /// let mut scan = timeline.scan(KeyRange::ALL, Lsn(10)).await?;
    /// let batch = scan.next_batch().await?.expect("the range is not read to its end");
    /// assert_eq!(batch.len(), 1);
    /// assert!(scan.next_batch().await?.is_none());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn next_batch(&mut self) -> Result<Option<Vec<KeyValue>>> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let keys = KeySpace::from_disjoint(vec![self.keys]);
        let keys = (keys, self.shared.options.scan_key_count_max.max(1));
        let found = self
            .shared
            .rebuild(self.op, &self.guard, keys, self.lsn)
            .await?;
        assert!(self.keys.start < found.end);
        assert!(found.end <= self.keys.end);
        self.keys.start = found.end;
        Ok(Some(found.values))
    }

    /// The first key that the scan has not read yet.
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
    /// let keys = KeyRange::new(Key::MIN, Key::MIN.add(8));
    /// let mut scan = timeline.scan(keys, Lsn(20)).await?;
    /// assert_eq!(scan.position(), keys.start);
    /// scan.next_batch().await?;
    /// assert_eq!(scan.position(), keys.end);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn position(&self) -> Key {
        self.keys.start
    }
}
