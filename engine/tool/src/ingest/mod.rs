//! `palimpsest ingest`: what `pg_waldump` prints becomes batches of a timeline.
//!
//! 1. The records of a timeline that are there already are skipped: after a crash, or an
//!    interruption, the command is given the log again, from any earlier record on.
//! 2. What is read and not written yet is one batch: memory does not grow with the log, but for one
//!    key a page.

mod command;
mod lines;
mod report;

pub use command::{IngestRequest, ingest};
