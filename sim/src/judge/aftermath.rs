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
use crate::label::Letter;
use crate::paths::INDEX;
use crate::world::Delivered;

/// What the failures of one life have left behind.
#[derive(Default)]
pub(super) struct Aftermath {
    sync_failed: BTreeSet<Option<Letter>>,
    latched: BTreeSet<Letter>,
    /// Shutdowns of a timeline alone: how many have begun or ended, so that it is odd during one.
    endings: BTreeMap<Letter, u32>,
    /// Timelines whose last instance a failed sync had latched, until their shutdown is over.
    lossy: BTreeSet<Letter>,
    removal_failed: bool,
    /// The files that their last readers have removed since the engine was about to be opened.
    dropped: BTreeSet<PathBuf>,
    /// Timelines whose index may not have been read; none for what is the engine's own.
    index_unread: BTreeSet<Option<Letter>>,
}

impl Aftermath {
    /// A fault was delivered.
    pub(super) fn delivered(&mut self, delivered: &Delivered) {
        let Delivered { site, fault, error } = *delivered;
        let is_wrong = matches!(
            fault,
            Fault::Rot(_) | Fault::Stale | Fault::Astray(_) | Fault::Lost
        );
        let has_failed = error.is_some();
        if (has_failed || is_wrong) && matches!(site.op.job, Job::Open | Job::Delete) {
            self.index_unread.insert(site.letter);
        }
        match site.step {
            StepKind::Remove | StepKind::RemoveDir => self.removal_failed |= has_failed,
            StepKind::Sync | StepKind::SyncDir if has_failed => {
                self.sync_failed.insert(site.letter);
                let job = site.op.job;
                let latches = matches!(job, Job::Flush | Job::Compact | Job::Image | Job::Gc);
                self.latched.extend(site.letter.filter(|_| latches));
            }
            _ => {}
        }
    }

    /// A file is removed by its last reader.
    pub(super) fn dropped(&mut self, path: PathBuf) {
        self.dropped.insert(path);
    }

    pub(super) fn has_failed_sync(&self, letter: Option<Letter>) -> bool {
        self.sync_failed.contains(&letter)
    }

    pub(super) fn is_latched(&self, letter: Letter) -> bool {
        self.latched.contains(&letter)
    }

    fn forget_latch(&mut self, letter: Letter) {
        self.latched.remove(&letter);
        self.sync_failed.remove(&Some(letter));
    }

    pub(super) fn has_unread_index(&self) -> bool {
        !self.index_unread.is_empty()
    }
}

impl Judge {
    /// Whether a sync of this timeline's files, or of the engine's own, failed in this life.
    pub fn has_failed_sync(&self, letter: Option<Letter>) -> bool {
        self.record().aftermath.has_failed_sync(letter)
    }

    /// Whether a job of this timeline met with a failed sync since it was opened: then it must be
    /// latched.
    pub fn is_latched(&self, letter: Letter) -> bool {
        self.record().aftermath.is_latched(letter)
    }

    /// A timeline is not open any more: what failed before did not fail for its next instance.
    pub fn forget_latch(&self, letter: Letter) {
        self.record().aftermath.forget_latch(letter);
    }

    /// The engine was opened, and nothing in it.
    pub fn forget_latches(&self) {
        let aftermath = &mut self.record().aftermath;
        aftermath.latched.clear();
        aftermath.sync_failed.clear();
    }

    /// Whether a removal failed in this life: what it was for may lie about until the next.
    pub fn has_failed_removal(&self) -> bool {
        self.record().aftermath.removal_failed
    }

    /// Faults come no more, and the engine is about to be opened: it removes what others could not.
    pub fn forget_failed_removals(&self) {
        self.record().aftermath.removal_failed = false;
    }

    /// The engine is about to be opened: what is removed from now on is looked at.
    pub fn forget_dropped(&self) {
        self.record().aftermath.dropped.clear();
    }

    /// Whether a file was removed since by its last reader.
    pub fn was_dropped(&self, path: &Path) -> bool {
        self.record().aftermath.dropped.contains(path)
    }

    /// A timeline is about to be shut down.
    pub fn begin_ending(&self, letter: Letter) {
        self.count_ending(letter);
    }

    /// The shutdown of a timeline is over, whether it is closed or stays open.
    pub fn end_ending(&self, letter: Letter) {
        self.record().aftermath.lossy.remove(&letter);
        self.count_ending(letter);
    }

    /// A timeline that a failed sync had latched is closed: its next instance is not latched, and
    /// may not have what was lost.
    pub fn closed_lossy(&self, letter: Letter) {
        let aftermath = &mut self.record().aftermath;
        aftermath.forget_latch(letter);
        aftermath.lossy.insert(letter);
    }

    /// Whether a timeline's present or last instance has lost what was not durable.
    pub fn is_lossy(&self, letter: Letter) -> bool {
        let aftermath = &self.record().aftermath;
        aftermath.lossy.contains(&letter) || aftermath.is_latched(letter)
    }

    fn count_ending(&self, letter: Letter) {
        let endings = &mut self.record().aftermath.endings;
        *endings.entry(letter).or_insert(0) += 1;
    }

    /// How many shutdowns of a timeline have begun, and how many have ended, together.
    pub fn ending_count(&self, letter: Letter) -> u32 {
        let endings = &self.record().aftermath.endings;
        endings.get(&letter).copied().unwrap_or(0)
    }

    /// Whether a timeline is being shut down.
    pub fn is_ending(&self, letter: Letter) -> bool {
        !self.ending_count(letter).is_multiple_of(2)
    }

    /// Whether a call failed since the engine was opened that read an index, and its timeline was
    /// not opened since: then the engine may not know what all timelines stand on.
    pub fn has_unread_index(&self) -> bool {
        let is_unread = self.record().aftermath.has_unread_index();
        is_unread || self.world.state().disk.has_wrong(INDEX)
    }

    /// A timeline was opened, or it was made, or it is gone: the engine knows what it stands on.
    pub fn index_was_read(&self, letter: Letter) {
        self.record().aftermath.index_unread.remove(&Some(letter));
    }

    /// Whether a deletion may have come to no end, although nothing can open what is left.
    pub fn may_have_remains(&self) -> bool {
        self.has_failed_removal() || self.has_unread_index()
    }

    /// A timeline was made: what failed of it before has come to nothing.
    pub fn begun_anew(&self, letter: Letter) {
        self.index_was_read(letter);
        self.forget_latch(letter);
    }

    /// The engine is about to be opened, and will look at every index.
    pub fn forget_unread_index(&self) {
        self.record().aftermath.index_unread.clear();
    }
}
