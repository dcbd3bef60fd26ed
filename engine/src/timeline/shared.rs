//! What all verbs of a timeline share: its state, its latch, and how an index becomes durable.
//!
//! 1. The state stands behind one lock that nobody holds across an await. Each verb reads it in one
//!    step, works on a snapshot, and publishes in one step that checks that its inputs still stand.
//! 2. Three LSNs, law 4: `disk_consistent_lsn <= flushed_lsn <= last_record_lsn`. The first is what
//!    the durable index says, the second what the delta layers of the map hold.
//! 3. One job of a kind at a time; jobs of different kinds run beside each other. Each publication
//!    has a number, and an index that is written covers all publications before it: whoever waits
//!    for the turn to write one may find it written.
//! 4. A layer's file that no index names any more is removed when its last reader lets go of it,
//!    and not before the index that does not name it is durable.
//! 5. A failed sync latches: from then on nothing is written, and everybody is told the first one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;

use super::branch_tree::BranchTree;
use super::job::Progress;
use super::job_lock::JobLock;
use super::options::Options;
use super::pin::{OpenBranches, ParentPin};
use super::time_to_lsn::TimeToLsn;
use super::upkeep::Upkeep;
use crate::base::{Error, Generation, IoFailure, KeySpace, Lsn, Result, TimelineId};
use crate::format::{Ancestor, Index};
use crate::io::{Io, Job, Op};
use crate::layer::{FileLayer, LayerContext, LayerMap};
use crate::store::Store;

/// A timeline, as its verbs see it.
pub(crate) struct Shared<S: Store> {
    pub(crate) id: TimelineId,
    pub(crate) generation: Generation,
    pub(crate) ancestor: Option<Ancestor>,
    /// The timeline that `ancestor` names; it is kept open.
    pub(crate) parent: Option<Arc<Shared<S>>>,
    pub(crate) branch_tree: Arc<BranchTree>,
    pub(crate) options: Options,
    pub(crate) store: S,
    /// What its layers have in common.
    pub(crate) context: LayerContext<S::Io>,
    pub(crate) job_locks: JobLocks,
    /// Something changed that somebody may wait for.
    pub(crate) changed: Event,
    /// What the housekeeper has of it.
    pub(crate) upkeep: Arc<Upkeep>,
    scratch_count: AtomicU32,
    read_count: AtomicU32,
    state: Mutex<TimelineState<S::Io>>,
}

/// One job of each kind at a time, and one index writer. Whoever has a job's turn may take the
/// index's, and no other; whoever has the house's may take any of a job's.
#[derive(Default)]
pub(crate) struct JobLocks {
    pub(crate) flush: JobLock,
    pub(crate) compact: JobLock,
    pub(crate) image: JobLock,
    pub(crate) gc: JobLock,
    index: JobLock,
}

/// What changes.
pub(crate) struct TimelineState<I: Io> {
    pub(crate) map: Arc<LayerMap<I>>,
    pub(crate) last_record_lsn: Lsn,
    /// Everything at or below it is in the map's delta layers.
    pub(crate) flushed_lsn: Lsn,
    pub(crate) disk_consistent_lsn: Lsn,
    pub(crate) gc_cutoff: Lsn,
    /// Where the next open layer starts.
    pub(crate) next_start: Lsn,
    pub(crate) has_writer: bool,
    /// Which keys there are, as far as the user has said so.
    pub(crate) key_space: KeySpace,
    pub(crate) time_to_lsn: TimeToLsn,
    pub(crate) readers: Readers,
    pub(crate) counts: BTreeMap<Job, u32>,
    pub(crate) resume: Option<crate::base::Key>,
    /// The number of the last publication, and of the last one that a durable index covers.
    published: u64,
    saved: u64,
    /// The cutoff that the durable index has.
    saved_cutoff: Lsn,
    /// Layers that left the map, each with the publication that took it out.
    unlinked: Vec<(u64, FileLayer<I>)>,
    failure: Option<IoFailure>,
    is_closed: bool,
    /// How many shutdowns are under way.
    pub(crate) ending_count: u32,
    pub(crate) open_branches: OpenBranches,
    /// What keeps the parent open, until this one is closed.
    pin: Option<ParentPin>,
}

/// How many readers there are, by when they came.
#[derive(Default)]
pub(crate) struct Readers {
    epoch: u64,
    /// In order, and none is 0. It is a few at most, and keeps its room when they go.
    counts: Vec<(u64, usize)>,
}

