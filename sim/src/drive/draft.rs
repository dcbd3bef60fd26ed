//! The records that a line's entries stand for.

use palimpsest::base::{Key, Lsn, ShardIdentity};
use palimpsest::{Batch, Error};

use super::doors::try_wrong_records;
use crate::keys;
use crate::model::{Answer, Change, History};
use crate::oracle::Expected;
use crate::plan::{EditPlan, Entry, Knobs};
use crate::verdict::Verdict;

/// The batch that a line's entries stand for.
#[derive(Default)]
pub(super) struct Draft {
    /// The records of the batch.
    pub(super) changes: Vec<(Key, Lsn, Change)>,
    /// Keys to push once more at the same LSN, each after this many records.
    doubles: Vec<(usize, Key)>,
    /// The first of its keys that another shard holds. It has one only if its first entry is of
    /// one: other entries are left to their shards.
    pub(super) foreign: Option<Key>,
}

impl Draft {
    /// The records that the entries stand for; `None` if no LSN is left for them.
    pub(super) fn of(expected: &Expected, knobs: &Knobs, entries: &[Entry]) -> Option<Draft> {
        let mut lsn = expected.last;
        let mut draft = Draft::default();
        let changes = &mut draft.changes;
        let shard = ShardIdentity::from(knobs.shard);
        let is_foreign = |entry: &Entry| !shard.holds(keys::key(knobs, entry.key));
        let is_stray = entries.first().is_some_and(is_foreign);
        for entry in entries {
            lsn = lsn
                .checked_add(entry.lsn_step)
                .filter(|lsn| *lsn < Lsn::MAX)?;
            let key = keys::key(knobs, entry.key);
            if is_foreign(entry) && !is_stray {
                continue;
            }
            let stands = |(at_key, at, _): &(Key, Lsn, Change)| (*at_key, *at) == (key, lsn);
            if changes.iter().any(stands) {
                draft.doubles.push((changes.len(), key));
            } else if !expected.optional.contains(&(key, lsn)) {
                // Whether the engine must refuse one that may be there is not known.
                let change = change(&expected.history, changes, (key, lsn), &entry.edit);
                changes.push((key, lsn, change));
            }
        }
        let mut keys = draft.changes.iter().map(|(key, _, _)| *key);
        draft.foreign = keys.find(|key| !shard.holds(*key));
        (!draft.changes.is_empty()).then_some(draft)
    }

    /// Builds the batch.
    ///
    /// # Errors
    /// A wrong answer, if a record is refused, or if a record that repeats a key at one LSN is
    /// taken.
    pub(super) fn batch(&self) -> Result<Batch, Verdict> {
        let mut batch = Batch::new();
        for ((key, lsn, change), count) in self.changes.iter().zip(1..) {
            let pushed = batch.push(*key, *lsn, &change.to_value());
            pushed.map_err(|error| Verdict::wrong("push", "it is taken", error.to_string()))?;
            let doubles = self.doubles.iter().filter(|(behind, _)| *behind == count);
            for (_, double) in doubles {
                let pushed = batch.push(*double, *lsn, &change.to_value());
                if !matches!(pushed, Err(Error::Refused { .. })) {
                    let asked = format!("push {double} at {lsn} once more");
                    return Err(Verdict::wrong(asked, "a refusal", format!("{pushed:?}")));
                }
            }
        }
        if let Some((key, lsn, _)) = self.changes.last() {
            try_wrong_records(&batch, (*key, *lsn))?;
        }
        Ok(batch)
    }
}

/// The change that an edit stands for, given the history and the batch so far.
fn change(
    history: &History,
    batch: &[(Key, Lsn, Change)],
    (key, lsn): (Key, Lsn),
    edit: &EditPlan,
) -> Change {
    match *edit {
        EditPlan::Image { len, seed } => Change::Image(keys::bytes(seed, len)),
        EditPlan::Init { len, seed } => Change::Init(keys::bytes(seed, len)),
        EditPlan::Set { len, seed } => Change::Set(keys::bytes(seed, len)),
        EditPlan::Patch { offset, len, seed } => Change::Patch(offset, keys::bytes(seed, len)),
        EditPlan::Append { len, seed } => Change::Append(keys::bytes(seed, len)),
        EditPlan::AppendIf { len, seed } => {
            let page = match history.answer_with(batch, key, lsn) {
                Answer::Value(page) => page,
                Answer::Absent | Answer::NoBase | Answer::NoRedo => Vec::new(),
            };
            Change::AppendIf(page, keys::bytes(seed, len))
        }
        EditPlan::Clear => Change::Clear,
    }
}
