//! Errors in the input.

use std::fmt;

/// An error message that names the place, what is there, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(String);

impl Wrong {
    pub fn new(what: impl Into<String>) -> Wrong {
        Wrong(what.into())
    }

    /// Adds the place in front of the message. Inner places are added first.
    pub fn at(self, place: impl fmt::Display) -> Wrong {
        Wrong(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}
