//! The core of a timeline, which its verbs share: the state, the latch, and how an index becomes
//! durable.
//!
//! 1. The state is behind one mutex, which is never held across an await. Each verb reads the state
//!    in one step, works on a snapshot, and publishes in one step that checks that its inputs still
//!    stand.
//! 2. Three LSNs, law 4: `disk_consistent_lsn <= flushed_lsn <= last_record_lsn`. The first is what
//!    the durable index says, the second what the delta layers of the map hold.
//! 3. One job of a kind at a time; jobs of different kinds run concurrently. Each publication has a
//!    number, and an index that is written covers all publications before it: a job that waits for
//!    the index lock may find its publication covered.
//! 4. A layer's file that no index names any more is removed when its last reader drops it, and not
//!    before the index that does not name it is durable.
//! 5. A failed sync latches: from then on nothing is written, and every call that would write
//!    returns the first failure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::applied::Applied;
use super::branch_tree::BranchTree;
use super::job::Progress;
use super::job_lock::JobLocks;
use super::job_stats::AllRuns;
use super::left_out::LeftOut;
use super::memory_budget::{MemoryBudget, Share};
use super::opening::Opening;
use super::options::Options;
use super::pin::{OpenBranches, ParentPin};
use super::room::save_with_room;
use super::time_to_lsn::TimeToLsn;
use super::upkeep::{Lane, Upkeep};
use crate::base::{
    Error, Generation, IoFailure, KeySpace, Lsn, Result, Strategy, Time, TimelineId,
};
use crate::format::{Ancestor, GcCompaction, Index, IndexShard};
use crate::io::{Io, Job, Op};
use crate::layer::{FileLayer, LayerContext, LayerMap};
use crate::store::Store;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Event, Mutex, MutexGuard, PoisonError};

/// The state and the resources of an open timeline, shared by its handles and jobs.
pub(crate) struct Shared<S: Store> {
    pub(crate) id: TimelineId,
    /// The generation of this opening. `TimelineState::generation` may be a later one.
    pub(crate) generation: Generation,
    pub(crate) ancestor: Option<Ancestor>,
    /// The open timeline that `ancestor` names; `TimelineState::pin` keeps it open.
    pub(crate) parent: Option<Arc<Shared<S>>>,
    pub(crate) branch_tree: Arc<BranchTree>,
    pub(crate) memory: Arc<MemoryBudget>,
    /// The part of the keys that the root holds.
    pub(crate) shard: IndexShard,
    /// The engine's, which hold where `TimelineState::applied` does not say other ones.
    pub(crate) options: Options,
    pub(crate) store: S,
    /// The directory, ids and cache that the timeline's layers share.
    pub(crate) context: LayerContext<S::Io>,
    pub(crate) job_locks: JobLocks,
    /// Notified when L0s go or a shutdown begins, for jobs and writers that wait.
    pub(crate) changed: Event,
    /// The part that the maintenance tasks share with the timeline.
    pub(crate) upkeep: Arc<Upkeep>,
    scratch_count: AtomicU32,
    read_count: AtomicU32,
    state: Mutex<TimelineState<S::Io>>,
}

