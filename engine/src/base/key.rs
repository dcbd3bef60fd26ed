//! An ordered name of fixed width, and half-open ranges of them.
//!
//! ```text
//! offset  size  field
//!      0     1  field1   section; 0x60..0x7F is metadata, which is sparse
//!      1     4  field2   tablespace
//!      5     4  field3   database
//!      9     4  field4   relation
//!     13     1  field5   fork
//!     14     4  field6   block, big-endian like every integer here
//! ```

use std::fmt;
use std::str::FromStr;

use super::hex;

/// The name of one value: six fields, ordered by the first that differs.
///
/// # Shape
/// The order is also that of the 18 bytes of `to_bytes`. Prints as these, 36 upper-case hex digits.
///
/// # Examples
/// ```
/// use palimpsest::Key;
///
/// let block = Key { field1: 0, field2: 1663, field3: 5, field4: 1259, field5: 0, field6: 7 };
/// assert_eq!(block.next().field6, 8);
/// assert_eq!(Key::from_bytes(block.to_bytes()), block);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The section that the key lies in.
    pub field1: u8,
    /// For a relation, its tablespace.
    pub field2: u32,
    /// For a relation, its database.
    pub field3: u32,
    /// For a relation, its number.
    pub field4: u32,
    /// For a relation, its fork.
    pub field5: u8,
    /// For a relation, the block; all ones is the relation's length.
    pub field6: u32,
}

impl Key {
    /// The length of a key's bytes.
    pub const LEN: usize = 18;

    /// The lowest key.
    pub const MIN: Key = Key {
        field1: 0,
        field2: 0,
        field3: 0,
        field4: 0,
        field5: 0,
        field6: 0,
    };

    /// The highest key. No range holds it, for its exclusive end would not fit.
    pub const MAX: Key = Key {
        field1: u8::MAX,
        field2: u32::MAX,
        field3: u32::MAX,
        field4: u32::MAX,
        field5: u8::MAX,
        field6: u32::MAX,
    };

    /// The bytes that stand for the key in files.
    pub fn to_bytes(self) -> [u8; Key::LEN] {
        let mut bytes = [0; Key::LEN];
        bytes[0] = self.field1;
        bytes[1..5].copy_from_slice(&self.field2.to_be_bytes());
        bytes[5..9].copy_from_slice(&self.field3.to_be_bytes());
        bytes[9..13].copy_from_slice(&self.field4.to_be_bytes());
        bytes[13] = self.field5;
        bytes[14..].copy_from_slice(&self.field6.to_be_bytes());
        bytes
    }

    /// The key that `bytes` stand for; any bytes stand for one.
    pub fn from_bytes(bytes: [u8; Key::LEN]) -> Key {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Key {
            field1: bytes[0],
            field2: word(1),
            field3: word(5),
            field4: word(9),
            field5: bytes[13],
            field6: word(14),
        }
    }

    /// The key `count` places further, or `None` behind `Key::MAX`.
    ///
    /// # Shape
    /// The 18 bytes are one number: what overflows field6 is carried into field5, and so on up.
    pub fn checked_add(self, count: u32) -> Option<Key> {
        let (field6, carry) = self.field6.overflowing_add(count);
        let (field5, carry) = self.field5.overflowing_add(u8::from(carry));
        let (field4, carry) = self.field4.overflowing_add(u32::from(carry));
        let (field3, carry) = self.field3.overflowing_add(u32::from(carry));
        let (field2, carry) = self.field2.overflowing_add(u32::from(carry));
        let field1 = self.field1.checked_add(u8::from(carry))?;
        Some(Key {
            field1,
            field2,
            field3,
            field4,
            field5,
            field6,
        })
    }

    /// The key one place further, or `None` for `Key::MAX`.
    pub fn checked_next(self) -> Option<Key> {
        self.checked_add(1)
    }

