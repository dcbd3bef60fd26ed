//! Reading: a snapshot, a walk down from the newest layer, and a redo.
//!
//! ```text
//!  open ─▶ frozen, newest first ─▶ deltas, newest first ─▶ (nothing: the key has no history)
//!     └────────────┴──────────────────────┴─▶ an image or a `will_init` record: redo from here
//! ```

use std::sync::Arc;

use super::Timeline;
use super::shared::Shared;
use crate::base::{Error, Key, Lsn, Result};
use crate::format::Record;
use crate::io::{Io, Op, Part};
use crate::layer::{Gathered, LayerMap};
use crate::store::Store;

/// What one read sees: the layers as they stood, and how much of the open one was there.
struct Snapshot<I: Io> {
    map: Arc<LayerMap<I>>,
    open_entry_count: usize,
}

impl<S: Store> Timeline<S> {
    /// Rebuilds `key` as it was at `lsn`.
    ///
    /// # Shape
    /// `lsn` is inclusive. The answer is one whole value; nothing if the key has no history there.
    /// # Errors
    /// `NotYet` above `last_record_lsn`, `BelowCutoff` below the cutoff, `NoBase` if the key has
    /// records but none of them stands on its own, `Redo` if a record cannot be applied, `Corrupt`
    /// or `Io` if a layer cannot be read, `Closed`. The timeline is unchanged.
    /// # Source
    /// Law 7; the walk is drawn at the head of `timeline/read.rs`.
    pub async fn get(&self, key: Key, lsn: Lsn) -> Result<Option<Vec<u8>>> {
        let shared = &*self.shared;
        let op = shared.read_op();
        shared.io().pass(op).await;
        let snapshot = shared.snapshot(lsn)?;
        let gathered = snapshot.gather(shared.io(), op, (key, lsn)).await?;
        shared.redo((key, lsn), gathered)
    }
}

impl<S: Store> Shared<S> {
    /// What a read at `lsn` sees, if there may be one.
    fn snapshot(&self, lsn: Lsn) -> Result<Snapshot<S::Io>> {
        let state = self.state();
        state.check_open()?;
        if state.last_record_lsn < lsn {
            let last_record_lsn = state.last_record_lsn;
            return Err(Error::NotYet {
                lsn,
                last_record_lsn,
            });
        }
        if lsn < state.gc_cutoff {
            let cutoff = state.gc_cutoff;
            return Err(Error::BelowCutoff { lsn, cutoff });
        }
        Ok(Snapshot {
            open_entry_count: state.map.open().map_or(0, |open| open.entry_count()),
            map: state.map.clone(),
        })
    }

    fn redo(&self, (key, lsn): (Key, Lsn), gathered: Gathered) -> Result<Option<Vec<u8>>> {
        if gathered.is_empty() {
            return Ok(None);
        }
        if !gathered.is_complete() {
            return Err(Error::NoBase { key, lsn });
        }
        match gathered.into_parts() {
            (Some(image), records) if records.is_empty() => Ok(Some(image)),
            (base, records) => self.replay(key, base.as_deref(), &records).map(Some),
        }
    }

    fn replay(&self, key: Key, base: Option<&[u8]>, records: &[(Lsn, Record)]) -> Result<Vec<u8>> {
        let records: Vec<_> = records.iter().map(|(lsn, record)| (*lsn, record)).collect();
        let value = self.options.redo.redo(base, &records);
        value.map_err(|error| Error::Redo {
            key,
            lsn: error.lsn,
            why: error.why,
        })
    }
}

impl<I: Io> Snapshot<I> {
    /// Gathers the key's records from the newest layer down to a base, or to the end.
    async fn gather(&self, io: &I, op: Op, point: (Key, Lsn)) -> Result<Gathered> {
        let mut gathered = Gathered::new();
        let memory = op.on(Part::Ephemeral, 1);
        if let Some(open) = self.map.open() {
            open.gather(memory, point, self.open_entry_count, &mut gathered)
                .await?;
        }
        for layer in self.map.frozen().iter().rev() {
            if gathered.is_complete() {
                return Ok(gathered);
            }
            io.reached("a read comes to a frozen layer");
            layer
                .gather(memory, point, usize::MAX, &mut gathered)
                .await?;
        }
        for delta in self.map.deltas().iter().rev() {
            if gathered.is_complete() {
                return Ok(gathered);
            }
            if !gathered.is_empty() {
                io.reached("a read goes on to a delta below what it has gathered");
            }
            delta
                .gather(op.on(Part::Delta, 1), point, &mut gathered)
                .await?;
        }
        Ok(gathered)
    }
}
