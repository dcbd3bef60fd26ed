//! The one error type: a variant for each reaction of the caller.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Generation, Key, Lsn, ShardIdentity};

/// The result of everything that a user of the engine can call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, by what the caller is to do about it.
///
/// # Examples
/// ```
/// use palimpsest::{Error, Result};
///
/// fn should_retry<T>(result: &Result<T>) -> bool {
///     matches!(result, Err(Error::Io(_) | Error::Busy { .. }))
/// }
/// assert!(!should_retry::<()>(&Err(Error::Closed))); // Open the timeline again instead.
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Stored bytes are not what was written. Restore the file, or fail this read only.
    Corrupt {
        /// The file, relative to the engine's directory.
        file: String,
        /// The field that does not decode, and its offset.
        cause: DecodeError,
    },
    /// A file was written by a newer release. Use that release; nothing was touched.
    Unsupported {
        /// The file, relative to the engine's directory.
        file: String,
        /// The version that the file claims.
        cause: DecodeError,
    },
    /// The history asked for is gone. The caller asked too late.
    BelowCutoff {
        /// The LSN that was asked for.
        lsn: Lsn,
        /// The lowest LSN that can be read.
        cutoff: Lsn,
    },
    /// The history asked for is not written yet. Ask again after it is.
    NotYet {
        /// The LSN that was asked for.
        lsn: Lsn,
        /// The highest LSN that can be read.
        last_record_lsn: Lsn,
    },
    /// Records of this key have no image and no `will_init` record below them. Write an image.
    NoBase {
        /// The key that was asked for.
        key: Key,
        /// The LSN that was asked for.
        lsn: Lsn,
    },
    /// Another shard holds the key. Ask that one; nothing was changed.
    Foreign {
        /// The key that was asked for.
        key: Key,
        /// The shard that was asked.
        shard: ShardIdentity,
        /// The number of the shard that holds the key.
        owner: u8,
    },
    /// A record cannot be applied to what stands below it. Correct the record's writer.
    Redo {
        /// The key that was asked for.
        key: Key,
        /// The LSN of the record.
        lsn: Lsn,
        /// Why it cannot be applied.
        why: String,
    },
    /// The call breaks the contract. Correct the call; nothing was changed.
    Refused {
        /// The reason: what was asked for, and why that cannot be.
        why: String,
    },
    /// Another handle, engine or timeline holds what the call needs. Try again after it is
    /// released.
    Busy {
        /// The thing that is held, and how to release it.
        what: String,
    },
    /// The timeline was shut down. Open it again.
    Closed,
    /// A newer generation owns this timeline. Stop writing, now and for good.
    Stale {
        /// The generation of the caller.
        mine: Generation,
        /// The newer generation.
        seen: Generation,
    },
    /// The device refused. Nothing was published; it can be tried again.
    Io(IoFailure),
    /// A sync failed: what was under way is in doubt. Reopen.
    Latched(IoFailure),
}

/// An I/O error, with the step and the file that it happened at.
#[derive(Clone, Debug)]
pub struct IoFailure {
    /// The step that failed, as a verb: "write".
    pub step: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The error of the device.
    pub source: Arc<io::Error>,
}

impl IoFailure {
    /// The failure of `step` on `path`.
    pub fn new(step: &'static str, path: &Path, source: io::Error) -> IoFailure {
        IoFailure {
            step,
            path: path.to_path_buf(),
            source: Arc::new(source),
        }
    }
}

impl fmt::Display for IoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.step, self.path.display(), self.source)
    }
}

/// Why bytes do not decode. It has an offset and no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes cannot have been written by this format.
    Malformed {
        /// The field.
        what: &'static str,
        /// The field's first byte, counted from the start of what was decoded.
        offset: u64,
        /// The value that was expected and the one that was found.
        problem: String,
    },
    /// The bytes claim a format that this release does not know.
    Unsupported {
        /// The format.
        what: &'static str,
        /// The version in the bytes.
        found: u64,
        /// The newest version that this release reads.
        newest: u64,
    },
    /// The bytes have a section that a reader must know, and this release does not.
    UnknownSection {
        /// The name of the section.
        name: String,
    },
}

impl DecodeError {
    /// The error for a field whose value cannot be.
    pub fn malformed(what: &'static str, offset: u64, problem: impl Into<String>) -> DecodeError {
        DecodeError::Malformed {
            what,
            offset,
            problem: problem.into(),
        }
    }

