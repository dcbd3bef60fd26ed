//! Words, numbers and durations of a line of text.

use std::fmt;
use std::time::Duration;

use super::problem::Problem;

/// The units of a duration and their lengths in nanoseconds, the longest first.
const UNITS: [(&str, u64); 4] = [
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The words of a line.
pub struct Words<'t> {
    rest: &'t str,
}

impl<'t> Words<'t> {
    /// All words of a line.
    pub fn new(line: &'t str) -> Words<'t> {
        Words { rest: line }
    }

    /// The next word, or nothing at the end.
    pub fn next_word(&mut self) -> Option<&'t str> {
        let rest = self.rest.trim_ascii_start();
        let end = rest.find(|c: char| c.is_ascii_whitespace());
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The next word; an error at the end of the line.
    pub fn expect(
        &mut self,
        what: &'static str,
        remedy: impl fmt::Display,
    ) -> Result<&'t str, Problem> {
        self.next_word()
            .ok_or_else(|| Problem::missing(what, remedy))
    }

    /// The next word as a number.
    pub fn number<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, Problem> {
        let word = self.expect(what, "write a number")?;
        number(word, what)
    }

    /// Takes the rest of the line.
    pub fn take_rest(&mut self) -> &'t str {
        std::mem::take(&mut self.rest)
    }

    /// Succeeds if no word is left.
    pub fn end(&mut self) -> Result<(), Problem> {
        match self.next_word() {
            Some(word) => Err(Problem::new("word", word, "end the line before it")),
            None => Ok(()),
        }
    }
}

/// Parses an unsigned number in decimal digits.
pub fn number<T: TryFrom<u64>>(word: &str, what: &'static str) -> Result<T, Problem> {
    in_digits(word, 10)
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| {
            let most = u64::MAX >> (64 - 8 * size_of::<T>());
            Problem::new(what, word, format!("write a number from 0 to {most}"))
        })
}

/// Parses an unsigned number in digits of `radix`, without a sign.
pub fn in_digits(word: &str, radix: u32) -> Option<u64> {
    if word.starts_with('+') {
        return None;
    }
    u64::from_str_radix(word, radix).ok()
}

/// Finds the item of `all` with this name.
pub fn named<T: Copy>(
    word: &str,
    what: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, Problem> {
    all.iter()
        .copied()
        .find(|&choice| name(choice) == word)
        .ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|&choice| name(choice)).collect();
            Problem::new(what, word, format!("write one of {}", names.join(" ")))
        })
}

/// Parses a duration: a number and its unit, as in `250ms`.
pub fn duration(word: &str, what: &'static str) -> Result<Duration, Problem> {
    let digit_count = word.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = word.split_at(digit_count);
    UNITS
        .into_iter()
        .find(|&(name, _)| name == unit)
        .and_then(|(_, nanos)| in_digits(digits, 10)?.checked_mul(nanos))
        .map(Duration::from_nanos)
        .ok_or_else(|| Problem::new(what, word, "write it like 10s, 250ms, 7us or 1ns"))
}

/// Prints a duration in the longest unit that leaves no fraction.
pub struct Written(pub Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (name, unit) = UNITS
            .into_iter()
            .find(|&(_, unit)| nanos.is_multiple_of(u128::from(unit)))
            .expect("every duration is a multiple of 1 ns");
        write!(f, "{}{name}", nanos / u128::from(unit))
    }
}
