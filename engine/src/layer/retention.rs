//! Retention: what of one key's history must stay, so that all that can be read stays as it was.
//!
//! ```text
//!          bucket 1      bucket 2        bucket 3          above
//!  ────┬──────────────┬────────────┬─────────────────┬───────────────▶ LSN
//!      i10 d20        d30 d40      d50               d60
//!                  r 20         r 40              h 50
//!      ▼              ▼            ▼                 ▼                  threshold 3
//!      image at 20    d30 d40      image at 50       d60
//! ```
//!
//! 1. The *points* are the LSNs at or below the horizon that can be read: those that are retained,
//!    and the horizon. Above it every LSN can be read. A point's bucket holds the records above the
//!    point before, up to itself.
//! 2. At a point only the records from the last base on are visible, so of a bucket only these
//!    stay. All that stands above the horizon stays.
//! 3. The records of a bucket become one image if nothing stands below them, so that a history
//!    begins with a base; or if a read at the point would replay too many records otherwise.
//!    A sparse key is empty before its first record: what is empty above nothing else is dropped.
//! 4. Retention is idempotent: what stays of what stays is all of it. Therefore the records above a
//!    base are counted, and not the entries of the buckets.
//! 5. The result is replayed at every point before it is used, and compared with the history.
//!
//! It is in this room since it is a step between two layers, as merging and cutting are: it knows
//! records and their order, and neither a timeline nor why a point is retained.

use std::fmt;

use crate::base::{Key, Lsn};
use crate::format::{IMAGE_LEN_MAX, RecordRef, Redo, RedoError, Value};

/// The most entries that the trace of a history has.
const TRACE_COUNT_MAX: usize = 128;

/// One entry of a key's history.
pub type Entry = (Lsn, Value);

/// Which LSNs must stay readable, and how many records a read may replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetainRule<'a> {
    /// The LSNs below the horizon that stay readable, ascending. One may stand there twice.
    pub points: &'a [Lsn],
    /// The LSN from which on everything stays readable.
    pub horizon: Lsn,
    /// From this many records above a base on, a point gets an image. At least 1.
    pub threshold: usize,
}

/// What stands below a key's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below<'a> {
    /// Nothing: the key has no value before its first record, which must be a base.
    Nothing,
    /// Nothing, and the key is sparse: its value is empty before its first record.
    Empty,
    /// Nothing is to be read below a sparse key, but layers that stay have values of it: a deletion
    /// must hide them.
    Hidden,
    /// This value.
    Value(&'a [u8]),
}

/// What stays of a key's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// What stays for each point, in the order of the points, the horizon last. An image that was
    /// made stands at the point, another entry where it stood.
    pub below: Vec<(Lsn, Vec<Entry>)>,
    /// What stands above the horizon.
    pub above: Vec<Entry>,
}

/// Why a history cannot be reduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetainError {
    /// The records up to a point have no base.
    NoBase {
        /// The point, or the last LSN of the history.
        lsn: Lsn,
        /// The history.
        trace: Trace,
    },
    /// A record cannot be applied to the value below it.
    Redo {
        /// The record, and why.
        error: RedoError,
        /// The history.
        trace: Trace,
    },
    /// A point needs an image, and the value there is longer than an image can be.
    TooLong {
        /// The point.
        lsn: Lsn,
        /// The length of the value, in bytes.
        len: usize,
        /// The history.
        trace: Trace,
    },
    /// What would stay has another value than the history. The redo applies the same records in two
    /// steps to another result than in one, or the engine is wrong.
    Differs {
        /// Where it differs.
        lsn: Lsn,
        /// The history.
        trace: Trace,
    },
}

/// A history as errors show it, with the LSNs that must stay readable.
///
/// # Shape
/// Prints as `i@10 d@20 di@25, points 20 40, horizon 50`: an image, a record, and a record that
/// needs nothing below it. Of a long history it has the oldest 128 entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace(String);

/// One key's history, with what stands below it.
#[derive(Clone, Copy)]
struct Past<'a> {
    below: Below<'a>,
    entries: &'a [Entry],
}

/// The entries that a read replays: those of the history from `first` on, over an image if it has
/// been made or came from below.
struct Replay {
    image: Option<Vec<u8>>,
    first: usize,
}

/// A redo, and the key whose records it replays.
pub type KeyRedo<'a> = (Key, &'a dyn Redo);

