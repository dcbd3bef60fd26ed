//! Admission: which LSNs may be read, and who waits for those who do.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::super::shared::Shared;
use crate::base::{Error, Key, Lsn, Result};
use crate::io::{Io, Op};
use crate::layer::{ImageLayer, Layer, LayerMap};
use crate::store::Store;

/// A read at an LSN, admitted to a timeline and to all that it stands on. A collection waits for
/// those that were admitted before it.
pub(crate) struct ReadGuard<S: Store> {
    /// From the timeline itself, which most often is all, down to the root.
    links: SmallVec<[GuardLink<S>; 1]>,
}

struct GuardLink<S: Store> {
    shared: Arc<Shared<S>>,
    lsn: Lsn,
    epoch: u64,
    /// Taken when the read gets here, and kept: a read sees one state of each timeline.
    snapshot: OnceLock<Snapshot<S::Io>>,
}

/// What one read sees of one timeline: the layers as they stood, and how much of the open one was
/// there.
pub(super) struct Snapshot<I: Io> {
    pub(super) map: Arc<LayerMap<I>>,
    pub(super) open_entry_count: usize,
}

impl<S: Store> ReadGuard<S> {
    /// Admits a read at `lsn`.
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
            let epoch = shared.admit(lsn)?;
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

    /// How many timelines there are, from the one that is read down to the root.
    pub(super) fn depth(&self) -> usize {
        self.links.len()
    }

    /// What the read sees of the timeline at a depth, from 0, and at which LSN.
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

    /// The image in which a read of `key` begins and ends, if that is so: as it is once all is
    /// compacted. Then nothing needs to be gathered.
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
    /// Lets a reader at `lsn` in, if there may be one, and says when it came.
    fn admit(&self, lsn: Lsn) -> Result<u64> {
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
            if !self.branch_tree.readable(self.id).contains(&lsn) {
                return Err(Error::BelowCutoff { lsn, cutoff });
            }
            self.io()
                .probe("a read below the cutoff is admitted for a branch's sake");
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
