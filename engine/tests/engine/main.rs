//! The engine on real files: scripts of what a user does, and what the engine answers.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests look at the files themselves, and damage them"
)]

use palimpsest::{base, io};

#[path = "../../src/io/tests/faulty.rs"]
mod faulty;
mod file;
mod script;

mod catalog;
mod crash;
mod damage;
mod dropped;
mod fault;
mod freeze;
mod history;
mod side_by_side;
