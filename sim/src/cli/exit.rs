//! How commands end.

/// How a command ends that found nothing wrong with the engine. A verdict has a code of its own.
pub mod code {
    /// All right.
    pub const ALL_RIGHT: u8 = 0;
    /// Wrong usage or input.
    pub const WRONG_INPUT: u8 = 1;
    /// The simulator itself failed.
    pub const HARNESS_FAILED: u8 = 4;
    /// A capsule does not fit this build.
    pub const UNFIT: u8 = 6;
    /// A planted bug or a sync left out survived, or something was never tried.
    pub const SURVIVED: u8 = 7;
}

/// Why a command came to no verdict.
#[derive(Debug)]
pub enum CommandError {
    /// It was asked for what cannot be: whoever asked must ask otherwise.
    Input(String),
    /// It was asked for what this build cannot run, and another can.
    Unfit(String),
    /// The simulator or the machine failed, whatever the engine does.
    Harness(String),
}

impl CommandError {
    /// The exit code of a command that ends so.
    pub fn code(&self) -> u8 {
        match self {
            CommandError::Input(_) => code::WRONG_INPUT,
            CommandError::Unfit(_) => code::UNFIT,
            CommandError::Harness(_) => code::HARNESS_FAILED,
        }
    }

    /// What is told to the caller.
    pub fn text(&self) -> &str {
        match self {
            CommandError::Input(text) | CommandError::Unfit(text) | CommandError::Harness(text) => {
                text
            }
        }
    }
}
