//! Standard output and standard error.

use std::io::{self, ErrorKind, Write};

use super::exit::CommandError;

/// Prints what was asked for.
///
/// # Errors
/// `Harness` if it cannot be written. A reader that has seen enough and is gone is no error.
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

/// Says something that is no part of the output. If it cannot be said, the exit code must do.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
