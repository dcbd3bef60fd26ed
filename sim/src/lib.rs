//! A deterministic simulator that runs the engine, unmodified, on a simulated disk, clock and
//! scheduler, and searches for every way in which it can lose or falsify data.
#![warn(missing_docs)]

#[cfg(not(madsim))]
compile_error!(
    "the simulator needs `--cfg madsim`: .cargo/config.toml sets it, unless an exported RUSTFLAGS \
     replaces that; unset RUSTFLAGS, or add `--cfg madsim` to it"
);

pub mod bugs;
pub mod capsule;
mod checkers;
pub mod cli;
pub mod crashes;
pub mod dice;
pub mod diff;
pub mod disk;
pub mod divergence;
mod drive;
pub mod exhaust;
pub mod explain;
pub mod faults;
pub mod fuzzing;
pub mod judge;
pub mod keys;
pub mod label;
pub mod laws;
mod life;
pub mod matrix;
pub mod meta;
pub mod model;
pub mod oracle;
mod panics;
pub mod paths;
pub mod plan;
pub mod probes;
pub mod report;
mod run;
pub mod shrink;
pub mod syncs;
pub mod text;
mod threads;
mod verdict;
pub mod weaken;
pub mod weakness;
pub mod witness;
pub mod world;

pub use divergence::run_twice;
pub use drive::Tally;
pub use plan::Plan;
pub use run::{Keep, Outcome, one_life, run};
pub use verdict::Verdict;