/// What a timeline is opened with.
pub(crate) struct Opening<S: Store> {
    pub(crate) index: Index,
    pub(crate) map: LayerMap<S::Io>,
    pub(crate) context: LayerContext<S::Io>,
    pub(crate) store: S,
    pub(crate) parent: Option<(Arc<Shared<S>>, ParentPin)>,
    pub(crate) branch_tree: Arc<BranchTree>,
    pub(crate) options: Options,
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
            "no record outlives the memory that it was in"
        );
        assert!(!index.is_deleted);
        let time_to_lsn = TimeToLsn::new(
            opening.options.gc_age,
            opening.store.io().now(),
            index.disk_consistent_lsn,
        );
        // No scratch has a name that one had whose removal is still on its way: not even where
        // generations began anew, for the timeline was deleted.
        let first_scratch = (opening.context.io.random() >> 33) as u32;
        Shared {
            id: index.timeline,
            generation: index.generation,
            ancestor: index.ancestor,
            parent,
            branch_tree: opening.branch_tree,
            options: opening.options,
            context: opening.context,
            store: opening.store,
            job_locks: JobLocks::default(),
            changed: Event::new(),
            upkeep: Arc::default(),
            scratch_count: AtomicU32::new(first_scratch),
            read_count: AtomicU32::new(0),
            state: Mutex::new(TimelineState::new(&index, opening.map, time_to_lsn, pin)),
        }
    }

    /// The state. Nobody holds it across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, TimelineState<S::Io>> {
        self.state
            .lock()
            .expect("a law was broken while it was held")
    }

    /// The state, for what must be put in order even while a panic unwinds that broke a law: a
    /// second panic would end the process.
    pub(crate) fn state_in_drop(&self) -> MutexGuard<'_, TimelineState<S::Io>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn io(&self) -> &S::Io {
        self.store.io()
    }

    /// The label of a job.
    pub(crate) fn op(&self, job: Job, job_index: u32) -> Op {
        Op::new(Some(self.id), job, job_index)
    }

    /// The label of the next job of a kind, which has something to do.
    pub(crate) fn next_op(&self, state: &mut TimelineState<S::Io>, job: Job) -> Op {
        let count = state.counts.entry(job).or_insert(0);
        *count = count.wrapping_add(1);
        self.op(job, *count)
    }

    /// The label of the next read.
    pub(crate) fn read_op(&self) -> Op {
        let count = self.read_count.fetch_add(1, Ordering::Relaxed);
        self.op(Job::Read, count.wrapping_add(1))
    }

    /// The next part of a scratch name that was never used in this generation.
    pub(crate) fn next_scratch(&self) -> u32 {
        self.scratch_count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Passes a result on. A failed sync latches the timeline, and from then on it is always the
    /// first one that is told.
    pub(crate) fn latch<T>(&self, result: Result<T>) -> Result<T> {
        let Err(Error::Latched(failure)) = result else {
            return result;
        };
        let mut state = self.state();
        if state.failure.is_none() {
            self.io().probe("a failed sync latches a timeline");
        }
        let first = state.failure.get_or_insert(failure).clone();
        drop(state);
        self.changed.notify(usize::MAX);
        Err(Error::Latched(first))
    }

    /// Refuses to go on with a job: the timeline was shut down, is being shut down, or is latched.
    pub(crate) fn check_going(&self) -> Result<()> {
        let state = self.state();
        state.check_writable()?;
        match 0 < state.ending_count {
            true => Err(Error::Closed),
            false => Ok(()),
        }
    }

    /// Makes durable what was published up to `publication`: an index that names it.
    pub(crate) async fn save_index(&self, op: Op, publication: u64) -> Result<()> {
        assert!(publication <= self.state().published);
        let _job_lock = self.job_locks.index.take().await;
        self.io().interleave(op).await;
        let (index, published) = {
            let state = self.state();
            if publication <= state.saved {
                self.io()
                    .probe("a job finds that another one has written its index");
                return Ok(());
            }
            state.check_writable()?;
            (self.index(&state), state.published)
        };
        let attempt = self.next_scratch();
        let saved = self.store.save_index(op, &index, attempt).await;
        self.latch(saved)?;
        self.saved(&index, published);
        Ok(())
    }

    /// There is nothing to do but what a call before this one published and could not save.
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

    /// An index is durable that covers the publications up to `published`.
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
            "law 5: a file goes that neither map nor index names"
        );
        state.check_lsns();
        drop(state);
        // The last of them that lets go of a layer removes its file: not under the lock.
        for (_, layer) in gone {
            layer.remove_on_drop();
        }
    }

    /// The index of what is published now.
    fn index(&self, state: &TimelineState<S::Io>) -> Index {
        assert!(
            !state.is_closed,
            "law 5: a closed timeline has let go of its layers"
        );
        let layers = state.map.files().iter();
        Index {
            tenant: self.options.tenant,
            timeline: self.id,
            generation: self.generation,
            ancestor: self.ancestor,
            disk_consistent_lsn: state.flushed_lsn,
            gc_cutoff: state.gc_cutoff,
            is_deleted: false,
            layers: layers.map(|(_, layer)| *layer.entry()).collect(),
        }
    }

    /// Lets go of all layers: from now on everything is refused.
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
        drop(state);
        drop((map, unlinked, pin));
        self.changed.notify(usize::MAX);
    }
}

