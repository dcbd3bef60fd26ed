//! The seam's other side: every call is held at the gate, meets its fault, and acts on the disk.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use palimpsest::base::Time;
use palimpsest::io::{Entry, File, Io, Op};

use super::gate::CallId;
use super::task::{self, TaskName};
use super::{Grant, State, World};
use crate::disk::{NodeId, Taken};
use crate::faults::{Fault, StepKind};

/// The time of day at which every run starts: 2026-01-01, in nanoseconds since the Unix epoch.
const TIME_START: u64 = 1_767_225_600_000_000_000;

/// The world as one life of the process sees it.
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
    /// The world, for the present life.
    pub fn new(world: &Arc<World>) -> SimIo {
        SimIo {
            world: world.clone(),
            life: world.state().life,
        }
    }

    /// Waits at the gate, then acts, unless a fault comes first.
    async fn call<T: Report>(
        &self,
        op: Op,
        step: StepKind,
        act: impl FnOnce(&mut State, Option<u32>) -> io::Result<T>,
    ) -> io::Result<T> {
        let grant = Turn::new(self, op, step).await;
        let mut state = self.world.state();
        let result = match grant {
            Grant::Dead => return Err(io::Error::other("the process has ended")),
            Grant::Granted(None) => act(&mut state, None),
            Grant::Granted(Some(Fault::Short(len))) => act(&mut state, Some(len)),
            Grant::Granted(Some(Fault::Crash(_) | Fault::Lie)) => {
                unreachable!("a crash ends the life first, and only syncs lie")
            }
            Grant::Granted(Some(Fault::Eio)) => {
                state.deliver_error(Fault::Eio, op, step);
                Err(io::Error::from_raw_os_error(EIO))
            }
            Grant::Granted(Some(Fault::Enospc)) => {
                state.deliver_error(Fault::Enospc, op, step);
                Err(io::ErrorKind::StorageFull.into())
            }
        };
        let report = result.as_ref().map(T::report).map_err(io::Error::kind);
        state.trace.done(report);
        result
    }

    /// A sync: a file's drops what it was to make durable if it fails, and fails with EIO whatever
    /// the rule says, as systems do that find out late that there is no space.
    async fn sync_call(
        &self,
        op: Op,
        step: StepKind,
        act: impl FnOnce(&mut State, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let grant = Turn::new(self, op, step).await;
        let mut state = self.world.state();
        let result = match grant {
            Grant::Dead => return Err(io::Error::other("the process has ended")),
            Grant::Granted(Some(fault @ (Fault::Eio | Fault::Enospc))) => {
                state.deliver_error(fault, op, step);
                act(&mut state, false)?;
                Err(io::Error::from_raw_os_error(EIO))
            }
            Grant::Granted(Some(Fault::Lie)) => {
                state.count_fault(Fault::Lie, step);
                Ok(())
            }
            Grant::Granted(_) => act(&mut state, true),
        };
        let report = result.as_ref().map(|()| 0).map_err(io::Error::kind);
        state.trace.done(report);
        result
    }

    fn file(&self, state: &mut State, node: NodeId) -> SimFile {
        state.disk.hold(node);
        SimFile {
            io: self.clone(),
            node,
        }
    }
}

/// What Linux calls an I/O error; the standard library has no kind for it.
const EIO: i32 = 5;

impl Io for SimIo {
    type File = SimFile;
    type Lock = SimLock;

    async fn create(&self, op: Op, path: &Path) -> io::Result<SimFile> {
        let act = |state: &mut State, _| {
            let node = state.disk.create(path)?;
            Ok(self.file(state, node))
        };
        self.call(op, StepKind::Create, act).await
    }

    async fn open(&self, op: Op, path: &Path) -> io::Result<SimFile> {
        let act = |state: &mut State, _| {
            let node = state.disk.open(path)?;
            Ok(self.file(state, node))
        };
        self.call(op, StepKind::Open, act).await
    }

    async fn list(&self, op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        let act = |state: &mut State, _| state.disk.list(dir);
        self.call(op, StepKind::List, act).await
    }

    async fn rename(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| state.disk.rename(from, to, Taken::Refuse);
        self.call(op, StepKind::Rename, act).await
    }

    async fn replace(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| state.disk.rename(from, to, Taken::Replace);
        self.call(op, StepKind::Replace, act).await
    }

