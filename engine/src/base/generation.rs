//! Generations: which opening of a timeline may write and delete.

use std::fmt;

use super::hex;

/// A number that grows at each open: only the newest generation may write and delete.
///
/// # Shape
/// Prints as 8 lower-case hex digits: `0000002a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u32);

impl Generation {
    /// The generation that takes over from this one, or `None` behind the last.
    pub fn checked_next(self) -> Option<Generation> {
        self.0.checked_add(1).map(Generation)
    }

    /// Reads exactly 8 hex digits of either case.
    pub fn parse(text: &str) -> Option<Generation> {
        hex::parse_u32(text, 8..=8).map(Generation)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write_lower(f, &self.0.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_8_lower_case_digits() {
        assert_eq!(Generation(0x2A).to_string(), "0000002a");
        assert_eq!(Generation(u32::MAX).to_string(), "ffffffff");
    }

    #[test]
    fn reads_8_digits_of_either_case_and_nothing_else() {
        assert_eq!(Generation::parse("0000002a"), Some(Generation(0x2A)));
        assert_eq!(Generation::parse("0000002A"), Some(Generation(0x2A)));
        for text in [
            "",
            "2a",
            "000000002",
            "+000002a",
            " 000002a",
            "0000002g",
            "000000é",
        ] {
            assert_eq!(Generation::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn last_generation_has_no_next() {
        assert_eq!(Generation(1).checked_next(), Some(Generation(2)));
        assert_eq!(Generation(u32::MAX).checked_next(), None);
    }

    proptest! {
        #[test]
        fn reading_undoes_printing(number: u32) {
            let generation = Generation(number);
            prop_assert_eq!(Generation::parse(&generation.to_string()), Some(generation));
        }
    }
}
