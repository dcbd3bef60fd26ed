//! The names of tenants and timelines: 16 bytes that mean nothing.

use std::fmt;
use std::str::FromStr;

use super::hex;

/// Gives a newtype over 16 bytes its text: 32 lower-case hex digits.
macro_rules! impl_text {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write_lower(f, &self.0)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $id {
            type Err = ParseIdError;

            /// Reads exactly 32 hex digits of either case.
            fn from_str(text: &str) -> Result<$id, ParseIdError> {
                hex::parse_bytes(text)
                    .map($id)
                    .ok_or_else(|| ParseIdError::new(text))
            }
        }
    };
}

/// The name of a tenant: of all timelines that belong to one customer.
///
/// # Shape
/// Prints as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TenantId(pub [u8; 16]);

/// The name of a timeline: of one line of history.
///
/// # Shape
/// Prints as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimelineId(pub [u8; 16]);

impl_text!(TenantId);
impl_text!(TimelineId);

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIdError {
    text: String,
}

impl ParseIdError {
    fn new(text: &str) -> ParseIdError {
        let text = text.to_owned();
        ParseIdError { text }
    }
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an id: expected 32 hex digits", self.text)
    }
}

impl std::error::Error for ParseIdError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn prints_32_lower_case_digits() {
        let id = TimelineId(std::array::from_fn(|index| 0x11 * index as u8));
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(format!("{id:?}"), TEXT);
        assert_eq!(TenantId::default().to_string(), "0".repeat(32));
    }

    #[test]
    fn reads_32_digits_of_either_case_and_nothing_else() {
        assert_eq!(TEXT.to_uppercase().parse::<TenantId>(), TEXT.parse());
        for text in [
            "",
            &TEXT[1..],
            &format!("{TEXT}0"),
            &TEXT.replace("aa", "+a"),
        ] {
            assert!(text.parse::<TenantId>().is_err(), "{text:?}");
            assert!(text.parse::<TimelineId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn error_says_what_was_found_and_expected() {
        assert_eq!(
            "b".parse::<TimelineId>().unwrap_err().to_string(),
            r#""b" is not an id: expected 32 hex digits"#
        );
    }

    proptest! {
        #[test]
        fn reading_undoes_printing(bytes: [u8; 16]) {
            prop_assert_eq!(TenantId(bytes).to_string().parse(), Ok(TenantId(bytes)));
            prop_assert_eq!(TimelineId(bytes).to_string().parse(), Ok(TimelineId(bytes)));
        }
    }
}
