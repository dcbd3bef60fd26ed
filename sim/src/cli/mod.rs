//! The simulator's command line: it stands outside of every run, in the real world.
//!
//! 1. What was found goes to stdout; progress and what the caller did wrong, to stderr.
//! 2. Every command ends with one of the codes in `exit.rs` or `signals.rs`, or a verdict's
//!    own. A run that is interrupted ends the plans that it has begun, writes its report, and ends
//!    with 130 or 143; a second signal ends it at once.
//! 3. Seeds are handed out in order, and each that was begun is ended, so the failing seed that is
//!    reported is the lowest there is, whatever the number of threads; unless one hangs.

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

pub use command::main;
