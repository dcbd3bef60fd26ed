//! The value that a part of the history stands on.

use std::sync::Arc;

use super::super::shared::Shared;
use super::get::KeyValue;
use super::guard::ReadGuard;
use crate::base::{Key, KeyRange, KeySpace, Lsn, Result};
use crate::io::Op;
use crate::store::Store;

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
        let Some(lsn) = floor.0.checked_sub(1).map(Lsn) else {
            return Ok(None);
        };
        // The last record is readable, and an ancestor is read from there as from any LSN above.
        let last = self.state().last_record_lsn;
        let mut guard = ReadGuard::new(self, op, last).await?;
        guard.lower(lsn);
        let keys = KeySpace::from_disjoint(vec![KeyRange::single(key)]);
        let rebuilt = self.rebuild(op, &guard, (keys, 1), floor).await?;
        Ok(rebuilt.values.into_iter().next())
    }
}
