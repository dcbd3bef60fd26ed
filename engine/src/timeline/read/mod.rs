//! Reading: an admission, a snapshot of each timeline on the way, a walk down, and a redo.
//!
//! ```text
//!  admit (whole chain) ─▶ snapshot ─▶ search ─▶ visit ─▶ search from the floor … ─▶ nothing left
//!                            ▲                                                         │
//!                            └───────────── ancestor, at its branch's LSN ◀────────────┘
//!  then: read what was located, the blobs of a layer together ─▶ redo, key by key
//! ```
//!
//! 1. A read is admitted to every timeline that it may come to before it looks into the first:
//!    while it is there, no collection takes what it needs.
//! 2. The walk looks into indexes only. For each layer it asks the map where to go on, and the
//!    answer is a layer and a floor: what is at or above the floor is in this layer alone. Two
//!    ranges of keys may come to one layer with different floors: those are two visits.
//! 3. An image ends the walk for all keys of its range, those without a value in it too.

mod admit;
mod get;
mod locate;
mod scan;
mod walk;

pub use get::{KeyValue, Visit};
pub use scan::Scan;

pub(super) use admit::Admission;
