//! `palimpsest dump`: what stands in a file, line by line, as it is read.
//!
//! A dump checks what it prints and what it follows to find it: all blocks against the checksums
//! first, then the nodes as they stand, then the entries from the root. It ends at the first fault.

mod command;
mod json;
mod peer;
mod text;

pub use command::dump;
pub use json::dump_json;
pub use text::dump_text;

/// How much of a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Where it is, how long it is and of which kind.
    Places,
    /// Its bytes too.
    Values,
}
