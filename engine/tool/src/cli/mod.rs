//! The command line.
//!
//! 1. Results go to stdout; progress and errors go to stderr.
//! 2. Every command exits with a code of `exit.rs`.

mod args;
mod command;
mod console;

pub use command::main;
