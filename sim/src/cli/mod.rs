//! The simulator's command line. It runs in the real world, outside of every run.
//!
//! 1. Results go to stdout; progress and errors go to stderr.
//! 2. Every command exits with a code of `exit.rs` or `signals.rs`, or with a verdict's own. On a
//!    signal, a command finishes the plans that it has begun, writes its report, and exits with 130
//!    or 143; a second signal ends the process at once.
//! 3. Seeds are handed out in order, and each plan that begins is finished, so the reported failure
//!    is that of the lowest failing seed, whatever the number of threads; unless a run hangs.

mod args;
mod base;
mod bug_json;
mod bugs;
mod command;
mod console;
mod exhaust;
mod exit;
mod explain;
mod fleet;
mod hunts;
mod life;
mod matrix;
mod meta;
mod plan_file;
mod progress;
mod replay;
mod shrink;
mod signals;
mod syncs;
mod weaken;
mod workload_file;

pub use command::main;
