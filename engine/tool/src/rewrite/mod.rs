//! `palimpsest rewrite-summary`: a layer's file for another tenant or timeline.
//!
//! A layer file is never edited: the result is a new file. Block 0 says another tenant and
//! timeline, its checksum and that of the section follow; all else is copied, byte for byte.

mod command;

pub use command::{NewIds, rewrite_summary};
