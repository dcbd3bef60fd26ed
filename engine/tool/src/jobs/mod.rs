//! `palimpsest compact`, `gc` and `gc-compact`: one job of the engine, and what it came to.

mod collect;
mod compact;
mod counted;
mod outcome;
mod reduce;

pub use collect::gc;
pub use compact::compact;
pub use reduce::gc_compact;
