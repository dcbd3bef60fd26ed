//! The marks of a split in a directory of timelines, and how a child takes the parent's layers.
//!
//! ```text
//!  parent/                     child/
//!                              split-from-<state>   first, and durable before anything else
//!                              <timeline>/…         layers by link or copy, then the index
//!  split-into-<count>  ◀────   all children are durable: this entry is the split
//!                              split-from-<state>   removed, and then the child can be opened
//! ```
//!
//! Both marks are empty files: an entry is there or is not. A directory with either is not opened.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::Store;
use super::dir::{DirStore, failed, latched, timeline_of};
use crate::base::{DecodeError, Error, FileName, Result, TimelineId};
use crate::format::{BLOCK_LEN, ChecksumSection, Index, IndexLayer};
use crate::io::{Entry, File, Io, Op, Part, Scratch};

/// How much of a layer's file is held in memory while it is copied, in bytes.
const COPY_LEN: usize = 1 << 20;

const _: () = assert!(COPY_LEN.is_multiple_of(BLOCK_LEN));

/// How often an open retries the directory's lock while another engine holds it.
const LOCK_RETRIES_MAX: u32 = 50;
/// The time between two attempts to take the directory's lock.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The entries of a directory of timelines, as far as a split is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootState {
    /// The marks of an unfinished child.
    pub unfinished: Vec<FileName>,
    /// Into how many shards the directory was split, if it was.
    pub split_into: Option<u8>,
    /// The directories of timelines, in order.
    pub timelines: Vec<TimelineId>,
    /// Directories that are named like a timeline's, and not quite as it is.
    pub misnamed: Vec<String>,
    /// Whether there is a reserve, of any length.
    pub has_reserve: bool,
    /// Whether there is nothing but a lock and a reserve, if these.
    pub is_empty: bool,
}

impl RootState {
    fn new(entries: &[Entry]) -> RootState {
        let mut state = RootState {
            is_empty: true,
            ..RootState::default()
        };
        for entry in entries {
            let name = FileName::parse(&entry.name);
            state.is_empty &= matches!(name, Some(FileName::Lock | FileName::Reserve));
            match name {
                Some(FileName::Reserve) => state.has_reserve = true,
                Some(mark @ FileName::SplitFrom { .. }) => state.unfinished.push(mark),
                Some(FileName::SplitInto { count }) => state.split_into = Some(count),
                _ if entry.len.is_none() => match timeline_of(&entry.name) {
                    Some(timeline) => state.timelines.push(timeline),
                    None if entry.name.parse::<TimelineId>().is_ok() => {
                        state.misnamed.push(entry.name.clone());
                    }
                    None => {}
                },
                _ => {}
            }
        }
        state
    }
}

