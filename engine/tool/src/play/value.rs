//! The values that a script writes: whole ones, and a peer's kinds of records.

use palimpsest::format::PAGE_LEN_MAX;
use palimpsest::{Record, Value};

use crate::exit::CommandError;

/// A change to a key, as a script spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Text(String),
    Random { len: usize, seed: u64 },
    Append(String),
    Clear(String),
    Init(String),
}

impl Change {
    /// Parses the last two words of a `put`.
    pub fn parse(kind: &str, text: &str) -> Result<Change, CommandError> {
        match kind {
            "image" => parse_image(text),
            "append" => Ok(Change::Append(text.to_owned())),
            "clear" => Ok(Change::Clear(text.to_owned())),
            "init" => Ok(Change::Init(text.to_owned())),
            _ => Err(CommandError::input(format!(
                "{kind:?} is no kind of value: write image, append, clear or init"
            ))),
        }
    }

    pub fn to_value(&self) -> Value {
        match self {
            Change::Text(text) => Value::Image(text.as_bytes().to_vec()),
            Change::Random { len, seed } => Value::Image(random_bytes(*seed, *len)),
            Change::Append(text) => record(text, Below::Kept),
            Change::Clear(text) => record(text, Below::Cleared),
            Change::Init(text) => record(text, Below::Unneeded),
        }
    }
}

fn parse_image(text: &str) -> Result<Change, CommandError> {
    if let Some(text) = text.strip_prefix("str:") {
        return Ok(Change::Text(text.to_owned()));
    }
    let numbers = text.strip_prefix("rnd:").and_then(|it| it.split_once(':'));
    let numbers = numbers.and_then(|(len, seed)| Some((len.parse().ok()?, seed.parse().ok()?)));
    match numbers {
        Some((len, seed)) if len <= PAGE_LEN_MAX => Ok(Change::Random { len, seed }),
        Some((len, _)) => Err(CommandError::input(format!(
            "a value of {len} bytes is too long: write {PAGE_LEN_MAX} at most"
        ))),
        None => Err(CommandError::input(format!(
            "{text:?} is no value: write str:TEXT or rnd:LEN:SEED, with decimal numbers"
        ))),
    }
}

/// The effect of a record on the value below it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    Kept,
    Cleared,
    Unneeded,
}

fn record(text: &str, below: Below) -> Value {
    Value::Record(Record::Test {
        append: text.to_owned(),
        clear: below != Below::Kept,
        will_init: below == Below::Unneeded,
        only_if: None,
    })
}

/// The first `len` bytes of what splitmix64 gives from `seed` on, little-endian.
pub fn random_bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len.next_multiple_of(8));
    while bytes.len() < len {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