/// The part of a timeline that changes, behind the lock of [`Shared::state`].
pub(crate) struct TimelineState<I: Io> {
    pub(crate) map: Arc<LayerMap<I>>,
    /// What the open layer holds of the engine's memory; there is one as long as the layer is.
    pub(crate) open_share: Option<Share>,
    /// The last generation that was taken, which the next index has: the opening's, or one that a
    /// gc compaction has taken since.
    generation: Generation,
    pub(crate) last_record_lsn: Lsn,
    /// The LSN up to which all records are in the map's delta layers.
    pub(crate) flushed_lsn: Lsn,
    pub(crate) disk_consistent_lsn: Lsn,
    pub(crate) gc_cutoff: Lsn,
    /// The points below the cutoff that collections have kept; `None` if that is not known.
    pub(crate) kept: Option<BTreeSet<Lsn>>,
    /// The LSNs that are retained below the cutoff, each until a time.
    pub(crate) leases: BTreeMap<Lsn, Time>,
    /// How far gc compaction by itself has come.
    pub(crate) gc_compaction: GcCompaction,
    pub(crate) strategy: Strategy,
    /// The options that jobs decide by.
    pub(crate) applied: Applied,
    /// The LSN of the last images that a tiered compaction made.
    pub(crate) covered: Option<Lsn>,
    /// The LSN at which the next open layer starts.
    pub(crate) next_start: Lsn,
    pub(crate) has_writer: bool,
    /// The keys that the user has declared.
    pub(crate) key_space: KeySpace,
    pub(crate) time_to_lsn: TimeToLsn,
    /// Which LSN was the last record's at which time, for as long as an image may be old.
    pub(crate) image_time_to_lsn: TimeToLsn,
    /// Where and when image creation looked for the last time which images are due.
    pub(crate) image_look: Option<(Lsn, Time)>,
    pub(crate) counts: BTreeMap<Job, u32>,
    /// What the jobs have counted since the timeline was opened.
    pub(crate) job_runs: AllRuns,
    pub(crate) resume: Option<crate::base::Key>,
    pub(crate) left_out: LeftOut,
    /// The number of the last publication. `saved` is that of the last one that a durable index
    /// covers.
    published: u64,
    saved: u64,
    /// The gc cutoff in the durable index.
    saved_cutoff: Lsn,
    /// Layers that left the map, each with the publication that took it out.
    unlinked: Vec<(u64, FileLayer<I>)>,
    failure: Option<IoFailure>,
    /// Whether it was opened to be read alone: then nothing is written.
    is_read_only: bool,
    is_closed: bool,
    /// The number of shutdowns under way.
    pub(crate) ending_count: u32,
    pub(crate) open_branches: OpenBranches,
    /// The pin that keeps the parent open until this timeline is closed.
    pin: Option<ParentPin>,
}

impl<S: Store> Shared<S> {
    pub(crate) fn new(opening: Opening<S>) -> Shared<S> {
        let index = opening.index;
        let (parent, pin) = opening.parent.unzip();
        let parent_id = parent.as_ref().map(|parent| parent.id);
        assert!(parent_id == index.ancestor.map(|ancestor| ancestor.timeline));
        assert!(opening.context.timeline == index.timeline);
        assert!(opening.context.generation == index.generation, "law 6");
        assert!(opening.map.files().len() == index.layers.len(), "law 5");
        assert!(
            opening.map.open().is_none(),
            "no memory layer survives the process"
        );
        assert!(!index.is_deleted);
        assert!(
            index.shard.identity == opening.options.shard,
            "the open has checked it"
        );
        let now = (opening.store.io().now(), index.disk_consistent_lsn);
        let applied = Applied::new(&opening.options, &index.policy);
        let times = TimeToLsn::both(&applied.options, &index.times, now);
        let applied = (applied, times);
        // Scratch names start at a random number: the removal of an older scratch file may still be
        // in flight, and after a deletion the generations start again, so that names could repeat.
        let first_scratch = (opening.context.io.random() >> 33) as u32;
        Shared {
            id: index.timeline,
            generation: index.generation,
            ancestor: index.ancestor,
            parent,
            branch_tree: opening.branch_tree,
            memory: opening.memory,
            shard: index.shard.clone(),
            options: opening.options,
            context: opening.context,
            store: opening.store,
            job_locks: JobLocks::default(),
            changed: Event::new(),
            upkeep: Arc::default(),
            scratch_count: AtomicU32::new(first_scratch),
            read_count: AtomicU32::new(0),
            state: Mutex::new(TimelineState::new(&index, opening.map, applied, pin)),
        }
    }

