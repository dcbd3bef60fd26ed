//! `palimpsest import`: the files of layers, a peer's or ours, become a timeline.
//!
//! ```text
//!  every file read and checked ─▶ copied, synced ─▶ directory synced ─▶ index ─▶ opened
//! ```
//!
//! 1. Nothing is written before all files were verified.
//! 2. The index comes last: an import that was interrupted left a directory without an index, and
//!    is called again. It replaces the files that it left.
//! 3. The layers belong to the tenant that they name.

mod command;
mod source;

pub use command::{ImportRequest, import};
