//! What every backend must pass: the contracts of [`Io`](super::Io) and [`File`](super::File), as
//! far as they can be seen without a crash.
//!
//! Each check takes a directory that exists and is empty, and panics with the claim that does not
//! hold. A backend is to be asked while it injects no fault: here every error is a failure. Reads
//! and writes may still be short, and any call may pend. [`check_all`] is the whole of it:
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use palimpsest::io::{OsIo, block_on, contract::check_all};
//!
//! let root = tempfile::tempdir()?;
//! block_on(check_all(&OsIo::new(), root.path()));
//! # Ok(())
//! # }
//! ```

mod all;
mod desk;
mod dropped;
mod file;
mod name;
mod task;

pub use all::check_all;
pub use dropped::{
    check_dropped_create, check_dropped_dir, check_dropped_lock, check_dropped_remove,
    check_dropped_rename, check_dropped_replace, check_dropped_sync, check_dropped_write,
};
pub use file::{
    check_concurrent_writes, check_gap, check_read, check_read_exact, check_sync, check_write,
    check_write_all,
};
pub use name::{
    check_create, check_create_dir, check_create_refuses, check_list, check_lock, check_open,
    check_open_file_outlives_name, check_remove, check_remove_dir, check_rename,
    check_rename_refuses, check_replace, check_sync_dir,
};
pub use task::{check_random, check_sleep, check_spawn, check_yield};
