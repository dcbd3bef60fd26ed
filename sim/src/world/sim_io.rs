//! The simulator's `Io`: the scheduler holds every call, then its fault or its effect on the disk
//! happens.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use palimpsest::base::Time;
use palimpsest::io::{Entry, File, Io, Op};

use super::delays::{Delayed, Stalling};
use super::ids::{CallId, TaskName};
use super::rot::shortened;
use super::scheduler::Grant;
use super::task;
use super::{State, World};
use crate::disk::{NodeId, TakenNode};
use crate::faults::{Fault, StepKind, eio};

/// The time of day at which every run starts: 2026-01-01, in nanoseconds since the Unix epoch.
const TIME_START: u64 = 1_767_225_600_000_000_000;

/// `Io` of one life of the process.
#[derive(Clone)]
pub struct SimIo {
    world: Arc<World>,
    life: u32,
}

/// An open file of one life.
pub struct SimFile {
    io: SimIo,
    node: NodeId,
}

/// A lock that one life holds.
pub struct SimLock {
    io: SimIo,
    path: PathBuf,
}

impl SimIo {
    /// The `Io` of the present life.
    pub fn new(world: &Arc<World>) -> SimIo {
        SimIo {
            world: world.clone(),
            life: world.state().life,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Its life, from 1.
    pub(super) fn life(&self) -> u32 {
        self.life
    }

    /// Waits for the scheduler, then acts, unless the fault is an error.
    async fn call<T: CallReport>(
        &self,
        op: Op,
        step: StepKind,
        act: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        let grant = self.turn(op, step).await;
        let mut state = self.world.state();
        let fault = match grant {
            Grant::Dead => return Err(io::Error::other("the process has ended")),
            Grant::Granted(fault) => fault,
        };
        let result = match fault.and_then(Fault::error) {
            Some(error) => {
                let fault = fault.expect("it has an error");
                state.deliver(fault, (op, step), Some(error.kind()));
                Err(error)
            }
            None => act(&mut state, fault),
        };
        let report = result.as_ref().map(T::report).map_err(io::Error::kind);
        state.trace.done(report);
        result
    }

    /// Runs a sync. If it fails, a file's sync drops what it was to make durable, and the error is
    /// EIO whatever the rule says, as on systems that find out late that there is no space.
    async fn sync_call(
        &self,
        op: Op,
        step: StepKind,
        act: impl FnOnce(&mut State, Sync) -> io::Result<()>,
    ) -> io::Result<()> {
        let grant = self.turn(op, step).await;
        let mut state = self.world.state();
        let fault = match grant {
            Grant::Dead => return Err(io::Error::other("the process has ended")),
            Grant::Granted(fault) => fault,
        };
        let result = match fault {
            Some(fault) if fault.error().is_some() => {
                let error = eio();
                state.deliver(fault, (op, step), Some(error.kind()));
                let how = match fault {
                    Fault::Revert => Sync::Reverted,
                    _ => Sync::Failed,
                };
                act(&mut state, how)?;
                Err(error)
            }
            Some(Fault::Lie) => {
                state.deliver(Fault::Lie, (op, step), None);
                Ok(())
            }
            Some(Fault::Rot(offset)) => act(&mut state, Sync::MadeAndRotten(offset)),
            _ => act(&mut state, Sync::Made),
        };
        let report = result.as_ref().map(|()| 0).map_err(io::Error::kind);
        state.trace.done(report);
        result
    }

    /// Waits for the scheduler, and for as long as a slow device takes.
    async fn turn(&self, op: Op, step: StepKind) -> Grant {
        let grant = CallTurn::new(self, op, step).await;
        let Grant::Granted(Some(fault @ (Fault::Slow(_) | Fault::Stall))) = grant else {
            return grant;
        };
        let _delayed = Delayed::begin(self, fault, (op, step));
        match fault {
            Fault::Slow(time) => self.sleep(time).await,
            _ => self.stall().await,
        }
        match self.world.state().is_live(self.life) {
            true => Grant::Granted(None),
            false => Grant::Dead,
        }
    }

    /// Waits until every other task waits for the clock, for this one, or stalls as well.
    async fn stall(&self) {
        let _stalling = Stalling::begin(self);
        loop {
            let before = self.world.state().busy_steps;
            self.sleep(STALL_STEP).await;
            if self.world.state().busy_steps == before {
                return;
            }
        }
    }

    fn file(&self, state: &mut State, node: NodeId) -> SimFile {
        state.disk.hold(node);
        SimFile {
            io: self.clone(),
            node,
        }
    }
}

/// The shortest time that the clock can tell apart: it passes only while no task is ready.
const STALL_STEP: Duration = Duration::from_millis(1);

/// What a sync does.
#[derive(Clone, Copy)]
enum Sync {
    Made,
    /// It is made, and then this byte rots.
    MadeAndRotten(u32),
    Failed,
    Reverted,
}

impl Io for SimIo {
    type File = SimFile;
    type Lock = SimLock;

    async fn create(&self, op: Op, path: &Path) -> io::Result<SimFile> {
        let act = |state: &mut State, fault| {
            state.trace.path(path);
            let node = match (state.disk.create(path), fault) {
                (Err(_), Some(Fault::Lie)) => {
                    state.deliver(Fault::Lie, (op, StepKind::Create), None);
                    state.disk.open(path)?
                }
                (created, _) => created?,
            };
            Ok(self.file(state, node))
        };
        self.call(op, StepKind::Create, act).await
    }

    async fn open(&self, op: Op, path: &Path) -> io::Result<SimFile> {
        let act = |state: &mut State, _| {
            state.trace.path(path);
            let node = state.disk.open(path)?;
            Ok(self.file(state, node))
        };
        self.call(op, StepKind::Open, act).await
    }

    async fn list(&self, op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        let act = |state: &mut State, fault| {
            let mut entries = state.disk.list(dir)?;
            if fault == Some(Fault::Lie) && entries.pop().is_some() {
                state.deliver(Fault::Lie, (op, StepKind::List), None);
            }
            Ok(entries)
        };
        self.call(op, StepKind::List, act).await
    }

    async fn rename(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let act = |state: &mut State, fault| {
            state.trace.path(from);
            state.trace.path(to);
            match (state.disk.rename(from, to, TakenNode::Refuse), fault) {
                (Err(_), Some(Fault::Lie)) => {
                    state.deliver(Fault::Lie, (op, StepKind::Rename), None);
                    state.disk.rename(from, to, TakenNode::Replace)?;
                }
                (renamed, _) => renamed?,
            }
            tear(state, (op, StepKind::Rename), to, fault)
        };
        self.call(op, StepKind::Rename, act).await
    }

    async fn replace(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let act = |state: &mut State, fault| {
            state.trace.path(from);
            state.trace.path(to);
            state.disk.rename(from, to, TakenNode::Replace)?;
            tear(state, (op, StepKind::Replace), to, fault)
        };
        self.call(op, StepKind::Replace, act).await
    }

    async fn link(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| {
            state.trace.path(from);
            state.trace.path(to);
            match state.has_links {
                true => state.disk.link(from, to),
                false => Err(io::ErrorKind::Unsupported.into()),
            }
        };
        self.call(op, StepKind::Link, act).await
    }

    async fn remove(&self, op: Op, path: &Path) -> io::Result<()> {
        let act = |state: &mut State, fault| {
            state.trace.path(path);
            state.note_removal(op, path);
            if fault != Some(Fault::Lie) {
                return state.disk.remove(path);
            }
            if state.disk.remove_with_bytes(path)? {
                state.deliver(Fault::Lie, (op, StepKind::Remove), None);
            }
            Ok(())
        };
        self.call(op, StepKind::Remove, act).await
    }

    async fn create_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| {
            state.trace.path(dir);
            state.disk.create_dir(dir)
        };
        self.call(op, StepKind::CreateDir, act).await
    }

    async fn remove_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| {
            state.trace.path(dir);
            state.disk.remove_dir(dir)
        };
        self.call(op, StepKind::RemoveDir, act).await
    }

