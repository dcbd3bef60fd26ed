//! The operands of operations: their text, their limits, and plainer ones.

use std::fmt;
use std::time::Duration;

use palimpsest::Strategy;

use super::batch::{Entry, plainer_batches, read_batch, write_batch};
use super::key::KeyIndex;
use super::tally::LimitTally;
use crate::faults::{Crash, read_crash};
use crate::label::TimelineLabel;
use crate::plan::limits::{SLOTS, check_duration, check_label, within};
use crate::text::{Problem, Words, Written, duration, named, number};

/// The wait that the shrinker prefers.
const WAIT: Duration = Duration::from_secs(1);

/// An operand of an operation. What it means follows from its type.
pub(super) trait Operand {
    /// Reads it from the words at hand.
    ///
    /// # Errors
    /// The word that does not parse, and what would.
    fn read(words: &mut Words<'_>) -> Result<Self, Problem>
    where
        Self: Sized;

    /// Writes it, with a space before it if it prints anything.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Checks it against its limits, given the operations before it.
    fn check(&self, _tally: &mut LimitTally) -> Result<(), Problem> {
        Ok(())
    }

    /// Values that may replace it, each plainer by a measure of its own.
    fn plainer(&self) -> Vec<Self>
    where
        Self: Sized,
    {
        Vec::new()
    }

    /// The timeline that it names, if it is one.
    fn timeline(&self) -> Option<TimelineLabel> {
        None
    }

    /// The timeline that it names, so that the shrinker can rename it.
    fn timeline_mut(&mut self) -> Option<&mut TimelineLabel> {
        None
    }

    /// The keys that it names, so that the shrinker can rename them.
    fn keys(&mut self) -> Vec<&mut KeyIndex> {
        Vec::new()
    }
}

/// How far the clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// Into the future.
    Forward(Duration),
    /// Into the past.
    Back(Duration),
}

/// How many concurrent calls shut a timeline down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdowns {
    /// One call.
    One,
    /// Two calls: `twice`.
    Two,
}

/// How a timeline is shut down: `twice`, `keeping`, both or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// How many concurrent calls shut it down.
    pub shutdowns: Shutdowns,
    /// What is kept of the closed instance.
    pub kept: Kept,
}

/// Which handles to a closed instance of a timeline stay alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// The timeline, its writer and a scan that has not ended: `keeping`.
    Handles,
}

/// What is done about an operation that fails, or whose future is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// It is made again until it is known what came of it.
    UntilDone,
    /// Nothing: the plan goes on with what is in doubt: `once`.
    Once,
}

/// Where a scan is held: a number from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u8);

/// What a `let-go` drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The handles that shutdowns have kept.
    Handles,
    /// The scan in this slot.
    Scan(Slot),
}

/// Whether a job runs only when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only if it is due.
    ByNeed,
    /// Due or not.
    Forced,
}

/// A timeline.
impl Operand for TimelineLabel {
    fn read(words: &mut Words<'_>) -> Result<TimelineLabel, Problem> {
        TimelineLabel::read(words.expect("timeline", "write a letter")?)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }

    fn check(&self, _tally: &mut LimitTally) -> Result<(), Problem> {
        check_label(*self)
    }

    fn timeline(&self) -> Option<TimelineLabel> {
        Some(*self)
    }

    fn timeline_mut(&mut self) -> Option<&mut TimelineLabel> {
        Some(self)
    }
}

/// A key.
impl Operand for KeyIndex {
    fn read(words: &mut Words<'_>) -> Result<KeyIndex, Problem> {
        KeyIndex::read(words)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        tally.check_key(*self)
    }

    fn keys(&mut self) -> Vec<&mut KeyIndex> {
        vec![self]
    }
}

/// The records of a batch.
impl Operand for Vec<Entry> {
    fn read(words: &mut Words<'_>) -> Result<Vec<Entry>, Problem> {
        read_batch(words.take_rest())
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_batch(f, self)
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        tally.add_entries(self)
    }

    fn plainer(&self) -> Vec<Vec<Entry>> {
        plainer_batches(self)
    }

    fn keys(&mut self) -> Vec<&mut KeyIndex> {
        self.iter_mut().map(|entry| &mut entry.key).collect()
    }
}

/// A count of keys.
impl Operand for u16 {
    fn read(words: &mut Words<'_>) -> Result<u16, Problem> {
        words.number("count of keys")
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        tally.check_key_count(*self)
    }
}

/// The LSN at which a timeline starts.
impl Operand for u64 {
    fn read(words: &mut Words<'_>) -> Result<u64, Problem> {
        words.number("start LSN")
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        tally.add_start(*self)
    }

    fn plainer(&self) -> Vec<u64> {
        Vec::from_iter((*self != 0).then_some(0))
    }
}

/// The offset of an LSN from the last record's: with its sign, unless it is 0.
impl Operand for i64 {
    fn read(words: &mut Words<'_>) -> Result<i64, Problem> {
        let remedy = "write 0, -8 or +1: how far from the last record's";
        let word = words.expect("LSN", remedy)?;
        let has_sign = word.starts_with(['-', '+']);
        word.parse()
            .ok()
            .filter(|&offset: &i64| has_sign || offset == 0)
            .ok_or_else(|| Problem::new("LSN", word, remedy))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            1.. => write!(f, " +{self}"),
            ..=0 => write!(f, " {self}"),
        }
    }

    fn plainer(&self) -> Vec<i64> {
        Vec::from_iter((*self != 0).then_some(0))
    }
}