/// Reduces a key's history to what can be read at the points and above the horizon.
///
/// `history` ascends by LSN, at one LSN the image before the record, which then says the same and
/// is removed from it. `below` is what stands below the history.
///
/// # Errors
/// `RetainError`; then the history has to stay as it is.
/// # Panics
/// If the points or the history are out of order, or a point is not below the horizon.
pub fn retain(
    history: &mut Vec<Entry>,
    below: Below<'_>,
    rule: RetainRule<'_>,
    redo: KeyRedo<'_>,
) -> Result<Retained, RetainError> {
    assert!(history.is_sorted_by_key(|(lsn, _)| *lsn));
    assert!(rule.points.is_sorted());
    assert!(rule.points.last().is_none_or(|last| *last < rule.horizon));
    assert!(0 < rule.threshold);
    history.dedup_by_key(|(lsn, _)| *lsn);
    let past = Past {
        below,
        entries: history,
    };
    let retained = reduce(past, rule, redo)?;
    check(past, rule, (&retained, redo))?;
    Ok(retained)
}

fn reduce(
    past: Past<'_>,
    rule: RetainRule<'_>,
    redo: KeyRedo<'_>,
) -> Result<Retained, RetainError> {
    let entries = past.entries;
    let mut replay = Replay::new(past.below);
    let mut retained = Retained {
        below: Vec::with_capacity(rule.points.len() + 1),
        above: Vec::new(),
    };
    let mut start = 0;
    for (point, index) in rule.points.iter().chain([&rule.horizon]).zip(0..) {
        let end = entries.partition_point(|(lsn, _)| lsn <= point);
        let visible = replay.advance(entries, (start, end));
        let needs_base = index == 0 && !matches!(past.below, Below::Value(_));
        let mut kept = match replay.count(entries, end) {
            None => Vec::new(),
            Some(_) if !replay.has_base(entries) => {
                let (lsn, trace) = (*point, past.trace(rule));
                return Err(RetainError::NoBase { lsn, trace });
            }
            Some(count) if needs_base || rule.threshold <= count => {
                let value = replay.value(&entries[..end], redo);
                let value = value.map_err(|error| past.fails(rule, error))?;
                if IMAGE_LEN_MAX < value.len() {
                    let (lsn, len, trace) = (*point, value.len(), past.trace(rule));
                    return Err(RetainError::TooLong { lsn, len, trace });
                }
                replay = Replay {
                    image: Some(value.clone()),
                    first: end,
                };
                vec![(*point, Value::Image(value))]
            }
            Some(_) => entries[visible..end].to_vec(),
        };
        if past.below == Below::Empty && retained.has_nothing_below() {
            // What is empty stands above an empty value, and says nothing.
            let is_empty = |(_, value): &Entry| *value == Value::Image(Vec::new());
            let said = kept.iter().take_while(|entry| is_empty(entry)).count();
            kept.drain(..said);
        }
        retained.below.push((*point, kept));
        start = end;
    }
    replay.advance(entries, (start, entries.len()));
    if replay.count(entries, entries.len()).is_some() && !replay.has_base(entries) {
        let lsn = entries.last().map_or(rule.horizon, |(last, _)| *last);
        let trace = past.trace(rule);
        return Err(RetainError::NoBase { lsn, trace });
    }
    retained.above = entries[start..].to_vec();
    Ok(retained)
}

/// Replays what stays wherever it can be read, and compares it with the history.
fn check(
    past: Past<'_>,
    rule: RetainRule<'_>,
    (retained, redo): (&Retained, KeyRedo<'_>),
) -> Result<(), RetainError> {
    let (Some((first, _)), Some((last, _))) = (past.entries.first(), past.entries.last()) else {
        return Ok(());
    };
    let below = retained.below.iter().flat_map(|(_, entries)| entries);
    let stays: Vec<Entry> = below.chain(&retained.above).cloned().collect();
    assert!(stays.is_sorted_by(|low, high| low.0 < high.0));
    let stays = Past {
        below: past.below,
        entries: &stays,
    };
    let points = rule.points.iter().chain([&rule.horizon]);
    let bases = retained.above.iter().filter(|(_, value)| value.will_init());
    // Below the horizon the last entry may have moved to its point: it cannot be read where it was.
    let last = (*last).max(rule.horizon);
    let lsns = points.chain(bases.map(|(lsn, _)| lsn)).chain([&last]);
    for lsn in lsns.filter(|lsn| first <= lsn) {
        if past.value(*lsn, redo) != stays.value(*lsn, redo) {
            let (lsn, trace) = (*lsn, past.trace(rule));
            return Err(RetainError::Differs { lsn, trace });
        }
    }
    Ok(())
}

impl RetainRule<'_> {
    /// The error for a history that stands on something without a value.
    pub(crate) fn fails(self, history: &[Entry], error: RedoError) -> RetainError {
        let past = Past {
            below: Below::Nothing,
            entries: history,
        };
        past.fails(self, error)
    }
}

