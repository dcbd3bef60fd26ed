//! Carries out one line of the plan.

use std::future::Future;
use std::sync::Arc;

use palimpsest::base::Lsn;
use palimpsest::io::{Io, Job};

use super::Driver;
use crate::checkers::{Counted, Depth, Waited};
use crate::faults::FaultClass;
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle::Existence;
use crate::plan::{How, Jump, Line, PlanOp};
use crate::verdict::Verdict;
use crate::world::{Join, LifeEnd, SimIo, TaskName, drop_at};

impl Driver {
    /// Carries a line out, or starts it as a task.
    pub(super) async fn line(&self, number: u32, line: &Arc<Line>) -> Result<(), Verdict> {
        self.world.state().trace.line(number, line);
        let how = line.how;
        match &line.op {
            PlanOp::Create { timeline, .. }
            | PlanOp::Branch { timeline, .. }
            | PlanOp::Delete { timeline, .. } => self.interleave(number, *timeline, line).await,
            PlanOp::Open { timeline, effort } => Box::pin(self.open(*timeline, *effort, how)).await,
            PlanOp::Put { timeline, entries } => self.put(number, *timeline, entries, how).await,
            PlanOp::Declare {
                timeline,
                first,
                count,
            } => {
                if let Some(timeline) = self.timeline(*timeline) {
                    let keys = keys::some(&self.knobs(), (*first, *count));
                    timeline.declare_keys(keys::space(&keys));
                }
                Ok(())
            }
            PlanOp::Join => self.join().await,
            PlanOp::Wait { duration } => {
                let duration = (*duration).min(self.world.wait_max());
                SimIo::new(&self.world).sleep(duration).await;
                Ok(())
            }
            PlanOp::Clock(jump) => {
                self.set_clock(*jump);
                Ok(())
            }
            PlanOp::Hold {
                slot,
                timeline,
                offset,
            } => {
                let hold = self.hold((number, *slot), (*timeline, *offset), how);
                Box::pin(hold).await
            }
            PlanOp::Next(slot) => {
                let (driver, slot) = (self.clone(), *slot);
                let next = async move { driver.next(slot, how).await };
                self.start_line(number, how, Box::pin(next)).await
            }
            PlanOp::LetGo(held) => self.let_go(*held),
            PlanOp::Set(setting) => self.set(setting),
            PlanOp::Intrude => self.intrude().await,
            PlanOp::Shutdown { timeline, closing } => {
                let (driver, meant) = (self.clone(), (*timeline, *closing));
                let shutdown = async move { driver.shutdown(number, meant, how).await };
                self.start_line(number, how, shutdown).await
            }
            PlanOp::Split(into) => Box::pin(self.split(*into, how)).await,
            PlanOp::Switch(other) => Box::pin(self.switch(*other)).await,
            PlanOp::Restart => self.restart_and_check(Depth::Sample, how).await,
            PlanOp::Crash(crash) => {
                self.world.crash(*crash);
                std::future::pending().await
            }
            _ => {
                let (driver, op) = (self.clone(), line.op.clone());
                let work = async move { driver.work(&op, how).await };
                self.start_line(number, how, work).await
            }
        }
    }

    fn set_clock(&self, jump: Jump) {
        self.world.count_fault(FaultClass::ClockJump);
        self.pass_time();
        self.world.set_clock(jump.nanos());
        self.pass_time();
        self.handles().opened = None;
        let mut session = self.session();
        session.clock_count += 1;
        let session = &mut *session;
        let closed = session.shards.closed.iter_mut();
        let closed = closed.flat_map(|shard| shard.expectations.values_mut());
        let expectations = session.expectations.values_mut().chain(closed);
        expectations.for_each(|expected| expected.samples.forget());
    }

