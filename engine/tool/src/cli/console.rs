//! Standard output and standard error.

use std::io::{self, BufWriter, ErrorKind, Write};

use crate::exit::CommandError;

/// Gives `print` the standard output, behind a buffer, and flushes it.
///
/// # Errors
/// Those of `print`; `Machine` if the output takes no more.
pub fn with_stdout<T>(
    print: impl FnOnce(&mut dyn Write) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = print(&mut out);
    // What was printed before an error is of use.
    match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => printed,
    }
}

/// Prints a message to stderr. An error is ignored: the exit code tells the outcome.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
