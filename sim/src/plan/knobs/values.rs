//! The values of knobs, and their text.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use palimpsest::Strategy;
use palimpsest::base::ShardIdentity;

use crate::faults::Device;
use crate::text::{Problem, Words, Written, duration, named, named_enum, number};

named_enum! {
    /// How much the oracle reads after each operation, besides the plan's own reads.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Look {
        /// Nothing: `nothing`. No file is then opened and no block read before a read of the plan,
        /// a job, or the check after an opening does it.
        #[default]
        Nothing = "nothing",
        /// A few points, drawn from the run's seed and the operation's number: `sample`.
        Sample = "sample",
        /// Everything: `all`. What it finds does not depend on the operations before, so that a
        /// plan can be shrunk.
        All = "all",
    }
}

/// Whether the values of image layers are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Stored as they are: `none`.
    #[default]
    None,
    /// Compressed with zstd at a level: `zstd:3`, or `zstd` for level 1.
    Zstd(u8),
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

/// The part of the keys that the engine's directory holds: `all`, or `1/4 stripe 2`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Shard(ShardIdentity);

impl From<ShardIdentity> for Shard {
    fn from(identity: ShardIdentity) -> Shard {
        Shard(identity)
    }
}

impl From<Shard> for ShardIdentity {
    fn from(shard: Shard) -> ShardIdentity {
        shard.0
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written())
    }
}

/// The text forms of a shard.
const SHARD: &str = "write `all`, or `1/4 stripe 2`: a number below a count, and blocks";

impl KnobValue for Shard {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        let word = words.expect(name, SHARD)?;
        if word == "all" {
            *self = Shard::default();
            return Ok(());
        }
        let Some((shard_number, count)) = word.split_once('/') else {
            return Err(Problem::new(name, word, SHARD));
        };
        let parts: (u8, u8) = (number(shard_number, name)?, number(count, name)?);
        let stripe = words.expect(name, SHARD)?;
        if stripe != "stripe" {
            return Err(Problem::new(name, stripe, SHARD));
        }
        let identity = ShardIdentity::new(parts.0, parts.1, words.number("stripe")?);
        *self = Shard(identity.map_err(|_| Problem::new(name, word, SHARD))?);
        Ok(())
    }

    fn written(&self) -> String {
        let (number, count, stripe) = (self.0.number(), self.0.count(), self.0.stripe());
        match self.0.is_unsharded() {
            true => "all".to_string(),
            false => format!("{number}/{count} stripe {stripe}"),
        }
    }
}

/// What runs the jobs of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maintenance {
    /// The plan alone: `off`.
    #[default]
    Off,
    /// The plan and the engine's maintenance: `every DURATION stall N`.
    On {
        /// The longest time between two rounds of maintenance.
        period: Duration,
        /// The count of L0s from which on a batch waits for a compaction; 0 for never.
        l0_stall_count: u64,
    },
}

impl Maintenance {
    /// The period of maintenance, if it is on.
    pub fn period(self) -> Option<Duration> {
        match self {
            Maintenance::Off => None,
            Maintenance::On { period, .. } => Some(period),
        }
    }

    /// The count of L0s from which on a batch waits for a compaction, if one ever does.
    pub fn l0_stall_count(self) -> Option<u64> {
        match self {
            Maintenance::Off => None,
            Maintenance::On { l0_stall_count, .. } => {
                Some(l0_stall_count).filter(|count| *count != 0)
            }
        }
    }

    /// This maintenance, but with batches that never wait.
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

/// The value of a knob, as it stands behind the knob's name in a plan's text.
pub(crate) trait KnobValue {
    /// Reads the value; `name` is the knob's.
    ///
    /// # Errors
    /// The word that does not parse, and what would.
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem>;

    /// The text that [`KnobValue::read`] reads.
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

impl KnobValue for u64 {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        *self = read_word(words, name, number)?;
        Ok(())
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl KnobValue for u16 {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        *self = read_word(words, name, number)?;
        Ok(())
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl KnobValue for Duration {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        *self = read_word(words, name, duration)?;
        Ok(())
    }

    fn written(&self) -> String {
        Written(*self).to_string()
    }
}

/// Implements [`KnobValue`] for enums whose variants have one word each.
macro_rules! words_are_values {
    ($($name:ident)*) => {
        $(impl KnobValue for $name {
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

words_are_values!(Look KeyLayout Device Strategy);

/// The text forms of compression.
const COMPRESSION: &str = "write `none`, `zstd` or `zstd:3`, with a level from 1 to 22";
/// The levels of zstd.
const LEVELS: RangeInclusive<u8> = 1..=22;

impl KnobValue for Compression {
    fn read(&mut self, words: &mut Words<'_>, name: &'static str) -> Result<(), Problem> {
        let word = words.expect(name, COMPRESSION)?;
        *self = match word.split_once(':') {
            None if word == "none" => Compression::None,
            None if word == "zstd" => Compression::Zstd(1),
            Some(("zstd", level)) => match number(level, "level")? {
                level if LEVELS.contains(&level) => Compression::Zstd(level),
                other => return Err(Problem::new("level", other, COMPRESSION)),
            },
            _ => return Err(Problem::new(name, word, COMPRESSION)),
        };
        Ok(())
    }

    fn written(&self) -> String {
        match self {
            Compression::None => "none".to_string(),
            Compression::Zstd(1) => "zstd".to_string(),
            Compression::Zstd(level) => format!("zstd:{level}"),
        }
    }
}

/// The text forms of maintenance.
const MAINTENANCE: &str = "write `off`, or `every 250ms stall 0`";

impl KnobValue for Maintenance {
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