impl<I: Io> TimelineState<I> {
    fn new(
        index: &Index,
        map: LayerMap<I>,
        time_to_lsn: TimeToLsn,
        pin: Option<ParentPin>,
    ) -> TimelineState<I> {
        let lsn = index.disk_consistent_lsn;
        assert!(index.gc_cutoff <= lsn, "law 8: the open has looked");
        TimelineState {
            map: Arc::new(map),
            last_record_lsn: lsn,
            flushed_lsn: lsn,
            disk_consistent_lsn: lsn,
            gc_cutoff: index.gc_cutoff,
            next_start: lsn.visible_end(),
            has_writer: false,
            key_space: KeySpace::new(),
            time_to_lsn,
            readers: Readers::default(),
            counts: BTreeMap::new(),
            resume: None,
            published: 0,
            saved: 0,
            saved_cutoff: index.gc_cutoff,
            unlinked: Vec::new(),
            failure: None,
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

    /// Refuses if the timeline was shut down, or if a sync failed.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        match &self.failure {
            Some(failure) => Err(Error::Latched(failure.clone())),
            None => Ok(()),
        }
    }

    /// Whether nothing will ever be written again.
    pub(crate) fn is_over(&self) -> bool {
        self.is_closed || self.failure.is_some()
    }

    /// The cutoff that a durable index has.
    pub(crate) fn saved_cutoff(&self) -> Lsn {
        self.saved_cutoff
    }

    /// The number of the last publication.
    pub(crate) fn publication(&self) -> u64 {
        self.published
    }

    /// Puts a new map in the old one's place, in one step, and returns the publication's number:
    /// an index must follow. The layers in `gone` have left the map.
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
            "jobs publish files, and leave the open layer as it is"
        );
        self.map = Arc::new(map);
        self.publish_lsns();
        let at = self.published;
        self.unlinked
            .extend(gone.into_iter().map(|layer| (at, layer)));
        self.check_laws();
        at
    }

    /// The same, when no layer came or went.
    pub(crate) fn publish_lsns(&mut self) -> u64 {
        self.published += 1;
        self.published
    }

    /// Panics if a law is broken.
    pub(crate) fn check_laws(&self) {
        self.check_lsns();
        self.map.check_laws(self.flushed_lsn);
        self.readers.check_laws();
        assert!(self.unlinked.is_sorted_by_key(|(at, _)| *at));
    }

    /// Panics if records or publications are not durable, as they are once a shutdown has flushed.
    pub(crate) fn check_durable(&self) {
        assert!(
            self.disk_consistent_lsn == self.last_record_lsn,
            "no batch came behind the flush"
        );
        assert!(
            self.saved == self.published,
            "no job published behind the last index"
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

impl Readers {
    /// A reader comes; returns when it came.
    pub(crate) fn enter(&mut self) -> u64 {
        assert!(
            self.counts
                .last()
                .is_none_or(|(came, _)| *came <= self.epoch)
        );
        match self.counts.last_mut() {
            Some((epoch, count)) if *epoch == self.epoch => *count += 1,
            _ => self.counts.push((self.epoch, 1)),
        }
        self.epoch
    }

    /// A reader that came at `epoch` goes.
    pub(crate) fn leave(&mut self, epoch: u64) {
        let found = self.counts.binary_search_by_key(&epoch, |(came, _)| *came);
        let index = found.expect("a reader leaves once, and says when it came");
        assert!(0 < self.counts[index].1);
        self.counts[index].1 -= 1;
        if self.counts[index].1 == 0 {
            self.counts.remove(index);
        }
    }

    /// Panics if epochs are out of order, or one is kept without a reader.
    fn check_laws(&self) {
        assert!(self.counts.is_sorted_by(|(low, _), (high, _)| low < high));
        assert!(self.counts.iter().all(|(_, count)| 0 < *count));
    }

    /// Who comes from now on came later than everybody who is here; returns since when.
    pub(crate) fn next_epoch(&mut self) -> u64 {
        self.epoch += 1;
        self.epoch
    }

    /// Whether somebody is here who came before `epoch`.
    pub(crate) fn has_before(&self, epoch: u64) -> bool {
        self.counts.first().is_some_and(|(came, _)| *came < epoch)
    }
}
