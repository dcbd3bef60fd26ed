//! Checks that the disk has no files that are not needed.
//!
//! * Verified: with no task left, the disk has what the indexes name, the lock, and one ephemeral
//!   file for each open layer, and nothing else.
//! * Not verified: the files of a timeline that cannot be opened because the device has made its
//!   index wrong: they must stay (see [`Unreadable`](super::Unreadable)), and its index cannot say
//!   which. Nor anything in a life in which a removal has failed: the next open removes what it
//!   left.
//!
//! It has no state.

use palimpsest::base::TimelineId;

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle;
use crate::verdict::Verdict;

/// Checks the files on the disk, where only the driver is left.
///
/// # Errors
/// The broken law, with the file that should not be there.
pub fn check(sight: &Sight) -> Result<(), Verdict> {
    if sight.judge.has_failed_removal() {
        return Ok(());
    }
    // What is left of a deletion, and cannot be read any more, must not be removed.
    let with_files = sight
        .expectations
        .iter()
        .filter(|(_, expected)| expected.may_have_files);
    let leftover = with_files.map(|(label, _)| *label);
    let is_wrong = |label: &TimelineLabel| sight.judge.has_wrong_index(keys::timeline(*label));
    let mut left_alone = oracle::ancestors_first(sight.expectations);
    left_alone.extend(leftover.filter(is_wrong));
    left_alone.retain(|label| !sight.open.contains_key(label));
    let left_alone: Vec<TimelineId> = left_alone.into_iter().map(keys::timeline).collect();
    let open = sight.open.iter().map(|(label, timeline)| {
        let layers = timeline.layers();
        let memory_count = usize::from(layers.open().is_some()) + layers.frozen().len();
        (keys::timeline(*label), memory_count)
    });
    let open: Vec<_> = open.collect();
    laws::check_space(&mut sight.world.state().disk, &open, &left_alone)
}
