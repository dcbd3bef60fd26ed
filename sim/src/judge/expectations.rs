//! What the failures of a life excuse later on, and until when.
//!
//! ```text
//!  what happens                      what it excuses                 until
//!  ────────────────────────────────  ──────────────────────────────  ─────────────────────────────
//!  a sync of a timeline's files      `Latched` from its calls; a     it is opened again
//!  fails                             job's: it must be latched
//!  a removal fails                   files that lie about            the next open without faults
//!  a call of an open or a deletion   `Busy` from collections, for    that timeline is opened, made
//!  fails, or reads what is wrong     a child may not be known        or gone; or the engine opens
//!  a file's last reader removes it   that the file is gone           the engine is about to open
//!  a timeline is shut down           `Closed` from calls beside it   the shutdown is over
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use palimpsest::io::Job;

use super::Judge;
use crate::faults::{Fault, StepKind};
use crate::label::TimelineLabel;
use crate::paths::INDEX;
use crate::world::Delivered;

/// What the failures of one life have left behind.
#[derive(Default)]
pub(super) struct ErrorExpectations {
    sync_failed: BTreeSet<Option<TimelineLabel>>,
    latched: BTreeSet<TimelineLabel>,
    /// Shutdowns of a timeline alone: how many have begun or ended, so that it is odd during one.
    endings: BTreeMap<TimelineLabel, u32>,
    /// Timelines whose last instance a failed sync had latched, until their shutdown is over.
    lossy: BTreeSet<TimelineLabel>,
    removal_failed: bool,
    /// The files that their last readers have removed since the engine was about to be opened.
    dropped: BTreeSet<PathBuf>,
    /// Timelines whose index may not have been read; none for what is the engine's own.
    index_unread: BTreeSet<Option<TimelineLabel>>,
}

impl ErrorExpectations {
    /// A fault was delivered.
    pub(super) fn delivered(&mut self, delivered: &Delivered) {
        let Delivered { site, fault, error } = *delivered;
        let is_wrong = matches!(
            fault,
            Fault::Rot(_) | Fault::Stale | Fault::Astray(_) | Fault::Lost
        );
        let has_failed = error.is_some();
        if (has_failed || is_wrong) && matches!(site.op.job, Job::Open | Job::Delete) {
            self.index_unread.insert(site.label);
        }
        match site.step {
            StepKind::Remove | StepKind::RemoveDir => self.removal_failed |= has_failed,
            StepKind::Sync | StepKind::SyncDir if has_failed => {
                self.sync_failed.insert(site.label);
                let job = site.op.job;
                let latches = matches!(job, Job::Flush | Job::Compact | Job::Image | Job::Gc);
                self.latched.extend(site.label.filter(|_| latches));
            }
            _ => {}
        }
    }

    /// A file is removed by its last reader.
    pub(super) fn dropped(&mut self, path: PathBuf) {
        self.dropped.insert(path);
    }

    pub(super) fn has_failed_sync(&self, label: Option<TimelineLabel>) -> bool {
        self.sync_failed.contains(&label)
    }

    pub(super) fn is_latched(&self, label: TimelineLabel) -> bool {
        self.latched.contains(&label)
    }

    fn forget_latch(&mut self, label: TimelineLabel) {
        self.latched.remove(&label);
        self.sync_failed.remove(&Some(label));
    }

    pub(super) fn has_unread_index(&self) -> bool {
        !self.index_unread.is_empty()
    }
}

impl Judge {
    /// Whether a sync of this timeline's files, or of the engine's own, failed in this life.
    pub fn has_failed_sync(&self, label: Option<TimelineLabel>) -> bool {
        self.record().expectations.has_failed_sync(label)
    }

    /// Whether a job of this timeline met with a failed sync since it was opened: then it must be
    /// latched.
    pub fn is_latched(&self, label: TimelineLabel) -> bool {
        self.record().expectations.is_latched(label)
    }

    /// A timeline is not open any more: what failed before did not fail for its next instance.
    pub fn forget_latch(&self, label: TimelineLabel) {
        self.record().expectations.forget_latch(label);
    }

    /// The engine was opened, and nothing in it.
    pub fn forget_latches(&self) {
        let expectations = &mut self.record().expectations;
        expectations.latched.clear();
        expectations.sync_failed.clear();
    }

    /// Whether a removal failed in this life: what it was for may lie about until the next.
    pub fn has_failed_removal(&self) -> bool {
        self.record().expectations.removal_failed
    }

    /// Faults come no more, and the engine is about to be opened: it removes what others could not.
    pub fn forget_failed_removals(&self) {
        self.record().expectations.removal_failed = false;
    }

    /// The engine is about to be opened: what is removed from now on is looked at.
    pub fn forget_dropped(&self) {
        self.record().expectations.dropped.clear();
    }

    /// Whether a file was removed since by its last reader.
    pub fn was_dropped(&self, path: &Path) -> bool {
        self.record().expectations.dropped.contains(path)
    }

    /// A timeline is about to be shut down.
    pub fn begin_ending(&self, label: TimelineLabel) {
        self.count_ending(label);
    }

    /// The shutdown of a timeline is over, whether it is closed or stays open.
    pub fn end_ending(&self, label: TimelineLabel) {
        self.record().expectations.lossy.remove(&label);
        self.count_ending(label);
    }

    /// A timeline that a failed sync had latched is closed: its next instance is not latched, and
    /// may not have what was lost.
    pub fn closed_lossy(&self, label: TimelineLabel) {
        let expectations = &mut self.record().expectations;
        expectations.forget_latch(label);
        expectations.lossy.insert(label);
    }

    /// Whether a timeline's present or last instance has lost what was not durable.
    pub fn is_lossy(&self, label: TimelineLabel) -> bool {
        let expectations = &self.record().expectations;
        expectations.lossy.contains(&label) || expectations.is_latched(label)
    }

    fn count_ending(&self, label: TimelineLabel) {
        let endings = &mut self.record().expectations.endings;
        *endings.entry(label).or_insert(0) += 1;
    }

    /// How many shutdowns of a timeline have begun, and how many have ended, together.
    pub fn ending_count(&self, label: TimelineLabel) -> u32 {
        let endings = &self.record().expectations.endings;
        endings.get(&label).copied().unwrap_or(0)
    }

    /// Whether a timeline is being shut down.
    pub fn is_ending(&self, label: TimelineLabel) -> bool {
        !self.ending_count(label).is_multiple_of(2)
    }

    /// Whether a call failed since the engine was opened that read an index, and its timeline was
    /// not opened since: then the engine may not know what all timelines stand on.
    pub fn has_unread_index(&self) -> bool {
        let is_unread = self.record().expectations.has_unread_index();
        is_unread || self.world.state().disk.has_wrong(INDEX)
    }

    /// A timeline was opened, or it was made, or it is gone: the engine knows what it stands on.
    pub fn index_was_read(&self, label: TimelineLabel) {
        self.record().expectations.index_unread.remove(&Some(label));
    }

    /// Whether a deletion may have come to no end, although nothing can open what is left.
    pub fn may_have_crash_point(&self) -> bool {
        self.has_failed_removal() || self.has_unread_index()
    }

    /// A timeline was made: what failed of it before has come to nothing.
    pub fn begun_anew(&self, label: TimelineLabel) {
        self.index_was_read(label);
        self.forget_latch(label);
    }

    /// The engine is about to be opened, and will look at every index.
    pub fn forget_unread_index(&self) {
        self.record().expectations.index_unread.clear();
    }
}