    /// Locks the state. The guard must not live across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, TimelineState<S::Io>> {
        self.state
            .lock()
            .expect("an invariant was broken while the lock was held")
    }

    /// Locks the state in a `drop`, even if a panic that broke an invariant has poisoned it: a
    /// second panic would abort the process.
    pub(crate) fn state_in_drop(&self) -> MutexGuard<'_, TimelineState<S::Io>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn io(&self) -> &S::Io {
        self.store.io()
    }

    /// The I/O label of a job.
    pub(crate) fn op(&self, job: Job, job_index: u32) -> Op {
        Op::new(Some(self.id), job, job_index)
    }

    /// The I/O label of the next job of a kind; only jobs with a plan that is not empty are
    /// counted.
    pub(crate) fn next_op(&self, state: &mut TimelineState<S::Io>, job: Job) -> Op {
        let count = state.counts.entry(job).or_insert(0);
        *count = count.wrapping_add(1);
        self.op(job, *count)
    }

    /// The I/O label of the next read.
    pub(crate) fn read_op(&self) -> Op {
        let count = self.read_count.fetch_add(1, Ordering::Relaxed);
        self.op(Job::Read, count.wrapping_add(1))
    }

    /// A number for a scratch name that is unique in this generation.
    pub(crate) fn next_scratch(&self) -> u32 {
        self.scratch_count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Passes a result on. The first failed sync latches the timeline; later ones return that first
    /// failure.
    pub(crate) fn latch<T>(&self, result: Result<T>) -> Result<T> {
        let Err(Error::Latched(failure)) = result else {
            return result;
        };
        let mut state = self.state();
        let is_first = state.failure.is_none();
        let first = state.failure.get_or_insert(failure).clone();
        drop(state);
        if is_first {
            self.tell_latched(&first);
        }
        self.changed.notify(usize::MAX);
        Err(Error::Latched(first))
    }

    /// Refuses to continue a job if the timeline was shut down, is being shut down, or is latched.
    pub(crate) fn check_running(&self) -> Result<()> {
        let state = self.state();
        state.check_writable()?;
        match 0 < state.ending_count {
            true => Err(Error::Closed),
            false => Ok(()),
        }
    }

    /// Makes all publications up to `publication` durable: writes an index that covers them.
    pub(crate) async fn save_index(&self, op: Op, publication: u64) -> Result<()> {
        let is_saved = {
            let state = self.state();
            assert!(publication <= state.published);
            publication <= state.saved
        };
        if !is_saved {
            // Now, should this call be dropped: others find more to do, and this to be saved.
            self.upkeep.wake_all();
        }
        let _job_lock = self.job_locks.index.take().await;
        self.io().interleave(op).await;
        let now = self.io().now();
        let (mut index, map, published) = {
            let mut state = self.state();
            if publication <= state.saved {
                self.io()
                    .probe("a job finds that another one has written its index");
                return Ok(());
            }
            state.check_writable()?;
            state.note_time(now);
            (self.index(&state), state.map.clone(), state.published)
        };
        // All layers, so without the lock.
        let layers = map.files().iter();
        index.layers = layers.map(|(_, layer)| *layer.entry()).collect();
        let attempts = || self.next_scratch();
        let saved = save_with_room(&self.store, op, &index, attempts).await;
        self.latch(saved)?;
        self.saved(&index, published);
        // How far history may be collected depends on what is durable.
        self.upkeep.wake(Lane::Collect);
        Ok(())
    }

    /// Ends a job that has an empty plan: writes the index only if an earlier call published and
    /// failed to save it.
    pub(crate) async fn idle(&self, op: Op) -> Result<Progress> {
        let (saved, published) = {
            let state = self.state();
            (state.saved, state.published)
        };
        if saved < published {
            self.io()
                .probe("an idle job writes the index that one before it could not");
            self.save_index(op, published).await?;
        }
        Ok(Progress::Idle)
    }

    /// Records that a durable index covers the publications up to `published`.
    fn saved(&self, index: &Index, published: u64) {
        let mut state = self.state();
        assert!(
            state.disk_consistent_lsn <= index.disk_consistent_lsn,
            "law 4"
        );
        assert!(index.disk_consistent_lsn <= state.flushed_lsn, "law 4");
        assert!(state.saved_cutoff <= index.gc_cutoff, "law 8");
        assert!(index.gc_cutoff <= state.gc_cutoff, "law 8");
        assert!(state.saved < published, "one index writer at a time");
        assert!(published <= state.published);
        state.disk_consistent_lsn = index.disk_consistent_lsn;
        state.saved_cutoff = index.gc_cutoff;
        state.saved = published;
        let unlinked = std::mem::take(&mut state.unlinked);
        let (gone, left): (Vec<_>, Vec<_>) =
            unlinked.into_iter().partition(|(at, _)| *at <= published);
        state.unlinked = left;
        let is_shown = |(_, layer): &_| state.map.has_all(std::slice::from_ref(layer));
        assert!(
            !gone.iter().any(is_shown),
            "law 5: a file is removed only if neither map nor index names it"
        );
        state.check_lsns();
        drop(state);
        // Dropping a layer's last reference removes its file, so this happens outside of the lock.
        for (_, layer) in gone {
            layer.remove_on_drop();
        }
    }

    /// Builds the index of what is published now, but for the layers, which are the map's.
    fn index(&self, state: &TimelineState<S::Io>) -> Index {
        assert!(
            !state.is_closed,
            "law 5: a closed timeline has released its layers"
        );
        Index {
            tenant: self.options.tenant,
            timeline: self.id,
            generation: state.generation,
            ancestor: self.ancestor,
            disk_consistent_lsn: state.flushed_lsn,
            gc_cutoff: state.gc_cutoff,
            is_deleted: false,
            sparse_keys: self.options.sparse_keys.clone(),
            kept: state.kept.clone(),
            times: state.times(),
            // What is not durable would not be there after a crash.
            leases: state
                .leases
                .range(..=state.flushed_lsn)
                .map(|(lsn, valid_until)| (*lsn, *valid_until))
                .collect(),
            gc_compaction: state.gc_compaction,
            strategy: state.strategy,
            policy: state.applied.policy,
            shard: self.shard.clone(),
            layers: Vec::new(),
        }
    }

    /// Closes the timeline and releases all layers: from now on every call is refused.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        assert!(0 < state.ending_count, "only a shutdown closes");
        assert!(
            state.open_branches.first().is_none(),
            "an open branch reads here"
        );
        state.is_closed = true;
        let map = std::mem::replace(&mut state.map, Arc::new(LayerMap::new(Vec::new())));
        let unlinked = std::mem::take(&mut state.unlinked);
        let pin = state.pin.take();
        state.open_share = None;
        drop(state);
        drop((map, unlinked, pin));
        self.changed.notify(usize::MAX);
    }
}

