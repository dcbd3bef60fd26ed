//! A storage engine for page versions: ask for a key at an LSN and get the bytes that were true
//! then, on any branch, after any crash.
//!
//! Every write is `(key, lsn, value)`. A value is a whole image or a record that changes one, and
//! [`get`] rebuilds the value of a key at any LSN from an image and the records above it. It is for
//! systems that have a log of their own and need every version of a page: the storage of a
//! database, a replica that is read at old positions, a debugger that goes back in time.
//!
//! # What an embedder must know
//!
//! * **No call blocks an executor.** A [`get`] of what is in the page cache is done in one poll,
//!   within tens of microseconds. What may wait for the device pends, on up to 32 threads of
//!   [`OsIo`]'s own, and so do calls that wait for another job or for backpressure. Any executor
//!   will do, or [`block_on`], and no runtime is needed: timers and spawned tasks have threads of
//!   [`OsIo`]'s own as well. A job or a scan lets other tasks run after each half a megabyte.
//! * **Nothing maintains itself by default.** Without [`Options::maintenance_period`] the caller
//!   calls [`flush`], [`compact`], [`create_images`] and [`gc`], or all of them as [`maintain`].
//!   Until then frozen layers pile up in memory, L0 deltas in front of every read, and no history
//!   goes. With it, a layer is flushed once a batch has frozen it or it is as old as
//!   [`Options::freeze_age_max`] says. What fails is retried later and later: see [`health`].
//! * **What grows.** Descriptors: up to [`Options::open_files_max`]. Memory: some 32 bytes a record
//!   and 100 a distinct key of what is not flushed; what jobs and reads hold of values, up to
//!   [`Options::work_len_max`]; a cache of [`Options::block_cache_len`]; 4 bytes of checksum for
//!   each 8 KiB of the layer files that were read. Disk: all history, until [`gc`] collects it:
//!   whole layers, once images cover them. [`gc_compact`] drops single records.
//! * **Durable is what was flushed.** There is no write-ahead log here: after a crash the caller
//!   replays its own log from [`disk_consistent_lsn`] on.
//! * **Any future may be dropped**, at any await: what it did is published whole or not at all, and
//!   the work can be done again. [`Error`] has a variant for each reaction of the caller:
//!   [`Error::Io`] is worth a retry, after [`Error::Latched`] the timeline must be opened again.
//!
//! # Example
//!
//! The first run creates the timeline, every other run opens it.
//!
//! ```no_run
#![doc = include_str!("../examples/quickstart.rs")]
//! ```
//!
//! `examples/` has more: `time_travel` reads and branches in the past, `own_redo` gives records a
//! meaning of the caller's, `own_io` stands between the engine and the system.
//!
//! # Tour
//!
//! | to | use |
//! |---|---|
//! | open a directory, create, branch, open and delete timelines | [`Engine`], [`Options`] |
//! | write | [`writer`], [`Batch`], [`Writer`], [`Value`] |
//! | change a page instead of writing it whole | [`Edit`], [`Record`], [`format::Redo`] |
//! | read one value, many, or a range | [`get`], [`get_vectored`], [`Scan`] |
//! | name keys and positions | [`Key`], [`KeyRange`], [`KeySpace`], [`Lsn`], [`TimelineId`] |
//! | make durable, reshape | [`flush`], [`compact`], [`create_images`] |
//! | collect history | [`gc`], [`gc_compact`] |
//! | have keys of which most do not exist, and delete them | [`SparseKeys`] |
//! | keep an LSN readable for a while | [`lease`], [`Lease`] |
//! | share the keys among several directories | [`Engine::split`], [`ShardIdentity`] |
//! | see what there is, what a read costs and what a collection would do | [`stats`] |
//! | see what the jobs have read, kept, dropped and made | [`job_runs`], [`JobStats`] |
//! | put the engine on another system | [`io::Io`], [`io::contract`] |
//!
//! A name in the modules below and not in this page is what the engine is made of: it may change
//! in any release. The laws that the engine keeps and its decisions are in
//! `engine/ARCHITECTURE.md`.
//!
//! [`compact`]: timeline::Timeline::compact
//! [`create_images`]: timeline::Timeline::create_images
//! [`disk_consistent_lsn`]: timeline::Timeline::disk_consistent_lsn
//! [`flush`]: timeline::Timeline::flush
//! [`gc`]: timeline::Timeline::gc
//! [`gc_compact`]: timeline::Timeline::gc_compact
//! [`job_runs`]: timeline::Timeline::job_runs
//! [`lease`]: timeline::Timeline::lease
//! [`get`]: timeline::Timeline::get
//! [`get_vectored`]: timeline::Timeline::get_vectored
//! [`health`]: timeline::Timeline::health
//! [`maintain`]: timeline::Timeline::maintain
//! [`stats`]: timeline::Timeline::stats
//! [`writer`]: timeline::Timeline::writer
#![warn(missing_docs)]

pub mod base;
mod engine;
pub mod format;
pub mod io;
pub mod layer;
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub mod observe;
mod split;
pub mod store;
mod sync;
pub mod timeline;

#[doc(inline)]
pub use base::{
    Error, Key, KeyRange, KeySpace, Lsn, Policy, Result, ShardIdentity, SparseKeys, Strategy,
    TenantId, TimelineId,
};
#[doc(inline)]
pub use engine::{Engine, Scan, Timeline, Writer};
#[doc(inline)]
pub use format::{Compression, Edit, Record, Value};
#[doc(inline)]
pub use io::{OsIo, block_on};
#[doc(inline)]
pub use layer::{Batch, Visibility};
#[doc(inline)]
pub use split::Split;
#[doc(inline)]
pub use timeline::{
    BRANCH_DEPTH_MAX, Collected, Debts, Effect, EngineStats, Event, Failing, Failure, Forecast,
    GcCompacted, Health, HistoryRange, Imaged, JobOutcome, JobRuns, JobStats, KeepReason, KeyValue,
    Lease, Listener, Mode, Options, Progress, Quantity, Shed, TimelineStats, WhyLeftOut,
};