    async fn sync_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let act = |state: &mut State, how| match how {
            Sync::Made | Sync::MadeAndRotten(_) => state.disk.sync_dir(dir),
            // Its entries stay pending: a later sync covers them, a power loss may take them.
            Sync::Failed | Sync::Reverted => Ok(()),
        };
        self.sync_call(op, StepKind::SyncDir, act).await
    }

    async fn lock(&self, op: Op, path: &Path) -> io::Result<SimLock> {
        let act = |state: &mut State, _| {
            match state.disk.create(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if !state.locks.insert(path.to_path_buf()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(SimLock {
                io: self.clone(),
                path: path.to_path_buf(),
            })
        };
        self.call(op, StepKind::Lock, act).await
    }

    fn now(&self) -> Time {
        let state = self.world.state();
        let (elapsed, offset) = (state.elapsed(), state.clock_offset);
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        Time(
            TIME_START
                .saturating_add(elapsed)
                .saturating_add_signed(offset),
        )
    }

    async fn sleep(&self, duration: Duration) {
        madsim::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.world.state().dice.bits()
    }

    fn spawn(&self, op: Op, future: impl Future<Output = ()> + Send + 'static) {
        task::spawn(&self.world, self.life, TaskName::Engine(op), future);
    }

    async fn yield_now(&self) {
        if self.world.state().is_direct {
            return; // No task runs beside a read past the scheduler.
        }
        let mut has_pended = false;
        std::future::poll_fn(|context| {
            if has_pended {
                return Poll::Ready(());
            }
            has_pended = true;
            self.world.state().scheduler.yield_running();
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn interleave(&self, op: Op) {
        // A pass of an ended life changes nothing: any call after it fails.
        let _ = self.call(op, StepKind::Pass, |_, _| Ok(())).await;
    }

    fn probe(&self, name: &'static str) {
        let mut state = self.world.state();
        // What the oracle's own reads reach does not count as reached by the plan.
        if !state.is_direct {
            *state.counts.probes.entry(name).or_insert(0) += 1;
        }
    }
}

impl File for SimFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let act = |state: &mut State, fault| state.read_with(op, (self.node, fault), (offset, buf));
        self.io.call(op, StepKind::Read, act).await
    }

    async fn append_at(
        &self,
        op: Op,
        offset: u64,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let act = |state: &mut State, fault: Option<Fault>| {
            if fault.is_none() {
                return state.append(op, self.node, (offset, len), bytes);
            }
            let start = bytes.len();
            bytes.resize(start + len, 0);
            let read = state.read_with(op, (self.node, fault), (offset, &mut bytes[start..]));
            bytes.truncate(start + read.as_ref().map_or(0, |count| *count));
            read
        };
        self.io.call(op, StepKind::Read, act).await
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let write = |state: &mut State, fault: Option<Fault>| match fault {
            Some(fault @ (Fault::Lost | Fault::Astray(_))) => {
                state.deliver(fault, (op, StepKind::Write), None);
                match fault {
                    Fault::Astray(sectors) => {
                        let place = (offset, sectors);
                        state.disk.misdirect_write(self.node, place, bytes)?;
                    }
                    _ => state.disk.lose_write(self.node, offset, bytes)?,
                }
                Ok(bytes.len())
            }
            fault => {
                let len = shortened(fault, bytes.len());
                state.disk.write(self.node, offset, &bytes[..len])?;
                if len < bytes.len() {
                    state.deliver(Fault::Short(0), (op, StepKind::Write), None);
                }
                Ok(len)
            }
        };
        let act = |state: &mut State, fault| {
            state.trace.bytes(bytes);
            write(state, fault)
        };
        self.io.call(op, StepKind::Write, act).await
    }

    async fn sync(&self, op: Op) -> io::Result<()> {
        let act = |state: &mut State, how| match how {
            Sync::Made => state.disk.sync(self.node),
            Sync::MadeAndRotten(at) => {
                state.disk.sync(self.node)?;
                let len = state.disk.len(self.node)?.max(1);
                state.rot(self.node, u64::from(at) % len, (op, StepKind::Sync))
            }
            Sync::Failed => state.disk.fail_sync(self.node),
            Sync::Reverted => state.disk.revert_sync(self.node),
        };
        self.io.sync_call(op, StepKind::Sync, act).await
    }

    async fn len(&self, op: Op) -> io::Result<u64> {
        let act = |state: &mut State, _| state.disk.len(self.node);
        self.io.call(op, StepKind::Len, act).await
    }
}

/// Tears the rename that was just made, if that is the fault.
fn tear(
    state: &mut State,
    (op, step): (Op, StepKind),
    to: &Path,
    fault: Option<Fault>,
) -> io::Result<()> {
    if fault == Some(Fault::Tear) {
        state.deliver(Fault::Tear, (op, step), None);
        state.disk.tear_last_rename(to)?;
    }
    Ok(())
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.io.world.state();
        // The files of an ended life were closed with it.
        if state.is_live(self.io.life) {
            state.disk.release(self.node);
        }
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.io.world.state();
        if state.is_live(self.io.life) {
            state.locks.remove(&self.path);
        }
    }
}

/// A call's wait until it is picked.
struct CallTurn<'a> {
    io: &'a SimIo,
    op: Op,
    step: StepKind,
    call: Option<CallId>,
}

