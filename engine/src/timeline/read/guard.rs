//! Admitting readers: which LSNs may be read, and the snapshot that a read keeps.
//!
//! A reader is compared with the cutoff and takes its snapshot in one step, under the lock of the
//! state. So a collection waits for no reader: one that was admitted before the cutoff moved has
//! the layers that go, and their files stay until it drops them.

use std::sync::Arc;

use smallvec::SmallVec;

use super::super::shared::Shared;
use crate::base::{Error, Key, Lsn, Result};
use crate::io::{Io, Op};
use crate::layer::{ImageLayer, Layer, LayerMap};
use crate::store::Store;

/// A reader at an LSN of a timeline, and of each of its ancestors, with its snapshot of each.
pub(crate) struct ReadGuard<S: Store> {
    /// One link for each timeline, from the one that is read down to the root; most often one.
    links: SmallVec<[GuardLink<S::Io>; 1]>,
}

struct GuardLink<I: Io> {
    lsn: Lsn,
    /// A read sees one state of each timeline.
    snapshot: Snapshot<I>,
}

/// The snapshot of one timeline for one read: the layer map, and how many entries the open layer
/// had.
pub(super) struct Snapshot<I: Io> {
    pub(super) map: Arc<LayerMap<I>>,
    pub(super) open_entry_count: usize,
}

impl<S: Store> ReadGuard<S> {
    /// Admits a reader at `lsn` in the timeline and in all its ancestors.
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
            let snapshot = shared.admit_reader(lsn)?;
            let below = shared.parent.clone().zip(shared.ancestor);
            next = below.map(|(parent, ancestor)| (parent, lsn.min(ancestor.lsn)));
            assert!(guard.links.last().is_none_or(|above| lsn <= above.lsn));
            guard.links.push(GuardLink { lsn, snapshot });
        }
        Ok(guard)
    }

    /// Lowers the LSN at which the timeline itself is read; its ancestors are read where they were.
    /// Only for a caller that keeps collections away.
    pub(super) fn lower(&mut self, lsn: Lsn) {
        let link = self.links.first_mut();
        let link = link.expect("a reader is admitted to one timeline at least");
        assert!(lsn <= link.lsn);
        link.lsn = lsn;
    }

    /// The number of timelines, from the one that is read down to the root.
    pub(super) fn depth(&self) -> usize {
        self.links.len()
    }

    /// The snapshot of the timeline at `depth`, counted from 0, and the LSN at which it is read.
    pub(super) fn snapshot(&self, depth: usize) -> (&Snapshot<S::Io>, Lsn) {
        let link = &self.links[depth];
        (&link.snapshot, link.lsn)
    }

    /// The image that alone answers a read of `key`, if its first visit is an image, as after a
    /// full compaction. Then nothing needs to be gathered.
    pub(super) fn image_on_top(&self, key: Key) -> Option<Arc<ImageLayer<S::Io>>> {
        let (snapshot, lsn) = self.snapshot(0);
        match snapshot.map.next_visit(key, lsn.visible_end()) {
            Some((Layer::Image(image), _)) => {
                assert!(image.keys().contains(key));
                assert!(image.lsn() <= lsn, "law 7");
                Some(image)
            }
            _ => None,
        }
    }
}

impl<S: Store> Shared<S> {
    /// Takes a snapshot for a read at `lsn`; refuses if the LSN cannot be read.
    fn admit_reader(&self, lsn: Lsn) -> Result<Snapshot<S::Io>> {
        let state = self.state();
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
                false if self.branch_tree.is_readable(self.id, lsn) => self
                    .io()
                    .probe("a read below the cutoff is admitted for a branch's sake"),
                false => return Err(Error::BelowCutoff { lsn, cutoff }),
            }
        }
        Ok(Snapshot {
            open_entry_count: state.map.open().map_or(0, |open| open.entry_count()),
            map: state.map.clone(),
        })
    }
}
