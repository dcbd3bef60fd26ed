//! What is wrong with the input, where, and what to do.

use std::fmt;

/// A message that names the place, what stands there, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(String);

impl Wrong {
    pub fn new(what: impl Into<String>) -> Wrong {
        Wrong(what.into())
    }

    /// The same, with the place in front: from the inside out.
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
