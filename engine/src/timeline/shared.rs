//! What all verbs of a timeline share: its state, its latch, and who may publish.
//!
//! 1. The state stands behind one lock that nobody holds across an await. Each verb reads it in one
//!    step, works on a snapshot, and publishes in one step that checks that its inputs still stand.
//! 2. Three LSNs, law 4: `disk_consistent_lsn <= flushed_lsn <= last_record_lsn`. The first is what
//!    the durable index says, the second what the delta layers of the map hold.
//! 3. Only the flush writes the index, and there is one flush at a time.
//! 4. A failed sync latches: from then on nothing is written, and everybody is told the first one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::options::Options;
use super::turn::Turn;
use crate::base::{Error, Generation, IoFailure, Lsn, Result, TimelineId};
use crate::format::{Ancestor, Index, IndexLayer};
use crate::io::{Io, Job, Op};
use crate::layer::LayerMap;
use crate::store::Store;

/// A timeline, as its verbs see it.
pub(crate) struct Shared<S: Store> {
    pub(crate) id: TimelineId,
    pub(crate) generation: Generation,
    pub(crate) ancestor: Option<Ancestor>,
    pub(crate) options: Options,
    pub(crate) store: S,
    pub(crate) dir: PathBuf,
    /// One flush at a time, and with it one index writer.
    pub(crate) flush_turn: Turn,
    scratch_count: AtomicU32,
    read_count: AtomicU32,
    state: Mutex<State<S::Io>>,
    /// Let go of when the last handle, job and reader is gone.
    _lock: Arc<<S::Io as Io>::Lock>,
}

/// What changes.
pub(crate) struct State<I: Io> {
    pub(crate) map: Arc<LayerMap<I>>,
    pub(crate) last_record_lsn: Lsn,
    /// Everything at or below it is in the map's delta layers.
    pub(crate) flushed_lsn: Lsn,
    pub(crate) disk_consistent_lsn: Lsn,
    pub(crate) gc_cutoff: Lsn,
    /// Where the next open layer starts.
    pub(crate) next_start: Lsn,
    pub(crate) has_writer: bool,
    failure: Option<IoFailure>,
    is_closed: bool,
    /// Whether a shutdown is under way.
    pub(crate) is_ending: bool,
    pub(crate) put_count: u32,
    pub(crate) flush_count: u32,
}

/// What a timeline is opened with.
pub(crate) struct Opening<S: Store> {
    pub(crate) index: Index,
    pub(crate) map: LayerMap<S::Io>,
    pub(crate) store: S,
    pub(crate) options: Options,
    /// How many scratch names of this generation may be taken.
    pub(crate) scratch_count: u32,
    pub(crate) lock: Arc<<S::Io as Io>::Lock>,
}

impl<S: Store> Shared<S> {
    pub(crate) fn new(opening: Opening<S>) -> Shared<S> {
        let index = opening.index;
        let lsn = index.disk_consistent_lsn;
        let state = State {
            map: Arc::new(opening.map),
            last_record_lsn: lsn,
            flushed_lsn: lsn,
            disk_consistent_lsn: lsn,
            gc_cutoff: index.gc_cutoff,
            next_start: lsn.visible_end(),
            has_writer: false,
            failure: None,
            is_closed: false,
            is_ending: false,
            put_count: 0,
            flush_count: 0,
        };
        Shared {
            id: index.timeline,
            generation: index.generation,
            ancestor: index.ancestor,
            options: opening.options,
            dir: opening.store.dir(index.timeline),
            store: opening.store,
            flush_turn: Turn::default(),
            scratch_count: AtomicU32::new(opening.scratch_count),
            read_count: AtomicU32::new(0),
            state: Mutex::new(state),
            _lock: opening.lock,
        }
    }

    /// The state. Nobody holds it across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State<S::Io>> {
        self.state
            .lock()
            .expect("a law was broken while it was held")
    }

    /// Lets another writer come. A panic that broke a law may be what drops this one: a second
    /// panic would end the process.
    pub(crate) fn let_writer_go(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.has_writer = false;
    }

    pub(crate) fn io(&self) -> &S::Io {
        self.store.io()
    }

    /// The label of a job.
    pub(crate) fn op(&self, job: Job, job_index: u32) -> Op {
        Op::new(Some(self.id), job, job_index)
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
            self.io().reached("a failed sync latches a timeline");
        }
        let first = state.failure.get_or_insert(failure);
        Err(Error::Latched(first.clone()))
    }

    /// Makes durable what was published before the call: an index that names it. The caller holds
    /// the flush's turn.
    pub(crate) async fn save_index(&self, op: Op) -> Result<()> {
        self.io().pass(op).await;
        let index = {
            let state = self.state();
            state.check_writable()?;
            self.index(&state)
        };
        let attempt = self.next_scratch();
        let saved = self.store.save_index(op, &index, attempt).await;
        self.latch(saved)?;
        let mut state = self.state();
        assert!(
            state.disk_consistent_lsn < index.disk_consistent_lsn,
            "law 4"
        );
        state.disk_consistent_lsn = index.disk_consistent_lsn;
        state.check_laws();
        Ok(())
    }

    /// The index of what is published now.
    fn index(&self, state: &State<S::Io>) -> Index {
        let deltas = state.map.deltas().iter();
        let mut layers: Vec<IndexLayer> = deltas.map(|delta| *delta.entry()).collect();
        layers.sort_by_key(|layer| layer.name);
        Index {
            tenant: self.options.tenant,
            timeline: self.id,
            generation: self.generation,
            ancestor: self.ancestor,
            disk_consistent_lsn: state.flushed_lsn,
            gc_cutoff: state.gc_cutoff,
            is_deleted: false,
            layers,
        }
    }

    /// Lets go of all layers: from now on everything is refused.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.map = Arc::new(LayerMap::new(Vec::new()));
    }
}

impl<I: Io> State<I> {
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

    /// Puts a new map in the old one's place, in one step.
    pub(crate) fn publish(&mut self, map: LayerMap<I>) {
        self.map = Arc::new(map);
        self.check_laws();
    }

    /// Panics if a law is broken.
    pub(crate) fn check_laws(&self) {
        assert!(self.disk_consistent_lsn <= self.flushed_lsn, "law 4");
        assert!(self.flushed_lsn <= self.last_record_lsn, "law 4");
        assert!(self.gc_cutoff <= self.last_record_lsn, "law 8");
        let newest = self.map.deltas().last();
        assert!(newest.is_none_or(|delta| delta.lsns().end <= self.flushed_lsn.visible_end()));
        self.map.check_laws();
    }
}
