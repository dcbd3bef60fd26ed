//! The records of a batch: their text, and plainer ones.

use std::fmt;

use super::key::KeyIndex;
use crate::text::{Problem, Words, in_digits, number};

/// The LSN distance that the shrinker prefers.
const LSN_STEP: u64 = 10;

/// One record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The distance of its LSN from the record before it, or from the last record. May be 0.
    pub lsn_step: u64,
    /// The key.
    pub key: KeyIndex,
    /// The change of the key's page.
    pub edit: EditPlan,
}

/// What a record does to its page. Lengths and offsets are in bytes; `seed` draws the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditPlan {
    /// A whole value: `image:LEN:SEED`.
    Image {
        /// The length of the value, in bytes.
        len: u32,
        /// The seed of the bytes.
        seed: u64,
    },
    /// A record that creates the page anew, `will_init`: `init:LEN:SEED`.
    Init {
        /// The length of the page, in bytes.
        len: u32,
        /// The seed of the bytes.
        seed: u64,
    },
    /// A record that replaces the page: `set:LEN:SEED`.
    Set {
        /// The length of the page, in bytes.
        len: u32,
        /// The seed of the bytes.
        seed: u64,
    },
    /// A record that overwrites a part: `patch:OFFSET:LEN:SEED`.
    Patch {
        /// The offset of the part, in bytes.
        offset: u32,
        /// The length of the part, in bytes.
        len: u32,
        /// The seed of the bytes.
        seed: u64,
    },
    /// A record that adds to the end: `append:LEN:SEED`.
    Append {
        /// The length of the addition, in bytes.
        len: u32,
        /// The seed of the bytes.
        seed: u64,
    },
    /// A record that adds to the end if the page is as it was when the record was written:
    /// `append-if:LEN:SEED`.
    AppendIf {
        /// The length of the addition, in bytes.
        len: u32,
        /// The seed of the bytes.
        seed: u64,
    },
    /// A record that empties the page: `clear`.
    Clear,
}

impl Entry {
    /// Makes this record an empty image, at a small distance from the one before it.
    pub fn make_plain(&mut self) {
        self.edit = EditPlan::Image { len: 0, seed: 0 };
        self.lsn_step = self.lsn_step.min(LSN_STEP);
    }
}

impl EditPlan {
    /// The offset of the part that it overwrites, in bytes; 0 for other edits.
    pub fn offset(self) -> u32 {
        match self {
            EditPlan::Patch { offset, .. } => offset,
            _ => 0,
        }
    }

    /// What it counts for the limit on a plan's bytes: its offset and its length.
    pub(in crate::plan) fn total_len(self) -> u64 {
        u64::from(self.offset()) + u64::from(self.len())
    }

    /// The length of its bytes; 0 for `clear`.
    pub(crate) fn len(self) -> u32 {
        match self {
            EditPlan::Image { len, .. }
            | EditPlan::Init { len, .. }
            | EditPlan::Set { len, .. }
            | EditPlan::Patch { len, .. }
            | EditPlan::Append { len, .. }
            | EditPlan::AppendIf { len, .. } => len,
            EditPlan::Clear => 0,
        }
    }

    fn seed(self) -> u64 {
        match self {
            EditPlan::Image { seed, .. }
            | EditPlan::Init { seed, .. }
            | EditPlan::Set { seed, .. }
            | EditPlan::Patch { seed, .. }
            | EditPlan::Append { seed, .. }
            | EditPlan::AppendIf { seed, .. } => seed,
            EditPlan::Clear => 0,
        }
    }

    /// An edit of the same kind, with other bytes of another length.
    fn resized(self, len: u32, seed: u64) -> EditPlan {
        match self {
            EditPlan::Image { .. } => EditPlan::Image { len, seed },
            EditPlan::Init { .. } => EditPlan::Init { len, seed },
            EditPlan::Set { .. } => EditPlan::Set { len, seed },
            EditPlan::Patch { offset, .. } => EditPlan::Patch { offset, len, seed },
            EditPlan::Append { .. } => EditPlan::Append { len, seed },
            EditPlan::AppendIf { .. } => EditPlan::AppendIf { len, seed },
            EditPlan::Clear => EditPlan::Clear,
        }
    }
}

/// Reads records separated by commas.
pub(super) fn read_batch(text: &str) -> Result<Vec<Entry>, Problem> {
    text.split(',').map(read_entry).collect()
}

/// Writes records separated by commas, with a space before each.
pub(super) fn write_batch(f: &mut fmt::Formatter<'_>, entries: &[Entry]) -> fmt::Result {
    for (index, entry) in entries.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma} {entry}")?;
    }
    Ok(())
}

