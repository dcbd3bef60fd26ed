//! `palimpsest verify`: reads every byte, writes none, and reports each fault by file and offset.
//!
//! ```text
//!  engine ─▶ timeline ─▶ index: its fields, and each layer that it names ─▶ layer
//!  layers of a peer ──────────────────────────────────────────────────────▶ layer
//!
//!  layer: parts ─▶ blocks ─▶ nodes ─▶ entries from the root ─▶ blobs ─▶ values
//! ```
//!
//! 1. A fault in a block is reported once: what stands in that block is not looked at again.
//! 2. A file that no index names is no fault: a crash leaves such files, and the next open removes
//!    them. They are noted.

mod command;
mod layer;
mod report;
mod timeline;

pub use command::verify;
