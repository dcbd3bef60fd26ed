//! A position in the log, and half-open ranges of them.

use std::fmt;
use std::str::FromStr;

use super::hex;

/// A position in the log: a record *at* L is visible to reads at L and above.
///
/// # Shape
/// Prints as `hi/lo`, the two halves in upper-case hex without leading zeros: `0/16960E8`.
/// # Units
/// Bytes of log. Any value is legal; only a peer's own records stand at multiples of 8.
///
/// # Examples
/// ```
/// use palimpsest::Lsn;
///
/// let lsn: Lsn = "0/16960E8".parse()?;
/// assert_eq!(lsn, Lsn(0x16960E8));
/// assert_eq!(lsn.to_string(), "0/16960E8");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl Lsn {
    /// The lowest LSN; no record stands at it.
    pub const ZERO: Lsn = Lsn(0);

    /// The highest LSN. No read can see a record at it: its exclusive end would not fit.
    pub const MAX: Lsn = Lsn(u64::MAX);

    /// The exclusive end of what a read at `self` can see.
    ///
    /// # Panics
    /// If `self` is `Lsn::MAX`.
    pub fn visible_end(self) -> Lsn {
        assert!(self < Lsn::MAX);
        Lsn(self.0 + 1)
    }

    /// The position `len` bytes further, or `None` behind `Lsn::MAX`.
    pub fn checked_add(self, len: u64) -> Option<Lsn> {
        self.0.checked_add(len).map(Lsn)
    }

    /// Whether a peer could have a record here: a multiple of 8.
    pub fn is_aligned(self) -> bool {
        self.0.is_multiple_of(8)
    }

    /// The form that is used in file names.
    ///
    /// # Shape
    /// 16 upper-case hex digits: `00000000016960E8`.
    pub fn to_hex(self) -> String {
        format!("{:016X}", self.0)
    }

    /// Reads what `to_hex` prints, also in lower case or without its leading zeros.
    ///
    /// # Errors
    /// If `text` is anything but 1 to 16 hex digits.
    pub fn from_hex(text: &str) -> Result<Lsn, ParseLsnError> {
        hex::parse_u64(text, 1..=16)
            .map(Lsn)
            .ok_or_else(|| ParseLsnError::new(text, "1 to 16 hex digits"))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl fmt::Debug for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Lsn {
    type Err = ParseLsnError;

    /// Reads `hi/lo`, 1 to 8 hex digits each, with or without blanks around.
    fn from_str(text: &str) -> Result<Lsn, ParseLsnError> {
        let halves = || {
            let (high, low) = text.trim().split_once('/')?;
            Some((hex::parse_u64(high, 1..=8)?, hex::parse_u64(low, 1..=8)?))
        };
        halves()
            .map(|(high, low)| Lsn((high << 32) | low))
            .ok_or_else(|| ParseLsnError::new(text, "\"hi/lo\", 1 to 8 hex digits each"))
    }
}

/// A text that is no LSN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLsnError {
    text: String,
    expected: &'static str,
}

impl ParseLsnError {
    fn new(text: &str, expected: &'static str) -> ParseLsnError {
        let text = text.to_owned();
        ParseLsnError { text, expected }
    }
}

impl fmt::Display for ParseLsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an LSN: expected {}",
            self.text, self.expected
        )
    }
}

impl std::error::Error for ParseLsnError {}

/// The LSNs from `start` up to, but not including, `end`.
///
/// # Shape
/// Prints as `start..end`. With `end <= start` it is empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LsnRange {
    /// The first LSN that is inside.
    pub start: Lsn,
    /// The first LSN that is not.
    pub end: Lsn,
}

impl LsnRange {
    /// The range `start..end`.
    pub fn new(start: Lsn, end: Lsn) -> LsnRange {
        LsnRange { start, end }
    }

    /// Whether `lsn` is inside.
    pub fn contains(&self, lsn: Lsn) -> bool {
        self.start <= lsn && lsn < self.end
    }

    /// Whether an LSN is in both; an empty range overlaps a range that it lies strictly inside of.
    pub fn overlaps(&self, other: &LsnRange) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether no LSN is inside.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

impl fmt::Display for LsnRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl fmt::Debug for LsnRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPELLED: [(&str, u64); 5] = [
        ("12345678/AAAA5555", 0x1234_5678_AAAA_5555),
        ("AAAA/BBBB", 0x0000_AAAA_0000_BBBB),
        ("1/A", 0x1_0000_000A),
        ("0/0", 0),
        ("FFFFFFFF/FFFFFFFF", u64::MAX),
    ];

    #[test]
    fn prints_two_halves_without_leading_zeros() {
        for (text, lsn) in SPELLED {
            assert_eq!(Lsn(lsn).to_string(), text);
            assert_eq!(format!("{:?}", Lsn(lsn)), text);
        }
    }