impl Past<'_> {
    /// The value at an LSN; `None` if the key has none there.
    fn value(&self, lsn: Lsn, redo: KeyRedo<'_>) -> Option<Result<Vec<u8>, RedoError>> {
        let end = self.entries.partition_point(|(at, _)| *at <= lsn);
        let mut replay = Replay::new(self.below);
        replay.advance(self.entries, (0, end));
        replay.count(self.entries, end)?;
        Some(replay.value(&self.entries[..end], redo))
    }

    fn fails(&self, rule: RetainRule<'_>, error: RedoError) -> RetainError {
        let trace = self.trace(rule);
        RetainError::Redo { error, trace }
    }

    fn trace(&self, rule: RetainRule<'_>) -> Trace {
        let name = |value: &Value| match value {
            Value::Image(_) => "i",
            Value::Record(record) if record.will_init() => "di",
            Value::Record(_) => "d",
        };
        let shown = self.entries.iter().take(TRACE_COUNT_MAX);
        let mut words: Vec<String> = shown
            .map(|(lsn, value)| format!("{}@{lsn}", name(value)))
            .collect();
        if TRACE_COUNT_MAX < self.entries.len() {
            words.push("... and more".to_owned());
        }
        if matches!(self.below, Below::Value(_)) {
            words.insert(0, "base".to_owned());
        }
        let mut text = words.join(" ") + ", points";
        for point in rule.points {
            text += &format!(" {point}");
        }
        Trace(format!("{text}, horizon {}", rule.horizon))
    }
}

impl Retained {
    /// Whether nothing stays of the points so far.
    fn has_nothing_below(&self) -> bool {
        self.below.iter().all(|(_, kept)| kept.is_empty())
    }
}

impl Replay {
    fn new(below: Below<'_>) -> Replay {
        let image = match below {
            Below::Nothing => None,
            Below::Empty | Below::Hidden => Some(Vec::new()),
            Below::Value(value) => Some(value.to_vec()),
        };
        Replay { image, first: 0 }
    }

    /// Takes the entries of a bucket; returns the first of them that is visible at its end.
    fn advance(&mut self, entries: &[Entry], (start, end): (usize, usize)) -> usize {
        let bucket = &entries[start..end];
        let Some(base) = bucket.iter().rposition(|(_, value)| value.will_init()) else {
            return start;
        };
        self.image = None;
        self.first = start + base;
        self.first
    }

    /// How many records a read up to `end` replays over its base; `None` if there is nothing to
    /// read.
    fn count(&self, entries: &[Entry], end: usize) -> Option<usize> {
        let records = &entries[self.first..end];
        match self.image {
            Some(_) => Some(records.len()),
            None => records.len().checked_sub(1),
        }
    }

    /// Whether the first entry needs nothing below it. There is one.
    fn has_base(&self, entries: &[Entry]) -> bool {
        self.image.is_some() || entries[self.first].1.will_init()
    }

    /// The value after the last of `entries`.
    fn value(&self, entries: &[Entry], (key, redo): KeyRedo<'_>) -> Result<Vec<u8>, RedoError> {
        let (mut base, mut records) = (self.image.as_deref(), &entries[self.first..]);
        if let [(_, Value::Image(image)), above @ ..] = records {
            (base, records) = (Some(image.as_slice()), above);
        }
        match base {
            Some(image) if records.is_empty() => Ok(image.to_vec()),
            _ => redo.redo(key, base, &as_records(records)),
        }
    }
}

/// The records of entries that have no image.
fn as_records(entries: &[Entry]) -> Vec<(Lsn, RecordRef<'_>)> {
    let records = entries.iter().map(|(lsn, value)| match value {
        Value::Record(record) => (*lsn, RecordRef::from(record)),
        Value::Image(_) => panic!("a replay begins at the last image"),
    });
    records.collect()
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RetainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetainError::NoBase { lsn, trace } => {
                write!(f, "the records up to {lsn} have no base: {trace}")
            }
            RetainError::Redo { error, trace } => write!(f, "{error}: {trace}"),
            RetainError::TooLong { lsn, len, trace } => {
                write!(f, "a value of {len} bytes at {lsn} fits no image: {trace}")
            }
            RetainError::Differs { lsn, trace } => {
                write!(f, "what stays has another value at {lsn}: {trace}")
            }
        }
    }
}

impl std::error::Error for RetainError {}

#[cfg(test)]
mod tests;