impl<'a> CallTurn<'a> {
    fn new(io: &'a SimIo, op: Op, step: StepKind) -> CallTurn<'a> {
        CallTurn {
            io,
            op,
            step,
            call: None,
        }
    }
}

impl Future for CallTurn<'_> {
    type Output = Grant;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Grant> {
        let io = self.io;
        let mut state = io.world.state();
        if !state.is_live(io.life) {
            return Poll::Ready(Grant::Dead);
        }
        if state.is_direct {
            return Poll::Ready(Grant::Granted(None));
        }
        match self.call {
            None => {
                self.call = Some(state.scheduler.hold_call(self.op, self.step));
                Poll::Pending
            }
            Some(call) => match state.scheduler.take_grant(call) {
                Some(fault) => {
                    self.call = None;
                    Poll::Ready(Grant::Granted(fault))
                }
                None => Poll::Pending,
            },
        }
    }
}

impl Drop for CallTurn<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call else { return };
        let mut state = self.io.world.state();
        if state.is_live(self.io.life) {
            state.scheduler.forget_call(call);
        }
    }
}

/// The number that the trace keeps of a call's result.
trait CallReport {
    fn report(&self) -> u64;
}

impl CallReport for () {
    fn report(&self) -> u64 {
        0
    }
}

impl CallReport for u64 {
    fn report(&self) -> u64 {
        *self
    }
}

impl CallReport for usize {
    fn report(&self) -> u64 {
        *self as u64
    }
}

impl CallReport for SimFile {
    fn report(&self) -> u64 {
        0
    }
}

impl CallReport for SimLock {
    fn report(&self) -> u64 {
        0
    }
}

impl CallReport for Vec<Entry> {
    fn report(&self) -> u64 {
        self.len() as u64
    }
}