    /// Carries out an operation on one timeline, and checks what its jobs counted.
    async fn work(&self, op: &PlanOp, how: How) -> Result<(), Verdict> {
        let label = op.timeline().filter(|_| self.is_alone(how));
        let before = label.and_then(|label| self.show(|sight, _| Counted::begin(sight, label)));
        let waited = Waited::begin(&self.world, job_of(op));
        self.work_on(op, how).await?;
        self.show(|sight, _| waited.check(sight))?;
        match (label, before) {
            (Some(label), Some(before)) if self.is_alone(how) => {
                self.show(|sight, _| before.check(sight, label))
            }
            _ => Ok(()),
        }
    }

    /// Carries out an operation on one timeline, which may run as a task. Each is boxed: one future
    /// with all of them inline would be moved line after line.
    async fn work_on(&self, op: &PlanOp, how: How) -> Result<(), Verdict> {
        let _using = op.timeline().map(|label| self.users.enter(label));
        match *op {
            PlanOp::Freeze { timeline } => Box::pin(self.freeze(timeline, how)).await,
            PlanOp::Flush { timeline } => Box::pin(self.flush(timeline, how)).await,
            PlanOp::Compact { timeline, mode } => Box::pin(self.compact(timeline, mode, how)).await,
            PlanOp::Strategy { timeline, strategy } => {
                Box::pin(self.set_strategy(timeline, strategy, how)).await
            }
            PlanOp::Policy { timeline, policy } => {
                Box::pin(self.set_policy(timeline, policy.into(), how)).await
            }
            PlanOp::Images { timeline, mode } => {
                Box::pin(self.create_images(timeline, mode, how)).await
            }
            PlanOp::Gc { timeline } => Box::pin(self.gc(timeline, how)).await,
            PlanOp::GcCompact { timeline, past } => {
                Box::pin(self.gc_compact(timeline, past, how)).await
            }
            PlanOp::GcCompactAll { timeline, mode } => {
                Box::pin(self.gc_compact_all(timeline, mode, how)).await
            }
            PlanOp::Lease {
                timeline,
                offset,
                length,
            } => Box::pin(self.lease(timeline, (offset, length), how)).await,
            PlanOp::Shed { timeline } => Box::pin(self.shed(timeline, how)).await,
            PlanOp::Get {
                timeline,
                key,
                offset,
            } => Box::pin(self.get(timeline, (key, offset), how)).await,
            PlanOp::GetMany {
                timeline,
                first,
                count,
                offset,
            } => Box::pin(self.get_many(timeline, (first, count), offset, how)).await,
            PlanOp::Scan { timeline, offset } => Box::pin(self.scan(timeline, offset, how)).await,
            _ => unreachable!("the caller has carried out all others"),
        }
    }

    /// Waits for an operation, or starts it as a task.
    async fn start_line(
        &self,
        number: u32,
        how: How,
        operation: impl Future<Output = Result<(), Verdict>> + Send + 'static,
    ) -> Result<(), Verdict> {
        if how != How::Beside {
            return operation.await;
        }
        let driver = self.clone();
        let kept = async move {
            let result = operation.await;
            if let Err(verdict) = &result {
                // What the line held may keep another one waiting for ever.
                let mut session = driver.session();
                session.failed_line.get_or_insert_with(|| verdict.clone());
            }
            result
        };
        let join = Join::spawn(&self.world, TaskName::Line(number), kept);
        self.handles().beside.push(join);
        Ok(())
    }

