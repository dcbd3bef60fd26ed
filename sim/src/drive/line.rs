//! One line of the plan.

use std::future::Future;

use palimpsest::Error;
use palimpsest::base::Lsn;
use palimpsest::io::Io;

use super::check::Said;
use super::{Driver, Excuse, TRIES_MAX};
use crate::keys;
use crate::oracle::{Allowed, Existence, Truth};
use crate::plan::{How, KeyIndex, Letter, Line, PlanOp};
use crate::verdict::Verdict;
use crate::world::{Ending, FaultClass, Join, SimIo, TaskName, drop_at};

impl Driver {
    /// Carries a line out, or starts it.
    pub(super) async fn line(&self, number: u32, line: &Line) -> Result<(), Verdict> {
        self.world
            .state()
            .trace
            .note(|| format!("line {number}: {line}"));
        let how = line.how;
        match &line.op {
            PlanOp::Create {
                timeline,
                start_lsn,
            } => self.create(*timeline, Lsn(*start_lsn), how).await,
            PlanOp::Delete { timeline } => self.delete(*timeline, how).await,
            PlanOp::Put { timeline, entries } => self.put(number, *timeline, entries, how).await,
            PlanOp::Freeze { timeline } => {
                let (driver, letter) = (self.clone(), *timeline);
                self.start_line(number, how, async move { driver.freeze(letter, how).await })
                    .await
            }
            PlanOp::Flush { timeline } => {
                let (driver, letter) = (self.clone(), *timeline);
                self.start_line(number, how, async move { driver.flush(letter, how).await })
                    .await
            }
            PlanOp::Get {
                timeline,
                key,
                offset,
            } => {
                let (driver, letter, point) = (self.clone(), *timeline, (*key, *offset));
                let get = async move { driver.get(letter, point, how).await };
                self.start_line(number, how, get).await
            }
            PlanOp::Scan { timeline } => {
                let (driver, letter) = (self.clone(), *timeline);
                self.start_line(number, how, async move { driver.scan(letter).await })
                    .await
            }
            PlanOp::Join => self.join().await,
            PlanOp::Wait { duration } => {
                SimIo::new(&self.world).sleep(*duration).await;
                Ok(())
            }
            PlanOp::Restart => self.restart().await,
            PlanOp::Crash(crash) => {
                self.world.crash(*crash);
                std::future::pending().await
            }
        }
    }

    /// Waits for an operation, or leaves it running.
    async fn start_line(
        &self,
        number: u32,
        how: How,
        operation: impl Future<Output = Result<(), Verdict>> + Send + 'static,
    ) -> Result<(), Verdict> {
        if how != How::Beside {
            return operation.await;
        }
        let join = Join::spawn(&self.world, TaskName::Line(number), operation);
        self.handles().beside.push(join);
        Ok(())
    }

    /// Waits for everything that was left running.
    pub(super) async fn join(&self) -> Result<(), Verdict> {
        self.join_puts().await?;
        let beside = std::mem::take(&mut self.handles().beside);
        for join in beside {
            join.wait().await?;
        }
        Ok(())
    }

    /// Runs a call of the engine; nothing if its future was dropped before it was done.
    pub(super) async fn call<T>(&self, how: How, call: impl Future<Output = T>) -> Option<T> {
        let How::DropAt(count) = how else {
            return Some(call.await);
        };
        let result = drop_at(count, call).await;
        if result.is_none() {
            self.world.count_fault(FaultClass::Dropped);
            self.session().tally.drops += 1;
        }
        result
    }

    async fn create(&self, letter: Letter, start: Lsn, how: How) -> Result<(), Verdict> {
        self.world.name_timeline(keys::timeline(letter), letter);
        for attempt in 0..TRIES_MAX {
            let how = if attempt == 0 { how } else { How::Wait };
            if self.try_create(letter, start, how, attempt).await? {
                return Ok(());
            }
        }
        Err(self.gave_up("create"))
    }

