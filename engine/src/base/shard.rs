//! Shards: which keys of a history a root holds, when several roots share it.
//!
//! ```text
//!  key ─▶ block of a relation? ─no─▶ global? ─yes─▶ every shard holds it
//!             │ yes                    │ no
//!             ▼                        ▼
//!   hash(relation, stripe) % count     shard 0
//! ```
//!
//! 1. A stripe is a run of blocks of one relation that stay together. The blocks of an
//!    initialisation fork all stand on shard 0, whichever their stripe.
//! 2. When a shard is split into `k`, a child's number modulo the parent's count is the parent's
//!    number: so what a child holds, its parent held.

use std::fmt;

use super::{Error, Key, KeyRange, KeySpace, hex};

/// The section of relations.
const RELATIONS: u8 = 0x00;
/// The section of a database's small logs, which only shard 0 has.
const SMALL_LOGS: u8 = 0x01;
/// The section of auxiliary files, which only shard 0 has.
const AUX_FILES: u8 = 0x62;
/// The fork of a relation that it is reset from.
const INIT_FORK: u8 = 3;
/// The block number that stands for a relation's length.
const LENGTH_BLOCK: u32 = u32::MAX;
/// A range of more stripes than this is not counted: its blocks are taken as unknown.
const STRIPE_COUNT_MAX: u64 = 1 << 20;

/// The part of a history's keys that one root holds.
///
/// # Shape
/// Unsharded, or one of `count` shards that share the keys. Prints as what is put behind a name:
/// nothing, or `-NNCC`, number and count in hex.
///
/// # Examples
/// ```
/// use palimpsest::{Key, ShardIdentity};
///
/// let shard = ShardIdentity::new(7, 10, 2048)?;
/// assert_eq!(shard.to_string(), "-070a");
/// let block = Key { field1: 0, field2: 1663, field3: 5, field4: 1259, field5: 0, field6: 9 };
/// assert_eq!(shard.holds(block), shard.owner(block) == 7);
/// assert!(ShardIdentity::UNSHARDED.holds(block));
/// # Ok::<(), palimpsest::base::ShardError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardIdentity {
    number: u8,
    /// 0 if the history is not sharded.
    count: u8,
    /// 0 if the history is not sharded.
    stripe: u32,
}

/// Why a shard cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShardError {
    /// No shards at all: a history that is not sharded is [`ShardIdentity::UNSHARDED`].
    CountZero,
    /// Shards are numbered from 0 up to below their count.
    NumberTooHigh {
        /// The number that was given.
        number: u8,
        /// The number of shards.
        count: u8,
    },
    /// A stripe has one block at least.
    StripeZero,
    /// A split makes more shards than can be numbered, or fewer than two.
    SplitCount {
        /// The number of shards before.
        count: u8,
        /// The number of children of each that was asked for.
        child_count: usize,
    },
    /// A text that is neither empty nor of the form `-NNCC`.
    Text {
        /// The text.
        text: String,
    },
}

impl ShardIdentity {
    /// A history of one root, which holds every key.
    pub const UNSHARDED: ShardIdentity = ShardIdentity {
        number: 0,
        count: 0,
        stripe: 0,
    };

    /// The number of blocks of a stripe where nothing else is asked for.
    pub const STRIPE_DEFAULT: u32 = 2048;

    /// Shard `number` of `count`, with stripes of `stripe` blocks.
    ///
    /// # Errors
    /// If `count` or `stripe` is 0, or `number` is not below `count`.
    pub fn new(number: u8, count: u8, stripe: u32) -> Result<ShardIdentity, ShardError> {
        if count == 0 {
            return Err(ShardError::CountZero);
        }
        if count <= number {
            return Err(ShardError::NumberTooHigh { number, count });
        }
        if stripe == 0 {
            return Err(ShardError::StripeZero);
        }
        Ok(ShardIdentity {
            number,
            count,
            stripe,
        })
    }

