//! The engine's own sources, built with another `sync`: shuttle decides which thread goes on.
//!
//! The simulator interleaves tasks at awaits, so it cannot see a race between two statements
//! without one. Here every step on a lock, an atomic, an event or a thread is a point where another
//! thread may run; a seed determines the whole interleaving, and a thread that nothing wakes any
//! more is reported as a deadlock.
//!
//! The modules below are the engine's files, unchanged: `engine/src/sync.rs` alone is replaced, by
//! the file `sync.rs` of this package. `tests/races.rs` has a test for each scenario.

#[path = "../../src/base/mod.rs"]
pub mod base;
#[path = "../../src/engine.rs"]
mod engine;
#[path = "../../src/format/mod.rs"]
pub mod format;
#[path = "../../src/io/mod.rs"]
pub mod io;
#[path = "../../src/layer/mod.rs"]
pub mod layer;
#[path = "../../src/split.rs"]
mod split;
#[path = "../../src/store/mod.rs"]
pub mod store;
#[path = "../../src/timeline/mod.rs"]
pub mod timeline;

pub mod explore;
pub mod scenario;
mod sync;
mod world;
