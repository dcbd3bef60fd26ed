//! A storage engine for page versions: ask for a key at an LSN and get the bytes that were true
//! then, on any branch, after any crash.
#![warn(missing_docs)]

pub mod base;
mod engine;
pub mod format;
pub mod io;
pub mod layer;
pub mod store;
pub mod timeline;

pub use base::{Error, Key, KeyRange, KeySpace, Lsn, Result, TenantId, TimelineId};
pub use engine::{Engine, Scan, Timeline, Writer};
pub use format::{Compression, Edit, Record, Value};
pub use io::{OsIo, block_on};
pub use layer::Batch;
pub use timeline::{Collected, KeyValue, Mode, Options, Progress};

/// The example of the README, which must run as it is written.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
