//! What the world does to the engine: rules with semantic addresses.
//!
//! `at life2/a/flush#5/delta#1/write#2 eio`: in the second life, in timeline a's fifth flush, the
//! second write to its first delta layer fails. Each part of an address may be `*`. Rules print and
//! parse, and mean the same after the code around them has changed.

mod class;
mod crash;
mod device;
mod fault;
mod outcome;
mod rule;
mod step;
mod text;

pub(crate) use crash::CRASHING_LIFE_MAX;
pub(crate) use fault::{Amount, Text, eio};
pub(crate) use text::{read_crash, read_rule};

pub use class::{Cell, Cells, FaultClass};
pub use crash::{Crash, Survival};
pub use device::Device;
pub use fault::Fault;
pub use outcome::FaultOutcome;
pub use rule::{Address, CallSite, Counted, Rule, Scope};
pub use step::StepKind;