fn read_entry(entry: &str) -> Result<Entry, Problem> {
    let mut words = Words::new(entry);
    let remedy = "write it like +8 k0 image:100:7f";
    let step = words.expect("record", remedy)?;
    let lsn_step = step
        .strip_prefix('+')
        .and_then(|digits| in_digits(digits, 10))
        .ok_or_else(|| Problem::new("LSN step", step, "write `+` and a number"))?;
    let key = KeyIndex::read(&mut words)?;
    let edit = read_edit(words.expect("edit", remedy)?)?;
    words.end()?;
    Ok(Entry {
        lsn_step,
        key,
        edit,
    })
}

fn read_edit(word: &str) -> Result<EditPlan, Problem> {
    let mut parts = word.split(':');
    let kind = parts.next().unwrap_or_default();
    let mut next = |what| {
        let part = parts.next();
        part.ok_or_else(|| Problem::missing(what, "write KIND:LEN:SEED, or patch:OFFSET:LEN:SEED"))
    };
    let mut offset = 0;
    let mut len = 0;
    let mut seed = 0;
    if kind == "patch" {
        offset = number(next("offset")?, "offset")?;
    }
    if kind != "clear" {
        len = number(next("length")?, "length")?;
        seed = read_seed(next("seed")?)?;
    }
    let edit = match kind {
        "image" => EditPlan::Image { len, seed },
        "init" => EditPlan::Init { len, seed },
        "set" => EditPlan::Set { len, seed },
        "patch" => EditPlan::Patch { offset, len, seed },
        "append" => EditPlan::Append { len, seed },
        "append-if" => EditPlan::AppendIf { len, seed },
        "clear" => EditPlan::Clear,
        other => {
            let remedy = "write one of image init set patch append append-if clear";
            return Err(Problem::new("edit", other, remedy));
        }
    };
    match parts.next() {
        Some(part) => Err(Problem::new("part", part, "end the edit before it")),
        None => Ok(edit),
    }
}

fn read_seed(word: &str) -> Result<u64, Problem> {
    in_digits(word, 16).ok_or_else(|| Problem::new("seed", word, "write hexadecimal digits"))
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} {} {}", self.lsn_step, self.key, self.edit)
    }
}

impl fmt::Display for EditPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditPlan::Image { len, seed } => write!(f, "image:{len}:{seed:x}"),
            EditPlan::Init { len, seed } => write!(f, "init:{len}:{seed:x}"),
            EditPlan::Set { len, seed } => write!(f, "set:{len}:{seed:x}"),
            EditPlan::Patch { offset, len, seed } => write!(f, "patch:{offset}:{len}:{seed:x}"),
            EditPlan::Append { len, seed } => write!(f, "append:{len}:{seed:x}"),
            EditPlan::AppendIf { len, seed } => write!(f, "append-if:{len}:{seed:x}"),
            EditPlan::Clear => write!(f, "clear"),
        }
    }
}

/// Batches with fewer records, and batches with plainer ones.
pub(super) fn plainer_batches(entries: &[Entry]) -> Vec<Vec<Entry>> {
    let sizes = std::iter::successors(Some(entries.len() / 2), |size| Some(size / 2));
    let sizes = sizes.take_while(|size| 0 < *size);
    let fewer = sizes.flat_map(move |size| {
        let starts = (0..entries.len()).step_by(size);
        starts.map(move |start| {
            let end = entries.len().min(start + size);
            let kept = [&entries[..start], &entries[end..]];
            kept.concat()
        })
    });
    let plainer = (0..entries.len()).flat_map(move |at| {
        plainer_entries(&entries[at]).into_iter().map(move |entry| {
            let mut entries = entries.to_vec();
            entries[at] = entry;
            entries
        })
    });
    let fewer = fewer.filter(|kept| !kept.is_empty());
    fewer.chain(plainer).collect()
}

fn plainer_entries(entry: &Entry) -> Vec<Entry> {
    let mut plainer: Vec<Entry> = plainer_edits(entry.edit)
        .into_iter()
        .map(|edit| Entry {
            edit,
            ..entry.clone()
        })
        .collect();
    if LSN_STEP < entry.lsn_step {
        let lsn_step = LSN_STEP;
        plainer.push(Entry {
            lsn_step,
            ..entry.clone()
        });
    }
    plainer
}

/// An image is plainer than an edit that needs a page, and an append plainer than one that checks
/// the page.
fn plainer_edits(edit: EditPlan) -> Vec<EditPlan> {
    if edit == EditPlan::Clear {
        return vec![EditPlan::Image { len: 0, seed: 0 }];
    }
    let (len, seed) = (edit.len(), edit.seed());
    let (image, append) = (
        EditPlan::Image { len, seed },
        EditPlan::Append { len, seed },
    );
    let mut plainer = match edit {
        EditPlan::Image { .. } | EditPlan::Clear => Vec::new(),
        EditPlan::Append { .. } => vec![image],
        _ => vec![image, append],
    };
    let shorter = [0, 1, 8, len / 2]
        .into_iter()
        .filter(|shorter| *shorter < len);
    plainer.extend(shorter.map(|len| edit.resized(len, seed)));
    if 0 < seed {
        plainer.push(edit.resized(len, 0));
    }
    plainer
}