    /// Creates, branches or deletes a timeline, or starts that as a task: one at a time for each
    /// label.
    async fn interleave(
        &self,
        number: u32,
        label: TimelineLabel,
        line: &Line,
    ) -> Result<(), Verdict> {
        let is_changing = self.handles().changing.contains(&label);
        if is_changing {
            self.join().await?;
        }
        let mut before = Existence::Absent;
        if matches!(line.op, PlanOp::Delete { .. }) {
            match self.prepare_deletion(label, line.how).await? {
                Some(known) => before = known,
                None => return Ok(()),
            }
        }
        if let PlanOp::Branch {
            ancestor,
            offset: 0..,
            ..
        } = line.op
        {
            self.join_put(ancestor).await?;
        }
        if line.how == How::Beside {
            self.handles().changing.insert(label);
        }
        let (driver, op, how) = (self.clone(), line.op.clone(), line.how);
        let change = async move {
            match op {
                PlanOp::Create {
                    start_lsn, effort, ..
                } => {
                    let start = (label, Lsn(start_lsn));
                    driver.create(start, effort, how).await
                }
                PlanOp::Branch {
                    ancestor,
                    offset,
                    effort,
                    ..
                } => {
                    let on = (label, ancestor);
                    driver.branch(on, offset, (effort, how)).await
                }
                PlanOp::Delete { effort, .. } => driver.delete((label, before), effort, how).await,
                _ => unreachable!("the caller has carried out all others"),
            }
        };
        self.start_line(number, how, Box::pin(change)).await
    }

    /// Waits for all started tasks.
    pub(super) async fn join(&self) -> Result<(), Verdict> {
        self.handles().is_joining = true;
        let puts = std::mem::take(&mut self.handles().puts);
        for (_, join) in puts {
            join.wait().await?;
        }
        let beside = std::mem::take(&mut self.handles().beside);
        for join in beside {
            join.wait().await?;
        }
        let mut handles = self.handles();
        handles.is_joining = false;
        handles.changing.clear();
        Ok(())
    }

    /// Runs a call of the engine; `None` if its future was cancelled before it was done.
    pub(super) async fn call<T>(&self, how: How, call: impl Future<Output = T>) -> Option<T> {
        let How::DropAt(count) = how else {
            return Some(call.await);
        };
        let result = drop_at(count, call).await;
        if result.is_none() {
            self.world.count_fault(FaultClass::Dropped);
            self.judge.cancelled();
            self.session().tally.drops += 1;
        }
        result
    }

    /// Runs a call that opens, ends, makes or deletes a timeline, and checks what it waits for:
    /// nothing that a timeline does which is not among `labels`.
    pub(super) async fn call_of<T>(
        &self,
        (job, how): (Job, How),
        labels: impl IntoIterator<Item = TimelineLabel>,
        call: impl Future<Output = T>,
    ) -> Result<Option<T>, Verdict> {
        let timelines = labels.into_iter().map(keys::timeline).collect();
        let waited = Waited::begin(&self.world, job).of(timelines);
        let result = self.call(how, call).await;
        self.show(|sight, _| waited.check(sight))?;
        Ok(result)
    }
}

impl crate::world::World {
    /// Ends the life here, as the plan says.
    pub fn crash(&self, crash: crate::faults::Crash) {
        self.count_fault(FaultClass::of_crash(crash));
        self.end_life(LifeEnd::Crashed(crash));
    }
}

/// The timeline to check after an operation; `None` for all.
pub(super) fn touched_by(op: &PlanOp) -> Option<TimelineLabel> {
    match op {
        // It is closed: only the others can be checked.
        PlanOp::Shutdown { .. } => None,
        op => op.timeline(),
    }
}

/// The job of an operation on one timeline.
fn job_of(op: &PlanOp) -> Job {
    match op {
        PlanOp::Freeze { .. } => Job::Freeze,
        PlanOp::Flush { .. } => Job::Flush,
        PlanOp::Compact { .. } | PlanOp::Strategy { .. } => Job::Compact,
        PlanOp::Images { .. } => Job::Image,
        PlanOp::Gc { .. } => Job::Gc,
        PlanOp::GcCompact { .. } | PlanOp::GcCompactAll { .. } => Job::GcCompact,
        PlanOp::Lease { .. } | PlanOp::Policy { .. } => Job::Lease,
        PlanOp::Shed { .. } => Job::Shed,
        _ => Job::Read,
    }
}
