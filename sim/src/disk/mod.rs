//! The simulated disk: a live and a durable image, and a crash as a function from both.
//!
//! 1. The *live* image is what calls see. The *durable* one is what is left for certain if the
//!    power fails now. In between stand the pending writes of each file and the pending entries of
//!    each directory, in the order in which they were made.
//! 2. A file's sync moves its pending writes to the durable image, a directory's sync its entries.
//!    A file's sync that fails drops its pending writes: they stay live and never become durable. A
//!    directory's sync that fails leaves its entries pending.
//! 3. A power loss keeps, loses or tears each pending write, at 512-byte sectors, and keeps or
//!    undoes each pending entry by itself: see [`Disk::crash`]. Lengths survive apart from content.
//! 4. A power loss may leave its choices open (`undecided.rs`): each is made when somebody looks.
//! 5. A device may rot, lose or misdirect what it was handed, if the plan's does. Where it did is
//!    kept beside what would be right: see `wrong.rs`.
//! 6. A fork costs O(1): images are copy-on-write values.

mod choices;
mod crash;
mod fates;
mod fingerprint;
mod ids;
mod image;
mod node;
mod remnant;
#[cfg(test)]
mod tests;
mod undecided;
mod wrong;

pub use fates::Fate;
pub use ids::{NodeId, SECTOR_LEN, Wrongs};
pub use image::{Disk, Taken};
pub use remnant::{Remnant, Remnants};
