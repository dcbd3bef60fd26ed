//! `palimpsest play`: plays scripts against the engine, on real files, and compares what it answers
//! with what a peer answered.
//!
//! The input is a script, or lines of JSON; `-` is the standard input. The engine works in a
//! temporary directory that is removed, or in one that is created and kept.
//!
//! * **A script** is a command a line; blank lines and those that start with `#` are skipped. Each
//!   answer is printed as a line of JSON.
//! * **Lines of JSON**: `{"seed": 7, "script": ["open 0x10", …], "answers": […]}`, which is what a
//!   peer answered to the script's questions, in their order. Each script is played in a directory
//!   of its own, each answer is compared, and a summary comes last. A `.jsonl.xz` goes through
//!   `xzcat FILE |` first.
//!
//! The exit code is 2 if a read differs, or if layers differ without a reason.
//!
//! # Why layers differ
//!
//! Names, lengths and both LSNs are compared. Lists are equal if they differ in the cutoff at most;
//! any other difference is compared with these reasons, each of which is checked:
//!
//! | reason | the peer | this engine |
//! |---|---|---|
//! | `first keys` | a new timeline has seven keys, imaged at the LSN that it opens at | has none |
//! | `first cutoff` | a new timeline's cutoff is that LSN, and a branch inherits it | is 0 |
//! | `images` | stand at the exclusive end of the deltas, L + 1, and are cut as below | at L |
//! | `delta cuts` | compacted deltas are as long as `checkpoint_distance` | `layer_len_target` |
//!
//! How images are cut: the peer deals out fragments of `compaction_target_size / 8192` keys, also
//! of the seven first ones, and closes a part where the next fragment would not fit; its last image
//! ends with the last declared key. This engine fills each part with as many declared keys as fit,
//! and its last image ends with the last key of all, so that images always cover all keys. The
//! program computes the peer's cuts by the peer's rule, and checks that this engine's images abut
//! from the first key to the last.
//!
//! The pieces of a delta that is cut must go from its first key to its last, and for the keys of
//! each piece from its first LSN to its last: a key whose history is too long is cut by LSN.
//!
#![doc = include_str!("language.md")]

mod answer;
mod command;
mod compare;
mod explain;
mod recording;
mod report;
mod script;
mod stage;
#[cfg(test)]
mod tests;
mod value;

pub use command::{PlayRequest, play};

/// The language of scripts, for the help.
pub const LANGUAGE: &str = include_str!("language.md");
