//! Each sync of the engine, left out: is it missed?
//!
//! ```text
//!  seeds ─▶ who syncs what: job, part, step ─▶ a lie there, always ─▶ weakness.rs: red?
//!                                                   no ─▶ sim/syncs.txt says why it stays, or it
//!                                                         is a survivor
//! ```
//!
//! A sync is known by who makes it: `life*/*/flush/delta/sync`. What a job does on its way for
//! another one, as an opening ends a deletion, counts under the job that calls.

mod sites;
mod table;
#[cfg(test)]
mod tests;
mod waivers;

pub use sites::{SyncSite, collect};
pub use table::{SyncRow, SyncScope, SyncTable};
pub use waivers::SyncWaivers;