    /// Reads what `Display` prints, for stripes of `stripe` blocks. Hex digits of either case.
    ///
    /// # Errors
    /// If the text is neither empty nor `-NNCC`, or those of [`ShardIdentity::new`].
    pub fn parse(text: &str, stripe: u32) -> Result<ShardIdentity, ShardError> {
        if text.is_empty() {
            return Ok(ShardIdentity::UNSHARDED);
        }
        let digits = text.strip_prefix('-');
        match digits.and_then(hex::parse_bytes::<2>) {
            Some([number, count]) => ShardIdentity::new(number, count, stripe),
            None => Err(ShardError::Text {
                text: text.to_owned(),
            }),
        }
    }

    /// Whether this is [`ShardIdentity::UNSHARDED`].
    pub fn is_unsharded(&self) -> bool {
        *self == ShardIdentity::UNSHARDED
    }

    /// The number of this shard, from 0.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The number of shards; 0 if the history is not sharded.
    pub fn count(&self) -> u8 {
        self.count
    }

    /// The blocks of a stripe; 0 if the history is not sharded.
    pub fn stripe(&self) -> u32 {
        self.stripe
    }

    /// The number of the shard that answers for a key: for a global one, shard 0, as every other.
    pub fn owner(&self, key: Key) -> u8 {
        if self.count < 2 || !is_block(key) || key.field5 == INIT_FORK {
            return 0;
        }
        let stripe = key.field6 / self.stripe;
        let hash = combine(murmur(key.field4), murmur(stripe));
        let owner = hash % u32::from(self.count);
        u8::try_from(owner).expect("it is below the count, a byte")
    }

    /// Whether this shard holds a key: its own, and global ones. All others are foreign.
    pub fn holds(&self, key: Key) -> bool {
        self.count < 2 || is_global(key) || self.owner(key) == self.number
    }

    /// Refuses a key that the shard does not hold.
    ///
    /// # Errors
    /// `Foreign`, with the shard that holds it.
    pub fn check(&self, key: Key) -> Result<(), Error> {
        match self.holds(key) {
            true => Ok(()),
            false => Err(Error::Foreign {
                key,
                shard: *self,
                owner: self.owner(key),
            }),
        }
    }

    /// The shards that a split makes of this one, in order: `child_count` of them. Stripes stay as
    /// they are; those of a history that was not sharded get `stripe` blocks.
    ///
    /// # Errors
    /// If there would be fewer than 2 children or more than 255 shards; those of
    /// [`ShardIdentity::new`].
    pub fn children(
        &self,
        child_count: usize,
        stripe: u32,
    ) -> Result<Vec<ShardIdentity>, ShardError> {
        let before = self.count.max(1);
        let count = usize::from(before).checked_mul(child_count);
        let count = count.and_then(|count| u8::try_from(count).ok());
        let Some(count) = count.filter(|_| 2 <= child_count) else {
            return Err(ShardError::SplitCount {
                count: self.count,
                child_count,
            });
        };
        let stripe = match self.is_unsharded() {
            true => stripe,
            false => self.stripe,
        };
        let numbers = (self.number..count).step_by(usize::from(before));
        let child = |number| ShardIdentity::new(number, count, stripe);
        numbers.map(child).collect()
    }

    /// How many keys of a range the shard holds; `None` if the keys of the range are not known to
    /// follow each other.
    ///
    /// # Shape
    /// They do if the range is one key, or blocks of one fork of a relation, perhaps behind the
    /// length of the fork before.
    pub fn held_count(&self, range: &KeyRange) -> Option<u64> {
        let key_count = block_count(range)?;
        if self.count < 2 {
            return Some(key_count);
        }
        let mut held = 0;
        for run in self.stripes(range)? {
            if self.holds(run.start) {
                held += block_count(&run)?;
            }
        }
        Some(held)
    }

    /// Whether the shard holds no key of a range, as far as the keys of the range are known.
    pub fn holds_none(&self, range: &KeyRange) -> bool {
        self.held_count(range) == Some(0)
    }

