//! An [`Io`] on real files whose calls fail, pend or run late on demand, and only then: else each
//! is made in the poll that asks for it, so that polls can be counted.
//!
//! The tests in `engine/tests` include this file: `crate::io` is the engine's there as well.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use event_listener::Event;

use crate::base::Time;
use crate::io::{Entry, File, Io, Job, Op, OsFile, OsIo, OsLock, block_on};

/// The calls of [`Io`] and [`File`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`Io::create`].
    Create,
    /// [`Io::open`].
    Open,
    /// [`Io::list`].
    List,
    /// [`Io::rename`].
    Rename,
    /// [`Io::replace`].
    Replace,
    /// [`Io::link`].
    Link,
    /// [`Io::remove`].
    Remove,
    /// [`Io::create_dir`].
    CreateDir,
    /// [`Io::remove_dir`].
    RemoveDir,
    /// [`Io::sync_dir`].
    SyncDir,
    /// [`Io::lock`].
    Lock,
    /// [`File::read_at`].
    Read,
    /// [`File::write_at`].
    Write,
    /// [`File::sync`].
    Sync,
    /// [`File::len`].
    Len,
}

impl Call {
    /// Whether it is a sync: its failure leaves in doubt what is durable.
    pub fn is_sync(self) -> bool {
        matches!(self, Call::Sync | Call::SyncDir)
    }

    /// Whether it changes nothing.
    pub fn is_look(self) -> bool {
        matches!(self, Call::Open | Call::List | Call::Read | Call::Len)
    }
}

/// When a spawned task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// Before `spawn` returns.
    AtOnce,
    /// Before the next call of this kind.
    Before(Call),
    /// Never, as in a process that is killed.
    Never,
}

/// How fast calls complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At once, as the system does them.
    Prompt,
    /// Each call and each `interleave` pends once, and a write of more than a page writes only
    /// half.
    Slow,
}

/// The length of a page, in bytes.
const PAGE_LEN: usize = 4096;

/// The operating system, with faults.
///
/// # Shape
/// Clones share everything. A write that fails has written a part.
#[derive(Clone)]
pub struct FaultyIo {
    os: OsIo,
    desk: Arc<Mutex<Desk>>,
}

/// An open file of [`FaultyIo`].
pub struct FaultyFile {
    file: OsFile,
    io: FaultyIo,
}

struct Desk {
    fault: Option<Fault>,
    barrier: Option<Barrier>,
    fault_count: u32,
    pace: Pace,
    has_links: bool,
    calls: Vec<(Call, Op)>,
    tasks: Tasks,
    late: Vec<Task>,
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A barrier at which matching calls wait.
struct Barrier {
    is_meant: Box<dyn Fn(Call, Op) -> bool + Send>,
    opened: Arc<Event>,
    waiting_count: usize,
}

struct Fault {
    name: String,
    /// How many matching calls still succeed before one fails.
    skip: usize,
    is_meant: Box<dyn Fn(Call, Op) -> bool + Send>,
    has_fired: bool,
}

impl FaultyIo {
    /// The operating system, without a fault set.
    pub fn new() -> FaultyIo {
        let desk = Desk {
            fault: None,
            barrier: None,
            fault_count: 0,
            pace: Pace::Prompt,
            has_links: true,
            calls: Vec::new(),
            tasks: Tasks::AtOnce,
            late: Vec::new(),
        };
        FaultyIo {
            os: OsIo::new(),
            desk: Arc::new(Mutex::new(desk)),
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nothing panics while it is held")
    }

    /// Makes one call fail: from now on the `ordinal`th, from 1, of those for which `is_meant`
    /// holds. The error says "fault n", where n counts the faults that were set.
    pub fn fail(&self, ordinal: usize, is_meant: impl Fn(Call, Op) -> bool + Send + 'static) {
        let mut desk = self.desk();
        desk.fault_count += 1;
        desk.fault = Some(Fault {
            name: format!("fault {}", desk.fault_count),
            skip: ordinal - 1,
            is_meant: Box::new(is_meant),
            has_fired: false,
        });
    }

    /// Clears the fault, and returns whether it has fired.
    pub fn heal(&self) -> bool {
        let fault = self.desk().fault.take();
        fault.is_some_and(|fault| fault.has_fired)
    }

    /// Makes all calls for which `is_meant` holds wait, from now on until [`FaultyIo::resume`].
    pub fn park(&self, is_meant: impl Fn(Call, Op) -> bool + Send + 'static) {
        self.desk().barrier = Some(Barrier {
            is_meant: Box::new(is_meant),
            opened: Arc::default(),
            waiting_count: 0,
        });
    }

    /// Releases the waiting calls, and returns how many have come to the barrier.
    pub fn resume(&self) -> usize {
        let barrier = self.desk().barrier.take();
        barrier.map_or(0, |barrier| {
            barrier.opened.notify(usize::MAX);
            barrier.waiting_count
        })
    }

    /// How many calls have come to the barrier.
    pub fn waiting_count(&self) -> usize {
        let desk = self.desk();
        desk.barrier
            .as_ref()
            .map_or(0, |barrier| barrier.waiting_count)
    }

    async fn wait_at_barrier(&self, call: Call, op: Op) {
        let listener = {
            let mut desk = self.desk();
            let barrier = desk.barrier.as_mut();
            barrier
                .filter(|barrier| (barrier.is_meant)(call, op))
                .map(|barrier| {
                    barrier.waiting_count += 1;
                    barrier.opened.listen()
                })
        };
        if let Some(listener) = listener {
            listener.await;
        }
    }

    /// Sets the pace of calls from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.desk().pace = pace;
    }

