//! What a verification found, as it is found.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::fault::Fault;
use crate::form::Form;
use crate::progress::Progress;

/// Prints findings, and counts them.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    form: Form,
    progress: Progress,
    /// The faults.
    pub fault_count: u64,
    /// The files that were read.
    pub file_count: u64,
    /// The layers without checksums, in which not every damage can be seen.
    pub unverified_count: u64,
    /// The bytes that were read.
    pub byte_count: u64,
}

impl<'a> Report<'a> {
    /// A report in which nothing was found yet.
    pub fn new(out: &'a mut dyn Write, form: Form, progress: Progress) -> Report<'a> {
        Report {
            out,
            form,
            progress,
            fault_count: 0,
            file_count: 0,
            unverified_count: 0,
            byte_count: 0,
        }
    }

    /// Reports a fault of a file.
    ///
    /// # Errors
    /// Those of the output.
    pub fn fault(&mut self, path: &Path, fault: &Fault) -> io::Result<()> {
        self.found(path, fault.offset(), &fault.to_string())
    }

    /// Reports what is wrong with a file as a whole.
    ///
    /// # Errors
    /// Those of the output.
    pub fn wrong(&mut self, path: &Path, what: &str) -> io::Result<()> {
        self.found(path, None, what)
    }

    fn found(&mut self, path: &Path, offset: Option<u64>, what: &str) -> io::Result<()> {
        self.fault_count += 1;
        let path = path.display().to_string();
        match self.form {
            Form::Text => writeln!(self.out, "{path}: {what}"),
            Form::Json => {
                let line = json!({"type": "fault", "file": path, "offset": offset, "what": what});
                writeln!(self.out, "{line}")
            }
        }
    }

    /// Reports what is to be known of a file, and is no fault.
    ///
    /// # Errors
    /// Those of the output.
    pub fn note(&mut self, path: &Path, what: &str) -> io::Result<()> {
        let path = path.display().to_string();
        match self.form {
            Form::Text => writeln!(self.out, "note: {path}: {what}"),
            Form::Json => {
                let line = json!({"type": "note", "file": path, "what": what});
                writeln!(self.out, "{line}")
            }
        }
    }

    /// Counts bytes that were read.
    pub fn read(&mut self, len: u64) {
        self.byte_count += len;
        self.progress.add(len);
    }

    /// Prints the sums.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(&mut self) -> io::Result<()> {
        self.progress.finish();
        let (files, bytes) = (self.file_count, self.byte_count);
        let (faults, unverified) = (self.fault_count, self.unverified_count);
        match self.form {
            Form::Json => {
                let line = json!({
                    "type": "end",
                    "files": files,
                    "bytes": bytes,
                    "faults": faults,
                    "unverified": unverified,
                });
                writeln!(self.out, "{line}")
            }
            Form::Text => {
                let verdict = match faults {
                    0 => "no fault".to_owned(),
                    1 => "1 fault".to_owned(),
                    count => format!("{count} faults"),
                };
                writeln!(self.out, "{verdict} in {files} files, {bytes} bytes read")?;
                match unverified {
                    0 => Ok(()),
                    count => writeln!(self.out, "{count} of them have no checksums"),
                }
            }
        }
    }
}
