//! The embedded store: a directory on the local disk.
//!
//! ```text
//! root/lock                          held by the one engine that has it open
//! root/reserve                       space for the day on which the disk is full: see reserve.rs
//! root/split-…                       marks of a split: see root.rs
//! root/<timeline>/index              which layers there are
//! root/<timeline>/<layer>-v1-<gen>   a layer, and its object
//! ```
//!
//! An index is replaced in four steps: a scratch file is written, synced and renamed over the old
//! one, and the directory is synced. Only then is the new index durable.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Store;
use super::reserve::Reserve;
use crate::base::{DecodeError, Error, FileName, Generation, IoFailure, Result, TimelineId};
use crate::format::{Index, IndexLayer};
use crate::io::{Entry, File, Io, Op, OpenFiles, Part, Scratch};

/// The longest index, in bytes: some ten million layers.
const INDEX_LEN_MAX: u64 = 1 << 30;

/// A directory on the local disk.
#[derive(Clone)]
pub struct DirStore<I: Io> {
    io: I,
    root: PathBuf,
    reserve: Arc<Reserve>,
    open_files: Arc<OpenFiles<I>>,
}

impl<I: Io> DirStore<I> {
    /// The store in `root`, which keeps no file open. No I/O is done yet.
    pub fn new(io: I, root: &Path) -> DirStore<I> {
        DirStore {
            io,
            root: root.to_path_buf(),
            reserve: Arc::default(),
            open_files: Arc::new(OpenFiles::new(0)),
        }
    }

    /// The store, with up to `count_max` layers' files that are kept open.
    pub fn keep_open(self, count_max: usize) -> DirStore<I> {
        DirStore {
            open_files: Arc::new(OpenFiles::new(count_max)),
            ..self
        }
    }

    /// The store, with a reserve of so many bytes from [`Store::hold_room`] on.
    pub(crate) fn with_reserve(mut self, len: u64) -> DirStore<I> {
        self.reserve = Arc::new(Reserve::new(len));
        self
    }

    pub(super) fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    async fn read_index(&self, op: Op, file: &I::File, path: &Path) -> Result<Vec<u8>> {
        let failed = |error| failed("read", path, error);
        let len = file.len(op).await.map_err(failed)?;
        if INDEX_LEN_MAX < len {
            let problem = format!("{len} bytes are more than any index has");
            return Err(DecodeError::malformed("index", 0, problem).of_path(path));
        }
        let len = usize::try_from(len).expect("checked against its limit");
        file.read_vec_at(op, 0, len).await.map_err(failed)
    }

    async fn write_index(&self, op: Op, index: &Index, scratch: &Scratch<I>) -> Result<()> {
        let file = scratch.file();
        let written = file.write_all_at(op, 0, &index.encode()).await;
        written.map_err(|error| failed("write", scratch.path(), error))?;
        file.sync(op)
            .await
            .map_err(|error| latched(scratch.path(), error))
    }

