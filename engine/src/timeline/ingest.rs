//! Writing: batches go into the open layer, which is frozen when it is due.
//!
//! ```text
//!  put_batch: check ─▶ roll if due ─▶ open a layer if none ─▶ append bytes ─▶ publish records
//!                                          ▲                                    │
//!                                          └── frozen meanwhile by another ─────┘
//! ```
//!
//! A batch's bytes are written first, where no reader sees them; its records are published in one
//! step with `last_record_lsn`. A future that is cancelled in between leaves bytes that no record
//! points to.

use std::path::PathBuf;
use std::sync::Arc;

use super::Timeline;
use super::events::Event;
use super::running::Stalled;
use super::shared::{Shared, TimelineState};
use super::upkeep::Lane;
use crate::base::{Error, FileName, Lsn, Result, Time};
use crate::format::ValueRef;
use crate::io::{Io, Job, Op, Part};
use crate::layer::{Batch, FILE_LEN_MAX, MemoryLayer};
use crate::store::Store;

/// What a layer may take up in a file, counted by [`file_len`]. Bytes.
const FLUSH_LEN_MAX: u64 = 4 << 30;
/// What a record takes up in a file at most, beside its value: a header and its place in the index.
const RECORD_LEN: u64 = 48;

// Checksums, and the ends of blocks, are far less than one byte in 100.
const _: () = assert!(FLUSH_LEN_MAX + FLUSH_LEN_MAX / 100 < FILE_LEN_MAX);

/// The right to write to a timeline, which one owner has at a time. Dropping it releases it.
pub struct Writer<S: Store> {
    shared: Arc<Shared<S>>,
}

impl<S: Store> Timeline<S> {
    /// Takes the timeline's writer, of which there is one.
    ///
    /// # Errors
    /// `Busy` if another writer is alive. `Closed` if the timeline was shut down, `Latched` if a
    /// sync has failed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let writer = timeline.writer()?;
    /// assert!(matches!(timeline.writer(), Err(Error::Busy { .. }))); // One at a time.
    /// drop(writer);
    /// let writer = timeline.writer()?;
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn writer(&self) -> Result<Writer<S>> {
        let mut state = self.shared.state();
        state.check_writable()?;
        if state.has_writer {
            let id = self.shared.id;
            let what = format!("timeline {id} has a writer: drop that one first");
            return Err(Error::Busy { what });
        }
        state.has_writer = true;
        Ok(Writer {
            shared: self.shared.clone(),
        })
    }

    /// Freezes the open layer, if it has records, so that it can be flushed. The last record's LSN
    /// is closed by that: the next batch must start above it.
    ///
    /// # Errors
    /// `Closed` if the timeline was shut down, `Latched` if a sync has failed.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.freeze().await?;
    /// // LSN 20, the last record's, is closed now.
    /// let mut batch = Batch::new();
    /// batch.push(Key::MIN.next(), Lsn(20), &Value::Image(b"late".to_vec()))?;
    /// let refused = timeline.writer()?.put_batch(&batch).await;
    /// assert!(matches!(refused, Err(Error::Refused { .. })));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn freeze(&self) -> Result<()> {
        let op = self.shared.op(Job::Freeze, 1);
        self.shared.io().interleave(op).await;
        self.shared.freeze()
    }
}

impl<S: Store> Drop for Writer<S> {
    fn drop(&mut self) {
        let mut state = self.shared.state_in_drop();
        assert!(state.has_writer, "one writer, which is released once");
        state.has_writer = false;
    }
}

