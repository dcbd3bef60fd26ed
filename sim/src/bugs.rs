//! Planted bugs: does the simulator find them?
//!
//! A bug is a patch in `sim/bugs`, which opens with its story. Each is applied to a copy of the
//! sources, built there, and searched for by the `run` of that build from one or several bases:
//! seeds that are far apart. On request every crash of the certified plans is tried as well.
//!
//! ```text
//!  bugs/ID.patch ─▶ copy of the sources ─build▶ simulator with the bug ─run▶ seed ─shrink▶ plan
//! ```
//!
//! All whose patches change bodies of functions alone are in one build, each behind a switch; the
//! others are built one by one. For the bench, some 40 are in one build whose switches turn on any
//! number of them at a time.

mod bench;
mod certified;
mod hunt;
mod merge;
mod patch;
mod score;
mod simulators;
mod worktree;

pub use bench::{BENCH_BUGS, Extent, Hits, hunt_as_program, hunt_together};
pub use certified::Exhausted;
pub use hunt::{Budget, BugHunt, Findings, ShrunkSize};
pub use merge::{merge, merge_apart};
pub use patch::Bug;
pub use score::{BugSearch, Score, Shot};
pub use simulators::{Simulator, Simulators};
pub use worktree::Worktree;

use std::fmt;

/// Why a bug could not be planted or searched for.
#[derive(Debug)]
pub enum Trouble {
    /// The caller can mend it: a patch that does not apply, or a bug that does not exist.
    Input(String),
    /// The machine, or the build, failed.
    Machine(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Input(text) | Trouble::Machine(text) => f.write_str(text),
        }
    }
}
