//! Writing: batches into the open layer, and when that is closed.
//!
//! ```text
//!  put_batch: admit ─▶ roll if due ─▶ open a layer if none ─▶ append bytes ─▶ publish records
//!                                          ▲                                    │
//!                                          └── frozen meanwhile by another ─────┘
//! ```
//!
//! A batch's bytes are written first, where nobody looks; its records are published in one step
//! with `last_record_lsn`. A future that is dropped in between leaves bytes that no record points
//! at.

use std::path::PathBuf;
use std::sync::Arc;

use super::Timeline;
use super::shared::{Shared, State};
use crate::base::{Error, FileName, Lsn, Result};
use crate::io::{Io, Job, Op, Part};
use crate::layer::{Batch, MemoryLayer};
use crate::store::Store;

/// The one that may write to a timeline. It is given back by dropping it.
pub struct Writer<S: Store> {
    shared: Arc<Shared<S>>,
}

impl<S: Store> Timeline<S> {
    /// Becomes the timeline's writer.
    ///
    /// # Errors
    /// `Busy` if there is one, `Closed`, or `Latched`.
    pub fn writer(&self) -> Result<Writer<S>> {
        let mut state = self.shared.state();
        state.check_writable()?;
        if state.has_writer {
            let what = format!("the writer of timeline {}", self.shared.id);
            return Err(Error::Busy { what });
        }
        state.has_writer = true;
        Ok(Writer {
            shared: self.shared.clone(),
        })
    }

    /// Closes the open layer, if it has records. It closes the last record's LSN as well: the next
    /// batch must be above it.
    ///
    /// # Errors
    /// `Closed`, or `Latched`.
    pub async fn freeze(&self) -> Result<()> {
        let op = self.shared.op(Job::Freeze, 1);
        self.shared.io().pass(op).await;
        let mut state = self.shared.state();
        state.check_writable()?;
        state.freeze();
        Ok(())
    }
}

impl<S: Store> Drop for Writer<S> {
    fn drop(&mut self) {
        self.shared.state().has_writer = false;
    }
}

impl<S: Store> Writer<S> {
    /// Writes a batch: all of it can be read when this returns, and is durable after a
    /// [`Timeline::flush`].
    ///
    /// A batch may share its first LSN with the last record before it, unless a freeze or a flush
    /// has closed that LSN.
    ///
    /// # Errors
    /// `Refused` if its first LSN is below the last record's or is closed, or if a key stands at
    /// this LSN already; `Io`, `Latched`, or `Closed`. After any error, and when the future is
    /// dropped, the batch is there whole or not at all.
    pub async fn put_batch(&mut self, batch: &Batch) -> Result<()> {
        let Some((first, last)) = batch.first_lsn().zip(batch.last_lsn()) else {
            return Ok(());
        };
        let shared = &*self.shared;
        let op = {
            let mut state = shared.state();
            state.admit(first)?;
            state.put_count = state.put_count.wrapping_add(1);
            shared.op(Job::Put, state.put_count).on(Part::Ephemeral, 1)
        };
        shared.roll(op, batch, (first, last)).await?;
        loop {
            let layer = shared.open_layer(op).await?;
            let position = layer.append(op, batch).await?;
            shared.io().pass(op).await;
            if shared.state().publish_batch(&layer, batch, position)? {
                return Ok(());
            }
            shared
                .io()
                .reached("a freeze comes between a batch's bytes and its records");
        }
    }
}

impl<S: Store> Shared<S> {
    /// Freezes the open layer if the batch would make it too large, too wide or too old, but never
    /// between two batches that share an LSN.
    async fn roll(&self, op: Op, batch: &Batch, (first, last): (Lsn, Lsn)) -> Result<()> {
        let now = self.io().now();
        let is_due = |state: &State<S::Io>| {
            let Some(open) = state.map.open() else {
                return false;
            };
            let options = &self.options;
            let len = open.byte_len().saturating_add(batch.byte_len());
            let distance = last.0 - open.start().0;
            state.last_record_lsn < first
                && (options.freeze_len_max <= len
                    || options.freeze_distance_max <= distance
                    || options.freeze_age_max <= now.saturating_since(open.opened_at()))
        };
        if is_due(&self.state()) {
            self.io().pass(op).await;
            let mut state = self.state();
            state.check_writable()?;
            state.freeze();
        }
        Ok(())
    }

    /// The layer that takes records, which is made if there is none.
    async fn open_layer(&self, op: Op) -> Result<Arc<MemoryLayer<S::Io>>> {
        let start = {
            let state = self.state();
            state.check_writable()?;
            if let Some(open) = state.map.open() {
                return Ok(open.clone());
            }
            state.next_start
        };
        let layer = MemoryLayer::create(self.io(), op, self.ephemeral_path(), start).await?;
        let layer = Arc::new(layer);
        self.io().pass(op).await;
        let mut state = self.state();
        state.check_writable()?;
        // Only the writer opens layers, and there is one writer.
        assert!(state.next_start == start);
        state.map = Arc::new(state.map.with_open(layer.clone()));
        Ok(layer)
    }

    fn ephemeral_path(&self) -> PathBuf {
        let name = FileName::Ephemeral {
            generation: self.generation,
            ordinal: self.next_scratch(),
        };
        self.dir.join(name.to_string())
    }
}

impl<I: Io> State<I> {
    /// Refuses a batch that starts below what is closed.
    fn admit(&self, first: Lsn) -> Result<()> {
        self.check_writable()?;
        let start = self.map.open().map_or(self.next_start, |open| open.start());
        let floor = start.max(self.last_record_lsn);
        if first < floor {
            let why = format!("LSN {first} is closed, a batch must start at {floor} or above");
            return Err(Error::Refused { why });
        }
        Ok(())
    }

    /// Makes a batch visible, in one step; not if its layer was frozen meanwhile.
    fn publish_batch(
        &mut self,
        layer: &Arc<MemoryLayer<I>>,
        batch: &Batch,
        position: u64,
    ) -> Result<bool> {
        let first = batch.first_lsn().expect("the caller has looked");
        self.admit(first)?;
        if !self.map.open().is_some_and(|open| Arc::ptr_eq(open, layer)) {
            return Ok(false);
        }
        if let Some((key, lsn)) = layer.first_duplicate(batch) {
            let why = format!("key {key} has a record at LSN {lsn} already");
            return Err(Error::Refused { why });
        }
        layer.publish(batch, position);
        self.last_record_lsn = batch.last_lsn().expect("it has a first one");
        self.check_laws();
        Ok(true)
    }

    /// Closes the open layer, if it has records.
    pub(super) fn freeze(&mut self) {
        if self.map.open().is_none_or(|open| open.entry_count() == 0) {
            return;
        }
        let end = self.last_record_lsn.visible_end();
        self.map = Arc::new(self.map.freeze(end));
        self.next_start = end;
        self.check_laws();
    }
}
