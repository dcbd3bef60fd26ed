//! Faults of the device that make reads differ from what was written, and where they did.
//!
//! The disk also keeps the right bytes: the laws check what the engine wrote, and the oracle knows
//! which files the engine may report as corrupt.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ids::{NodeId, Wrongs};
use super::image::Disk;
use super::node::{DiskNode, EntryChange, Write};
use crate::faults::Fault;

impl Disk {
    /// Flips a bit of a durable byte of a file, and returns whether there is such a byte.
    pub fn rot(&mut self, id: NodeId, offset: u64) -> io::Result<bool> {
        let file = self.file_mut(id)?;
        let is_rotten = usize::try_from(offset).is_ok_and(|offset| file.rot(offset));
        self.keep_wrongs(id)?;
        Ok(is_rotten)
    }

    /// Loses a write: only the file's length changes.
    pub fn lose_write(&mut self, id: NodeId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let write = pending(offset, bytes)?;
        self.file_mut(id)?.lose(&write, Fault::Lost);
        Ok(())
    }

    /// Misdirects a write: it lands `sectors` further on, as far as the file reaches there.
    pub fn misdirect_write(
        &mut self,
        id: NodeId,
        (offset, sectors): (u64, u32),
        bytes: &[u8],
    ) -> io::Result<()> {
        let write = pending(offset, bytes)?;
        self.file_mut(id)?.misdirect(&write, sectors);
        Ok(())
    }

    /// Reads the bytes that were durable before the last sync, with zeros beyond their end.
    pub fn read_stale(&mut self, id: NodeId, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.read(id, offset, buf)?;
        let file = self.file_mut(id)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        file.go_wrong((start, count), Fault::Stale);
        for (index, byte) in buf[..count].iter_mut().enumerate() {
            *byte = file.before.get(start + index).copied().unwrap_or(0);
        }
        self.keep_wrongs(id)?;
        Ok(count)
    }

    /// Replaces the unsynced bytes in a read by the durable ones, and returns whether that changed
    /// the read.
    pub fn forget_unsynced(
        &mut self,
        id: NodeId,
        offset: u64,
        read: &mut [u8],
    ) -> io::Result<bool> {
        let file = self.file(id)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut has_changed = false;
        for (index, byte) in read.iter_mut().enumerate() {
            let durable = file.durable.get(start.saturating_add(index));
            let durable = durable.copied().unwrap_or(0);
            has_changed |= *byte != durable;
            *byte = durable;
        }
        Ok(has_changed)
    }

    /// Removes a file's name, and its bytes for open handles; returns whether there are any. A
    /// power loss may still undo the removal.
    pub fn remove_with_bytes(&mut self, path: &Path) -> io::Result<bool> {
        let id = self.open(path)?;
        // A file without open handles is not read, so its choices stay open.
        let is_held = self.node(id)?.is_held();
        self.remove(path)?;
        if is_held {
            self.file_mut(id)?.live = Arc::default();
        }
        Ok(is_held)
    }

    /// Splits a directory's last change, a rename to `to`, into parts that survive independently.
    pub fn tear_last_rename(&mut self, to: &Path) -> io::Result<()> {
        let (parent, _) = self.parent(to)?;
        self.directory_mut(parent)?.tear_last();
        Ok(())
    }

    /// Fails a file's sync: from then on reads return what was durable before it.
    pub fn revert_sync(&mut self, id: NodeId) -> io::Result<()> {
        self.file_mut(id)?.revert();
        Ok(())
    }

    /// The faults that made bytes of this range wrong, one by one.
    pub fn wrongs_in(&mut self, id: NodeId, read: &Range<u64>) -> io::Result<Vec<Fault>> {
        let file = self.file(id)?;
        let Some(honest) = &file.honest else {
            return Ok(Vec::new());
        };
        let differs = |range: &Range<u64>| {
            let (start, end) = (range.start.max(read.start), range.end.min(read.end));
            let mut offsets = start as usize..(end.max(start)) as usize;
            offsets.any(|offset| file.live.get(offset) != honest.get(offset))
        };
        let met = file.wrong.iter().filter(|(range, _)| differs(range));
        Ok(met.map(|(_, fault)| *fault).collect())
    }

