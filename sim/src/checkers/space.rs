//! Whether anything lies on the disk that is not needed.
//!
//! * Verified: with no task left, the disk has what the indexes name, the lock, and one ephemeral
//!   file for each open layer, and nothing else.
//! * Not verified: the files of a timeline that cannot be opened, for the device has made its index
//!   wrong: they must stay (see [`Unreadable`](super::Unreadable)), and which of them its index
//!   names is not known. Nor anything in a life in which a removal has failed: what that left goes
//!   at the next open.
//!
//! It has no state.

use palimpsest::base::TimelineId;

use super::Sight;
use crate::keys;
use crate::label::Letter;
use crate::laws;
use crate::oracle;
use crate::verdict::Verdict;

/// Looks at what lies on the disk, where only the driver is left.
///
/// # Errors
/// The broken law, with what should not be there.
pub fn check(sight: &Sight) -> Result<(), Verdict> {
    if sight.judge.has_failed_removal() {
        return Ok(());
    }
    // What is left of a deletion, and cannot be read any more, must not be removed.
    let with_files = sight
        .truths
        .iter()
        .filter(|(_, truth)| truth.may_have_files);
    let remains = with_files.map(|(letter, _)| *letter);
    let is_wrong = |letter: &Letter| sight.judge.has_wrong_index(keys::timeline(*letter));
    let mut left_alone = oracle::ancestors_first(sight.truths);
    left_alone.extend(remains.filter(is_wrong));
    left_alone.retain(|letter| !sight.open.contains_key(letter));
    let left_alone: Vec<TimelineId> = left_alone.into_iter().map(keys::timeline).collect();
    let open = sight.open.iter().map(|(letter, timeline)| {
        let layers = timeline.layers();
        let memory_count = usize::from(layers.open().is_some()) + layers.frozen().len();
        (keys::timeline(*letter), memory_count)
    });
    let open: Vec<_> = open.collect();
    laws::check_space(&mut sight.world.state().disk, &open, &left_alone)
}
