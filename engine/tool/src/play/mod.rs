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
//! Names, lengths and both LSNs are compared. Lists of layers differ for a closed list of reasons,
//! the [`names::Rule`]s: what the names are by the peer's rules and by ours is computed from the
//! script, and must be what each of the two has answered. What is not so is unexplained.
//!
#![doc = include_str!("language.md")]

mod answer;
mod command;
mod compare;
mod names;
mod recording;
mod report;
mod script;
mod settings;
mod stage;
#[cfg(test)]
mod tests;
mod value;

pub use command::{PlayRequest, play};

/// The language of scripts, for the help.
pub const LANGUAGE: &str = include_str!("language.md");
