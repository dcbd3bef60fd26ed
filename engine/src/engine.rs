//! The roof: one engine on one directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Error, FileName, Lsn, Result, ShardIdentity, TimelineId};
use crate::io::{Entry, Io, Job, Op, OsIo, Part};
use crate::layer::{BlockCache, Decoders};
use crate::split::{Split, check_whole, split};
use crate::store::{DirStore, RootState, Store};
use crate::sync::MutexGuard;
use crate::timeline::{
    Access, BranchTree, Catalog, EngineStats, Health, MemoryBudget, Opener, Options, Scope,
};

/// An open timeline of an [`Engine`]: the calls are those of [`crate::timeline::Timeline`].
pub type Timeline<I = OsIo> = crate::timeline::Timeline<DirStore<I>>;

/// The writer of a [`Timeline`]: the calls are those of [`crate::timeline::Writer`].
pub type Writer<I = OsIo> = crate::timeline::Writer<DirStore<I>>;

/// A read of a range of keys of a [`Timeline`]: the calls are those of [`crate::timeline::Scan`].
pub type Scan<I = OsIo> = crate::timeline::Scan<DirStore<I>>;

/// The timelines in one directory, which the engine locks against every other engine.
///
/// The directory's lock is released when the engine, its timelines and all that they do have been
/// dropped, and the last removal of a layer has ended: [`Engine::shutdown`] waits for those.
pub struct Engine<I: Io = OsIo> {
    store: DirStore<I>,
    options: Options,
    lock: Arc<I::Lock>,
    cache: Arc<BlockCache>,
    decoders: Arc<Decoders>,
    branch_tree: Arc<BranchTree>,
    memory: Arc<MemoryBudget>,
    catalog: Catalog<DirStore<I>>,
}

