//! What is wrong with a file, and why a command that prints one stops.

use std::fmt;
use std::io;

use palimpsest::base::DecodeError;

/// A fault of a file.
#[derive(Debug)]
pub enum Fault {
    /// The bytes are not what a writer made.
    Damage(DecodeError),
    /// The device did not give the bytes.
    Device {
        /// The first of them, in bytes from the start of the file.
        offset: u64,
        /// The error of the device.
        error: io::Error,
    },
}

impl Fault {
    /// The fault of a field whose value cannot be.
    pub fn malformed(what: &'static str, offset: u64, problem: impl Into<String>) -> Fault {
        Fault::Damage(DecodeError::malformed(what, offset, problem))
    }

    /// Where it is, in bytes from the start of the file; unknown of a format that is not read.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Fault::Damage(DecodeError::Malformed { offset, .. }) => Some(*offset),
            Fault::Device { offset, .. } => Some(*offset),
            Fault::Damage(_) => None,
        }
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        Fault::Damage(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Damage(error) => error.fmt(f),
            Fault::Device { offset, error } => write!(f, "file at offset {offset}: {error}"),
        }
    }
}

/// Why nothing more is printed of a file.
#[derive(Debug)]
pub enum Stop {
    /// The file has a fault.
    Fault(Fault),
    /// The output takes no more.
    Output(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Stop {
        Stop::Fault(error.into())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}
