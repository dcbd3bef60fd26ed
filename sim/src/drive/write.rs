//! Batches: one in flight at a time, in doubt until it is acknowledged.

use palimpsest::{Error, Writer};

use super::Driver;
use super::draft::Draft;
use crate::checkers::batches::{self, Before};
use crate::label::Letter;
use crate::plan::{Entry, How};
use crate::verdict::Verdict;
use crate::world::{Join, SimIo, TaskName};

impl Driver {
    /// Waits for the batch that was left in flight on a timeline.
    pub(super) async fn join_put(&self, letter: Letter) -> Result<(), Verdict> {
        let in_flight = self.handles().puts.remove(&letter);
        match in_flight {
            Some(join) => join.wait().await,
            None => Ok(()),
        }
    }

    pub(super) async fn put(
        &self,
        number: u32,
        letter: Letter,
        entries: &[Entry],
        how: How,
    ) -> Result<(), Verdict> {
        self.join_put(letter).await?;
        let using = self.users.enter(letter);
        let Some(writer) = self.writer(letter)? else {
            return Ok(());
        };
        self.settle(letter)?;
        let is_settled = self.truth(letter, |truth| truth.pending.is_none());
        let drafted = self.truth(letter, |truth| Draft::of(truth, &self.plan.knobs, entries));
        let Some(drafted) = drafted.filter(|_| is_settled) else {
            self.handles().writers.insert(letter, writer);
            return Ok(());
        };
        let driver = self.clone();
        let put = async move {
            let put = driver.put_batch(letter, writer, drafted, how).await;
            drop(using);
            put
        };
        if how != How::Beside {
            return put.await;
        }
        let join = Join::spawn(&self.world, TaskName::Line(number), put);
        self.handles().puts.insert(letter, join);
        Ok(())
    }

    /// The timeline's writer, unless there is no timeline or a failed sync has latched it.
    fn writer(&self, letter: Letter) -> Result<Option<Writer<SimIo>>, Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(None);
        };
        if let Some(writer) = self.handles().writers.remove(&letter) {
            return Ok(Some(writer));
        }
        let excuse = self.judge.begin(Some(letter));
        match timeline.writer() {
            Ok(writer) => Ok(Some(writer)),
            Err(error) => excuse.check("become the writer", &error).map(|()| None),
        }
    }

    async fn put_batch(
        &self,
        letter: Letter,
        mut writer: Writer<SimIo>,
        draft: Draft,
        how: How,
    ) -> Result<(), Verdict> {
        let batch = draft.batch()?;
        let excuse = self.judge.begin(Some(letter));
        let horizon = self.show(|sight, _| sight.horizon());
        let must_refuse = self.truth(letter, |truth| {
            truth.begin_put(draft.changes);
            truth.ages.note(&horizon, truth.last_possible());
            truth.put_refusal().0
        });
        let last = self
            .timeline(letter)
            .map(|timeline| timeline.last_record_lsn());
        let before = Before {
            last,
            begun: horizon.now,
            clock_jump_count: self.world.clock_jump_count(),
        };
        let result = self.call(how, writer.put_batch(&batch)).await;
        self.handles().writers.insert(letter, writer);
        let may_refuse = self.truth(letter, |truth| truth.put_refusal().1);
        let asked = format!("put {} records", batch.record_count());
        match result {
            Some(Ok(())) if must_refuse => Err(Verdict::wrong(
                asked,
                "a refusal: the LSN is closed or taken",
                "it is there",
            )),
            Some(Ok(())) => {
                self.truth(letter, |truth| truth.end_put());
                self.look(|sight, _| batches::check_rolled(sight, letter, &batch, before))?;
                excuse.check_done("put")
            }
            Some(Err(Error::Refused { .. })) if may_refuse => {
                self.truth(letter, |truth| truth.refuse_put());
                Ok(())
            }
            Some(Err(error)) => {
                excuse.check(&asked, &error)?;
                self.truth(letter, |truth| truth.maybe_closed = true);
                self.settle(letter)
            }
            None => {
                self.truth(letter, |truth| truth.maybe_closed = true);
                self.settle(letter)
            }
        }
    }
}
