//! The lines of a file or of the standard input, one at a time.
#![expect(
    clippy::disallowed_types,
    reason = "it reads a file that the caller named, outside of any run"
)]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::exit::CommandError;

/// The longest line, in bytes.
const LINE_LEN_MAX: u64 = 1 << 20;

/// The bytes that an xz file starts with.
const XZ_MAGIC: &[u8] = b"\xFD7zXZ";

/// Reads lines, and counts them.
pub(super) struct Lines {
    input: Box<dyn BufRead>,
    name: String,
    /// The number of the last line, from 1.
    pub(super) number: u64,
    /// The length of the input; unknown of the standard input.
    pub(super) len: u64,
}

impl Lines {
    /// Opens a file, or the standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Lines, CommandError> {
        let of_path = |error: io::Error| CommandError::of_path(path, &error);
        let (input, len): (Box<dyn BufRead>, u64) = if path == Path::new("-") {
            (Box::new(BufReader::new(io::stdin())), 0)
        } else {
            let file = File::open(path).map_err(of_path)?;
            let len = file.metadata().map_err(of_path)?.len();
            (Box::new(BufReader::new(file)), len)
        };
        let mut lines = Lines {
            input,
            name: path.display().to_string(),
            number: 0,
            len,
        };
        if lines
            .input
            .fill_buf()
            .map_err(of_path)?
            .starts_with(XZ_MAGIC)
        {
            let name = &lines.name;
            let text = format!("{name}: it is packed: pipe it in, xzcat {name} | … --waldump -");
            return Err(CommandError::Input(text));
        }
        Ok(lines)
    }

    /// The next line, with its end; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<String>, CommandError> {
        let mut line = Vec::new();
        self.number += 1;
        let input = &mut self.input;
        let read = input.take(LINE_LEN_MAX).read_until(b'\n', &mut line);
        match read {
            Err(error) => Err(CommandError::Machine(format!("{}: {error}", self.name))),
            Ok(0) => Ok(None),
            Ok(len) if len as u64 == LINE_LEN_MAX => {
                Err(self.wrong(&format!("a line has less than {LINE_LEN_MAX} bytes")))
            }
            Ok(_) => match String::from_utf8(line) {
                Ok(line) => Ok(Some(line)),
                Err(error) => Err(self.wrong(&error.to_string())),
            },
        }
    }

    /// The error for the last line.
    pub(super) fn wrong(&self, what: &str) -> CommandError {
        CommandError::Input(format!("{}:{}: {what}", self.name, self.number))
    }
}
