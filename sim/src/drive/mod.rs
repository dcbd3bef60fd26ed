//! The driver carries out a plan: one life after another, each operation compared with the oracle.
//!
//! ```text
//!  open engine ─▶ open timelines, check what was recovered ─▶ operations … ─▶ finish
//!      ▲                                                          │
//!      └────────────────── crash, or restart ─────────────────────┘
//! ```
//!
//! The driver is a task of the process that it drives, and dies with it; the [`Session`] outlives
//! it.

mod catalog;
mod check;
mod doors;
mod draft;
mod driver;
mod ending;
mod finish;
mod held;
mod intruder;
mod job;
mod lease;
mod life;
mod line;
mod options;
mod peek;
mod read;
mod rest;
mod shed;
mod split;
mod splitting;
mod strategy;
mod users;
mod watch;
mod write;

pub use driver::{Driver, LineSource, PlanEnd, Session, Tally};
pub use life::live;
pub(crate) use watch::on_disk;

use driver::{TRIES_BEFORE_HEALING, TRIES_MAX};
