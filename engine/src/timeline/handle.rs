//! The handle of an open timeline.

use std::sync::Arc;

use super::shared::Shared;
use crate::base::{Generation, Lsn, TimelineId};
use crate::format::Ancestor;
use crate::layer::LayerMap;
use crate::store::Store;

/// An open timeline: a history of keys that can be written at its end and read anywhere.
///
/// Clones are handles of one timeline, and may be used concurrently. Readers are never blocked; a
/// job waits for another one of its own kind.
pub struct Timeline<S: Store> {
    pub(crate) shared: Arc<Shared<S>>,
}

impl<S: Store> Clone for Timeline<S> {
    fn clone(&self) -> Timeline<S> {
        Timeline {
            shared: self.shared.clone(),
        }
    }
}

impl<S: Store> Timeline<S> {
    /// The name of the timeline.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// assert_eq!(timeline.id(), TimelineId([1; 16]));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn id(&self) -> TimelineId {
        self.shared.id
    }

    /// The generation of this opening of the timeline: it grows with each.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// assert_eq!(timeline.generation().0, 1);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn generation(&self) -> Generation {
        self.shared.generation
    }

    /// Whether it was opened to be read alone: then calls that write are refused.
    pub fn is_read_only(&self) -> bool {
        self.shared.state().is_read_only()
    }

    /// The ancestor and the LSN of the branch point, if it is a branch.
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
    /// let branch = engine.branch_timeline(TimelineId([2; 16]), timeline.id(), Lsn(10)).await?;
    /// let ancestor = branch.ancestor().expect("it is a branch");
    /// assert_eq!((ancestor.timeline, ancestor.lsn), (timeline.id(), Lsn(10)));
    /// assert!(timeline.ancestor().is_none());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn ancestor(&self) -> Option<Ancestor> {
        self.shared.ancestor
    }

    /// The number of its ancestors: 0 if it is no branch.
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
    /// let branch = engine.branch_timeline(TimelineId([2; 16]), timeline.id(), Lsn(10)).await?;
    /// assert_eq!((timeline.depth(), branch.depth()), (0, 1));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn depth(&self) -> usize {
        std::iter::successors(Some(&self.shared), |shared| shared.parent.as_ref()).count() - 1
    }

    /// The LSN of the last record that was put: the highest that can be read.
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
    /// // The batch that was put ends at LSN 20.
    /// assert_eq!(timeline.last_record_lsn(), Lsn(20));
    /// let above = timeline.get(Key::MIN, Lsn(21)).await;
    /// assert!(matches!(above, Err(Error::NotYet { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn last_record_lsn(&self) -> Lsn {
        self.shared.state().last_record_lsn
    }

    /// The LSN that a crash falls back to: everything at or below it is durable.
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
    /// // After a crash the writer replays its log from here.
    /// assert_eq!(timeline.disk_consistent_lsn(), Lsn(0));
    /// timeline.flush().await?;
    /// assert_eq!(timeline.disk_consistent_lsn(), Lsn(20));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn disk_consistent_lsn(&self) -> Lsn {
        self.shared.state().disk_consistent_lsn
    }

    /// The lowest LSN that can be read, except for branch points below it.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # use std::time::Duration;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let options = Options { gc_distance: 5, gc_age: Duration::ZERO, ..Options::default() };
    /// # let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// # timeline.flush().await?;
    /// // With `gc_distance` 5, `gc_age` zero and a last record at LSN 20:
    /// timeline.gc().await?;
    /// assert_eq!(timeline.gc_cutoff(), Lsn(15));
    /// let below = timeline.get(Key::MIN, Lsn(14)).await;
    /// assert!(matches!(below, Err(Error::BelowCutoff { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn gc_cutoff(&self) -> Lsn {
        self.shared.state().gc_cutoff
    }

    /// A snapshot of the layer map. It keeps its layers, and their files, until it is dropped.
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
    /// let layers = timeline.layers();
    /// assert_eq!(layers.files().iter().count(), 1); // One L0 delta.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn layers(&self) -> Arc<LayerMap<S::Io>> {
        self.shared.state().map.clone()
    }

    /// Checks the invariants of the state and of the whole layer map, for tests.
    ///
    /// # Panics
    /// If a law is broken; the laws are in `engine/ARCHITECTURE.md`.
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
    /// timeline.check_laws();
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn check_laws(&self) {
        self.shared.state().check_laws();
    }
}
