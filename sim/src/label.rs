//! The names of timelines in a plan.

use std::fmt;

use crate::text::Problem;

/// A timeline's name in a plan: a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimelineLabel(pub u8);

impl TimelineLabel {
    /// Parses a letter from a to z.
    pub(crate) fn read(word: &str) -> Result<TimelineLabel, Problem> {
        match word.as_bytes() {
            &[label @ b'a'..=b'z'] => Ok(TimelineLabel(label)),
            _ => Err(Problem::new("timeline", word, "write a letter from a to z")),
        }
    }
}

impl fmt::Display for TimelineLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(self.0))
    }
}
