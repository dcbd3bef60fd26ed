//! Scripts: text, a command a line.

use palimpsest::{Key, KeyRange, Lsn, TimelineId};

use super::value::Change;
use crate::exit::CommandError;

/// The known commands, for the error message about an unknown one.
const COMMANDS: &str = "conf, open, keyspace, put, flush, compact, get, vget, layers, cutoff, \
                        gc_compact, branch or use";

/// The timeline that `open` creates.
pub const FIRST: TimelineId = TimelineId([
    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
]);

/// The byte that marks the ids of branches that a script creates.
const BRANCH: u8 = 0xBB;

/// The id of the n-th branch that a script creates.
pub fn branch_id(count: usize) -> Result<TimelineId, CommandError> {
    numbered_id(BRANCH, count)
}

/// The id that is 15 times a byte, and a number.
pub fn numbered_id(mark: u8, number: usize) -> Result<TimelineId, CommandError> {
    let Ok(number) = u8::try_from(number) else {
        return Err(CommandError::input(
            "one branch too many: a script may have 255",
        ));
    };
    let mut id = [mark; 16];
    id[15] = number;
    Ok(TimelineId(id))
}

/// The largest number of keys that a script may declare: the work of an image creation grows with
/// it.
const DECLARED_KEY_COUNT_MAX: u64 = 1 << 20;

/// The option that a `conf` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conf {
    CheckpointDistance(u64),
    CompactionTargetSize(u64),
    CompactionThreshold(usize),
    ImageCreationThreshold(usize),
    ImageCreationPreemptThreshold(usize),
    MaxVectoredReadBytes(u64),
    /// An option of the peer that this engine does not have.
    WithoutCounterpart,
}

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Conf(Conf),
    Open(Lsn),
    KeySpace(KeyRange),
    Put(Key, Lsn, Change),
    Flush,
    CompactL0s,
    CreateImages,
    Get(Key, Lsn),
    Vget(KeyRange, Lsn),
    Layers,
    Cutoff(Lsn, Vec<Lsn>),
    GcCompact,
    Branch(Lsn),
    Use(TimelineId),
}

/// A command and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub line: usize,
    pub command: Command,
}

/// Reads the lines of a script.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Vec<Step>, CommandError> {
    let mut steps = Vec::new();
    for (line, text) in (1..).zip(lines) {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.first().is_none_or(|first| first.starts_with('#')) {
            continue;
        }
        let command = parse_words(&words).map_err(|error| error.at(format!("line {line}")))?;
        steps.push(Step { line, command });
    }
    Ok(steps)
}

fn parse_words(words: &[&str]) -> Result<Command, CommandError> {
    match *words {
        ["conf", name, value] => Ok(Command::Conf(conf(name, value)?)),
        ["open", start] => Ok(Command::Open(lsn(start)?)),
        ["keyspace", start, end] => {
            let keys = range(start, end)?;
            match keys.start.distance_to(keys.end) <= DECLARED_KEY_COUNT_MAX {
                true => Ok(Command::KeySpace(keys)),
                false => Err(CommandError::input(format!(
                    "too many keys are from {start} up to {end}: declare \
                     {DECLARED_KEY_COUNT_MAX} at most"
                ))),
            }
        }
        ["put", at, when, kind, text] => {
            let change = Change::parse(kind, text)?;
            Ok(Command::Put(key(at)?, lsn(when)?, change))
        }
        ["flush"] => Ok(Command::Flush),
        ["compact", "force_l0", "only_l0"] => Ok(Command::CompactL0s),
        ["compact", "force_image", "force_repartition"] => Ok(Command::CreateImages),
        ["get", at, when] => Ok(Command::Get(key(at)?, lsn(when)?)),
        ["vget", start, end, when] => Ok(Command::Vget(range(start, end)?, lsn(when)?)),
        ["layers"] => Ok(Command::Layers),
        ["cutoff", cutoff, ref retained @ ..] => {
            let retained = retained.iter().map(|text| lsn(text));
            Ok(Command::Cutoff(
                lsn(cutoff)?,
                retained.collect::<Result<_, _>>()?,
            ))
        }
        ["gc_compact"] => Ok(Command::GcCompact),
        ["branch", at] => Ok(Command::Branch(lsn(at)?)),
        ["use", id] => id.parse().map(Command::Use).map_err(of_text),
        _ => Err(no_command(words)),
    }
}

fn no_command(words: &[&str]) -> CommandError {
    let name = words.first().copied().unwrap_or_default();
    let usage = match name {
        "conf" => "conf NAME VALUE",
        "open" | "branch" => "open LSN, branch LSN",
        "keyspace" => "keyspace START END",
        "put" => "put KEY LSN image|append|clear|init TEXT, without blanks in TEXT",
        "flush" | "layers" | "gc_compact" => "it without anything behind it",
        "compact" => "compact force_l0 only_l0, or compact force_image force_repartition",
        "get" => "get KEY LSN",
        "vget" => "vget START END LSN",
        "cutoff" => "cutoff LSN [RETAIN…]",
        "use" => "use ID",
        _ => {
            return CommandError::input(format!(
                "{name:?} is no command: write one of {COMMANDS}, or # before a remark"
            ));
        }
    };
    let words = words.join(" ");
    CommandError::input(format!("{words:?} is not how it is used: write {usage}"))
}

fn conf(name: &str, value: &str) -> Result<Conf, CommandError> {
    let wide = || count(name, value);
    let narrow = || count(name, value).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok(match name {
        "checkpoint_distance" => Conf::CheckpointDistance(wide()?),
        "compaction_target_size" => Conf::CompactionTargetSize(wide()?),
        "compaction_threshold" => Conf::CompactionThreshold(narrow()?),
        "image_creation_threshold" => Conf::ImageCreationThreshold(narrow()?),
        "image_creation_preempt_threshold" => Conf::ImageCreationPreemptThreshold(narrow()?),
        "max_vectored_read_bytes" => Conf::MaxVectoredReadBytes(wide()?),
        "compaction_period" | "gc_period" | "image_layer_creation_check_threshold" => {
            Conf::WithoutCounterpart
        }
        _ => {
            return Err(CommandError::input(format!(
                "{name:?} is no option that is known: `palimpsest play --help` has a table of them"
            )));
        }
    })
}

fn count(name: &str, value: &str) -> Result<u64, CommandError> {
    match value.parse() {
        Ok(count) if 0 < count => Ok(count),
        _ => Err(CommandError::input(format!(
            "{value:?} is no value for {name}: write a decimal number from 1 on"
        ))),
    }
}

fn key(text: &str) -> Result<Key, CommandError> {
    text.parse().map_err(of_text)
}

fn lsn(text: &str) -> Result<Lsn, CommandError> {
    let digits = text.strip_prefix("0x");
    digits
        .and_then(|digits| Lsn::from_hex(digits).ok())
        .ok_or_else(|| {
            CommandError::input(format!(
                "{text:?} is not an LSN: write 0x and 1 to 16 hex digits"
            ))
        })
}

fn range(start: &str, end: &str) -> Result<KeyRange, CommandError> {
    let keys = KeyRange::new(key(start)?, key(end)?);
    match keys.is_empty() {
        false => Ok(keys),
        true => Err(CommandError::input(format!(
            "no key is from {start} up to {end}: write a start below the end"
        ))),
    }
}

fn of_text(error: impl std::fmt::Display) -> CommandError {
    CommandError::input(error.to_string())
}
