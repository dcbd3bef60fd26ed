//! Standard output and standard error.

use std::io::{self, ErrorKind, Write};

use super::exit::CommandError;

/// Prints the output of a command.
///
/// # Errors
/// `Harness` if it cannot be written. That the reader has closed the pipe is no error.
pub fn print(text: &str) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CommandError::Harness(format!(
            "cannot write the output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Prints a message to stderr. An error is ignored: the exit code tells the outcome.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
