//! Batches: one in flight at a time, in doubt until it is acknowledged.

use palimpsest::base::{Key, Lsn};
use palimpsest::{Batch, Error, Writer};

use super::Driver;
use crate::checkers::batches::{self, Before};
use crate::keys;
use crate::label::Letter;
use crate::model::{Answer, Change, History};
use crate::plan::{EditPlan, Entry, How};
use crate::verdict::Verdict;
use crate::world::{Join, SimIo, TaskName};

/// What a line's entries come to.
#[derive(Default)]
struct Draft {
    /// The records of the batch.
    changes: Vec<(Key, Lsn, Change)>,
    /// Keys that the batch has at the LSN, given again behind so many records.
    doubles: Vec<(usize, Key)>,
}

impl Draft {
    /// # Errors
    /// A wrong answer, if a record is refused, or if one is taken that would double a key: no batch
    /// holds a key twice at one LSN, and it goes on without.
    fn batch(&self) -> Result<Batch, Verdict> {
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
        Ok(batch)
    }
}

impl Driver {
    /// Waits for the batches that were left in flight.
    pub(super) async fn join_puts(&self) -> Result<(), Verdict> {
        let puts = std::mem::take(&mut self.handles().puts);
        for (_, join) in puts {
            join.wait().await?;
        }
        Ok(())
    }

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
        let drafted = self.draft(letter, entries);
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

    /// The records that the entries stand for; nothing if there is no LSN left for them.
    fn draft(&self, letter: Letter, entries: &[Entry]) -> Option<Draft> {
        self.truth(letter, |truth| {
            let mut lsn = truth.last;
            let mut draft = Draft::default();
            let changes = &mut draft.changes;
            for entry in entries {
                lsn = lsn
                    .checked_add(entry.lsn_step)
                    .filter(|lsn| *lsn < Lsn::MAX)?;
                let key = keys::key(self.plan.knobs.layout, entry.key);
                let stands = |(at_key, at, _): &(Key, Lsn, Change)| (*at_key, *at) == (key, lsn);
                if changes.iter().any(stands) {
                    draft.doubles.push((changes.len(), key));
                } else if !truth.optional.contains(&(key, lsn)) {
                    // Of one that may be there nobody can say whether the engine must refuse it.
                    let change = change(&truth.history, changes, (key, lsn), &entry.edit);
                    changes.push((key, lsn, change));
                }
            }
            (!draft.changes.is_empty()).then_some(draft)
        })
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

/// The change that an edit stands for, over what is there and what the batch has so far.
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
