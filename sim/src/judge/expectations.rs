//! Which errors the failures of a life allow later on, and until when.
//!
//! ```text
//!  what happens                      what it allows                  until
//!  ────────────────────────────────  ──────────────────────────────  ─────────────────────────────
//!  a sync of a timeline's files      `Latched` from its calls; a     it is opened again
//!  fails                             job's failure latches it
//!  a removal fails                   files that are left over        the next open without faults
//!  a call of a creation fails        files that are left over        the next open, or it is made
//!  a call of the engine's open       `Busy` from collections: the    that timeline is opened, made
//!  fails, or reads what is wrong     child may be unknown            or gone, or is said to be so
//!  a file's last reader removes it   that the file is gone           the engine is about to open
//!  a timeline is shut down           `Closed` from concurrent calls  the shutdown ends
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use palimpsest::io::Job;

use super::Judge;
use crate::faults::{Fault, StepKind};
use crate::label::TimelineLabel;
use crate::paths::INDEX;
use crate::world::Delivered;

/// The errors that the failures of one life allow.
#[derive(Default)]
pub(super) struct ErrorExpectations {
    sync_failed: BTreeSet<Option<TimelineLabel>>,
    latched: BTreeSet<TimelineLabel>,
    /// How many shutdowns of a timeline alone have begun or ended: odd during one.
    shutdowns: BTreeMap<TimelineLabel, u32>,
    /// Timelines whose last instance a failed sync had latched, until their shutdown ends.
    lossy: BTreeSet<TimelineLabel>,
    removal_failed: bool,
    /// Files that their last readers have removed since the last open of the engine began.
    removed: BTreeSet<PathBuf>,
    /// Timelines whose index the engine may not have read as it was opened.
    index_unread: BTreeSet<TimelineLabel>,
    /// Whether a call failed as the engine was opened: it may have left files that the next open
    /// removes.
    recovery_failed: bool,
    /// Timelines whose creation had a failed call, and was not repeated: the next open removes what
    /// it left.
    creation_failed: BTreeSet<TimelineLabel>,
    /// Whether the engine is open: it reads all indexes before, and none unasked from then on.
    is_open: bool,
}

impl ErrorExpectations {
    /// Records a fault that was delivered.
    pub(super) fn delivered(&mut self, delivered: &Delivered) {
        let Delivered {
            site, fault, error, ..
        } = *delivered;
        let is_wrong = matches!(
            fault,
            Fault::Rot(_) | Fault::Stale | Fault::Astray(_) | Fault::Lost
        );
        let has_failed = error.is_some();
        let is_of_recovery = matches!(site.op.job, Job::Open | Job::Delete) && !self.is_open;
        if (has_failed || is_wrong) && is_of_recovery {
            self.index_unread.extend(site.label);
            self.recovery_failed = true;
        }
        if has_failed && matches!(site.op.job, Job::Create | Job::Branch) {
            self.creation_failed.extend(site.label);
        }
        match site.step {
            StepKind::Remove | StepKind::RemoveDir => self.removal_failed |= has_failed,
            StepKind::Sync | StepKind::SyncDir if has_failed => {
                self.sync_failed.insert(site.label);
                let job = site.op.job;
                let latches = matches!(
                    job,
                    Job::Flush
                        | Job::Lease
                        | Job::Compact
                        | Job::Image
                        | Job::Gc
                        | Job::GcCompact
                        | Job::Shed
                );
                self.latched.extend(site.label.filter(|_| latches));
            }
            _ => {}
        }
    }

    /// Records that the last reader of a file removes it.
    pub(super) fn removed(&mut self, path: PathBuf) {
        self.removed.insert(path);
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

    /// Records that the engine is about to be opened.
    pub(super) fn begin_open(&mut self) {
        self.index_unread.clear();
        self.recovery_failed = false;
        self.creation_failed.clear();
        self.is_open = false;
    }

    /// Records that the engine was opened.
    pub(super) fn opened(&mut self) {
        self.is_open = true;
    }
}

impl Judge {
    /// Whether a sync of this timeline's files, or of the engine's own, failed in this life.
    pub fn has_failed_sync(&self, label: Option<TimelineLabel>) -> bool {
        self.record().expectations.has_failed_sync(label)
    }