impl<I: Io> DirStore<I> {
    /// Creates the directory, unless it exists, durably. Its parent must exist.
    pub(crate) async fn create_root(&self, op: Op) -> Result<()> {
        let root = self.root();
        match self.io().create_dir(op, root).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create directory", root, error)),
            Ok(()) => {}
        }
        // Sync even if the directory exists: a crash may have interrupted an earlier open before
        // its sync.
        let Some(parent) = root.parent() else {
            return Ok(());
        };
        let parent = if parent == Path::new("") {
            Path::new(".")
        } else {
            parent
        };
        self.sync_dir(op, parent).await
    }

    /// Locks the directory. An engine that was dropped in this process may still be removing layers
    /// and hold the lock until it is done: so an attempt that fails is retried, up to a limit.
    pub(crate) async fn lock(&self, op: Op) -> Result<I::Lock> {
        let path = self.root().join(FileName::Lock.to_string());
        let mut retries = 0;
        loop {
            let lock = || self.io().lock(op, &path);
            let error = match self.open_files().retry(self.io(), lock).await {
                Ok(locked) => return Ok(locked),
                Err(error) => error,
            };
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(failed("lock", &path, error));
            }
            if retries == LOCK_RETRIES_MAX {
                let what = format!(
                    "{} is open in another engine or process: end that one first",
                    self.root().display()
                );
                return Err(Error::Busy { what });
            }
            retries += 1;
            self.io().sleep(LOCK_PAUSE).await;
        }
    }

    /// What the directory says of splits; `None` if there is no directory.
    pub(crate) async fn root_state(&self, op: Op) -> Result<Option<RootState>> {
        let entries = self.list_root(op).await?;
        Ok(entries.map(|entries| RootState::new(&entries)))
    }

    /// What is in the directory; `None` if there is none.
    pub(crate) async fn list_root(&self, op: Op) -> Result<Option<Vec<Entry>>> {
        let list = || self.io().list(op, self.root());
        match self.open_files().retry(self.io(), list).await {
            Ok(entries) => Ok(Some(entries)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("list", self.root(), error)),
        }
    }

    /// Puts a mark into the directory, durably. Succeeds if it is there.
    pub(crate) async fn mark(&self, op: Op, mark: FileName) -> Result<()> {
        let path = self.root().join(mark.to_string());
        let create = || self.io().create(op.on(Part::Index, 1), &path);
        match self.open_files().retry(self.io(), create).await {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed("create", &path, error));
            }
            _ => {}
        }
        self.sync_marks(op).await
    }

    /// Removes marks, durably.
    pub(crate) async fn unmark(&self, op: Op, marks: &[FileName]) -> Result<()> {
        for mark in marks {
            let path = self.root().join(mark.to_string());
            match self.io().remove(op.on(Part::Index, 1), &path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &path, error));
                }
                _ => {}
            }
        }
        self.sync_marks(op).await
    }

    /// Makes the directory's marks durable as they are.
    pub(crate) async fn sync_marks(&self, op: Op) -> Result<()> {
        self.sync_dir(op.on(Part::Index, 1), self.root()).await
    }

    /// Makes a timeline of `parent` one of this store as well, durably, with `index`, whose layers
    /// `parent` has: each by a link, or by a copy where there are none. What an earlier attempt has
    /// taken from the same state of the parent stays.
    pub(crate) async fn adopt(
        &self,
        op: Op,
        (parent, index): (&DirStore<I>, &Index),
        attempts: &mut (dyn FnMut() -> u32 + Send),
    ) -> Result<()> {
        let timeline = index.timeline;
        self.create(op, timeline).await?;
        let there = self.list(op, timeline).await?.unwrap_or_default();
        let has = |name: &str, len: u64| {
            let mut there = there.iter();
            there.any(|entry| entry.name == name && entry.len == Some(len))
        };
        for (layer, at) in index.layers.iter().zip(1..) {
            let name = name_of(layer).to_string();
            if has(&name, layer.len) {
                self.io()
                    .probe("a split finds a layer that an attempt before it has taken");
                continue;
            }
            let part = match layer.name.is_delta() {
                true => Part::Delta,
                false => Part::Image,
            };
            let from = parent.dir(timeline).join(&name);
            let place = (op.on(part, at), attempts());
            self.take_layer(place, (&from, layer), timeline).await?;
        }
        self.put_layers(op, timeline, &index.layers).await?;
        self.save_index(op, index, attempts()).await
    }

    async fn take_layer(
        &self,
        (op, attempt): (Op, u32),
        (from, layer): (&Path, &IndexLayer),
        timeline: TimelineId,
    ) -> Result<()> {
        let to = self.dir(timeline).join(name_of(layer).to_string());
        match self.io().link(op, from, &to).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.io()
                    .probe("a split copies a layer that cannot be linked");
                let temp = FileName::LayerTemp {
                    name: layer.name,
                    generation: layer.generation,
                    attempt,
                };
                let temp = self.dir(timeline).join(temp.to_string());
                self.copy(op, (from, layer), (&temp, &to)).await
            }
            Err(error) => Err(failed("link", &to, error)),
        }
    }

    /// Copies a layer's file: its bytes are durable before it has its name. What the index records
    /// of them is verified, since a read of the copy could not tell who has damaged it.
    async fn copy(
        &self,
        op: Op,
        (from, layer): (&Path, &IndexLayer),
        (temp, to): (&Path, &Path),
    ) -> Result<()> {
        let open = || self.io().open(op, from);
        let source = self.open_files().retry(self.io(), open).await;
        let source = source.map_err(|error| failed("open", from, error))?;
        let section = read_section::<I>(op, &source, (from, layer)).await?;
        let create = || Scratch::create(self.io(), op, temp.to_path_buf());
        let created = self.open_files().retry(self.io(), create).await;
        let mut scratch = created.map_err(|error| failed("create", temp, error))?;
        let mut at = 0;
        while at < layer.len {
            let count = (layer.len - at).min(COPY_LEN as u64);
            let count = usize::try_from(count).expect("it is below the limit");
            let bytes = source.read_vec_at(op, at, count).await;
            let bytes = bytes.map_err(|error| failed("read", from, error))?;
            if let Some(section) = &section {
                verify(section, at, &bytes).map_err(|error| error.of_path(from))?;
            }
            let written = scratch.file().write_all_at(op, at, &bytes).await;
            written.map_err(|error| failed("write", temp, error))?;
            at += count as u64;
        }
        let synced = scratch.file().sync(op).await;
        synced.map_err(|error| latched(temp, error))?;
        let renamed = scratch.rename(to).await;
        renamed.map_err(|error| failed("rename", to, error))
    }
}