    /// Moves the offset for bytes that start at `base` of something larger.
    #[must_use]
    pub fn at(self, base: u64) -> DecodeError {
        match self {
            DecodeError::Malformed {
                what,
                offset,
                problem,
            } => DecodeError::Malformed {
                what,
                offset: offset.saturating_add(base),
                problem,
            },
            other => other,
        }
    }

    /// Names the file of a timeline that the bytes came from: relative to the engine's directory.
    pub fn of_path(self, path: &Path) -> Error {
        let name = path.file_name().unwrap_or_default();
        let dir = path.parent().and_then(Path::file_name).unwrap_or_default();
        self.of_file(Path::new(dir).join(name).to_string_lossy())
    }

    /// Names the file that the bytes came from.
    pub fn of_file(self, file: impl Into<String>) -> Error {
        let file = file.into();
        match self {
            DecodeError::Malformed { .. } => Error::Corrupt { file, cause: self },
            DecodeError::Unsupported { .. } | DecodeError::UnknownSection { .. } => {
                Error::Unsupported { file, cause: self }
            }
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Malformed {
                what,
                offset,
                problem,
            } => write!(f, "{what} at offset {offset}: {problem}"),
            DecodeError::Unsupported {
                what,
                found,
                newest,
            } => write!(
                f,
                "{what} has version {found}, and this release reads up to {newest}"
            ),
            DecodeError::UnknownSection { name } => {
                write!(
                    f,
                    "the section {name} is required, and this release does not know it"
                )
            }
        }
    }
}

impl std::error::Error for DecodeError {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Corrupt { file, cause } => write!(f, "{file} is corrupt: {cause}"),
            Error::Unsupported { file, cause } => {
                write!(
                    f,
                    "{file} is of a newer format: {cause}; use a newer release"
                )
            }
            Error::BelowCutoff { lsn, cutoff } => {
                write!(
                    f,
                    "LSN {lsn} is below the cutoff {cutoff}: its history is gone"
                )
            }
            Error::NotYet {
                lsn,
                last_record_lsn,
            } => write!(f, "LSN {lsn} is above the last record, {last_record_lsn}"),
            Error::NoBase { key, lsn } => {
                write!(f, "the records of key {key} up to LSN {lsn} have no base")
            }
            Error::Foreign { key, shard, owner } => {
                let (number, count) = (shard.number(), shard.count());
                write!(
                    f,
                    "shard {number} of {count} does not hold key {key}: ask shard {owner}"
                )
            }
            Error::Redo { key, lsn, why } => {
                write!(
                    f,
                    "the record of key {key} at LSN {lsn} cannot be applied: {why}"
                )
            }
            Error::Refused { why } => write!(f, "refused: {why}"),
            Error::Busy { what } => write!(f, "busy: {what}"),
            Error::Closed => write!(f, "the timeline was shut down"),
            Error::Stale { mine, seen } => {
                write!(f, "generation {mine} is stale: {seen} owns the timeline")
            }
            Error::Io(failure) => write!(f, "{failure}"),
            Error::Latched(failure) => {
                write!(f, "stopped by a failed sync, reopen to go on: {failure}")
            }
        }
    }
}

impl Error {
    /// Whether it says of one key why it has no value, and nothing of the others.
    pub(crate) fn is_of_key(&self) -> bool {
        matches!(self, Error::NoBase { .. } | Error::Redo { .. })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Corrupt { cause, .. } | Error::Unsupported { cause, .. } => Some(cause),
            Error::Io(failure) | Error::Latched(failure) => Some(&*failure.source),
            Error::BelowCutoff { .. }
            | Error::NotYet { .. }
            | Error::NoBase { .. }
            | Error::Foreign { .. }
            | Error::Redo { .. }
            | Error::Refused { .. }
            | Error::Busy { .. }
            | Error::Closed
            | Error::Stale { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_source_is_the_error_of_the_device_or_the_decoder() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let failure = IoFailure::new("write", Path::new("a"), full);
        for error in [Error::Io(failure.clone()), Error::Latched(failure)] {
            let source = error.source().and_then(|source| source.downcast_ref());
            let kind = source.map(io::Error::kind);
            assert_eq!(kind, Some(io::ErrorKind::StorageFull));
        }
        let cause = DecodeError::malformed("magic", 0, "expected 1, found 2");
        let corrupt = cause.clone().of_file("index");
        let source = corrupt.source().and_then(|source| source.downcast_ref());
        assert_eq!(source, Some(&cause));
    }

    #[test]
    fn an_error_without_a_cause_has_no_source() {
        assert!(Error::Closed.source().is_none());
        let why = "no".to_owned();
        assert!(Error::Refused { why }.source().is_none());
    }
}
