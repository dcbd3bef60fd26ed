//! An operation and how it is started, as text.

use std::fmt;

use crate::plan::{How, Line, PlanOp};
use crate::text::{Problem, Words};

/// Reads an operation and how it is started.
pub(super) fn read_line(line: &str) -> Result<Line, Problem> {
    let mut words = Words::new(line);
    let mut verb = words.expect("operation", PlanOp::remedy())?;
    let how = match verb {
        "&" => How::Beside,
        "drop" => How::DropAt(words.number("drop")?),
        _ => How::Wait,
    };
    if how != How::Wait {
        verb = words.expect("operation", PlanOp::remedy())?;
    }
    let op = PlanOp::read(verb, &mut words)?;
    words.end()?;
    Ok(Line { how, op })
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Wait => {}
            How::Beside => write!(f, "& ")?,
            How::DropAt(count) => write!(f, "drop {count} ")?,
        }
        write!(f, "{}", self.op)
    }
}
