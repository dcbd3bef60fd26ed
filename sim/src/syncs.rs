//! Omits each sync of the engine: does some plan then fail?
//!
//! ```text
//!  seeds ─▶ syncs by job, part and step ─▶ a lie there, always ─▶ weakness.rs: does one fail?
//!                                                   no ─▶ sim/syncs.txt says why it stays, or it
//!                                                         is a survivor
//! ```
//!
//! A sync is known by the job that makes it: `life*/*/flush/delta/sync`. If a job does part of
//! another one, as an opening ends a deletion, its syncs count under the job that calls.

mod sites;
mod table;
#[cfg(test)]
mod tests;
mod waivers;

pub use sites::{SyncSite, collect};
pub use table::{SyncRow, SyncScope, SyncTable};
pub use waivers::SyncWaivers;