    /// Whether a directory that is named like a timeline holds files of one, or may: it cannot be
    /// listed.
    pub(crate) async fn holds_timeline(&self, op: Op, name: &str) -> Result<bool> {
        match self.io.list(op, &self.root.join(name)).await {
            Ok(entries) => Ok(entries
                .iter()
                .any(|entry| FileName::parse(&entry.name).is_some())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(failed("list", &self.root.join(name), error)),
        }
    }

    /// Removes a directory, unless it has foreign files in it. Of a link to a directory the link is
    /// removed.
    async fn remove_dir(&self, op: Op, dir: &Path) -> Result<()> {
        match self.io.remove_dir(op, dir).await {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let removed = self.io.remove(op, dir).await;
                removed.map_err(|error| failed("remove link", dir, error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed.map_err(|error| failed("remove directory", dir, error)),
        }
    }

    /// Syncs the engine's directory. In a timeline's job it has index 2, after the timeline's own
    /// directory.
    async fn sync_root(&self, op: Op) -> Result<()> {
        self.sync_dir(op.on(Part::Directory, 2), &self.root).await
    }

    pub(super) async fn sync_dir(&self, op: Op, dir: &Path) -> Result<()> {
        let sync = || self.io.sync_dir(op, dir);
        let synced = self.open_files.retry(&self.io, sync).await;
        synced.map_err(|error| latched(dir, error))
    }
}

impl<I: Io> Store for DirStore<I> {
    type Io = I;

    fn io(&self) -> &I {
        &self.io
    }

    fn open_files(&self) -> &Arc<OpenFiles<I>> {
        &self.open_files
    }

    fn dir(&self, timeline: TimelineId) -> PathBuf {
        self.root.join(timeline.to_string())
    }

    async fn timelines(&self, op: Op) -> Result<Vec<TimelineId>> {
        let list = || self.io.list(op, &self.root);
        let listed = self.open_files.retry(&self.io, list).await;
        let entries = listed.map_err(|error| failed("list", &self.root, error))?;
        let directories = entries.iter().filter(|entry| entry.len.is_none());
        Ok(directories
            .filter_map(|entry| timeline_of(&entry.name))
            .collect())
    }

    async fn why_lost(&self, op: Op, timeline: TimelineId) -> Result<Option<String>> {
        let listed = self.io.list(op, &self.root).await;
        let entries = listed.map_err(|error| failed("list", &self.root, error))?;
        let name = timeline.to_string();
        if entries.iter().any(|entry| entry.name == name) {
            let why = "it is a link that leads nowhere: mount what it leads to, or remove it";
            return Ok(Some(why.to_owned()));
        }
        for entry in entries.iter().filter(|entry| entry.len.is_none()) {
            if entry.name.parse() == Ok(timeline) && self.holds_timeline(op, &entry.name).await? {
                let found = &entry.name;
                let why = format!("it is there as {found}: rename that to {name}, or move it away");
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    async fn list(&self, op: Op, timeline: TimelineId) -> Result<Option<Vec<Entry>>> {
        let dir = self.dir(timeline);
        let list = || self.io.list(op, &dir);
        match self.open_files.retry(&self.io, list).await {
            Ok(entries) => Ok(Some(entries)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("list", &dir, error)),
        }
    }

    async fn load_index(&self, op: Op, timeline: TimelineId) -> Result<Option<Index>> {
        let op = op.on(Part::Index, 1);
        let path = self.dir(timeline).join(FileName::Index.to_string());
        let open = || self.io.open(op, &path);
        let file = match self.open_files.retry(&self.io, open).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open", &path, error)),
        };
        let bytes = self.read_index(op, &file, &path).await?;
        let of_file = |error: DecodeError| error.of_path(&path);
        let index = Index::decode(&bytes).map_err(of_file)?;
        if index.timeline != timeline {
            let problem = format!("expected {timeline}, found {}", index.timeline);
            return Err(of_file(DecodeError::malformed("timeline", 0, problem)));
        }
        Ok(Some(index))
    }

    async fn save_index(&self, op: Op, index: &Index, attempt: u32) -> Result<()> {
        assert!(Generation(0) < index.generation, "law 6");
        let op = op.on(Part::Index, 1);
        let dir = self.dir(index.timeline);
        let temp = FileName::IndexTemp {
            generation: index.generation,
            attempt,
        };
        let temp = dir.join(temp.to_string());
        let create = || Scratch::create(&self.io, op, temp.clone());
        let created = self.open_files.retry(&self.io, create).await;
        let mut scratch = created.map_err(|error| failed("create", &temp, error))?;
        self.write_index(op, index, &scratch).await?;
        let path = dir.join(FileName::Index.to_string());
        let replaced = scratch.replace(&path).await;
        replaced.map_err(|error| failed("rename", &path, error))?;
        self.sync_dir(op, &dir).await
    }

    async fn make_room(&self, op: Op) -> bool {
        self.give_reserve(op).await
    }

    async fn hold_room(&self, op: Op) {
        self.fill_reserve(op).await;
    }

    async fn confirm_index(&self, op: Op, timeline: TimelineId) -> Result<()> {
        // Index 2 gives this sync another address than the sync of an index that was just written.
        self.sync_dir(op.on(Part::Index, 2), &self.dir(timeline))
            .await
    }

    async fn put_layers(&self, op: Op, timeline: TimelineId, layers: &[IndexLayer]) -> Result<()> {
        if layers.is_empty() {
            return Ok(());
        }
        self.sync_dir(op, &self.dir(timeline)).await
    }

    async fn create(&self, op: Op, timeline: TimelineId) -> Result<()> {
        let dir = self.dir(timeline);
        match self.io.create_dir(op, &dir).await {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(failed("create directory", &dir, error))
            }
            _ => Ok(()),
        }
    }

    async fn acknowledge(&self, op: Op, _: TimelineId) -> Result<()> {
        self.sync_root(op).await
    }

    async fn remove(&self, op: Op, timeline: TimelineId, name: &str) -> Result<()> {
        assert!(
            FileName::parse(name).is_some(),
            "foreign files are left alone"
        );
        let path = self.dir(timeline).join(name);
        match self.io.remove(op, &path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    async fn delete(&self, op: Op, timeline: TimelineId) -> Result<()> {
        let dir = self.dir(timeline);
        let index = FileName::Index.to_string();
        let Some(entries) = self.list(op, timeline).await? else {
            return self.sync_root(op).await;
        };
        let is_ours = |name: &str| name != index && FileName::parse(name).is_some();
        for entry in entries.iter().filter(|entry| is_ours(&entry.name)) {
            self.remove(op, timeline, &entry.name).await?;
        }
        // As long as a crash may bring a layer back, the index that says "deleted" must stay.
        self.sync_dir(op, &dir).await?;
        self.remove(op, timeline, &index).await?;
        self.remove_dir(op, &dir).await?;
        // No answer depends on this sync, since a directory that comes back says "deleted". It is
        // for the space: without it each power loss could bring the directory back.
        self.sync_root(op).await
    }
}

/// The timeline whose directory has this name. Ids in upper case are no names of ours: one timeline
/// would be there twice.
pub(super) fn timeline_of(name: &str) -> Option<TimelineId> {
    let timeline: TimelineId = name.parse().ok()?;
    (timeline.to_string() == name).then_some(timeline)
}

pub(super) fn failed(step: &'static str, path: &Path, error: io::Error) -> Error {
    Error::Io(IoFailure::new(step, path, error))
}

pub(super) fn latched(path: &Path, error: io::Error) -> Error {
    Error::Latched(IoFailure::new("sync", path, error))
}