    /// The key `count` places further.
    ///
    /// # Panics
    /// If that is behind `Key::MAX`, which is where field1 overflows.
    #[expect(
        clippy::should_implement_trait,
        reason = "a key is a name: `+` would suggest that two keys can be added"
    )]
    pub fn add(self, count: u32) -> Key {
        self.checked_add(count)
            .expect("the caller stays below Key::MAX")
    }

    /// The key one place further.
    ///
    /// # Panics
    /// If `self` is `Key::MAX`.
    pub fn next(self) -> Key {
        self.add(1)
    }

    /// The number of places from `self` to `above`, or `u64::MAX` if they are more.
    ///
    /// # Shape
    /// Undoes `add`. It is 0 if `above` is below.
    pub fn distance_to(self, above: Key) -> u64 {
        if above <= self {
            return 0;
        }
        let (high, low) = self.halves();
        let (above_high, above_low) = above.halves();
        let (distance_low, borrow) = above_low.overflowing_sub(low);
        if high + u16::from(borrow) < above_high {
            return u64::MAX;
        }
        u64::try_from(distance_low).unwrap_or(u64::MAX)
    }

    /// The 18 bytes as one number: what 128 bits cannot hold, and the rest.
    fn halves(self) -> (u16, u128) {
        let bytes = self.to_bytes();
        let mut low = [0; 16];
        low.copy_from_slice(&bytes[2..]);
        let high = u16::from_be_bytes([bytes[0], bytes[1]]);
        (high, u128::from_be_bytes(low))
    }

    /// Whether `to_i128` has a form for this key.
    ///
    /// # Shape
    /// Field2 has 16 bits there: it fits, or is one of the two wide values that have a short form.
    pub fn is_compact(self) -> bool {
        self.field2 <= 0xFFFF || self.field2 == 0xFFFF_FFFF || self.field2 == 0x2222_2222
    }

    /// The compact form: the 18 bytes without the upper half of field2 and the top bit of field1.
    ///
    /// # Shape
    /// Never negative. Two keys may share a form, if they differ in what is left out only:
    /// `Key::MAX` is one with the key of field1 0x7F, and field2 0x22222222 with 0x2222, so the
    /// order is that of the keys only where field1 is below 0x80 and field2 is below 0x10000.
    /// # Panics
    /// If the key is not `is_compact`.
    pub fn to_i128(self) -> i128 {
        assert!(self.is_compact());
        let long = self.to_bytes();
        let mut short = [0; 16];
        short[0] = long[0] & 0x7F;
        short[1..].copy_from_slice(&long[3..]);
        i128::from_be_bytes(short)
    }

    /// A key whose compact form is `compact`, but for its top bit, which no form has.
    ///
    /// # Shape
    /// Undoes `to_i128` where that loses nothing: field2 0xFFFFFFFF comes back as 0xFFFF.
    pub fn from_i128(compact: i128) -> Key {
        let short = compact.to_be_bytes();
        let mut long = [0; Key::LEN];
        long[0] = short[0] & 0x7F;
        long[3..].copy_from_slice(&short[1..]);
        Key::from_bytes(long)
    }

    /// Whether the key lies in the sparse section, where a key may have no value.
    pub fn is_metadata(self) -> bool {
        (0x60..0x7F).contains(&self.field1)
    }

    /// The metadata key whose compact form is `bytes`.
    ///
    /// # Panics
    /// If the first byte is not in 0x60..0x7F.
    pub fn from_metadata(bytes: [u8; 16]) -> Key {
        let key = Key::from_i128(i128::from_be_bytes(bytes));
        assert!(bytes[0] < 0x80);
        assert!(key.is_metadata());
        key
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write_upper(f, &self.to_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    /// Reads exactly 36 hex digits of either case.
    fn from_str(text: &str) -> Result<Key, ParseKeyError> {
        match hex::parse_bytes(text) {
            Some(bytes) => Ok(Key::from_bytes(bytes)),
            None => Err(ParseKeyError {
                text: text.to_owned(),
            }),
        }
    }
}

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseKeyError {
    text: String,
}

impl fmt::Display for ParseKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a key: expected 36 hex digits", self.text)
    }
}

impl std::error::Error for ParseKeyError {}

/// The keys from `start` up to, but not including, `end`.
///
/// # Shape
/// Prints as `START-END`. With `end <= start` it is empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRange {
    /// The first key that is inside.
    pub start: Key,
    /// The first key that is not.
    pub end: Key,
}

impl KeyRange {
    /// Every key that a range can hold: all but `Key::MAX`.
    pub const ALL: KeyRange = KeyRange {
        start: Key::MIN,
        end: Key::MAX,
    };

    /// The range `start..end`.
    pub fn new(start: Key, end: Key) -> KeyRange {
        KeyRange { start, end }
    }

    /// The range of `key` alone.
    ///
    /// # Panics
    /// If `key` is `Key::MAX`.
    pub fn single(key: Key) -> KeyRange {
        KeyRange::new(key, key.next())
    }

    /// Whether `key` is inside.
    pub fn contains(&self, key: Key) -> bool {
        self.start <= key && key < self.end
    }

    /// Whether a key is in both; an empty range overlaps what it stands strictly inside of.
    pub fn overlaps(&self, other: &KeyRange) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether no key is inside.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// Whether this is `KeyRange::ALL`.
    pub fn is_all(&self) -> bool {
        *self == KeyRange::ALL
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.start, f)?;
        f.write_str("-")?;
        fmt::Display::fmt(&self.end, f)
    }
}

impl fmt::Debug for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