    /// The keys of a set without the stripes of other shards; ranges whose keys are not known to
    /// follow each other stay whole.
    pub fn held_space(&self, keys: &KeySpace) -> KeySpace {
        if self.count < 2 {
            return keys.clone();
        }
        let mut held = Vec::new();
        for range in keys.ranges() {
            match block_count(range).and_then(|_| self.stripes(range)) {
                Some(runs) => held.extend(runs.filter(|run| self.holds(run.start))),
                None => held.push(*range),
            }
        }
        KeySpace::from_ranges(held)
    }

    /// Cuts a range of blocks where its stripes end; `None` if there are too many.
    fn stripes(self, range: &KeyRange) -> Option<impl Iterator<Item = KeyRange> + use<>> {
        let stripe = u64::from(self.stripe.max(1));
        let is_few = range.start.distance_to(range.end) / stripe <= STRIPE_COUNT_MAX;
        let (mut start, end) = (range.start, range.end);
        is_few.then(|| {
            std::iter::from_fn(move || {
                if end <= start {
                    return None;
                }
                // The length of the fork before stands alone.
                let step = match start.field6 {
                    LENGTH_BLOCK => 1,
                    block => stripe - u64::from(block) % stripe,
                };
                let step = step.min(start.distance_to(end));
                let next =
                    start.add(u32::try_from(step).expect("a stripe has 2^32 blocks at most"));
                Some(KeyRange::new(std::mem::replace(&mut start, next), next))
            })
        })
    }
}

/// The number of keys of a range that is one key, or blocks that follow each other; else `None`.
pub(crate) fn block_count(range: &KeyRange) -> Option<u64> {
    let (start, end) = (range.start, range.end);
    let relation = |key: Key| (key.field1, key.field2, key.field3, key.field4);
    let is_one_key = start.checked_next() == Some(end);
    let is_one_fork = start.field5 == end.field5;
    let is_behind_length =
        start.field6 == LENGTH_BLOCK && start.field5.checked_add(1) == Some(end.field5);
    let is_known = relation(start) == relation(end) && (is_one_fork || is_behind_length);
    (is_one_key || is_known).then(|| start.distance_to(end))
}

/// Whether a key is a block of a relation.
fn is_block(key: Key) -> bool {
    key.field1 == RELATIONS && key.field4 != 0 && key.field6 != LENGTH_BLOCK
}

/// Whether every shard holds a key.
fn is_global(key: Key) -> bool {
    !is_block(key) && key.field1 != SMALL_LOGS && key.field1 != AUX_FILES
}

/// The last step of the 32-bit hash of that name.
fn murmur(word: u32) -> u32 {
    let mut hash = word;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// Mixes a second hash into a first one.
fn combine(first: u32, second: u32) -> u32 {
    let mixed = second
        .wrapping_add(0x9e37_79b9)
        .wrapping_add(first << 6)
        .wrapping_add(first >> 2);
    first ^ mixed
}

impl fmt::Display for ShardIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_unsharded() {
            true => Ok(()),
            false => {
                write!(f, "-")?;
                hex::write_lower(f, &[self.number, self.count])
            }
        }
    }
}

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShardError::CountZero => write!(f, "0 shards hold no key: write 1 at least"),
            ShardError::NumberTooHigh { number, count } => {
                write!(f, "there is no shard {number} of {count}: they start at 0")
            }
            ShardError::StripeZero => write!(f, "a stripe of 0 blocks: write 1 at least"),
            ShardError::SplitCount { count, child_count } => write!(
                f,
                "{child_count} children of each of {} shards: ask for 2 at least, and for 255 \
                 shards at most",
                (*count).max(1)
            ),
            ShardError::Text { text } => {
                write!(f, "{text:?} is no shard: expected nothing, or -NNCC in hex")
            }
        }
    }
}

impl std::error::Error for ShardError {}

#[cfg(test)]
mod tests;
