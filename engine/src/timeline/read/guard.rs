//! Registering readers: which LSNs may be read, and how a collection knows which readers to wait
//! for.

use std::sync::Arc;

use smallvec::SmallVec;

use super::super::shared::Shared;
use crate::base::{Error, Key, Lsn, Result};
use crate::io::{Io, Op};
use crate::layer::{ImageLayer, Layer, LayerMap};
use crate::store::Store;
use crate::sync::OnceLock;

/// A registered reader at an LSN of a timeline, and of each of its ancestors. A collection waits
/// for the readers that were registered before it.
pub(crate) struct ReadGuard<S: Store> {
    /// One link for each timeline, from the one that is read down to the root; most often one.
    links: SmallVec<[GuardLink<S>; 1]>,
}

struct GuardLink<S: Store> {
    shared: Arc<Shared<S>>,
    lsn: Lsn,
    epoch: u64,
    /// Taken when the read gets to this timeline, and kept: a read sees one state of each timeline.
    snapshot: OnceLock<Snapshot<S::Io>>,
}

/// The snapshot of one timeline for one read: the layer map, and how many entries the open layer
/// had.
pub(super) struct Snapshot<I: Io> {
    pub(super) map: Arc<LayerMap<I>>,
    pub(super) open_entry_count: usize,
}

impl<S: Store> ReadGuard<S> {
    /// Registers a reader at `lsn` in the timeline and in all its ancestors.
    ///
    /// # Errors
    /// `NotYet`, `BelowCutoff`, or `Closed`.
    pub(crate) async fn new(shared: &Arc<Shared<S>>, op: Op, lsn: Lsn) -> Result<ReadGuard<S>> {
        let mut guard = ReadGuard {
            links: SmallVec::new(),
        };
        let mut next = Some((shared.clone(), lsn));
        while let Some((shared, lsn)) = next {
            shared.io().interleave(op).await;
            let epoch = shared.register_reader(lsn)?;
            let below = shared.parent.clone().zip(shared.ancestor);
            next = below.map(|(parent, ancestor)| (parent, lsn.min(ancestor.lsn)));
            assert!(guard.links.last().is_none_or(|above| lsn <= above.lsn));
            guard.links.push(GuardLink {
                shared,
                lsn,
                epoch,
                snapshot: OnceLock::new(),
            });
        }
        Ok(guard)
    }

    /// Lowers the LSN at which the timeline itself is read; its ancestors are read where they were.
    /// Only for a caller that keeps collections away.
    pub(super) fn lower(&mut self, lsn: Lsn) {
        let link = self.links.first_mut();
        let link = link.expect("a reader is registered in one timeline at least");
        assert!(lsn <= link.lsn);
        assert!(link.snapshot.get().is_none(), "nothing was read yet");
        link.lsn = lsn;
    }

    /// The number of timelines, from the one that is read down to the root.
    pub(super) fn depth(&self) -> usize {
        self.links.len()
    }

    /// The snapshot of the timeline at `depth`, counted from 0, and the LSN at which it is read.
    pub(super) async fn snapshot(&self, op: Op, depth: usize) -> Result<(&Snapshot<S::Io>, Lsn)> {
        let link = &self.links[depth];
        if let Some(snapshot) = link.snapshot.get() {
            return Ok((snapshot, link.lsn));
        }
        link.shared.io().interleave(op).await;
        if 0 < depth {
            link.shared.io().probe("a read goes on in an ancestor");
        }
        let snapshot = link.shared.snapshot()?;
        Ok((link.snapshot.get_or_init(|| snapshot), link.lsn))
    }

    /// The image that alone answers a read of `key`, if its first visit is an image, as after a
    /// full compaction. Then nothing needs to be gathered.
    pub(super) async fn image_on_top(
        &self,
        op: Op,
        key: Key,
    ) -> Result<Option<Arc<ImageLayer<S::Io>>>> {
        let (snapshot, lsn) = self.snapshot(op, 0).await?;
        match snapshot.map.next_visit(key, lsn.visible_end()) {
            Some((Layer::Image(image), _)) => {
                assert!(image.keys().contains(key));
                assert!(image.lsn() <= lsn, "law 7");
                Ok(Some(image))
            }
            _ => Ok(None),
        }
    }
}

impl<S: Store> Drop for GuardLink<S> {
    fn drop(&mut self) {
        self.shared.state_in_drop().readers.leave(self.epoch);
        self.shared.changed.notify(usize::MAX);
    }
}

impl<S: Store> Shared<S> {
    /// Registers a reader at `lsn` and returns its epoch; refuses if the LSN cannot be read.
    fn register_reader(&self, lsn: Lsn) -> Result<u64> {
        let mut state = self.state();
        state.check_open()?;
        let last_record_lsn = state.last_record_lsn;
        if last_record_lsn < lsn {
            return Err(Error::NotYet {
                lsn,
                last_record_lsn,
            });
        }
        let cutoff = state.gc_cutoff;
        if lsn < cutoff {
            match state.is_leased(lsn) {
                _ if !state.is_kept(lsn) => return Err(Error::BelowCutoff { lsn, cutoff }),
                true => self
                    .io()
                    .probe("a read below the cutoff is admitted for a lease's sake"),
                false if self.branch_tree.readable(self.id).contains(&lsn) => self
                    .io()
                    .probe("a read below the cutoff is admitted for a branch's sake"),
                false => return Err(Error::BelowCutoff { lsn, cutoff }),
            }
        }
        Ok(state.readers.enter())
    }

    fn snapshot(&self) -> Result<Snapshot<S::Io>> {
        let state = self.state();
        state.check_open()?;
        Ok(Snapshot {
            open_entry_count: state.map.open().map_or(0, |open| open.entry_count()),
            map: state.map.clone(),
        })
    }
}
