//! Parsing of hex digits only: the standard parsers also take a sign, which no name of ours has.

use std::fmt;
use std::ops::RangeInclusive;

/// Reads `text` as a number if it is hex digits only, and as many as `digit_count` allows.
///
/// # Shape
/// `None` also for more digits than the number has room for.
pub(super) fn parse_u64(text: &str, digit_count: RangeInclusive<usize>) -> Option<u64> {
    if !digit_count.contains(&text.len()) || !is_hex(text) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

/// Reads `text` as [`parse_u64`] does, into a `u32`.
pub(super) fn parse_u32(text: &str, digit_count: RangeInclusive<usize>) -> Option<u32> {
    u32::try_from(parse_u64(text, digit_count)?).ok()
}

/// Reads `text` as exactly `N` bytes of two hex digits each.
pub(super) fn parse_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Prints two lower-case digits for each byte.
pub(super) fn write_lower(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write_digits(f, bytes, b"0123456789abcdef")
}

/// Prints two upper-case digits for each byte.
pub(super) fn write_upper(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write_digits(f, bytes, b"0123456789ABCDEF")
}

/// The number of bytes that are printed at once: no key has more.
const CHUNK_LEN: usize = 18;

fn write_digits(f: &mut fmt::Formatter<'_>, bytes: &[u8], digits: &[u8; 16]) -> fmt::Result {
    for chunk in bytes.chunks(CHUNK_LEN) {
        let mut text = [0; 2 * CHUNK_LEN];
        for (pair, byte) in text.chunks_exact_mut(2).zip(chunk) {
            pair[0] = digits[usize::from(byte >> 4)];
            pair[1] = digits[usize::from(byte & 0xF)];
        }
        let text = str::from_utf8(&text[..2 * chunk.len()]);
        f.write_str(text.expect("digits are ASCII"))?;
    }
    Ok(())
}

/// Whether `text` has no letter in lower case, as in the output of `write_upper`.
pub(super) fn is_upper(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
