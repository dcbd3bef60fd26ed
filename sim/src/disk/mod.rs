//! The simulated disk: a live and a durable image, and a crash as a function of both.
//!
//! 1. The *live* image is what calls read. The *durable* image is what certainly survives a power
//!    loss now. Between the two are the pending writes of each file and the pending entries of each
//!    directory, in the order in which they were made.
//! 2. A file's sync moves its pending writes to the durable image; a directory's sync, its entries.
//!    A failed sync of a file drops its pending writes: they stay live and never become durable. A
//!    failed sync of a directory leaves its entries pending.
//! 3. A power loss keeps, loses or tears each pending write, at sectors of 512 bytes, and keeps or
//!    undoes each pending entry independently: see [`Disk::crash`]. Lengths survive independently
//!    of content.
//! 4. A power loss may leave its choices open (`undecided.rs`): each is made on the first read.
//! 5. A faulty device may rot, lose or misdirect bytes, if the plan's device does. The ranges are
//!    recorded, beside the right bytes: see `wrong.rs`.
//! 6. A fork costs O(1): images are copy-on-write values.

mod choices;
mod crash;
mod effect;
mod fates;
mod fingerprint;
mod ids;
mod image;
mod node;
#[cfg(test)]
mod tests;
mod undecided;
mod wrong;

pub use effect::{CrashEffect, CrashEffects};
pub use fates::Fate;
pub use ids::{NodeId, SECTOR_LEN, Wrongs};
pub use image::{Disk, TakenNode};
