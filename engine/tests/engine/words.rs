//! The words of a script: keys, LSNs, values and errors.

use palimpsest::base::KeyRange;
use palimpsest::{Edit, Error, Key, Lsn, TimelineId, Value};

use crate::file;
use crate::script::TIMELINE;

/// The timeline of a name: `main`, which every script has, or a letter.
pub fn timeline(name: &str) -> TimelineId {
    match name {
        "main" => TIMELINE,
        _ => TimelineId([name.as_bytes()[0]; 16]),
    }
}

/// Reads `a..c`, which is half-open, or `all`.
pub fn keys(text: &str) -> KeyRange {
    match text.split_once("..") {
        Some((start, end)) => KeyRange::new(key(start), key(end)),
        None => {
            assert_eq!(text, "all");
            KeyRange::ALL
        }
    }
}

/// The text that `keys` reads.
pub fn range(keys: KeyRange) -> String {
    match keys {
        KeyRange::ALL => "all".to_owned(),
        KeyRange { start, end } => format!("{}..{}", name(start), name(end)),
    }
}

/// The text that `key` reads.
pub fn name(key: Key) -> String {
    match key {
        Key::MIN => "MIN".to_owned(),
        Key::MAX => "MAX".to_owned(),
        _ => {
            let byte = u8::try_from(key.field6).expect("a script's key is one letter");
            assert_eq!(key, Key::MIN.add(u32::from(byte)));
            char::from(byte).to_string()
        }
    }
}

pub fn point(at: &str) -> (Key, Lsn) {
    let (key, lsn) = at.split_once('@').expect("key@lsn");
    (self::key(key), self::lsn(lsn))
}

/// The key of a letter, or of `MAX`.
pub fn key(name: &str) -> Key {
    match name {
        "MIN" => Key::MIN,
        "MAX" => Key::MAX,
        _ => Key::MIN.add(u32::from(name.as_bytes()[0])),
    }
}

pub fn lsn(text: &str) -> Lsn {
    match text {
        "MAX" => Lsn::MAX,
        "MAX-1" => Lsn(u64::MAX - 1),
        _ => Lsn(text.parse().unwrap()),
    }
}

pub fn value(kind: u8, text: &str) -> Value {
    let suffix = match text.split_once('*') {
        Some((text, count)) => text.repeat(count.parse().unwrap()).into_bytes(),
        None => text.as_bytes().to_vec(),
    };
    match kind {
        b'=' => Value::Image(suffix),
        b'+' => Value::Record(Edit::Append { suffix }.into_record()),
        b'?' => Value::Record(append_if(suffix).into_record()),
        _ => Value::Record(Edit::Append { suffix }.into_init_record()),
    }
}

fn append_if(only_if: Vec<u8>) -> Edit {
    let suffix = b"!".to_vec();
    Edit::AppendIf { only_if, suffix }
}

/// The bytes as text, in which nine or more equal ones are `x*9`.
pub fn text(bytes: &[u8]) -> String {
    let runs = bytes.chunk_by(|a, b| a == b);
    let runs = runs.map(|run| match (char::from(run[0]), run.len()) {
        (character, len @ 9..) => format!("{character}*{len}"),
        (character, len) => character.to_string().repeat(len),
    });
    runs.collect()
}

/// The kind of an error, in a word or two.
pub fn word(error: &Error) -> String {
    let file = |file: &String| {
        let (_, name) = file
            .split_once('/')
            .expect("relative to the engine's directory");
        file::short(name)
    };
    match error {
        Error::Corrupt { file: name, .. } => format!("corrupt {}", file(name)),
        Error::Unsupported { file: name, .. } => format!("unsupported {}", file(name)),
        Error::BelowCutoff { .. } => "below the cutoff".to_owned(),
        Error::NotYet { .. } => "not yet".to_owned(),
        Error::NoBase { .. } => "no base".to_owned(),
        Error::Redo { .. } => "redo".to_owned(),
        Error::Refused { .. } => "refused".to_owned(),
        Error::Busy { .. } => "busy".to_owned(),
        Error::Closed => "closed".to_owned(),
        Error::Io(failure) => format!("io {}", failure.source),
        Error::Latched(failure) => format!("latched {}", failure.source),
        other => other.to_string(),
    }
}
