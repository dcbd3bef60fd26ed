//! Files in memory, with the tasks and sleeps of [`OsIo`]: what a scenario's engine runs on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::Time;
use crate::io::{Entry, File, Io, Op, OsIo};
use crate::sync::step;

/// The world of one run.
///
/// # Shape
/// Each call is one step, before which another thread may run. Nothing fails, and no power is lost:
/// that is the simulator's.
#[derive(Clone, Default)]
pub struct World {
    os: OsIo,
    disk: Arc<Mutex<Disk>>,
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<PathBuf, Bytes>,
    dirs: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    random: u64,
}

type Bytes = Arc<Mutex<Vec<u8>>>;

/// An open file of [`World`].
pub struct WorldFile(Bytes);

/// A held lock of [`World`].
pub struct WorldLock {
    world: World,
    path: PathBuf,
}

/// No thread runs while one of these locks is held, so they never wait.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        step();
        hold(&self.disk)
    }
}

impl Disk {
    fn take(&mut self, path: &Path) -> io::Result<Bytes> {
        self.files
            .remove(path)
            .ok_or(io::ErrorKind::NotFound.into())
    }

    fn has(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.dirs.contains(path)
    }

    fn check_free(&self, path: &Path) -> io::Result<()> {
        match self.has(path) {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => Ok(()),
        }
    }

    fn list(&self, dir: &Path) -> Vec<Entry> {
        let name = |path: &Path| {
            let is_inside = path.parent() == Some(dir);
            is_inside.then(|| {
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
        };
        let files = self.files.iter().filter_map(|(path, bytes)| {
            let len = Some(hold(bytes).len() as u64);
            Some(Entry {
                name: name(path)?,
                len,
            })
        });
        let dirs = self.dirs.iter().filter_map(|path| {
            Some(Entry {
                name: name(path)?,
                len: None,
            })
        });
        let mut entries: Vec<Entry> = files.chain(dirs).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }
}

impl Io for World {
    type File = WorldFile;
    type Lock = WorldLock;

    async fn create(&self, _op: Op, path: &Path) -> io::Result<WorldFile> {
        let mut disk = self.disk();
        disk.check_free(path)?;
        let bytes = Bytes::default();
        disk.files.insert(path.to_path_buf(), bytes.clone());
        Ok(WorldFile(bytes))
    }

    async fn open(&self, _op: Op, path: &Path) -> io::Result<WorldFile> {
        let bytes = self.disk().files.get(path).cloned();
        bytes.map(WorldFile).ok_or(io::ErrorKind::NotFound.into())
    }

    async fn list(&self, _op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        let disk = self.disk();
        match disk.dirs.contains(dir) {
            true => Ok(disk.list(dir)),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    async fn rename(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.check_free(to)?;
        let bytes = disk.take(from)?;
        disk.files.insert(to.to_path_buf(), bytes);
        Ok(())
    }

    async fn replace(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let bytes = disk.take(from)?;
        disk.files.insert(to.to_path_buf(), bytes);
        Ok(())
    }

    async fn link(&self, _op: Op, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.check_free(to)?;
        let bytes = disk.files.get(from).ok_or(io::ErrorKind::NotFound)?.clone();
        disk.files.insert(to.to_path_buf(), bytes);
        Ok(())
    }

    async fn remove(&self, _op: Op, path: &Path) -> io::Result<()> {
        self.disk().take(path).map(drop)
    }

    async fn create_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.check_free(dir)?;
        disk.dirs.insert(dir.to_path_buf());
        Ok(())
    }

    async fn remove_dir(&self, _op: Op, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        if !disk.list(dir).is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        match disk.dirs.remove(dir) {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    async fn sync_dir(&self, _op: Op, _dir: &Path) -> io::Result<()> {
        step();
        Ok(())
    }

    async fn lock(&self, _op: Op, path: &Path) -> io::Result<WorldLock> {
        match self.disk().locked.insert(path.to_path_buf()) {
            true => Ok(WorldLock {
                world: self.clone(),
                path: path.to_path_buf(),
            }),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn now(&self) -> Time {
        Time(0)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.os.sleep(duration)
    }

    fn random(&self) -> u64 {
        let mut disk = self.disk();
        disk.random += 1 << 40; // Names begin at its upper half.
        disk.random
    }

    fn spawn(&self, op: Op, task: impl Future<Output = ()> + Send + 'static) {
        self.os.spawn(op, task);
    }

    async fn yield_now(&self) {
        self.os.yield_now().await;
    }

    async fn interleave(&self, _op: Op) {
        step();
    }
}

impl File for WorldFile {
    async fn read_at(&self, _op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        step();
        let bytes = hold(&self.0);
        let start = bytes
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let count = buf.len().min(bytes.len() - start);
        buf[..count].copy_from_slice(&bytes[start..start + count]);
        Ok(count)
    }

    async fn write_at(&self, _op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        step();
        let mut file = hold(&self.0);
        let start = usize::try_from(offset).expect("a file in memory is short");
        let end = start + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[start..end].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    async fn sync(&self, _op: Op) -> io::Result<()> {
        step();
        Ok(())
    }

    async fn len(&self, _op: Op) -> io::Result<u64> {
        step();
        Ok(hold(&self.0).len() as u64)
    }
}

impl Drop for WorldLock {
    fn drop(&mut self) {
        self.world.disk().locked.remove(&self.path);
    }
}
