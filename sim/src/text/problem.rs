//! What is wrong with an item of a text.

use std::fmt;

/// How many characters of what was found a message quotes.
const QUOTE_LEN_MAX: usize = 40;

/// What is wrong with an item, before it is said where the item stands: it prints as what is wrong,
/// what was found, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    what: &'static str,
    found: String,
    remedy: String,
}

impl Problem {
    /// `what` is `found`, and `remedy` says what would be right.
    pub fn new(what: &'static str, found: impl fmt::Display, remedy: impl fmt::Display) -> Problem {
        Problem {
            what,
            found: quote(&found.to_string()),
            remedy: remedy.to_string(),
        }
    }

    /// `what` is not there.
    pub fn missing(what: &'static str, remedy: impl fmt::Display) -> Problem {
        Problem::new(what, "is missing", remedy)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.what, self.found, self.remedy)
    }
}

/// The beginning of what was found, with nothing in it that could upset a terminal.
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
