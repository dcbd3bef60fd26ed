//! What a knob can be set to, and how that is written.

use std::time::Duration;

use crate::faults::Device;
use crate::text::{Problem, Words, Written, duration, named, named_enum, number};

named_enum! {
    /// How much the oracle asks after each operation, beside what the plan asks itself.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Look {
        /// Nothing: `nothing`. Then no file is opened and no block is read before the plan's own
        /// reads do it, or a job, or the check after an opening.
        #[default]
        Nothing = "nothing",
        /// A few points, drawn from the run's seed and the operation's number: `sample`.
        Sample = "sample",
        /// Everything: `all`. What it finds does not depend on how many operations came before, so
        /// that a plan can be shrunk.
        All = "all",
    }
}

named_enum! {
    /// Whether the values of image layers are compressed.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Compression {
        /// They are not: `none`.
        #[default]
        None = "none",
        /// By zstd: `zstd`.
        Zstd = "zstd",
    }
}

named_enum! {
    /// Where the keys of a run stand.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum KeyLayout {
        /// Blocks of one relation, one after another.
        #[default]
        Dense = "dense",
        /// Blocks of many relations, far apart.
        Spread = "spread",
        /// Around the carries and ends of the fields, `Key::MIN` included.
        Edges = "edges",
    }
}

/// Who runs the jobs of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maintenance {
    /// The plan alone: `off`.
    #[default]
    Off,
    /// The engine as well, so often; and from so many L0s on a batch waits, if that is not 0:
    /// `every DURATION stall N`.
    On {
        /// How often it looks at least.
        period: Duration,
        /// From how many L0s on a batch waits; 0 is never.
        l0_stall_count: u64,
    },
}

impl Maintenance {
    /// How often the engine looks at least, if it does.
    pub fn period(self) -> Option<Duration> {
        match self {
            Maintenance::Off => None,
            Maintenance::On { period, .. } => Some(period),
        }
    }

    /// From how many L0s on a batch waits, if it ever does.
    pub fn l0_stall_count(self) -> Option<u64> {
        match self {
            Maintenance::Off => None,
            Maintenance::On { l0_stall_count, .. } => {
                Some(l0_stall_count).filter(|count| *count != 0)
            }
        }
    }

    /// The same engine, but a batch never waits.
    #[must_use]
    pub fn without_stall(self) -> Maintenance {
        match self {
            Maintenance::Off => Maintenance::Off,
            Maintenance::On { period, .. } => Maintenance::On {
                period,
                l0_stall_count: 0,
            },
        }
    }
}

/// The value of a knob, as it stands in a plan's text behind the knob's name.
pub(crate) trait Value {
    /// Reads it; `name` is the knob's.
    ///
    /// # Errors
    /// The word that is wrong, and what would be right.
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem>;

    /// As [`Value::read`] reads it.
    fn written(&self) -> String;
}

/// Reads a value of one word.
fn read_word<T>(
    words: &mut Words<'_>,
    name: &'static str,
    read: impl Fn(&str, &'static str) -> Result<T, Problem>,
) -> Result<T, Problem> {
    read(words.expect(name, "write its value behind it")?, name)
}

impl Value for u64 {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        *self = read_word(words, name, number)?;
        Ok(())
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Value for u16 {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        *self = read_word(words, name, number)?;
        Ok(())
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        *self = read_word(words, name, duration)?;
        Ok(())
    }

    fn written(&self) -> String {
        Written(*self).to_string()
    }
}

/// Values that have a word each.
macro_rules! words_are_values {
    ($($name:ident)*) => {
        $(impl Value for $name {
            fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
                let read = |word: &str, what| named(word, what, &$name::ALL, $name::name);
                *self = read_word(words, name, read)?;
                Ok(())
            }

            fn written(&self) -> String {
                self.name().to_string()
            }
        })*
    };
}

words_are_values!(Look Compression KeyLayout Device);

/// How housekeeping is written.
const MAINTENANCE: &str = "write `off`, or `every 250ms stall 0`";

impl Value for Maintenance {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        match words.expect(name, MAINTENANCE)? {
            "off" => {
                *self = Maintenance::Off;
                return Ok(());
            }
            "every" => {}
            other => return Err(Problem::new(name, other, MAINTENANCE)),
        }
        let period = duration(words.expect("period", MAINTENANCE)?, "period")?;
        let word = words.expect(name, MAINTENANCE)?;
        if word != "stall" {
            return Err(Problem::new(name, word, MAINTENANCE));
        }
        let l0_stall_count = words.number("stall")?;
        *self = Maintenance::On {
            period,
            l0_stall_count,
        };
        Ok(())
    }

    fn written(&self) -> String {
        match self {
            Maintenance::Off => "off".to_string(),
            Maintenance::On {
                period,
                l0_stall_count,
            } => format!("every {} stall {l0_stall_count}", Written(*period)),
        }
    }
}
