//! Exit codes, and the errors that end a command.

/// Exit codes of commands that found no failure of the engine. Verdicts have codes of their own.
pub mod code {
    /// All right.
    pub const ALL_RIGHT: u8 = 0;
    /// Wrong usage or input.
    pub const WRONG_INPUT: u8 = 1;
    /// The simulator itself failed.
    pub const HARNESS_FAILED: u8 = 4;
    /// A capsule does not fit this build.
    pub const UNFIT: u8 = 6;
    /// A planted bug or a missing sync was not found, or something was never tried.
    pub const SURVIVED: u8 = 7;
}

/// Why a command came to no verdict.
#[derive(Debug)]
pub enum CommandError {
    /// The input is wrong: the caller must change it.
    Input(String),
    /// The input does not fit this build; another build can run it.
    Unfit(String),
    /// The simulator or the machine failed; this says nothing about the engine.
    Harness(String),
}

impl CommandError {
    /// The exit code for this error.
    pub fn code(&self) -> u8 {
        match self {
            CommandError::Input(_) => code::WRONG_INPUT,
            CommandError::Unfit(_) => code::UNFIT,
            CommandError::Harness(_) => code::HARNESS_FAILED,
        }
    }

    /// The message for the caller.
    pub fn text(&self) -> &str {
        match self {
            CommandError::Input(text) | CommandError::Unfit(text) | CommandError::Harness(text) => {
                text
            }
        }
    }
}
