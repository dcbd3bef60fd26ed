//! The names of timelines in a plan.

use std::fmt;

use crate::text::Problem;

/// A timeline's name in a plan: a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letter(pub u8);

impl Letter {
    /// Parses a letter from a to z.
    pub(crate) fn read(word: &str) -> Result<Letter, Problem> {
        match word.as_bytes() {
            &[letter @ b'a'..=b'z'] => Ok(Letter(letter)),
            _ => Err(Problem::new("timeline", word, "write a letter from a to z")),
        }
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(self.0))
    }
}