impl<I: Io> TimelineState<I> {
    fn new(
        index: &Index,
        map: LayerMap<I>,
        (applied, [time_to_lsn, image_time_to_lsn]): (Applied, [TimeToLsn; 2]),
        pin: Option<ParentPin>,
    ) -> TimelineState<I> {
        let lsn = index.disk_consistent_lsn;
        assert!(
            index.gc_cutoff <= lsn,
            "law 8: the open has checked the cutoff"
        );
        TimelineState {
            map: Arc::new(map),
            open_share: None,
            generation: index.generation,
            last_record_lsn: lsn,
            flushed_lsn: lsn,
            disk_consistent_lsn: lsn,
            gc_cutoff: index.gc_cutoff,
            kept: index.kept.clone(),
            leases: index.leases.clone(),
            gc_compaction: index.gc_compaction,
            strategy: index.strategy,
            applied,
            covered: None,
            next_start: lsn.visible_end(),
            has_writer: false,
            key_space: KeySpace::new(),
            time_to_lsn,
            image_time_to_lsn,
            image_look: None,
            counts: BTreeMap::new(),
            job_runs: AllRuns::new(),
            resume: None,
            left_out: LeftOut::default(),
            published: 0,
            saved: 0,
            saved_cutoff: index.gc_cutoff,
            unlinked: Vec::new(),
            failure: None,
            is_read_only: false,
            is_closed: false,
            ending_count: 0,
            open_branches: OpenBranches::default(),
            pin,
        }
    }

    /// Refuses if the timeline was shut down.
    pub(crate) fn check_open(&self) -> Result<()> {
        match self.is_closed {
            true => Err(Error::Closed),
            false => Ok(()),
        }
    }

