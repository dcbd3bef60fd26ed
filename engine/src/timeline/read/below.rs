//! The values that a part of the history stands on.

use std::sync::Arc;

use super::super::shared::Shared;
use super::get::KeyValue;
use super::guard::ReadGuard;
use crate::base::{Key, KeyRange, KeySpace, Lsn, Result};
use crate::io::Op;
use crate::store::Store;

/// A scan of the keys that have a value below an LSN.
pub(in super::super) struct KeysBelow<S: Store> {
    shared: Arc<Shared<S>>,
    op: Op,
    guard: ReadGuard<S>,
    floor: Lsn,
    /// The keys that it has not looked at yet.
    keys: KeySpace,
}

impl<S: Store> Shared<S> {
    /// The value of a key below `floor`, in this timeline or its ancestors; `None` if it has none.
    ///
    /// # Shape
    /// It is what a read above finds below the floor, which need not be readable itself. The caller
    /// keeps collections away: it holds the gc lock.
    /// # Errors
    /// Those of a read.
    pub(in super::super) async fn value_below(
        self: &Arc<Self>,
        op: Op,
        (key, floor): (Key, Lsn),
    ) -> Result<Option<KeyValue>> {
        let Some(guard) = self.guard_below(op, floor).await? else {
            return Ok(None);
        };
        let keys = KeySpace::from_disjoint(vec![KeyRange::single(key)]);
        let rebuilt = self.rebuild(op, &guard, (keys, 1), floor).await?;
        Ok(rebuilt.values.into_iter().next())
    }

    /// Starts a scan of those of `keys` that have a value below `floor`, under the conditions of
    /// `value_below`.
    ///
    /// # Errors
    /// Those of a read.
    pub(in super::super) async fn keys_below(
        self: &Arc<Self>,
        op: Op,
        (keys, floor): (KeySpace, Lsn),
    ) -> Result<Option<KeysBelow<S>>> {
        let guard = self.guard_below(op, floor).await?;
        Ok(guard.map(|guard| KeysBelow {
            shared: self.clone(),
            op,
            guard,
            floor,
            keys,
        }))
    }

    /// Registers a reader below `floor`; `None` if nothing can be there.
    async fn guard_below(self: &Arc<Self>, op: Op, floor: Lsn) -> Result<Option<ReadGuard<S>>> {
        let Some(lsn) = floor.0.checked_sub(1).map(Lsn) else {
            return Ok(None);
        };
        // The last record is readable, and an ancestor is read from there as from any LSN above.
        let last = self.state().last_record_lsn;
        let mut guard = ReadGuard::new(self, op, last).await?;
        guard.lower(lsn);
        Ok(Some(guard))
    }
}

impl<S: Store> KeysBelow<S> {
    /// The next of the keys, in their order; `None` at the end. A batch may be empty.
    ///
    /// # Errors
    /// Those of a read.
    pub(in super::super) async fn next_batch(&mut self) -> Result<Option<Vec<Key>>> {
        if self.keys.ranges().is_empty() {
            return Ok(None);
        }
        let count_max = self.shared.options.scan_key_count_max.max(1);
        let keys = (self.keys.clone(), count_max);
        let found = self
            .shared
            .rebuild(self.op, &self.guard, keys, self.floor)
            .await?;
        let done = KeyRange::new(Key::MIN, found.end);
        self.keys
            .remove_overlapping_with(&KeySpace::from_ranges([done]));
        Ok(Some(found.values.into_iter().map(|(key, _)| key).collect()))
    }
}
