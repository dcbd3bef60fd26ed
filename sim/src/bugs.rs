//! Planted bugs: does the simulator see?
//!
//! A bug is a patch in `sim/bugs`, which opens with its story. Each is applied to a copy of the
//! sources, built there, and hunted by the `run` of that build.
//!
//! ```text
//!  bugs/ID.patch ─▶ copy of the sources ─build▶ simulator with the bug ─run▶ seed ─shrink▶ plan
//! ```

mod hunt;
mod patch;
mod yard;

pub use hunt::{Budget, Hunted, Shot, hunt};
pub use patch::Bug;
pub use yard::Yard;

use std::fmt;

/// Why a bug could not be planted or hunted.
#[derive(Debug)]
pub enum Trouble {
    /// Whoever asked can mend it: a patch that does not apply, a bug that there is not.
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