impl<S: Store> Writer<S> {
    /// Writes a batch atomically: all of it can be read when this returns, and is durable after the
    /// next [`Timeline::flush`].
    ///
    /// A batch may share its first LSN with the last record before it, unless a freeze or a flush
    /// has closed that LSN. With `maintenance_period` set, a layer that is too old, or must make
    /// room, is frozen at any time: records that belong to one LSN are put as one batch then.
    ///
    /// # Errors
    /// `Refused` if its first LSN is below the last record's or is closed, if one of its keys has a
    /// record at that LSN already, if the redo's [`check`](crate::format::Redo::check) refuses a
    /// record, or if it does not fit into a layer's file, of 4 GiB, together
    /// with the records that share its first LSN. `Io` if the device refused: retry. `Latched` if a
    /// sync has failed, `Closed` if the timeline was shut down. `Foreign` if another shard holds
    /// one of its keys. After any error, and when the future is dropped, the batch is visible whole
    /// or not at all.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let mut writer = timeline.writer()?;
    /// let mut batch = Batch::new();
    /// batch.push(Key::MIN, Lsn(10), &Value::Image(b"page".to_vec()))?;
    /// let append = Edit::Append { suffix: b" two".to_vec() };
    /// batch.push(Key::MIN, Lsn(20), &Value::Record(append.into_record()))?;
    /// writer.put_batch(&batch).await?;
    /// assert_eq!(timeline.get(Key::MIN, Lsn(20)).await?, Some(b"page two".to_vec()));
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn put_batch(&mut self, batch: &Batch) -> Result<()> {
        let Some(first) = batch.first_lsn() else {
            return Ok(());
        };
        assert!(batch.last_lsn().is_some_and(|last| last < Lsn::MAX));
        let shared = &*self.shared;
        shared.check_held(batch)?;
        shared.check_records(batch)?;
        let op = {
            let mut state = shared.state();
            assert!(state.has_writer, "it is this one");
            state.check_first_lsn(first)?;
            state.check_room(first, batch)?;
            shared.next_op(&mut state, Job::Put).on(Part::Ephemeral, 1)
        };
        shared.roll(op, batch).await?;
        loop {
            let layer = shared.open_layer(op).await?;
            let position = layer.append(op, batch).await?;
            shared.io().interleave(op).await;
            let now = shared.io().now();
            let published = shared
                .state()
                .publish_batch((&layer, position), batch, now)?;
            if let Some(before) = published {
                // The cutoff may follow the last record.
                shared.upkeep.wake(Lane::Collect);
                if layer.entry_count() == batch.record_count() {
                    // From its first record on the layer grows old.
                    shared.upkeep.wake(Lane::Flush);
                }
                if before == first {
                    shared
                        .io()
                        .probe("a batch shares its LSN with the one before it");
                }
                return Ok(());
            }
            shared
                .io()
                .probe("a freeze comes between a batch's bytes and its records");
        }
    }
}

impl<S: Store> Shared<S> {
    /// Refuses a batch with a key that another shard holds.
    fn check_held(&self, batch: &Batch) -> Result<()> {
        let shard = self.shard.identity;
        match shard.is_unsharded() {
            true => Ok(()),
            false => {
                let mut records = batch.records().iter();
                records.try_for_each(|record| shard.check(record.key))
            }
        }
    }

    /// Refuses a batch with a record that the redo does not know: its key could not be read again.
    fn check_records(&self, batch: &Batch) -> Result<()> {
        let raw = batch.raw();
        for record in batch.records() {
            let start = usize::try_from(record.offset).expect("the batch is in memory");
            let bytes = &raw[start..start + record.len as usize];
            let value = ValueRef::decode(bytes).expect("a batch encodes what it is given");
            let ValueRef::Record(change) = value else {
                continue;
            };
            if let Err(why) = self.options.redo.check(record.key, &change) {
                let (key, lsn) = (record.key, record.lsn);
                let why = format!("the record of key {key} at LSN {lsn}: {why}");
                return Err(Error::Refused { why });
            }
        }
        Ok(())
    }

    /// Freezes the open layer if the batch would make it too large, too wide or too old, but never
    /// between two batches that share an LSN.
    async fn roll(&self, op: Op, batch: &Batch) -> Result<()> {
        let now = self.io().now();
        let due = self.state().due(batch, now);
        let Some(due) = due else {
            return Ok(());
        };
        match due {
            Due::Long => self.io().probe("a batch would make its layer too long"),
            Due::Wide => self.io().probe("a batch would make its layer too wide"),
            Due::Old => self.io().probe("a batch finds its layer too old"),
            Due::Called => self
                .io()
                .probe("a batch finds that its layer must make room"),
        }
        self.io().interleave(op).await;
        self.check_backlog()?;
        self.freeze()?;
        self.hold_back().await
    }

    /// Freezes the open layer without a batch, if it is too old or must make room for others.
    pub(super) async fn freeze_due(&self) -> Result<()> {
        let now = self.io().now();
        let Some(due) = self.state().due_at(now) else {
            return Ok(());
        };
        match due {
            Due::Called => self.io().probe("maintenance freezes a layer to make room"),
            Due::Long | Due::Wide | Due::Old => self
                .io()
                .probe("maintenance freezes a layer that is too old"),
        }
        self.io().interleave(self.op(Job::Freeze, 1)).await;
        self.freeze()
    }

