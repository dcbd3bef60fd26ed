//! The part of a timeline's history that a gc compaction reduces.

use std::fmt;

use super::key::KeyIndex;
use super::operand::Operand;
use super::tally::LimitTally;
use crate::text::{Problem, Words};

/// The part of a timeline's history that a gc compaction reduces: all of it, but for what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPlan {
    /// The first key, and the number of keys from there on; all keys without it.
    pub keys: Option<(KeyIndex, u16)>,
    /// The LSN below which layers stay, as an offset from the last record's; the first without it.
    pub from: Option<i64>,
    /// The LSN from which on all stays, as an offset from the last record's.
    pub to: Option<i64>,
    /// Whether it does what it says it would do.
    pub attempt: Try,
}

/// Whether a job does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// It does.
    Real,
    /// It only says what it would do: `dry`.
    Dry,
}

impl HistoryPlan {
    /// All of the history.
    pub const ALL: HistoryPlan = HistoryPlan {
        keys: None,
        from: None,
        to: None,
        attempt: Try::Real,
    };
}

impl Operand for HistoryPlan {
    fn read(words: &mut Words<'_>) -> Result<HistoryPlan, Problem> {
        let mut past = HistoryPlan::ALL;
        while let Some(word) = words.next_word() {
            match word {
                "from" if past.from.is_none() => past.from = Some(i64::read(words)?),
                "to" if past.to.is_none() => past.to = Some(i64::read(words)?),
                "dry" if past.attempt == Try::Real => past.attempt = Try::Dry,
                _ if word.starts_with('k') && past.keys.is_none() => {
                    let first = KeyIndex::read(&mut Words::new(word))?;
                    past.keys = Some((first, u16::read(words)?));
                }
                other => {
                    let remedy = "write a key and a count, `from` and `to` with an LSN, or `dry`";
                    return Err(Problem::new("word", other, remedy));
                }
            }
        }
        Ok(past)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((first, count)) = self.keys {
            write!(f, " {first} {count}")?;
        }
        if let Some(from) = self.from {
            write!(f, " from")?;
            from.write(f)?;
        }
        if let Some(to) = self.to {
            write!(f, " to")?;
            to.write(f)?;
        }
        match self.attempt {
            Try::Real => Ok(()),
            Try::Dry => write!(f, " dry"),
        }
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        let Some((first, count)) = self.keys else {
            return Ok(());
        };
        tally.check_key(first)?;
        tally.check_key_count(count)
    }

    fn plainer(&self) -> Vec<HistoryPlan> {
        let past = *self;
        let mut plainer = vec![
            HistoryPlan { keys: None, ..past },
            HistoryPlan { from: None, ..past },
            HistoryPlan { to: None, ..past },
            HistoryPlan {
                attempt: Try::Real,
                ..past
            },
        ];
        plainer.retain(|other| *other != past);
        plainer
    }

    fn keys(&mut self) -> Vec<&mut KeyIndex> {
        self.keys.iter_mut().map(|(first, _)| first).collect()
    }
}
