//! Checks that the engine holds no more files open than its option says.
//!
//! * Verified: with no task left, as many files are open as there are memory layers, and beside
//!   these `open_files_max` at most.
//! * Not verified: what calls in flight hold open, and so nothing while operations run.
//!
//! It has no state.

use super::Sight;
use crate::verdict::Verdict;

/// Checks the number of open files, where only the driver is left.
///
/// # Errors
/// The broken law.
pub fn check(sight: &Sight) -> Result<(), Verdict> {
    let memory_layers = sight.open.values().map(|timeline| {
        let layers = timeline.layers();
        layers.open().iter().count() + layers.frozen().len()
    });
    let memory_layers: usize = memory_layers.sum();
    let open = sight.world.state().disk.open_count();
    let max = memory_layers as u64 + sight.knobs.open_files_max;
    if open <= max {
        return Ok(());
    }
    let law = format!(
        "beside {memory_layers} memory layers at most {} files are open",
        sight.knobs.open_files_max
    );
    Err(Verdict::law(law, format!("{open} are open")))
}
