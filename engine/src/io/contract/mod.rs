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
