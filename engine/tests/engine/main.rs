//! The engine on real files: scripts of a user's calls, and the answers of the engine.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests look at the files themselves, and damage them"
)]

use palimpsest::{base, io};

mod aside;
#[path = "../../src/io/tests/faulty.rs"]
mod faulty;
mod figures;
mod file;
mod jobs;
mod layer;
mod script;
mod words;

mod branch;
mod catalog;
mod collect;
mod crash;
mod damage;
mod dropped;
mod events;
mod fault;
mod freeze;
mod history;
mod imaged;
mod initial;
mod lease;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod observe;
mod open_files;
mod order;
mod paces;
mod parked;
mod peer_layers;
mod peer_maps;
mod plans;
mod policy;
mod presets;
mod reduce;
mod reshape;
mod rounds;
mod runs;
mod side_by_side;
mod sparse;
mod split;
mod stats;
mod tiers;
mod unfit;