    /// Freezes the open layer, if it has records.
    fn freeze(&self) -> Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        state.freeze();
        drop(state);
        self.changed.notify(usize::MAX);
        self.upkeep.wake(Lane::Flush);
        Ok(())
    }

    /// Refuses to freeze another layer while maintenance cannot flush those that wait: what it
    /// cannot make durable would pile up.
    fn check_backlog(&self) -> Result<()> {
        let frozen_count = self.state().map.frozen().len();
        if frozen_count < self.options.failing_frozen_count_max {
            return Ok(());
        }
        let failures = self.upkeep.failures();
        match failures.of(Job::Flush) {
            None => Ok(()),
            Some(error) => {
                self.io().probe("a batch is told why nothing is flushed");
                Err(error.clone())
            }
        }
    }

    /// Applies backpressure: delays a writer that is faster than compaction, or makes it wait.
    async fn hold_back(&self) -> Result<()> {
        let options = self.state().applied.options.clone();
        let backlog = self.state().map.backlog();
        if options.l0_delay_count <= backlog {
            self.io().probe("a batch is delayed because L0s wait");
            let (timeline, delay) = (self.id, options.l0_delay);
            let event = Event::WriterDelayed {
                timeline,
                backlog,
                delay,
            };
            self.tell(&event);
            self.io().sleep(delay).await;
        }
        let mut stalled = None;
        loop {
            let listener = self.changed.listen();
            self.check_running()?;
            if !self.state().is_stalled() {
                return Ok(());
            }
            for job in [Job::Flush, Job::Compact] {
                if let Some(error) = self.upkeep.failures().of(job) {
                    self.io().probe("a batch is told why it would wait for L0s");
                    return Err(error.clone());
                }
            }
            self.io().probe("a batch waits until there are fewer L0s");
            stalled.get_or_insert_with(|| Stalled::begin(self));
            listener.await;
        }
    }

    /// Returns the open layer; creates one if there is none.
    async fn open_layer(&self, op: Op) -> Result<Arc<MemoryLayer<S::Io>>> {
        let start = {
            let state = self.state();
            state.check_writable()?;
            if let Some(open) = state.map.open() {
                return Ok(open.clone());
            }
            state.next_start
        };
        let (path, buffer_len) = (self.ephemeral_path(), self.options.buffer_len);
        let io = (self.io(), &**self.store.open_files());
        let layer = MemoryLayer::create(io, op, path, start, buffer_len).await?;
        let layer = Arc::new(layer);
        self.io().interleave(op).await;
        let mut state = self.state();
        state.check_writable()?;
        // Only the writer opens layers, and there is one writer.
        assert!(state.next_start == start);
        assert!(
            state.last_record_lsn < start,
            "all records before it are in older layers"
        );
        state.map = Arc::new(state.map.with_open(layer.clone()));
        state.open_share = Some(self.memory.share(self.upkeep.clone()));
        state.check_lsns();
        Ok(layer)
    }

    fn ephemeral_path(&self) -> PathBuf {
        let name = FileName::Ephemeral {
            generation: self.generation,
            ordinal: self.next_scratch(),
        };
        self.context.dir.join(name.to_string())
    }
}

/// What this many bytes of values, in this many records, take up in a file at most.
fn file_len(byte_len: u64, record_count: usize) -> u64 {
    byte_len.saturating_add(RECORD_LEN.saturating_mul(record_count as u64))
}

fn batch_len(batch: &Batch) -> u64 {
    file_len(batch.byte_len(), batch.record_count())
}

fn layer_len<I: Io>(layer: &MemoryLayer<I>) -> u64 {
    file_len(layer.byte_len(), layer.entry_count())
}

/// Refuses a batch of this length that does not fit behind a layer of that length.
fn check_fit(layer_len: u64, batch_len: u64) -> Result<()> {
    if layer_len.saturating_add(batch_len) <= FLUSH_LEN_MAX {
        return Ok(());
    }
    let why = format!(
        "a batch of {batch_len} bytes behind {layer_len} at its first LSN: a layer's file has room \
         for {FLUSH_LEN_MAX}; put it as several batches, at several LSNs"
    );
    Err(Error::Refused { why })
}

/// Why the open layer must be frozen before a batch.
enum Due {
    Long,
    Wide,
    Old,
    Called,
}

impl<I: Io> TimelineState<I> {
    /// Why the open layer must be frozen before the batch, if it must and may be.
    fn due(&self, batch: &Batch, now: Time) -> Option<Due> {
        let options = &self.applied.options;
        let open = self.map.open()?;
        let (first, last) = batch.first_lsn().zip(batch.last_lsn())?;
        if first <= self.last_record_lsn {
            return None;
        }
        let is_full = check_fit(layer_len(open), batch_len(batch)).is_err();
        if is_full || options.freeze_len_max <= open.byte_len().saturating_add(batch.byte_len()) {
            return Some(Due::Long);
        }
        if options.freeze_distance_max <= last.0 - open.start().0 {
            return Some(Due::Wide);
        }
        self.due_at(now)
    }

