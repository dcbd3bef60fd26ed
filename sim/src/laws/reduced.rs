//! Checks that a complete gc compaction has left no record that no read can see.
//!
//! 1. Below a read point only the records from the last base on are read there. So no record stands
//!    below a base, if no read point lies between the two.
//! 2. On a timeline that stands on nothing, all history up to the lowest read point becomes images:
//!    no record stands there.
//! 3. A key that cannot be replayed at some read point stays as it was, and so may one whose
//!    history is long.

use std::collections::BTreeMap;
use std::ops::Bound;

use palimpsest::base::{Key, Lsn, TimelineId};
use palimpsest::format::Value;

use super::index;
use super::known::{Content, Known};
use crate::disk::Disk;
use crate::model::Answer;
use crate::oracle::{Expected, ReadPoints};
use crate::verdict::Verdict;

/// How many copies of a value layers may have.
const COPY_COUNT_MAX: u64 = 16;

impl Known {
    /// Checks the layers of a timeline whose whole history was reduced.
    ///
    /// # Errors
    /// The broken law.
    pub fn check_reduced(
        &mut self,
        disk: &mut Disk,
        timeline: TimelineId,
        expected: &Expected,
        (points, len_max): (&ReadPoints, u64),
    ) -> Result<(), Verdict> {
        let index = index(disk, timeline)?;
        let mut by_key: BTreeMap<Key, BTreeMap<Lsn, bool>> = BTreeMap::new();
        for layer in self.look(disk, timeline, &index.layers)? {
            if let Content::Delta(records) = &*layer.content {
                for (at, bytes) in records {
                    let is_base = Value::decode(bytes).is_ok_and(|value| value.will_init());
                    by_key.entry(at.key).or_default().insert(at.lsn, is_base);
                }
            }
        }
        let lowest = points.first_from(Lsn::ZERO);
        for (key, records) in by_key {
            if !is_reducible(expected, key, len_max) {
                continue;
            }
            let first = records.first_key_value().map(|(lsn, _)| *lsn);
            if expected.ancestor.is_none() && first <= lowest {
                let law = "a reduced history has no record up to its lowest read point";
                return Err(Verdict::law(law, format!("{key} at {first:?}")));
            }
            for &lsn in records.keys() {
                let Some(point) = points.first_from(lsn).filter(|point| lsn < *point) else {
                    continue;
                };
                let mut above = records.range((Bound::Excluded(lsn), Bound::Included(point)));
                if let Some((base, _)) = above.find(|(_, is_base)| **is_base) {
                    let law = "a reduced history has no record that no read point sees";
                    let found = format!("{key} at {lsn}, below the base at {base} <= {point}");
                    return Err(Verdict::law(law, found));
                }
            }
        }
        Ok(())
    }
}

/// Whether a key has a value wherever it has a record, and a history that is surely short enough:
/// layers may have each value several times.
fn is_reducible(expected: &Expected, key: Key, len_max: u64) -> bool {
    let history = &expected.history;
    let mut len = 0;
    for (_, lsn) in history.points().filter(|(of, _)| *of == key) {
        let Answer::Value(value) = history.answer(key, lsn) else {
            return false;
        };
        let change = history.change(key, lsn);
        let record_len = change.map_or(0, |change| change.to_value().encoded_len());
        len += (value.len() + record_len) as u64;
    }
    len.saturating_mul(COPY_COUNT_MAX) <= len_max
}