    #[test]
    fn reads_either_case_leading_zeros_and_blanks_around() {
        for (text, lsn) in SPELLED {
            assert_eq!(text.parse(), Ok(Lsn(lsn)));
            assert_eq!(text.to_lowercase().parse(), Ok(Lsn(lsn)));
        }
        assert_eq!(" 0/3C490F8 ".parse(), Ok(Lsn(0x3C4_90F8)));
        assert_eq!("00000000/0000000a".parse(), Ok(Lsn(0xA)));
    }

    #[test]
    fn refuses_what_is_not_two_halves_of_hex_digits() {
        for text in [
            "",
            "/",
            "0",
            "0/",
            "/0",
            "0/0/0",
            "+1/0",
            "0/-1",
            "0 /1",
            "g/0",
            "123456789/0",
            "0/123456789",
            "0x1/0",
            "0/é",
        ] {
            assert!(text.parse::<Lsn>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn hex_form_has_16_digits_and_is_read_with_fewer() {
        assert_eq!(Lsn(0x016960E8).to_hex(), "00000000016960E8");
        assert_eq!(Lsn::from_hex("0"), Ok(Lsn::ZERO));
        assert_eq!(Lsn::from_hex("16960e8"), Ok(Lsn(0x016960E8)));
        assert_eq!(Lsn::from_hex("FFFFFFFFFFFFFFFF"), Ok(Lsn::MAX));
    }

    #[test]
    fn hex_form_has_no_sign_blank_or_17th_digit() {
        for text in ["", "F12345678AAAA5555", "+1", "-1", " 1", "0x1", "0/1"] {
            assert!(Lsn::from_hex(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn error_says_what_was_found_and_expected() {
        assert_eq!(
            "a-b".parse::<Lsn>().unwrap_err().to_string(),
            r#""a-b" is not an LSN: expected "hi/lo", 1 to 8 hex digits each"#
        );
        assert_eq!(
            Lsn::from_hex("").unwrap_err().to_string(),
            r#""" is not an LSN: expected 1 to 16 hex digits"#
        );
    }

    #[test]
    fn read_at_an_lsn_sees_that_lsn() {
        let visible = LsnRange::new(Lsn::ZERO, Lsn(7).visible_end());
        assert!(visible.contains(Lsn(7)));
        assert!(!visible.contains(Lsn(8)));
        assert_eq!(Lsn(u64::MAX - 1).visible_end(), Lsn::MAX);
    }

    #[test]
    #[should_panic(expected = "self < Lsn::MAX")]
    fn nothing_can_be_seen_at_the_highest_lsn() {
        Lsn::MAX.visible_end();
    }

    #[test]
    fn adding_stops_at_the_highest_lsn() {
        assert_eq!(Lsn(1).checked_add(u64::MAX - 1), Some(Lsn::MAX));
        assert_eq!(Lsn(1).checked_add(u64::MAX), None);
    }

    #[test]
    fn aligned_is_a_multiple_of_8() {
        let aligned: Vec<u64> = (0..=16).filter(|&lsn| Lsn(lsn).is_aligned()).collect();
        assert_eq!(aligned, [0, 8, 16]);
    }

    #[test]
    fn range_is_half_open() {
        let range = LsnRange::new(Lsn(0x10), Lsn(0x20));
        let inside: Vec<u64> = (0..0x40).filter(|&lsn| range.contains(Lsn(lsn))).collect();
        assert_eq!(inside, Vec::from_iter(0x10..0x20));
        assert_eq!(range.to_string(), "0/10..0/20");
        assert!(!range.is_empty());
        assert!(LsnRange::new(Lsn(3), Lsn(3)).is_empty());
        assert!(LsnRange::new(Lsn(4), Lsn(3)).is_empty());
    }

    #[test]
    fn ranges_overlap_where_they_share_an_lsn() {
        let bounds = || (0..6).flat_map(|start| (start + 1..6).map(move |end| (start, end)));
        for (a, b) in bounds().flat_map(|a| bounds().map(move |b| (a, b))) {
            let range = |(start, end)| LsnRange::new(Lsn(start), Lsn(end));
            let shared = (a.0..a.1).any(|lsn| range(b).contains(Lsn(lsn)));
            assert_eq!(range(a).overlaps(&range(b)), shared, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_undoes_printing(lsn: u64) {
            prop_assert_eq!(Lsn(lsn).to_string().parse(), Ok(Lsn(lsn)));
            prop_assert_eq!(Lsn::from_hex(&Lsn(lsn).to_hex()), Ok(Lsn(lsn)));
        }

        #[test]
        fn hex_forms_sort_like_lsns(a: u64, b: u64) {
            prop_assert_eq!(Lsn(a).to_hex().cmp(&Lsn(b).to_hex()), Lsn(a).cmp(&Lsn(b)));
        }
    }
}