    /// Says whether the timeline is there for certain.
    async fn try_create(
        &self,
        letter: Letter,
        start: Lsn,
        how: How,
        attempt: u32,
    ) -> Result<bool, Verdict> {
        let before = self.truth(letter, |truth| {
            let before = truth.existence;
            if before != Existence::Exists {
                truth.existence = Existence::InDoubt;
                truth.starts.push(start);
            }
            before
        });
        let id = keys::timeline(letter);
        let asked = format!("create {} at {start}", char::from(letter.0));
        let excuse = self.try_again(attempt, Some(letter));
        let engine = self.engine();
        match self.call(how, engine.create_timeline(id, start)).await {
            Some(Ok(_)) if before == Existence::Exists => {
                Err(Verdict::wrong(asked, "it exists", "it was created"))
            }
            Some(Ok(timeline)) => {
                self.truth(letter, |truth| truth.created(start));
                self.handles().timelines.insert(letter, timeline);
                Ok(true)
            }
            Some(Err(Error::Refused { why })) if before == Existence::Absent => Err(
                Verdict::wrong(asked, "it is created, it never was before", why),
            ),
            Some(Err(Error::Refused { .. })) => {
                // It exists: by an acknowledged creation, or by one in doubt.
                drop(engine);
                self.open_if_in_doubt(letter).await?;
                Ok(true)
            }
            Some(Err(error)) => {
                excuse
                    .check(&self.world, &asked, &error)
                    .or_else(|verdict| {
                        // The engine's directory is synced as well: that is nobody's timeline.
                        Excuse {
                            letter: None,
                            ..excuse
                        }
                        .check(&self.world, &asked, &error)
                        .map_err(|_| verdict)
                    })?;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    async fn open_if_in_doubt(&self, letter: Letter) -> Result<(), Verdict> {
        if self.truth(letter, |truth| truth.existence) == Existence::InDoubt {
            self.restart().await?;
        }
        Ok(())
    }

    async fn delete(&self, letter: Letter, how: How) -> Result<(), Verdict> {
        self.join().await?;
        if self.timeline(letter).is_none() {
            return Ok(());
        }
        // What a crash leaves of it is then the whole timeline, or nothing.
        self.restart().await?;
        if self.timeline(letter).is_none() {
            return Ok(());
        }
        self.handles().writers.remove(&letter);
        self.handles().timelines.remove(&letter);
        let id = keys::timeline(letter);
        let excuse = Excuse::begin(&self.world, Some(letter));
        if let Err(error) = self.engine().shutdown_timeline(id).await {
            excuse.check(&self.world, "shut down", &error)?;
            return self.restart().await;
        }
        self.truth(letter, |truth| truth.existence = Existence::InDoubt);
        let excuse = Excuse::begin(&self.world, Some(letter));
        let engine = self.engine();
        match self.call(how, engine.delete_timeline(id)).await {
            Some(Ok(())) => {
                self.truth(letter, |truth| *truth = Truth::absent());
                Ok(())
            }
            Some(Err(error)) => {
                excuse.check(&self.world, "delete", &error)?;
                drop(engine);
                self.restart().await
            }
            None => {
                drop(engine);
                self.restart().await
            }
        }
    }

    async fn freeze(&self, letter: Letter, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let excuse = Excuse::begin(&self.world, Some(letter));
        let lsn = self.truth(letter, |truth| truth.begin_close());
        let frozen = self.call(how, timeline.freeze()).await;
        let is_done = matches!(frozen, Some(Ok(())));
        self.truth(letter, |truth| truth.end_close(is_done.then_some(lsn)));
        match frozen {
            Some(Ok(())) => excuse.check_done("freeze"),
            Some(Err(error)) => excuse.check(&self.world, "freeze", &error),
            None => Ok(()),
        }
    }

    async fn flush(&self, letter: Letter, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let excuse = Excuse::begin(&self.world, Some(letter));
        let target = self.truth(letter, |truth| truth.begin_close());
        let flushed = self.call(how, timeline.flush()).await;
        let is_done = matches!(flushed, Some(Ok(_)));
        if is_done {
            excuse.check_done("flush")?;
        }
        self.truth(letter, |truth| truth.end_close(is_done.then_some(target)));
        match flushed {
            Some(Ok(durable)) if durable < target => {
                let expected = format!("durable up to {target}, what was written before");
                Err(Verdict::wrong("flush", expected, format!("{durable}")))
            }
            Some(Ok(durable)) => self.truth(letter, |truth| {
                // Another flush may have said more already.
                let durable = durable.max(truth.acknowledged);
                truth.acknowledge(durable)
            }),
            Some(Err(error)) => excuse.check(&self.world, "flush", &error),
            None => Ok(()),
        }
    }

    async fn get(
        &self,
        letter: Letter,
        (index, offset): (KeyIndex, i64),
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let key = self.key(index);
        let lsn = keys::shifted(self.truth(letter, |truth| truth.last), offset);
        let excuse = Excuse::begin(&self.world, Some(letter));
        let mut allowed = self.truth(letter, |truth| truth.allowed(key, lsn));
        let Some(result) = self.call(how, timeline.get(key, lsn)).await else {
            return Ok(());
        };
        self.session().tally.answers += 1;
        // What was acknowledged meanwhile may be seen as well.
        let after = self.truth(letter, |truth| truth.allowed(key, lsn));
        allowed = Allowed {
            answers: [allowed.answers, after.answers].concat(),
            not_yet: allowed.not_yet,
        };
        let asked = || format!("get {} {key} at {lsn}", char::from(letter.0));
        match Said::new(result) {
            Said::Error(error) => excuse.check(&self.world, &asked(), &error),
            said => said.judge(asked, &allowed),
        }
    }

    /// Asks for every key, now and at an older LSN, past the same gate as everybody.
    async fn scan(&self, letter: Letter) -> Result<(), Verdict> {
        for index in 0..self.plan.knobs.key_count {
            let older = -i64::from(index % 7) * 5;
            self.get(letter, (KeyIndex(index), 0), How::Wait).await?;
            self.get(letter, (KeyIndex(index), older), How::Wait)
                .await?;
        }
        Ok(())
    }
}

impl crate::world::World {
    /// Ends the life here, as the plan says.
    pub fn crash(&self, crash: crate::plan::Crash) {
        self.count_fault(FaultClass::of_crash(crash));
        self.end_life(Ending::Crashed(crash));
    }
}
