//! The contents of a layer, as lines of text.

use palimpsest::base::{FileName, Key, LayerName, Lsn, TimelineId};
use palimpsest::format::{Edit, IndexLayer, Record, Value};

use crate::disk::Disk;
use crate::laws;
use crate::paths::timeline_dir;

/// The largest number of records of the asked key that are shown.
const OWN_MAX: usize = 12;

/// The largest number of records of other keys that are shown.
const OTHERS_MAX: usize = 6;

/// The number of bytes of a value that are shown.
const HEAD_LEN: usize = 8;

/// The contents of a layer's file: the records of `key` first, the newest first.
pub(crate) fn contents(
    disk: &mut Disk,
    (timeline, layer): (TimelineId, &IndexLayer),
    key: Key,
    name: &dyn Fn(Key) -> String,
) -> Vec<String> {
    let found = match entries(disk, timeline, layer) {
        Ok(found) => found,
        Err(problem) => return vec![format!("it cannot be read: {problem}")],
    };
    let line = |(key, lsn, value): &(Key, Lsn, String)| format!("{} @{lsn}  {value}", name(*key));
    let (mut own, others): (Vec<_>, Vec<_>) = found.iter().partition(|entry| entry.0 == key);
    own.reverse();
    let mut lines = bounded(own.into_iter().map(line).collect(), OWN_MAX);
    if lines.is_empty() {
        lines.push(format!("nothing of {}", name(key)));
    }
    lines.extend(bounded(others.into_iter().map(line).collect(), OTHERS_MAX));
    lines
}

/// Every record or value of a layer, sorted by key, then LSN.
fn entries(
    disk: &mut Disk,
    timeline: TimelineId,
    layer: &IndexLayer,
) -> Result<Vec<(Key, Lsn, String)>, String> {
    let file = FileName::Layer {
        name: layer.name,
        generation: layer.generation,
    };
    let bytes = disk.bytes(&timeline_dir(timeline).join(file.to_string()));
    let bytes = bytes.map_err(|error| error.to_string())?;
    match layer.name {
        LayerName::Delta { .. } => {
            let records = laws::records(&bytes, layer).map_err(|error| error.to_string())?;
            let record = |(at, bytes): (palimpsest::format::DeltaKey, Vec<u8>)| {
                let text = Value::decode(&bytes).map_or_else(|error| error.to_string(), told);
                (at.key, at.lsn, text)
            };
            Ok(records.into_iter().map(record).collect())
        }
        LayerName::Image { lsn, .. } => {
            let values = laws::values(&bytes, layer, lsn).map_err(|error| error.to_string())?;
            let value = |(key, bytes): (Key, Vec<u8>)| (key, lsn, told(Value::Image(bytes)));
            Ok(values.into_iter().map(value).collect())
        }
    }
}

/// A value as text: its kind, its length, and its first bytes.
pub(crate) fn told(value: Value) -> String {
    match value {
        Value::Image(page) => with_head("image", &page),
        Value::Record(Record::Postgres { will_init, rec }) => {
            let edit = match Edit::decode(&rec) {
                Ok(edit) => told_edit(&edit),
                Err(error) => error.to_string(),
            };
            match will_init {
                true => format!("will_init {edit}"),
                false => edit,
            }
        }
        Value::Record(record) => record.kind().to_string(),
    }
}

fn told_edit(edit: &Edit) -> String {
    match edit {
        Edit::Set { content } => with_head("set", content),
        Edit::Patch { offset, bytes } => with_head(&format!("patch at {offset}"), bytes),
        Edit::Append { suffix } => with_head("append", suffix),
        Edit::AppendIf { suffix, .. } => with_head("append-if", suffix),
        Edit::Clear => "clear".to_string(),
    }
}

fn with_head(what: &str, bytes: &[u8]) -> String {
    let head = bytes.iter().take(HEAD_LEN);
    let head: Vec<String> = head.map(|byte| format!("{byte:02x}")).collect();
    let more = if HEAD_LEN < bytes.len() { "…" } else { "" };
    let bytes = crate::text::counted(bytes.len() as u64, "byte");
    format!("{what}, {bytes}: {}{more}", head.join(" "))
}

/// The first `count_max` lines, and a line with the number of the others.
pub(crate) fn bounded(mut lines: Vec<String>, count_max: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(count_max);
    lines.truncate(count_max);
    if 0 < more {
        lines.push(format!("… {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_what_it_does_and_how_it_begins() {
        let edit = Edit::Append {
            suffix: (0..10).collect(),
        };
        let value = Value::Record(edit.into_init_record());
        let expected = "will_init append, 10 bytes: 00 01 02 03 04 05 06 07…";
        assert_eq!(told(value), expected);
        assert_eq!(told(Value::Image(vec![255])), "image, 1 byte: ff");
    }

    #[test]
    fn many_lines_say_how_many_more_there_are() {
        let lines = |count: usize| (0..count).map(|line| line.to_string()).collect();
        assert_eq!(bounded(lines(2), 2), ["0", "1"]);
        assert_eq!(bounded(lines(5), 2), ["0", "1", "… 3 more"]);
    }
}
