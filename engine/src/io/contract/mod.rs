//! The checks that every backend must pass: the contracts of [`Io`](super::Io) and
//! [`File`](super::File), as far as they show without a crash.
//!
//! Each check takes a directory that exists and is empty, and panics with the claim that does not
//! hold. Run them while the backend injects no fault: here every error is a failure. Reads and
//! writes may still be short, and any call may pend. [`check_all`] runs all of them:
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