    /// The wrong ranges of all files that have or had this name; nothing if there are none. A file
    /// that a power loss took as a whole counts, with no range.
    pub fn wrongs(&self, path: &Path) -> Option<Wrongs> {
        let mut wrong: Wrongs = Vec::new();
        for id in self.all_by_name(path) {
            if let Some(DiskNode::File(file)) = self.nodes.get(&id).map(Arc::as_ref) {
                wrong.extend(file.wrong.iter().cloned());
            }
        }
        let gone = self.gone.get(path);
        wrong.extend(gone.into_iter().flatten().cloned());
        (gone.is_some() || !wrong.is_empty()).then_some(wrong)
    }

    /// Whether a file has this name and is wrong.
    pub fn is_wrong(&self, path: &Path) -> bool {
        let mut found = self.clone();
        let file = found.find(path).and_then(|id| found.file(id));
        file.is_ok_and(|file| !file.wrong.is_empty())
    }

    /// Whether a power loss took the file with this name.
    pub fn has_lost(&self, path: &Path) -> bool {
        self.gone.contains_key(path)
    }

    /// Whether a file with this name, in any directory, is or was wrong.
    pub fn has_wrong(&self, name: &str) -> bool {
        let is_wrong = |id: &NodeId| {
            let node = self.nodes.get(id).map(Arc::as_ref);
            matches!(node, Some(DiskNode::File(file)) if !file.wrong.is_empty())
        };
        let directories = self.nodes.values().filter_map(|node| match &**node {
            DiskNode::Directory(directory) => Some(directory),
            DiskNode::File(_) => None,
        });
        let mut named = directories.filter_map(|directory| directory.live.get(name));
        let mut gone = self.gone.keys().filter_map(|path| path.file_name());
        named.any(is_wrong) || gone.any(|gone| gone == name)
    }

    /// Every file that has this name, or may have it again after a power loss.
    fn all_by_name(&self, path: &Path) -> BTreeSet<NodeId> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return BTreeSet::new();
        };
        let Ok(DiskNode::Directory(directory)) =
            self.clone().find(parent).and_then(|id| self.node(id))
        else {
            return BTreeSet::new();
        };
        let name = name.to_string_lossy();
        let pending = directory.pending.iter().filter_map(|change| match change {
            EntryChange::Put { name: to, id } | EntryChange::Rename { to, id, .. } => {
                (*to == name).then_some(*id)
            }
            EntryChange::Remove { .. } => None,
        });
        let settled = [&directory.live, &directory.durable];
        let settled = settled.into_iter().filter_map(|names| names.get(&*name));
        pending.chain(settled.copied()).collect()
    }

    /// Keeps the wrong ranges of a file that has been removed under the path that it had: a reader
    /// that holds it open still meets them, when the directory may be gone too.
    pub(super) fn keep_wrongs(&mut self, id: NodeId) -> io::Result<()> {
        let file = self.file(id)?;
        if let (Some(path), false) = (&file.removed_from, file.wrong.is_empty()) {
            let (path, wrong) = (path.to_path_buf(), file.wrong.clone());
            Arc::make_mut(&mut self.gone).insert(path, wrong);
        }
        Ok(())
    }

    /// Forgets the earlier files with this name: a new file gets it.
    pub(super) fn forget_gone(&mut self, path: &Path) {
        if self.gone.contains_key(path) {
            Arc::make_mut(&mut self.gone).remove(&PathBuf::from(path));
        }
    }
}

fn pending(offset: u64, bytes: &[u8]) -> io::Result<Write> {
    let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok(Write {
        offset,
        bytes: bytes.into(),
    })
}
