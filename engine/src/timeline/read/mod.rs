//! Reading: register, take a snapshot of each timeline on the way, descend, redo.
//!
//! ```text
//!  register (chain) ────▶ snapshot ─▶ next visit ─▶ locate ─▶ next visit, from the floor … ─▶ end
//!                            ▲                                                         │
//!                            └───────────── ancestor, at its branch's LSN ◀────────────┘
//!  then: read what was located, the blobs of a layer together ─▶ redo, key by key
//! ```
//!
//! 1. A read is registered in every timeline that it may descend to before it reads in the first:
//!    while it is registered, no collection removes what it needs.
//! 2. The descent looks into indexes only. After each layer it asks the map for the next visit: the
//!    answer is a layer and a floor: what is at or above the floor is in this layer alone. Two
//!    ranges of keys may come to one layer with different floors: those are two visits.
//! 3. A sparse key has an empty value below all its records, and an empty value is no answer. Keys
//!    that are not inherited are left behind where the descent goes on in an ancestor.
//! 4. An image ends the descent for all keys of its range, those without a value in it too.

mod below;
mod descent;
mod gathered;
mod get;
mod guard;
mod scan;

pub use get::{KeyValue, Visit};
pub use scan::Scan;

pub(super) use below::KeysBelow;
pub(super) use guard::ReadGuard;