    async fn remove(&self, op: Op, path: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| state.disk.remove(path);
        self.call(op, StepKind::Remove, act).await
    }

    async fn create_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| state.disk.create_dir(dir);
        self.call(op, StepKind::CreateDir, act).await
    }

    async fn remove_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let act = |state: &mut State, _| state.disk.remove_dir(dir);
        self.call(op, StepKind::RemoveDir, act).await
    }

    async fn sync_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let act = |state: &mut State, is_kept| match is_kept {
            true => state.disk.sync_dir(dir),
            // Its entries stay pending: a later sync covers them, a power loss may take them.
            false => Ok(()),
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
        let elapsed = madsim::time::TimeHandle::current().elapsed();
        Time(TIME_START + u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX - TIME_START))
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
        let mut has_pended = false;
        std::future::poll_fn(|context| {
            if has_pended {
                return Poll::Ready(());
            }
            has_pended = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn pass(&self, op: Op) {
        // A pass of an ended life changes nothing: whatever comes after it is refused.
        let _ = self.call(op, StepKind::Pass, |_, _| Ok(())).await;
    }

    fn reached(&self, mark: &'static str) {
        let mut state = self.world.state();
        // What the oracle's own reads reach is no corner of the plan's.
        if !state.is_direct {
            *state.counts.marks.entry(mark).or_insert(0) += 1;
        }
    }
}

impl File for SimFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let act = |state: &mut State, short: Option<u32>| {
            let len = shortened(short, buf.len());
            let count = state.disk.read(self.node, offset, &mut buf[..len])?;
            if len < buf.len() {
                state.count_fault(Fault::Short(0), StepKind::Read);
            }
            Ok(count)
        };
        self.io.call(op, StepKind::Read, act).await
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let act = |state: &mut State, short: Option<u32>| {
            let len = shortened(short, bytes.len());
            state.disk.write(self.node, offset, &bytes[..len])?;
            if len < bytes.len() {
                state.count_fault(Fault::Short(0), StepKind::Write);
            }
            Ok(len)
        };
        self.io.call(op, StepKind::Write, act).await
    }

    async fn sync(&self, op: Op) -> io::Result<()> {
        let act = |state: &mut State, is_kept| match is_kept {
            true => state.disk.sync(self.node),
            false => state.disk.fail_sync(self.node),
        };
        self.io.sync_call(op, StepKind::Sync, act).await
    }

    async fn len(&self, op: Op) -> io::Result<u64> {
        let act = |state: &mut State, _| state.disk.len(self.node);
        self.io.call(op, StepKind::Len, act).await
    }
}

fn shortened(short: Option<u32>, len: usize) -> usize {
    short.map_or(len, |short| len.min(short as usize))
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

/// One call's wait for its turn.
struct Turn<'a> {
    io: &'a SimIo,
    op: Op,
    step: StepKind,
    call: Option<CallId>,
}

impl<'a> Turn<'a> {
    fn new(io: &'a SimIo, op: Op, step: StepKind) -> Turn<'a> {
        Turn {
            io,
            op,
            step,
            call: None,
        }
    }
}

impl Future for Turn<'_> {
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
                self.call = Some(state.gate.hold_call(self.op, self.step));
                Poll::Pending
            }
            Some(call) => match state.gate.take_grant(call) {
                Some(fault) => {
                    self.call = None;
                    Poll::Ready(Grant::Granted(fault))
                }
                None => Poll::Pending,
            },
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call else { return };
        let mut state = self.io.world.state();
        if state.is_live(self.io.life) {
            state.gate.forget_call(call);
        }
    }
}

/// What the trace keeps of a call's result.
trait Report {
    fn report(&self) -> u64;
}

impl Report for () {
    fn report(&self) -> u64 {
        0
    }
}

impl Report for u64 {
    fn report(&self) -> u64 {
        *self
    }
}

impl Report for usize {
    fn report(&self) -> u64 {
        *self as u64
    }
}

impl Report for SimFile {
    fn report(&self) -> u64 {
        0
    }
}

impl Report for SimLock {
    fn report(&self) -> u64 {
        0
    }
}

impl Report for Vec<Entry> {
    fn report(&self) -> u64 {
        self.len() as u64
    }
}