impl<I: Io> Engine<I> {
    /// Opens and locks the directory `root`; creates it if it is missing. Its parent must exist.
    ///
    /// A creation or deletion that a crash interrupted is completed. Timelines are opened one by
    /// one, so that a damaged one does not block the others.
    ///
    /// # Errors
    /// `Refused` if an option is out of its range, or one rules out another; if the directory was
    /// split, or is being made by a split. `Busy` if another
    /// engine has the directory open, in this process or another, or if an engine
    /// that was dropped is still removing layers after half a second. `Io` if the device refused.
    /// `Latched` if the sync of the parent directory failed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// let root = dir.path().join("pages");
    /// let engine = Engine::open(OsIo::new(), &root, Options::default()).await?;
    /// // The directory is locked until the engine is shut down and dropped.
    /// let second = Engine::open(OsIo::new(), &root, Options::default()).await;
    /// assert!(matches!(second, Err(Error::Busy { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn open(io: I, root: &Path, options: Options) -> Result<Engine<I>> {
        options.check()?;
        let options = options.within_limits();
        let op = Op::new(None, Job::Open, 1);
        let store = DirStore::new(io, root)
            .with_reserve(options.reserve_len)
            .keep_open(options.open_files_max);
        store.create_root(op).await?;
        let lock = store.lock(op.on(Part::Lock, 1)).await?;
        let branch_tree = Arc::<BranchTree>::default();
        let engine = Engine {
            catalog: Catalog::new(branch_tree.clone()),
            store,
            cache: Arc::new(BlockCache::new(options.block_cache_len)),
            decoders: Arc::default(),
            branch_tree,
            memory: Arc::new(MemoryBudget::new(
                options.open_len_max,
                options.work_len_max,
            )),
            options,
            lock: Arc::new(lock),
        };
        let state = engine.store.root_state(op).await?.unwrap_or_default();
        check_whole(root, &state)?;
        for timeline in &state.timelines {
            engine.opener().recover(*timeline).await;
        }
        engine.look_for_lost(op, &state).await?;
        if state.has_reserve {
            engine.store.remove_unwanted_reserve(op).await;
        }
        engine.store.hold_room(op).await;
        Ok(engine)
    }

    /// Splits the directory `root`, which no engine has open, into several that each hold a part of
    /// the keys; returns their shards, in the order of `into.children`. `options` are those with
    /// which the directory was opened; a child is opened with its shard in them.
    ///
    /// Each child gets every timeline, with all of its history: by links to the parent's layers, or
    /// by copies where there can be none. What is not its own it refuses to show, and drops bit by
    /// bit: see [`Timeline::shed`].
    ///
    /// # Shape
    /// All or nothing, whenever it is cut off: until the split is durable the parent is whole and
    /// can be opened; from then on it is refused, and this call, made again with the same
    /// arguments, brings the split to its end. Repeated after that, it changes nothing. The
    /// parent's files may be removed once it has succeeded.
    /// # Errors
    /// `Refused` if there would be fewer than 2 children or more than 255 shards, if a child's
    /// directory is not empty, if the parent was split otherwise, or if it is not what `options`
    /// say. `Busy` if an engine has it open. `Corrupt` or `Unsupported` if an index cannot be read,
    /// or names a layer that is missing. `Io` or `Latched` if the device refused: call it again.
    ///
    /// [`Timeline::shed`]: crate::timeline::Timeline::shed
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// let (io, root) = (OsIo::new(), dir.path().join("pages"));
    /// let engine = Engine::open(io.clone(), &root, Options::default()).await?;
    /// let id = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?.id();
    /// engine.shutdown().await?;
    /// drop(engine);
    /// let children = [0, 1].map(|number| dir.path().join(format!("pages-{number}")));
    /// let into = Split { children: children.to_vec(), stripe: ShardIdentity::STRIPE_DEFAULT };
    /// let shards = Engine::split(io.clone(), &root, &into, &Options::default()).await?;
    /// let options = Options { shard: shards[1], ..Options::default() };
    /// let engine = Engine::open(io.clone(), &children[1], options).await?;
    /// engine.open_timeline(id).await?;
    /// let parent = Engine::open(io, &root, Options::default()).await;
    /// assert!(matches!(parent, Err(Error::Refused { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn split(
        io: I,
        root: &Path,
        into: &Split,
        options: &Options,
    ) -> Result<Vec<ShardIdentity>> {
        split(io, root, into, options).await
    }

    /// Finds timelines in directories that are not named quite as theirs are: what stands on what
    /// cannot be known while one is there, so that nothing may be collected.
    async fn look_for_lost(&self, op: Op, state: &RootState) -> Result<()> {
        for name in &state.misnamed {
            let Ok(timeline) = name.parse() else {
                continue;
            };
            let is_there = state.timelines.contains(&timeline);
            if !is_there && self.store.holds_timeline(op, name).await? {
                self.branch_tree.add_unknown(timeline);
            }
        }
        Ok(())
    }

    fn opener(&self) -> Opener<'_, DirStore<I>> {
        Opener {
            store: &self.store,
            options: &self.options,
            lock: &self.lock,
            cache: &self.cache,
            decoders: &self.decoders,
            branch_tree: &self.branch_tree,
            memory: &self.memory,
        }
    }

    /// The figures of the engine, without I/O: sums over its open timelines, and what they share.
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
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// let stats = engine.stats();
    /// assert_eq!((stats.timeline_count, stats.l0s.count), (1, 1));
    /// assert_eq!(stats.open_len, 0); // Nothing is in memory alone.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn stats(&self) -> EngineStats {
        let open: Vec<Timeline<I>> = self.open_timelines().values().cloned().collect();
        let mut stats = EngineStats::of(&self.memory, &self.cache);
        open.iter()
            .for_each(|timeline| stats.add(&timeline.counts()));
        stats
    }

    fn open_timelines(&self) -> MutexGuard<'_, BTreeMap<TimelineId, Timeline<I>>> {
        self.catalog.open_timelines()
    }

    /// Lists the timelines of the directory, open or not, in order: those that can be opened, and
    /// those that an attempt to open says of what is damaged, or that they are another tenant's.
    ///
    /// # Errors
    /// `Io` if the directory cannot be listed, or an index cannot be read for now.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// let id = TimelineId([1; 16]);
    /// let timeline = match engine.timelines().await?.contains(&id) {
    ///     true => engine.open_timeline(id).await?,
    ///     false => engine.create_timeline(id, Lsn(0)).await?,
    /// };
    /// assert_eq!(engine.timelines().await?, [timeline.id()]);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn timelines(&self) -> Result<Vec<TimelineId>> {
        let mut listed = Vec::new();
        for timeline in self.store.timelines(Op::new(None, Job::Open, 1)).await? {
            if self.opener().is_listed(timeline).await? {
                listed.push(timeline);
            }
        }
        Ok(listed)
    }

    /// The files and directories in the engine's directory and in those of its timelines that are
    /// not the engine's. They are left alone, and no answer depends on them; a timeline's directory
    /// with one in it stays behind, without a timeline, when that is deleted.
    ///
    /// # Errors
    /// `Io` if a directory cannot be listed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// std::fs::write(dir.path().join(".DS_Store"), b"").unwrap();
    /// assert_eq!(engine.foreign_entries().await?, [dir.path().join(".DS_Store")]);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn foreign_entries(&self) -> Result<Vec<PathBuf>> {
        let op = Op::new(None, Job::Open, 1);
        let timelines = self.store.timelines(op).await?;
        let names: Vec<String> = timelines.iter().map(ToString::to_string).collect();
        let is_foreign = |entry: &Entry| FileName::parse(&entry.name).is_none();
        let mut entries = self.store.list_root(op).await?.unwrap_or_default();
        entries.retain(|entry| is_foreign(entry) && !names.contains(&entry.name));
        let mut foreign: Vec<PathBuf> = Vec::new();
        foreign.extend(
            entries
                .iter()
                .map(|entry| self.store.root().join(&entry.name)),
        );
        for timeline in timelines {
            let dir = self.store.dir(timeline);
            let entries = self.store.list(op, timeline).await?.unwrap_or_default();
            let entries = entries.iter().filter(|entry| is_foreign(entry));
            foreign.extend(entries.map(|entry| dir.join(&entry.name)));
        }
        foreign.sort();
        Ok(foreign)
    }

    /// Creates an empty timeline, durably, and opens it. Its first record must stand above `start`.
    ///
    /// # Errors
    /// `Refused` if it exists. `Io` if the device refused: retry. `Latched` if a sync failed:
    /// whether the timeline exists is in doubt until the engine is opened again.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(100)).await?;
    /// let mut batch = Batch::new();
    /// batch.push(Key::MIN, Lsn(101), &Value::Image(b"first".to_vec()))?;
    /// timeline.writer()?.put_batch(&batch).await?;
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn create_timeline(&self, timeline: TimelineId, start: Lsn) -> Result<Timeline<I>> {
        let _lock = self.catalog.lock(timeline).await;
        let created = self.opener().create(timeline, start).await?;
        self.catalog.add_open(&created);
        Ok(created)
    }

    /// Creates a branch, durably, and opens it: a timeline that shares the history of `ancestor` up
    /// to and including `lsn`. The ancestor is opened, and made durable up to `lsn`, if it is not.
    ///
    /// # Errors
    /// `Refused` if the branch exists or the ancestor does not, if `lsn` is below the start of the
    /// ancestor, or if the branch would have more than [`BRANCH_DEPTH_MAX`] ancestors. `NotYet` or
    /// `BelowCutoff` if the ancestor cannot be read at `lsn`, `Closed` if it is being shut down.
    /// `Io` if the device refused: retry.
    /// `Latched` if a sync failed: whether the branch exists is in doubt until the engine is opened
    /// again.
    ///
    /// [`BRANCH_DEPTH_MAX`]: crate::BRANCH_DEPTH_MAX
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
    /// let old = engine.branch_timeline(TimelineId([2; 16]), timeline.id(), Lsn(10)).await?;
    /// let mut batch = Batch::new();
    /// batch.push(Key::MIN, Lsn(15), &Value::Image(b"other".to_vec()))?;
    /// old.writer()?.put_batch(&batch).await?;
    /// assert_eq!(old.get(Key::MIN, Lsn(10)).await?, Some(b"first".to_vec())); // The ancestor's.
    /// assert_eq!(old.get(Key::MIN, Lsn(15)).await?, Some(b"other".to_vec()));
    /// assert_eq!(timeline.get(Key::MIN, Lsn(20)).await?, Some(b"second".to_vec()));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn branch_timeline(
        &self,
        timeline: TimelineId,
        ancestor: TimelineId,
        lsn: Lsn,
    ) -> Result<Timeline<I>> {
        let branch = ((timeline, ancestor), lsn);
        match self.try_branch(branch, Scope::Closed).await {
            // An ancestor was shut down meanwhile.
            Err(Error::Closed) => self.try_branch(branch, Scope::Line).await,
            ended => ended,
        }
    }

    async fn try_branch(
        &self,
        ((timeline, ancestor), lsn): ((TimelineId, TimelineId), Lsn),
        scope: Scope,
    ) -> Result<Timeline<I>> {
        let (opener, asked) = (self.opener(), (ancestor, Access::Write));
        let opened = self.catalog.open(&opener, asked, (scope, timeline));
        let (parent, _lock) = opened.await?;
        parent.check_branch_depth()?;
        // If the branch is not made, its point retains nothing any more.
        let _released = parent.collect_afterwards();
        let branched = opener.branch(timeline, &parent, lsn).await?;
        self.catalog.add_open(&branched);
        Ok(branched)
    }

    /// Opens a timeline and its ancestors, or returns the handle of one that is open already.
    ///
    /// # Errors
    /// `Refused` if it does not exist, or is open to be read alone. `Corrupt` or `Unsupported` if
    /// its index cannot be read or names a layer that is missing, or if its directory is a link
    /// that leads nowhere: then nothing was removed. `Closed` if an ancestor is being
    /// shut down. `Io` if the device refused: retry. `Latched` if a sync failed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let id = timeline.id();
    /// engine.shutdown_timeline(id).await?;
    /// let timeline = engine.open_timeline(id).await?;
    /// assert_eq!(timeline.generation().0, 2); // It grows at each open.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn open_timeline(&self, timeline: TimelineId) -> Result<Timeline<I>> {
        self.open_for(timeline, Access::Write).await
    }

    /// Opens a timeline and its ancestors to be read alone, and writes nothing: as on a full disk,
    /// or one that cannot be written. Returns the handle of one that is open already.
    ///
    /// # Shape
    /// What the index says can be read. Calls that write are `Refused`, and no job runs, until it
    /// is shut down and opened again.
    /// # Errors
    /// Those of [`Engine::open_timeline`].
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let id = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?.id();
    /// # engine.shutdown_timeline(id).await?;
    /// let timeline = engine.open_timeline_to_read(id).await?;
    /// assert_eq!(timeline.get(Key::MIN, Lsn(0)).await?, None);
    /// assert!(matches!(timeline.flush().await, Err(Error::Refused { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn open_timeline_to_read(&self, timeline: TimelineId) -> Result<Timeline<I>> {
        self.open_for(timeline, Access::Read).await
    }

    async fn open_for(&self, timeline: TimelineId, access: Access) -> Result<Timeline<I>> {
        let (opener, asked) = (self.opener(), (timeline, access));
        let opened = match self
            .catalog
            .open(&opener, asked, (Scope::Closed, timeline))
            .await
        {
            // An ancestor was shut down meanwhile.
            Err(Error::Closed) => {
                self.catalog
                    .open(&opener, asked, (Scope::Line, timeline))
                    .await
            }
            ended => ended,
        };
        opened.map(|(opened, _)| opened)
    }

    /// Flushes and closes one timeline by [`Timeline::shutdown`], so that it can be opened again,
    /// also after a failed sync has latched it, or be deleted.
    ///
    /// # Errors
    /// `Refused` if it is not open, and those of [`Timeline::shutdown`]. After `Latched` the
    /// timeline is closed all the same.
    ///
    /// [`Timeline::shutdown`]: crate::timeline::Timeline::shutdown
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// engine.shutdown_timeline(timeline.id()).await?;
    /// assert!(matches!(timeline.get(Key::MIN, Lsn(0)).await, Err(Error::Closed)));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn shutdown_timeline(&self, timeline: TimelineId) -> Result<()> {
        let _lock = self.catalog.lock(timeline).await;
        let Some(open) = self.open_timelines().get(&timeline).cloned() else {
            let why = format!("timeline {timeline} is not open");
            return Err(Error::Refused { why });
        };
        let ended = open.shutdown().await;
        if matches!(ended, Ok(()) | Err(Error::Latched(_) | Error::Closed)) {
            self.open_timelines().remove(&timeline);
        }
        ended
    }

    /// Deletes a timeline with all its history, durably. It must not be open.
    ///
    /// # Errors
    /// `Busy` if it is open, or while the index of some timeline, which may be a branch of it,
    /// cannot be read. `Refused` if it does not exist or has a branch. After `Io` or `Latched` it
    /// may be marked as deleted: a retry, or the next open of the engine, completes the deletion.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// engine.shutdown_timeline(timeline.id()).await?;
    /// engine.delete_timeline(timeline.id()).await?;
    /// assert!(engine.timelines().await?.is_empty());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn delete_timeline(&self, timeline: TimelineId) -> Result<()> {
        let _lock = self.catalog.lock(timeline).await;
        if self.open_timelines().contains_key(&timeline) {
            let what = format!("timeline {timeline} is open: shut it down first");
            return Err(Error::Busy { what });
        }
        self.branch_tree.check_known(timeline)?;
        if let Some(branch) = self.branch_tree.first_branch(timeline) {
            let why = format!("timeline {branch} stands on timeline {timeline}: delete it first");
            return Err(Error::Refused { why });
        }
        let parent = self.branch_tree.parent(timeline);
        let parent = parent.and_then(|parent| self.open_timelines().get(&parent).cloned());
        let _released = parent.as_ref().map(Timeline::collect_afterwards);
        self.opener().delete(timeline).await?;
        self.store.hold_room(Op::new(None, Job::Delete, 1)).await;
        Ok(())
    }

    /// What fails of the maintenance of the timelines that are open, of those alone for which
    /// something does: since when, why, and when it is tried again. See [`Timeline::health`].
    ///
    /// [`Timeline::health`]: crate::timeline::Timeline::health
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// for (timeline, health) in engine.health() {
    ///     println!("{timeline}: {} failed runs", health.failure_count);
    /// }
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn health(&self) -> BTreeMap<TimelineId, Health> {
        let open = self.open_timelines();
        let each = open.iter().map(|(id, timeline)| (*id, timeline.health()));
        each.filter(|(_, health)| !health.is_good()).collect()
    }

    /// Flushes and closes every open timeline, branches before their ancestors, and waits until
    /// their removals of files have ended.
    ///
    /// # Errors
    /// The first error of a timeline's shutdown; the other timelines are shut down all the same.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// engine.shutdown().await?; // Flushes every open timeline, closes it and waits for removals.
    /// drop((engine, timeline)); // Releases the lock.
    /// let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn shutdown(&self) -> Result<()> {
        let mut open: Vec<Timeline<I>> = self.open_timelines().values().cloned().collect();
        open.sort_by_cached_key(|timeline| std::cmp::Reverse(timeline.depth()));
        let mut first = Ok(());
        for timeline in open {
            let ended = self.shutdown_timeline(timeline.id()).await;
            first = first.and(ended);
            timeline.removals_ended().await;
        }
        first
    }
}