impl Operand for Effort {
    fn read(words: &mut Words<'_>) -> Result<Effort, Problem> {
        match words.next_word() {
            None => Ok(Effort::UntilDone),
            Some("once") => Ok(Effort::Once),
            Some(other) => Err(Problem::new("word", other, "write `once`, or nothing")),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effort::UntilDone => Ok(()),
            Effort::Once => write!(f, " once"),
        }
    }

    fn plainer(&self) -> Vec<Effort> {
        Vec::from_iter((*self == Effort::Once).then_some(Effort::UntilDone))
    }
}

impl Operand for Slot {
    fn read(words: &mut Words<'_>) -> Result<Slot, Problem> {
        words.number("slot").map(Slot)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}", self.0)
    }

    fn check(&self, _tally: &mut LimitTally) -> Result<(), Problem> {
        within("slot", self.0.into(), SLOTS)
    }

    fn plainer(&self) -> Vec<Slot> {
        Vec::from_iter((1 < self.0).then_some(Slot(1)))
    }
}

impl Operand for Held {
    fn read(words: &mut Words<'_>) -> Result<Held, Problem> {
        let slot = words.next_word().map(|word| number(word, "slot"));
        let slot = slot.transpose()?;
        Ok(slot.map_or(Held::Handles, |slot| Held::Scan(Slot(slot))))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Handles => Ok(()),
            Held::Scan(slot) => slot.write(f),
        }
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        match self {
            Held::Handles => Ok(()),
            Held::Scan(slot) => slot.check(tally),
        }
    }

    fn plainer(&self) -> Vec<Held> {
        match self {
            Held::Handles => Vec::new(),
            Held::Scan(slot) => slot.plainer().into_iter().map(Held::Scan).collect(),
        }
    }
}

/// The length of a wait.
impl Operand for Duration {
    fn read(words: &mut Words<'_>) -> Result<Duration, Problem> {
        duration(words.expect("duration", "write it like 250ms")?, "duration")
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}", Written(*self))
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        tally.add_wait(*self)
    }

    fn plainer(&self) -> Vec<Duration> {
        Vec::from_iter((WAIT < *self).then_some(WAIT))
    }
}

impl Jump {
    /// The jump in nanoseconds; the limits of a plan keep it far from overflow.
    pub fn nanos(self) -> i64 {
        let nanos = i64::try_from(self.duration().as_nanos()).unwrap_or(i64::MAX);
        match self {
            Jump::Forward(_) => nanos,
            Jump::Back(_) => -nanos,
        }
    }

    fn duration(self) -> Duration {
        match self {
            Jump::Forward(duration) | Jump::Back(duration) => duration,
        }
    }
}

impl Operand for Jump {
    fn read(words: &mut Words<'_>) -> Result<Jump, Problem> {
        const REMEDY: &str = "write it like +10800s or -250ms";
        let word = words.expect("jump", REMEDY)?;
        match (word.strip_prefix('+'), word.strip_prefix('-')) {
            (Some(forward), _) => duration(forward, "jump").map(Jump::Forward),
            (None, Some(back)) => duration(back, "jump").map(Jump::Back),
            (None, None) => Err(Problem::new("jump", word, REMEDY)),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Jump::Forward(duration) => write!(f, " +{}", Written(*duration)),
            Jump::Back(duration) => write!(f, " -{}", Written(*duration)),
        }
    }

    fn check(&self, _tally: &mut LimitTally) -> Result<(), Problem> {
        check_duration("duration", self.duration())
    }

    fn plainer(&self) -> Vec<Jump> {
        let plainer = match self {
            Jump::Forward(_) => Jump::Forward(WAIT),
            Jump::Back(_) => Jump::Back(WAIT),
        };
        Vec::from_iter((WAIT < self.duration()).then_some(plainer))
    }
}

impl Operand for Mode {
    fn read(words: &mut Words<'_>) -> Result<Mode, Problem> {
        match words.next_word() {
            None => Ok(Mode::ByNeed),
            Some("forced") => Ok(Mode::Forced),
            Some(other) => Err(Problem::new("word", other, "write `forced`, or nothing")),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::ByNeed => Ok(()),
            Mode::Forced => write!(f, " forced"),
        }
    }
}

impl Operand for Strategy {
    fn read(words: &mut Words<'_>) -> Result<Strategy, Problem> {
        let word = words.expect("strategy", "write `tiered` or `l0-to-l1`")?;
        named(word, "strategy", &Strategy::ALL, Strategy::name)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }
}

impl Operand for Closing {
    fn read(words: &mut Words<'_>) -> Result<Closing, Problem> {
        let (mut shutdowns, mut kept) = (Shutdowns::One, Kept::Nothing);
        while let Some(word) = words.next_word() {
            match word {
                "twice" if shutdowns == Shutdowns::One => shutdowns = Shutdowns::Two,
                "keeping" if kept == Kept::Nothing => kept = Kept::Handles,
                other => {
                    let remedy = "write `twice` or `keeping`, once";
                    return Err(Problem::new("word", other, remedy));
                }
            }
        }
        Ok(Closing { shutdowns, kept })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shutdowns == Shutdowns::Two {
            write!(f, " twice")?;
        }
        match self.kept {
            Kept::Nothing => Ok(()),
            Kept::Handles => write!(f, " keeping"),
        }
    }

    fn plainer(&self) -> Vec<Closing> {
        let (shutdowns, kept) = (Shutdowns::One, Kept::Nothing);
        let mut plainer = vec![Closing { shutdowns, ..*self }, Closing { kept, ..*self }];
        plainer.retain(|closing| closing != self);
        plainer
    }
}

impl Operand for Crash {
    fn read(words: &mut Words<'_>) -> Result<Crash, Problem> {
        read_crash(words)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {self}")
    }

    fn plainer(&self) -> Vec<Crash> {
        Crash::plainer(*self).to_vec()
    }
}