    /// Whether a job of this timeline had a failed sync since it was opened: then it must be
    /// latched.
    pub fn is_latched(&self, label: TimelineLabel) -> bool {
        self.record().expectations.is_latched(label)
    }

    /// Forgets the failures of a timeline that is closed: its next instance is not latched.
    pub fn forget_latch(&self, label: TimelineLabel) {
        self.record().expectations.forget_latch(label);
    }

    /// Forgets the failures of all timelines, after the engine was opened and before they are.
    pub fn forget_latches(&self) {
        let expectations = &mut self.record().expectations;
        expectations.latched.clear();
        expectations.sync_failed.clear();
    }

    /// Whether a removal failed in this life: its file may be left over until the next life.
    pub fn has_failed_removal(&self) -> bool {
        self.record().expectations.removal_failed
    }

    /// Forgets failed removals before an open without faults, which removes what they left.
    pub fn forget_failed_removals(&self) {
        self.record().expectations.removal_failed = false;
    }

    /// Forgets the files removed so far, before the engine opens.
    pub fn forget_removed(&self) {
        self.record().expectations.removed.clear();
    }

    /// Whether the last reader of a file has removed it since the last open of the engine began.
    pub fn was_removed(&self, path: &Path) -> bool {
        self.record().expectations.removed.contains(path)
    }

    /// Notes that a shutdown of a timeline begins.
    pub fn begin_shutdown(&self, label: TimelineLabel) {
        self.count_shutdown(label);
    }

    /// Notes that a shutdown of a timeline has ended, whether it is closed or stays open.
    pub fn end_shutdown(&self, label: TimelineLabel) {
        self.record().expectations.lossy.remove(&label);
        self.count_shutdown(label);
    }

    /// Notes that a latched timeline was closed: its next instance is not latched, and may lack
    /// what was not durable.
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

    fn count_shutdown(&self, label: TimelineLabel) {
        let shutdowns = &mut self.record().expectations.shutdowns;
        *shutdowns.entry(label).or_insert(0) += 1;
    }

    /// How many shutdowns of a timeline have begun, plus how many have ended.
    pub fn shutdown_count(&self, label: TimelineLabel) -> u32 {
        let shutdowns = &self.record().expectations.shutdowns;
        shutdowns.get(&label).copied().unwrap_or(0)
    }

    /// Whether a timeline is being shut down.
    pub fn is_shutting_down(&self, label: TimelineLabel) -> bool {
        !self.shutdown_count(label).is_multiple_of(2)
    }

    /// Whether a call that reads an index failed as the engine was opened, and the engine was not
    /// told since what became of its timeline: then it may not know all parents.
    pub fn has_unread_index(&self) -> bool {
        let is_unread = self.record().expectations.has_unread_index();
        is_unread || self.world.state().disk.has_wrong(INDEX)
    }

    /// Whether a call failed as the engine was opened, or as a timeline was made that is not there:
    /// the next open may remove what was left.
    pub fn has_left_files(&self) -> bool {
        let expectations = &self.record().expectations;
        expectations.recovery_failed || !expectations.creation_failed.is_empty()
    }

    /// Notes that a timeline was opened, made or deleted, or is said not to be there: the engine
    /// knows its parent now.
    pub fn index_was_read(&self, label: TimelineLabel) {
        self.record().expectations.index_unread.remove(&label);
    }

    /// Whether an unfinished deletion may have left files that nothing can open.
    pub fn may_have_leftovers(&self) -> bool {
        self.has_failed_removal() || self.has_unread_index()
    }

    /// Notes that a timeline was made: failures of an earlier one of its name no longer count.
    pub fn timeline_created(&self, label: TimelineLabel) {
        self.record().expectations.creation_failed.remove(&label);
        self.index_was_read(label);
        self.forget_latch(label);
    }

    /// Notes that the engine is about to be opened, and will read every index.
    pub fn begin_open(&self) {
        self.record().expectations.begin_open();
    }

    /// Notes that the engine was opened.
    pub fn opened(&self) {
        self.record().expectations.opened();
    }
}