    /// Refuses links from now on, as a file system without them.
    pub fn refuse_links(&self) {
        self.desk().has_links = false;
    }

    /// Sets when tasks run that are spawned from now on.
    pub fn set_tasks(&self, tasks: Tasks) {
        self.desk().tasks = tasks;
    }

    /// Returns the calls since it was last called.
    pub fn take_calls(&self) -> Vec<(Call, Op)> {
        std::mem::take(&mut self.desk().calls)
    }

    /// Runs before each call: logs it, runs late tasks, waits at the barrier, injects the fault.
    async fn enter(&self, call: Call, op: Op) -> io::Result<()> {
        self.pause().await;
        let late = {
            let mut desk = self.desk();
            desk.calls.push((call, op));
            match desk.tasks == Tasks::Before(call) {
                true => std::mem::take(&mut desk.late),
                false => Vec::new(),
            }
        };
        late.into_iter().for_each(block_on);
        self.wait_at_barrier(call, op).await;
        match self.desk().fire(call, op) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn pause(&self) {
        let pace = self.desk().pace;
        if pace == Pace::Slow {
            self.os.yield_now().await;
        }
    }

    fn file(&self, file: OsFile) -> FaultyFile {
        FaultyFile {
            file,
            io: self.clone(),
        }
    }
}

impl Default for FaultyIo {
    fn default() -> FaultyIo {
        FaultyIo::new()
    }
}

impl Desk {
    fn fire(&mut self, call: Call, op: Op) -> Option<io::Error> {
        let fault = self.fault.as_mut()?;
        if fault.has_fired || !(fault.is_meant)(call, op) {
            return None;
        }
        if 0 < fault.skip {
            fault.skip -= 1;
            return None;
        }
        fault.has_fired = true;
        let kind = match call.is_sync() {
            true => io::ErrorKind::Other,
            false => io::ErrorKind::StorageFull,
        };
        Some(io::Error::new(kind, fault.name.clone()))
    }
}

impl Io for FaultyIo {
    type File = FaultyFile;
    type Lock = OsLock;

    async fn create(&self, op: Op, path: &Path) -> io::Result<FaultyFile> {
        self.enter(Call::Create, op).await?;
        Ok(self.file(block_on(self.os.create(op, path))?))
    }

    async fn open(&self, op: Op, path: &Path) -> io::Result<FaultyFile> {
        self.enter(Call::Open, op).await?;
        Ok(self.file(block_on(self.os.open(op, path))?))
    }

    async fn list(&self, op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        self.enter(Call::List, op).await?;
        block_on(self.os.list(op, dir))
    }

    async fn rename(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        self.enter(Call::Rename, op).await?;
        block_on(self.os.rename(op, from, to))
    }

    async fn replace(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        self.enter(Call::Replace, op).await?;
        block_on(self.os.replace(op, from, to))
    }

    async fn link(&self, op: Op, from: &Path, to: &Path) -> io::Result<()> {
        self.enter(Call::Link, op).await?;
        match self.desk().has_links {
            true => {}
            false => return Err(io::ErrorKind::Unsupported.into()),
        }
        block_on(self.os.link(op, from, to))
    }

    async fn remove(&self, op: Op, path: &Path) -> io::Result<()> {
        self.enter(Call::Remove, op).await?;
        block_on(self.os.remove(op, path))
    }

    async fn create_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        self.enter(Call::CreateDir, op).await?;
        block_on(self.os.create_dir(op, dir))
    }

    async fn remove_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        self.enter(Call::RemoveDir, op).await?;
        block_on(self.os.remove_dir(op, dir))
    }

    async fn sync_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        self.enter(Call::SyncDir, op).await?;
        block_on(self.os.sync_dir(op, dir))
    }

    async fn lock(&self, op: Op, path: &Path) -> io::Result<OsLock> {
        self.enter(Call::Lock, op).await?;
        block_on(self.os.lock(op, path))
    }

    fn now(&self) -> Time {
        self.os.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.os.sleep(duration)
    }

    fn random(&self) -> u64 {
        self.os.random()
    }

    fn spawn(&self, op: Op, task: impl Future<Output = ()> + Send + 'static) {
        if op.job == Job::Keep {
            // The maintenance task ends only with its timeline: it gets a thread of its own.
            return self.os.spawn(op, task);
        }
        let tasks = self.desk().tasks;
        match tasks {
            Tasks::AtOnce => block_on(task),
            Tasks::Before(_) => self.desk().late.push(Box::pin(task)),
            Tasks::Never => {}
        }
    }

    async fn yield_now(&self) {
        self.os.yield_now().await;
    }

    async fn interleave(&self, _op: Op) {
        self.pause().await;
    }
}

impl File for FaultyFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.io.enter(Call::Read, op).await?;
        block_on(self.file.read_at(op, offset, buf))
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let half = &bytes[..bytes.len().div_ceil(2)];
        let entered = self.io.enter(Call::Write, op).await;
        let pace = self.io.desk().pace;
        match entered {
            Err(error) => {
                let written = block_on(self.file.write_at(op, offset, half));
                written.and(Err(error))
            }
            Ok(()) if pace == Pace::Slow && PAGE_LEN < bytes.len() => {
                block_on(self.file.write_at(op, offset, half))
            }
            Ok(()) => block_on(self.file.write_at(op, offset, bytes)),
        }
    }

    async fn sync(&self, op: Op) -> io::Result<()> {
        self.io.enter(Call::Sync, op).await?;
        block_on(self.file.sync(op))
    }

    async fn len(&self, op: Op) -> io::Result<u64> {
        self.io.enter(Call::Len, op).await?;
        block_on(self.file.len(op))
    }
}
