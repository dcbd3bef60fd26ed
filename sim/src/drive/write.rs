//! Batches: one in flight at a time, in doubt until it is acknowledged.

use std::sync::Arc;

use palimpsest::base::Time;
use palimpsest::io::{Io, Job};
use palimpsest::{Batch, Error, Timeline, Writer};

use super::Driver;
use super::doors::try_unknown_record;
use super::draft::Draft;
use super::options::FAILING_FROZEN_COUNT_MAX;
use crate::checkers::batches::{self, Before, OpenLayer};
use crate::checkers::{Waited, bounds, foreign};
use crate::label::TimelineLabel;
use crate::plan::{Entry, How, Maintenance};
use crate::verdict::Verdict;
use crate::world::{Join, SimIo, TaskName};

impl Driver {
    /// Waits for the batch in flight on a timeline.
    pub(super) async fn join_put(&self, label: TimelineLabel) -> Result<(), Verdict> {
        let in_flight = self.handles().puts.remove(&label);
        match in_flight {
            Some(join) => join.wait().await,
            None => Ok(()),
        }
    }

    pub(super) async fn put(
        &self,
        number: u32,
        label: TimelineLabel,
        entries: &[Entry],
        how: How,
    ) -> Result<(), Verdict> {
        self.join_put(label).await?;
        let using = self.users.enter(label);
        let Some(writer) = self.writer(label)? else {
            return Ok(());
        };
        self.settle(label)?;
        let is_settled = self.with_expected(label, |expected| expected.pending.is_none());
        let knobs = self.knobs();
        let drafted = self.with_expected(label, |expected| Draft::of(expected, &knobs, entries));
        let Some(drafted) = drafted.filter(|_| is_settled) else {
            self.handles().writers.insert(label, writer);
            return Ok(());
        };
        let driver = self.clone();
        let put = async move {
            let put = driver.put_batch(label, writer, drafted, how).await;
            drop(using);
            put
        };
        if how != How::Beside {
            return put.await;
        }
        let join = Join::spawn(&self.world, TaskName::Line(number), put);
        self.handles().puts.insert(label, join);
        Ok(())
    }

    /// Whether maintenance has frozen the layer of the last record, so that its LSN is closed.
    fn has_closed(&self, label: TimelineLabel, batch: &Batch) -> bool {
        let Some(timeline) = self.timeline(label) else {
            return false;
        };
        let map = timeline.layers();
        let is_open = map
            .open()
            .is_some_and(|open| Some(open.start()) <= batch.first_lsn());
        self.knobs().maintenance != Maintenance::Off && !is_open
    }

    /// The timeline's writer; `None` if it does not exist or a failed sync has latched it.
    fn writer(&self, label: TimelineLabel) -> Result<Option<Writer<SimIo>>, Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(None);
        };
        if let Some(writer) = self.handles().writers.remove(&label) {
            return Ok(Some(writer));
        }
        let guard = self.judge.begin(Some(label));
        match timeline.writer() {
            Ok(writer) => Ok(Some(writer)),
            Err(error) => guard.check("become the writer", &error).map(|()| None),
        }
    }

    /// Whether a batch that freezes must be told that maintenance cannot flush.
    fn must_tell(&self, label: TimelineLabel) -> Result<bool, Verdict> {
        let limit = FAILING_FROZEN_COUNT_MAX;
        self.look(|sight, checkers| {
            Ok::<bool, Verdict>(checkers.told.must_refuse(sight, label, limit))
        })
    }

    fn before(&self, label: TimelineLabel, begun: Time) -> Before {
        let timeline = self.timeline(label);
        Before {
            last: timeline.as_ref().map(Timeline::last_record_lsn),
            begun,
            clock_jump_count: self.world.clock_jump_count(),
            open: timeline.as_ref().and_then(OpenLayer::of),
        }
    }

    /// Whether the error is the one with which the timeline's maintenance fails, which a device has
    /// returned in this life.
    fn is_told_by_maintenance(&self, label: TimelineLabel, error: &Error) -> bool {
        let (Some(timeline), Error::Io(failure)) = (self.timeline(label), error) else {
            return false;
        };
        let failing = timeline.health().failing;
        let mut errors = failing.values().map(|failing| &failing.last.error);
        let is_it = |of: &Error| match of {
            Error::Io(other) => Arc::ptr_eq(&other.source, &failure.source),
            _ => false,
        };
        self.judge.has_failed_with(failure.source.kind()) && errors.any(is_it)
    }

    async fn put_batch(
        &self,
        label: TimelineLabel,
        mut writer: Writer<SimIo>,
        draft: Draft,
        how: How,
    ) -> Result<(), Verdict> {
        let batch = draft.batch()?;
        if let Some(key) = draft.foreign {
            let shard = self.knobs().shard.into();
            let put = self.call(how, writer.put_batch(&batch)).await;
            self.handles().writers.insert(label, writer);
            self.session().tally.did("strays");
            return put.map_or(Ok(()), |put| {
                foreign::check(shard, key, format!("put a batch with {key}"), put)
            });
        }
        try_unknown_record(&self.world, &mut writer, &batch, draft.changes.last())?;
        let guard = self.judge.begin(Some(label));
        let horizon = self.show(|sight, _| sight.horizon());
        let must_refuse = self.with_expected(label, |expected| {
            expected.begin_put(draft.changes);
            expected.samples.note(&horizon, expected.last_possible());
            expected.put_refusal().0
        });
        let before = self.before(label, horizon.now);
        let must_tell = self.must_tell(label)?;
        let was_alone = self.is_only_line(how);
        let waited = Waited::begin(&self.world, Job::Put);
        let result = self.call(how, writer.put_batch(&batch)).await;
        self.handles().writers.insert(label, writer);
        let may_refuse = self.with_expected(label, |expected| expected.put_refusal().1);
        let asked = format!("put {} records", batch.record_count());
        self.show(|sight, _| waited.check(sight))?;
        match result {
            Some(Ok(())) if must_refuse => Err(Verdict::wrong(
                asked,
                "a refusal: the LSN is closed or taken",
                "it is there",
            )),
            Some(Ok(())) => {
                self.with_expected(label, |expected| expected.end_put());
                if must_tell {
                    self.show(|sight, _| bounds::check_told(sight, label, &batch, before))?;
                }
                self.look(|sight, _| batches::check_rolled(sight, label, &batch, before))?;
                self.look(|sight, _| batches::check_made_room(sight, label, &batch, before))?;
                if was_alone {
                    let times = (before, SimIo::new(&self.world).now());
                    self.look(|sight, _| bounds::check_held_back(sight, label, &batch, times))?;
                    self.look(|sight, _| batches::check_needed(sight, label, &batch, before))?;
                }
                guard.check_done("put")
            }
            Some(Err(Error::Refused { .. })) if may_refuse || self.has_closed(label, &batch) => {
                self.with_expected(label, |expected| expected.refuse_put());
                Ok(())
            }
            Some(Err(error)) => {
                if !self.is_told_by_maintenance(label, &error) {
                    guard.check(&asked, &error)?;
                }
                self.put_in_doubt(label)
            }
            None => self.put_in_doubt(label),
        }
    }

    /// A batch that was dropped or has failed may be there, and its LSN be closed.
    fn put_in_doubt(&self, label: TimelineLabel) -> Result<(), Verdict> {
        self.with_expected(label, |expected| expected.maybe_closed = true);
        self.settle(label)
    }
}