    /// Why the open layer must be frozen at this time, batch or no batch, if it has records.
    fn due_at(&self, now: Time) -> Option<Due> {
        let open = self.map.open().filter(|open| 0 < open.entry_count())?;
        let share = self.open_share.as_ref().expect("there is an open layer");
        // A batch that was cut off has left bytes as well.
        share.hold(layer_len(open));
        if share.must_yield() {
            return Some(Due::Called);
        }
        let age = now.saturating_since(open.opened_at());
        (self.applied.options.freeze_age_max <= age).then_some(Due::Old)
    }

    /// Whether a batch that freezes has to wait until there are fewer L0s.
    fn is_stalled(&self) -> bool {
        let stall_count = self.applied.options.l0_stall_count;
        stall_count.is_some_and(|count| count.max(1) <= self.map.backlog())
    }

    /// Refuses a batch that starts at a closed LSN.
    fn check_first_lsn(&self, first: Lsn) -> Result<()> {
        self.check_writable()?;
        if 0 < self.ending_count {
            return Err(Error::Closed);
        }
        let start = self.map.open().map_or(self.next_start, |open| open.start());
        let floor = start.max(self.last_record_lsn);
        if first < floor {
            let why = format!("LSN {first} is closed, a batch must start at {floor} or above");
            return Err(Error::Refused { why });
        }
        Ok(())
    }

    /// Refuses a batch that would make a layer that no file has room for: such a layer could never
    /// be flushed.
    fn check_room(&self, first: Lsn, batch: &Batch) -> Result<()> {
        // A layer is not frozen between two batches that share an LSN.
        let open = self.map.open().filter(|_| first <= self.last_record_lsn);
        check_fit(open.map_or(0, |open| layer_len(open)), batch_len(batch))
    }

    /// Publishes a batch in one step and returns the LSN of the last record before it; `None` if a
    /// concurrent call has frozen its layer.
    fn publish_batch(
        &mut self,
        (layer, position): (&Arc<MemoryLayer<I>>, u64),
        batch: &Batch,
        now: Time,
    ) -> Result<Option<Lsn>> {
        let first = batch
            .first_lsn()
            .expect("the caller has checked that it is not empty");
        self.check_first_lsn(first)?;
        if !self.map.open().is_some_and(|open| Arc::ptr_eq(open, layer)) {
            return Ok(None);
        }
        if let Some((key, lsn)) = layer.first_duplicate(batch) {
            let why = format!("key {key} has a record at LSN {lsn} already");
            return Err(Error::Refused { why });
        }
        assert!(
            self.next_start <= first,
            "a freeze closes the LSNs below it"
        );
        layer.publish(batch, position);
        let share = self.open_share.as_ref().expect("there is an open layer");
        share.hold(layer_len(layer));
        let before = self.last_record_lsn;
        self.time_to_lsn.note(now, before);
        self.image_time_to_lsn.note(now, before);
        self.last_record_lsn = batch
            .last_lsn()
            .expect("a batch with a first LSN has a last one");
        assert!(before <= first, "law 4");
        assert!(first <= self.last_record_lsn, "LSNs ascend in a batch");
        self.check_lsns();
        Ok(Some(before))
    }

    /// Freezes the open layer, if it has records.
    pub(super) fn freeze(&mut self) {
        if self.map.open().is_none_or(|open| open.entry_count() == 0) {
            return;
        }
        assert!(
            self.flushed_lsn < self.last_record_lsn,
            "the open layer has records"
        );
        let end = self.last_record_lsn.visible_end();
        let backlog = self.map.backlog();
        self.map = Arc::new(self.map.freeze(end));
        self.open_share = None;
        assert!(
            self.map.backlog() == backlog + 1,
            "a frozen layer waits to be flushed"
        );
        self.next_start = end;
        self.check_lsns();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_refused_if_its_layer_would_not_fit_into_a_file() {
        let small = file_len(100, 1);
        assert_eq!(small, 148);
        assert!(check_fit(0, FLUSH_LEN_MAX).is_ok());
        assert!(check_fit(FLUSH_LEN_MAX - small, small).is_ok());
        for (layer_len, batch_len) in [
            (0, FLUSH_LEN_MAX + 1),
            (FLUSH_LEN_MAX, small),
            (u64::MAX, 1),
            // Values that would fit, in more records than would.
            (0, file_len(1 << 30, 1 << 27)),
        ] {
            let refused = check_fit(layer_len, batch_len);
            assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        }
    }
}
