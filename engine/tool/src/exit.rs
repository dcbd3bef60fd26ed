//! Exit codes, and the errors that end a command.

use std::fmt;
use std::io;
use std::path::Path;

use palimpsest::Error;

use crate::fault::{Fault, Stop};

/// Exit codes.
pub mod code {
    /// All right.
    pub const ALL_RIGHT: u8 = 0;
    /// Wrong usage or input.
    pub const WRONG_INPUT: u8 = 1;
    /// A file is damaged.
    pub const DAMAGED: u8 = 2;
    /// An answer is not what was expected.
    pub const ANSWER_DIFFERS: u8 = 2;
    /// The machine failed: a device, or the output.
    pub const MACHINE_FAILED: u8 = 4;
}

/// Why a command ended early.
#[derive(Debug)]
pub enum CommandError {
    /// The input is wrong: the caller must change it.
    Input(String),
    /// A file is damaged: it must be restored.
    Damaged(String),
    /// The machine failed; this says nothing about the files.
    Machine(String),
    /// The reader of the output has closed the pipe: nothing is wrong.
    Closed,
}

impl CommandError {
    /// The exit code for this error.
    pub fn code(&self) -> u8 {
        match self {
            CommandError::Input(_) => code::WRONG_INPUT,
            CommandError::Damaged(_) => code::DAMAGED,
            CommandError::Machine(_) => code::MACHINE_FAILED,
            CommandError::Closed => code::ALL_RIGHT,
        }
    }

    /// The message for the caller, if there is anything to say.
    pub fn text(&self) -> Option<&str> {
        match self {
            CommandError::Input(text)
            | CommandError::Damaged(text)
            | CommandError::Machine(text) => Some(text),
            CommandError::Closed => None,
        }
    }

    /// The error for input that is wrong: `what` names what is there, and the remedy.
    pub fn input(what: impl Into<String>) -> CommandError {
        CommandError::Input(what.into())
    }

    /// Adds the place in front of the message. Inner places are added first.
    pub fn at(self, place: impl fmt::Display) -> CommandError {
        match self {
            CommandError::Input(text) => CommandError::Input(format!("{place}: {text}")),
            CommandError::Damaged(text) => CommandError::Damaged(format!("{place}: {text}")),
            CommandError::Machine(text) => CommandError::Machine(format!("{place}: {text}")),
            CommandError::Closed => CommandError::Closed,
        }
    }

    /// The error for a fault of the file at `path`.
    pub fn of_fault(path: &Path, fault: &Fault) -> CommandError {
        let text = format!("{}: {fault}", path.display());
        match fault {
            Fault::Damage(_) => CommandError::Damaged(text),
            Fault::Device { .. } => CommandError::Machine(text),
        }
    }

    /// The error for an output that stopped at the file at `path`.
    pub fn of_stop(path: &Path, stop: Stop) -> CommandError {
        match stop {
            Stop::Fault(fault) => CommandError::of_fault(path, &fault),
            Stop::Output(error) => CommandError::of_output(&error),
        }
    }

    /// The error for an output that takes no more.
    pub fn of_output(error: &io::Error) -> CommandError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => CommandError::Closed,
            _ => CommandError::Machine(format!("cannot write the output: {error}")),
        }
    }

    /// The error for a path that the caller named and that cannot be read.
    pub fn of_path(path: &Path, error: &io::Error) -> CommandError {
        CommandError::Input(format!("{}: {error}", path.display()))
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> CommandError {
        CommandError::of_output(&error)
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> CommandError {
        let text = error.to_string();
        match error {
            Error::Corrupt { .. } | Error::NoBase { .. } => CommandError::Damaged(text),
            Error::Io(_) | Error::Latched(_) => CommandError::Machine(text),
            _ => CommandError::Input(text),
        }
    }
}