/// Reads the checksums of a layer's file; `None` if the index records none, for a peer's file.
async fn read_section<I: Io>(
    op: Op,
    source: &I::File,
    (from, layer): (&Path, &IndexLayer),
) -> Result<Option<ChecksumSection>> {
    let Some(expected) = layer.checksum else {
        return Ok(None);
    };
    let per_block =
        BLOCK_LEN as u64 + ChecksumSection::encoded_len(1) - ChecksumSection::encoded_len(0);
    let block_count = layer.len.saturating_sub(ChecksumSection::encoded_len(0)) / per_block;
    let start = block_count * BLOCK_LEN as u64;
    let corrupt = |error: DecodeError| error.at(start).of_path(from);
    let (Ok(block_count), Ok(len)) = (
        u32::try_from(block_count),
        usize::try_from(layer.len - start),
    ) else {
        let problem = format!("{} bytes are more than any layer has", layer.len);
        return Err(corrupt(DecodeError::malformed("file", 0, problem)));
    };
    let bytes = source.read_vec_at(op, start, len).await;
    let bytes = bytes.map_err(|error| failed("read", from, error))?;
    let section = ChecksumSection::decode(&bytes, block_count).map_err(corrupt)?;
    let found = section.own_checksum();
    if found != expected {
        let problem = format!("expected checksum {expected:08x}, found {found:08x}");
        return Err(corrupt(DecodeError::malformed(
            "checksum section",
            0,
            problem,
        )));
    }
    Ok(Some(section))
}

/// Verifies the whole blocks in a part of a file, which starts with one.
fn verify(section: &ChecksumSection, at: u64, bytes: &[u8]) -> Result<(), DecodeError> {
    let first = at / BLOCK_LEN as u64;
    let blocks = bytes.chunks_exact(BLOCK_LEN).zip(first..);
    for (block, index) in blocks {
        // Behind the last block stand the checksums.
        if let Ok(index) = u32::try_from(index)
            && index < section.block_count()
        {
            section.verify_block(index, block)?;
        }
    }
    Ok(())
}

fn name_of(layer: &IndexLayer) -> FileName {
    FileName::Layer {
        name: layer.name,
        generation: layer.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_says_what_a_split_made_of_it() {
        let file = |name: &str| Entry {
            name: name.to_owned(),
            len: Some(0),
        };
        let state = |names: &[&str]| {
            let entries: Vec<Entry> = names.iter().map(|name| file(name)).collect();
            RootState::new(&entries)
        };
        assert!(state(&[]).is_empty && state(&["lock"]).is_empty);
        assert!(!state(&["notes"]).is_empty);
        let marked = state(&["lock", "split-from-0000002a", "split-into-04"]);
        assert_eq!(marked.unfinished, [FileName::SplitFrom { state: 42 }]);
        assert_eq!(marked.split_into, Some(4));
        assert!(!marked.is_empty);
    }
}