    /// Refuses if the timeline was shut down or is open to be read alone, or if a sync failed.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.is_read_only {
            let why = "the timeline is open to be read alone: shut it down, and open it to write";
            return Err(Error::Refused {
                why: why.to_owned(),
            });
        }
        match &self.failure {
            Some(failure) => Err(Error::Latched(failure.clone())),
            None => Ok(()),
        }
    }

    /// The failed sync that has latched the timeline, if one has.
    pub(crate) fn failure(&self) -> Option<&IoFailure> {
        self.failure.as_ref()
    }

    /// Whether the timeline is closed or latched, so that nothing is written any more.
    pub(crate) fn is_closed_or_latched(&self) -> bool {
        self.is_closed || self.failure.is_some()
    }

    /// Lets nothing be written from now on.
    pub(crate) fn make_read_only(&mut self) {
        self.is_read_only = true;
    }

    /// Whether it was opened to be read alone.
    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The gc cutoff in the durable index.
    pub(crate) fn saved_cutoff(&self) -> Lsn {
        self.saved_cutoff
    }

    /// Whether a lease retains the LSN.
    pub(crate) fn is_leased(&self, lsn: Lsn) -> bool {
        self.leases.contains_key(&lsn)
    }

    /// The number of the last publication.
    pub(crate) fn publication(&self) -> u64 {
        self.published
    }

    /// Puts a new map in the old one's place, in one step, and returns the publication's number.
    /// The caller must save an index that covers it. The layers in `gone` have left the map.
    pub(crate) fn publish(&mut self, map: LayerMap<I>, gone: Vec<FileLayer<I>>) -> u64 {
        assert!(!self.is_closed);
        assert!(self.map.has_all(&gone), "the inputs stand");
        assert!(
            !gone
                .iter()
                .any(|layer| map.has_all(std::slice::from_ref(layer)))
        );
        let (open, was_open) = (
            map.open().map(Arc::as_ptr),
            self.map.open().map(Arc::as_ptr),
        );
        assert!(
            open == was_open,
            "jobs publish files and leave the open layer unchanged"
        );
        self.map = Arc::new(map);
        self.publish_lsns();
        let at = self.published;
        self.unlinked
            .extend(gone.into_iter().map(|layer| (at, layer)));
        // What was not changed stands as it stood: the whole is `check_laws`'s to check.
        self.map.check_lsns(self.flushed_lsn);
        self.check_lsns();
        at
    }

    /// Takes the next generation, and returns it with the publication after which it may write.
    ///
    /// # Errors
    /// `Refused` if there is none.
    pub(crate) fn take_generation(&mut self) -> Result<(Generation, u64)> {
        let next = self.generation.checked_next();
        self.generation = next.ok_or_else(|| Error::Refused {
            why: "the timeline has had 2^32 generations, none is left".to_owned(),
        })?;
        Ok((self.generation, self.publish_lsns()))
    }

    /// Counts a publication that changes LSNs or leases, and no layer, and returns its number.
    pub(crate) fn publish_lsns(&mut self) -> u64 {
        self.published += 1;
        self.published
    }

    /// Panics if an invariant is broken.
    pub(crate) fn check_laws(&self) {
        self.check_lsns();
        self.map.check_laws(self.flushed_lsn);
        assert!(self.unlinked.is_sorted_by_key(|(at, _)| *at));
    }

    /// Panics if a record or a publication is not durable. A shutdown that has flushed calls this.
    pub(crate) fn check_durable(&self) {
        assert!(
            self.disk_consistent_lsn == self.last_record_lsn,
            "no batch was put after the flush"
        );
        assert!(
            self.saved == self.published,
            "no job has published after the last index"
        );
        assert!(self.map.frozen().is_empty());
        assert!(
            self.unlinked.is_empty(),
            "law 5: the last index names none of them"
        );
    }

    /// Panics if the LSNs or counts are out of order: what can be checked at next to no cost.
    pub(crate) fn check_lsns(&self) {
        assert!(self.disk_consistent_lsn <= self.flushed_lsn, "law 4");
        assert!(self.flushed_lsn <= self.last_record_lsn, "law 4");
        assert!(
            self.gc_cutoff <= self.disk_consistent_lsn,
            "law 8: only durable history goes"
        );
        assert!(self.saved_cutoff <= self.gc_cutoff, "law 8");
        assert!(self.saved <= self.published);
        assert!(
            self.unlinked.first().is_none_or(|(at, _)| self.saved < *at),
            "law 5"
        );
        assert!(
            self.unlinked
                .last()
                .is_none_or(|(at, _)| *at <= self.published)
        );
        match self.map.open() {
            Some(open) => assert!(open.start() == self.next_start),
            None => {
                assert!(self.is_closed || self.next_start == self.last_record_lsn.visible_end())
            }
        }
        self.map.check_memory(self.flushed_lsn);
    }
}
