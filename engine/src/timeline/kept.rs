//! What stands in the index so that a later life can tell what was collected and how old the rest
//! is: the points that collections have kept, and when which LSN was the last record's.
//!
//! 1. A point below the cutoff, of a branch or a lease, is *kept* if it was retained when the
//!    cutoff passed it, and at each collection since. Only there is history below the cutoff whole:
//!    a branch whose directory was away meanwhile finds that it is gone, and is told so.
//! 2. The index that carries the cutoff carries the kept points, so that no crash comes between.
//! 3. An index of an earlier release does not name them. All points count as kept then, up to the
//!    first cutoff that is published: no collection runs while a branch may be unknown.

use std::collections::BTreeSet;

use super::shared::TimelineState;
use super::time_to_lsn::TimeToLsn;
use crate::base::{Lsn, Time};
use crate::io::Io;

impl<I: Io> TimelineState<I> {
    /// Whether the LSN, of a branch or a lease below the cutoff, was kept: fact 1.
    pub(super) fn is_kept(&self, lsn: Lsn) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.contains(&lsn))
    }

    /// Moves the cutoff up, and keeps the points of these that it passes.
    pub(super) fn move_cutoff(&mut self, cutoff: Lsn, retained: &BTreeSet<Lsn>) {
        assert!(self.gc_cutoff < cutoff, "law 8");
        let below = retained.range(..cutoff).copied();
        let is_whole = |lsn: &Lsn| self.gc_cutoff <= *lsn || self.is_kept(*lsn);
        self.kept = Some(below.filter(is_whole).collect());
        self.gc_cutoff = cutoff;
    }

    /// Forgets the kept points that are not among these: the caller takes their history away.
    pub(super) fn keep_only(&mut self, retained: &BTreeSet<Lsn>) {
        if let Some(kept) = &mut self.kept {
            kept.retain(|lsn| retained.contains(lsn));
        }
    }

    /// Notes which LSN is the last record's now.
    pub(super) fn note_time(&mut self, now: Time) {
        let last = self.last_record_lsn;
        self.time_to_lsn.note(now, last);
        self.image_time_to_lsn.note(now, last);
    }

    /// When which LSN was the last record's, as far as that is flushed.
    pub(super) fn times(&self) -> Vec<(Time, Lsn)> {
        TimeToLsn::to_keep(
            [&self.time_to_lsn, &self.image_time_to_lsn],
            self.flushed_lsn,
        )
    }
}
