//! How the engine's directory is split, and which of the shards the plan goes on with.

use std::fmt;

use super::operand::{Effort, Operand};
use super::tally::LimitTally;
use crate::plan::limits::within;
use crate::text::{Problem, Words};

/// The most children of a split.
const CHILD_COUNT_MAX: u8 = 4;
/// The longest stripe, in blocks: plans have few.
const STRIPE_MAX: u16 = 64;

/// A split of the engine's directory: `2 stripe 1 keep 0`, and what it adds to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitPlan {
    /// The number of children.
    pub child_count: u8,
    /// The blocks of a stripe, if the history was not sharded.
    pub stripe: u16,
    /// The child that the plan goes on with, from 0.
    pub keep: u8,
    /// How layers come into the children.
    pub taking: Taking,
    /// Whether it is made again after a failure or a crash.
    pub effort: Effort,
}

/// How layers come into the children of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// By links.
    Linking,
    /// By copies, for the device has no links: `copying`.
    Copying,
}

/// The number of a shard among those that the plan has left, from 0; it starts again behind the
/// last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherShard(pub u8);

const SPLIT: &str = "write `2 stripe 1 keep 0`, perhaps `copying`, perhaps `once`";

fn read_part<T: std::str::FromStr>(
    words: &mut Words<'_>,
    what: &'static str,
) -> Result<T, Problem> {
    let word = words.expect(what, SPLIT)?;
    word.parse().map_err(|_| Problem::new(what, word, SPLIT))
}

fn read_named<T: std::str::FromStr>(
    words: &mut Words<'_>,
    name: &'static str,
) -> Result<T, Problem> {
    match words.expect(name, SPLIT)? {
        word if word == name => read_part(words, name),
        word => Err(Problem::new(name, word, SPLIT)),
    }
}

impl Operand for SplitPlan {
    fn read(words: &mut Words<'_>) -> Result<SplitPlan, Problem> {
        let mut split = SplitPlan {
            child_count: read_part(words, "children")?,
            stripe: read_named(words, "stripe")?,
            keep: read_named(words, "keep")?,
            taking: Taking::Linking,
            effort: Effort::UntilDone,
        };
        while let Some(word) = words.next_word() {
            match word {
                "copying" if split.taking == Taking::Linking => split.taking = Taking::Copying,
                "once" if split.effort == Effort::UntilDone => split.effort = Effort::Once,
                other => return Err(Problem::new("word", other, SPLIT)),
            }
        }
        Ok(split)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, stripe, keep) = (self.child_count, self.stripe, self.keep);
        write!(f, " {count} stripe {stripe} keep {keep}")?;
        if self.taking == Taking::Copying {
            write!(f, " copying")?;
        }
        match self.effort {
            Effort::UntilDone => Ok(()),
            Effort::Once => write!(f, " once"),
        }
    }

    fn check(&self, _: &mut LimitTally) -> Result<(), Problem> {
        within(
            "children",
            self.child_count.into(),
            2..=CHILD_COUNT_MAX.into(),
        )?;
        within("stripe", self.stripe.into(), 1..=STRIPE_MAX.into())?;
        within(
            "keep",
            self.keep.into(),
            0..=u64::from(self.child_count) - 1,
        )
    }

    fn plainer(&self) -> Vec<SplitPlan> {
        let split = *self;
        let mut plainer = vec![
            SplitPlan {
                child_count: 2,
                keep: split.keep.min(1),
                ..split
            },
            SplitPlan { stripe: 1, ..split },
            SplitPlan { keep: 0, ..split },
            SplitPlan {
                taking: Taking::Linking,
                ..split
            },
            SplitPlan {
                effort: Effort::UntilDone,
                ..split
            },
        ];
        plainer.retain(|other| *other != split);
        plainer
    }
}

impl Operand for OtherShard {
    fn read(words: &mut Words<'_>) -> Result<OtherShard, Problem> {
        let word = words.expect("shard", "write a number from 0")?;
        let number = word.parse();
        let problem = |_| Problem::new("shard", word, "write a number from 0 to 255");
        number.map(OtherShard).map_err(problem)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}", self.0)
    }

    fn plainer(&self) -> Vec<OtherShard> {
        match self.0 {
            0 => Vec::new(),
            _ => vec![OtherShard(0)],
        }
    }
}
