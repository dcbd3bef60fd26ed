//! The error of an item that does not parse.

use std::fmt;

/// The longest quote of found text in a message, in characters.
const QUOTE_LEN_MAX: usize = 40;

/// The error of an item, without the item's place: it prints as the item's kind, what was found,
/// and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    what: &'static str,
    found: String,
    remedy: String,
}

impl Problem {
    /// An error: `what` is `found`, and `remedy` says what to write instead.
    pub fn new(what: &'static str, found: impl fmt::Display, remedy: impl fmt::Display) -> Problem {
        Problem {
            what,
            found: quote(&found.to_string()),
            remedy: remedy.to_string(),
        }
    }

    /// An error: `what` is missing.
    pub fn missing(what: &'static str, remedy: impl fmt::Display) -> Problem {
        Problem::new(what, "is missing", remedy)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.what, self.found, self.remedy)
    }
}

/// The beginning of the found text, with control characters escaped for the terminal.
fn quote(found: &str) -> String {
    let mut quoted: String = found
        .chars()
        .take(QUOTE_LEN_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if found.chars().nth(QUOTE_LEN_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}
