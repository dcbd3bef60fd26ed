//! The keys of a run.

use std::fmt;

use crate::text::{Problem, Words, number};

/// One of the run's keys, by number, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIndex(pub u16);

impl KeyIndex {
    /// Reads a key as it is printed.
    pub(super) fn read(words: &mut Words<'_>) -> Result<KeyIndex, Problem> {
        let word = words.expect("key", "write k0, k1, …")?;
        let digits = word
            .strip_prefix('k')
            .ok_or_else(|| Problem::new("key", word, "write k0, k1, …"))?;
        number(digits, "key").map(KeyIndex)
    }
}

impl fmt::Display for KeyIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}
