//! What the failures of a life excuse later on, and until when.

use std::path::Path;

use super::state::World;
use crate::label::Letter;
use crate::paths::INDEX;

impl World {
    /// Whether a sync of this timeline's files, or of the engine's own, failed in this life.
    pub fn has_failed_sync(&self, letter: Option<Letter>) -> bool {
        self.state().sync_failed.contains(&letter)
    }

    /// Whether a job of this timeline met with a failed sync since it was opened: then it must be
    /// latched.
    pub fn is_latched(&self, letter: Letter) -> bool {
        self.state().latched.contains(&letter)
    }

    /// A timeline is not open any more: what failed before did not fail for its next instance.
    pub fn forget_latch(&self, letter: Letter) {
        let mut state = self.state();
        state.latched.remove(&letter);
        state.sync_failed.remove(&Some(letter));
    }

    /// The engine was opened, and nothing in it.
    pub fn forget_latches(&self) {
        let mut state = self.state();
        state.latched.clear();
        state.sync_failed.clear();
    }

    /// Faults come no more, and the engine is about to be opened: it removes what others could not.
    pub fn forget_failed_removals(&self) {
        self.state().removal_failed = false;
    }

    /// The engine is about to be opened: what is removed from now on is looked at.
    pub fn forget_dropped(&self) {
        self.state().dropped.clear();
    }

    /// Whether a file was removed since because those who had it let go of it.
    pub fn was_dropped(&self, path: &Path) -> bool {
        self.state().dropped.contains(path)
    }

    /// A timeline is about to be shut down.
    pub fn begin_ending(&self, letter: Letter) {
        *self.state().endings.entry(letter).or_insert(0) += 1;
    }

    /// It was, or it stays open.
    pub fn end_ending(&self, letter: Letter) {
        *self.state().endings.entry(letter).or_insert(0) += 1;
    }

    /// How many shutdowns of a timeline have begun, and how many have ended, together.
    pub fn ending_count(&self, letter: Letter) -> u32 {
        self.state().endings.get(&letter).copied().unwrap_or(0)
    }

    /// Whether a timeline is being shut down.
    pub fn is_ending(&self, letter: Letter) -> bool {
        !self.ending_count(letter).is_multiple_of(2)
    }

    /// Whether a removal failed in this life: what it was for may lie about until the next.
    pub fn has_failed_removal(&self) -> bool {
        self.state().removal_failed
    }

    /// Whether a call failed since the engine was opened that read an index, and its timeline was
    /// not opened since: then the engine may not know what all timelines stand on.
    pub fn has_unread_index(&self) -> bool {
        let state = self.state();
        !state.index_unread.is_empty() || state.disk.has_wrong(INDEX)
    }

    /// A timeline was opened, or it was made, or it is gone: the engine knows what it stands on.
    pub fn index_was_read(&self, letter: Letter) {
        self.state().index_unread.remove(&Some(letter));
    }

    /// The engine is about to be opened, and will look at every index.
    pub fn forget_unread_index(&self) {
        self.state().index_unread.clear();
    }
}
