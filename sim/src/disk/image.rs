//! The disk as a value: what calls read from it and change in it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use palimpsest::io::Entry;

use super::choices::Choices;
use super::ids::{NodeId, ROOT, Wrongs};
use super::node::{Directory, DiskNode, EntryChange, FileNode, Write};
use crate::faults::Device;

/// A whole disk, live and durable.
#[derive(Clone, Debug)]
pub struct Disk {
    pub(super) nodes: Arc<BTreeMap<NodeId, Arc<DiskNode>>>,
    pub(super) next: u32,
    pub(super) choices: Choices,
    pub(super) device: Device,
    /// The ranges that were wrong in files that are gone, by path; also files that a power loss
    /// took although a rename had put them there.
    pub(super) gone: Arc<BTreeMap<PathBuf, Wrongs>>,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk::new()
    }
}

impl Disk {
    /// An empty disk that keeps all POSIX promises: one durable directory, `/`.
    pub fn new() -> Disk {
        Disk::on(Device::Posix)
    }

    /// An empty disk on a device.
    pub fn on(device: Device) -> Disk {
        let root = Arc::new(DiskNode::Directory(Directory::default()));
        Disk {
            nodes: Arc::new(BTreeMap::from([(ROOT, root)])),
            next: 1,
            choices: Choices::default(),
            device,
            gone: Arc::default(),
        }
    }

    /// The device, which says what the disk promises.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Creates an empty file and returns its id.
    pub fn create(&mut self, path: &Path) -> io::Result<NodeId> {
        let (parent, name) = self.parent(path)?;
        self.forget_gone(path);
        self.add(parent, name, DiskNode::File(FileNode::default()))
    }

    /// Creates an empty directory.
    pub fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        self.add(parent, name, DiskNode::Directory(Directory::default()))?;
        Ok(())
    }

    fn add(&mut self, parent: NodeId, name: String, node: DiskNode) -> io::Result<NodeId> {
        if self.directory(parent)?.live.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = NodeId(self.next);
        self.next += 1;
        Arc::make_mut(&mut self.nodes).insert(id, Arc::new(node));
        self.directory_mut(parent)?
            .apply(EntryChange::Put { name, id });
        Ok(id)
    }

    /// The id of the file at `path`.
    pub fn open(&mut self, path: &Path) -> io::Result<NodeId> {
        let id = self.find(path)?;
        match self.node(id)? {
            DiskNode::File(_) => Ok(id),
            DiskNode::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// The entries of the directory at `path`, sorted by name.
    pub fn list(&mut self, path: &Path) -> io::Result<Vec<Entry>> {
        let id = self.find(path)?;
        let entries = self.directory(id)?.live.clone();
        let entry = |(name, id)| {
            let len = match self.node(id)? {
                DiskNode::File(_) => Some(self.len(id)?),
                DiskNode::Directory(_) => None,
            };
            Ok(Entry { name, len })
        };
        entries.into_iter().map(entry).collect()
    }

    /// Renames within a directory; if `to` exists, it is replaced, or the rename is refused.
    pub fn rename(&mut self, from: &Path, to: &Path, taken: TakenNode) -> io::Result<()> {
        let (parent, from_name) = self.parent(from)?;
        let (to_parent, to_name) = self.parent(to)?;
        assert_eq!(parent, to_parent, "a rename stays in its directory");
        let directory = self.directory(parent)?;
        let Some(&id) = directory.live.get(&from_name) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if taken == TakenNode::Refuse && directory.live.contains_key(&to_name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.forget_gone(to);
        let directory = self.directory_mut(parent)?;
        directory.apply(EntryChange::Rename {
            from: from_name,
            to: to_name,
            id,
        });
        Ok(())
    }

    /// Gives a file one more name.
    pub fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let id = self.open(from)?;
        let (parent, name) = self.parent(to)?;
        if self.directory(parent)?.live.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.forget_gone(to);
        self.directory_mut(parent)?
            .apply(EntryChange::Put { name, id });
        Ok(())
    }

    /// Moves a directory of `/`, as a user does who waits until that is durable.
    ///
    /// # Panics
    /// If there is none.
    pub fn move_dir(&mut self, from: &str, to: &str) {
        let [from, to] = [from, to].map(|path| path.trim_start_matches('/'));
        let root = self.directory_mut(ROOT).expect("the root is a directory");
        root.rename_whole(from, to);
        let old = Path::new("/").join(from);
        let new = Path::new("/").join(to);
        let gone = Arc::make_mut(&mut self.gone);
        let moved = gone.extract_if(.., |path, _| path.starts_with(&old));
        let moved: Vec<_> = moved.collect();
        gone.extend(moved.into_iter().map(|(path, wrongs)| {
            let inside = path.strip_prefix(&old).expect("it is inside");
            (new.join(inside), wrongs)
        }));
    }

    /// Removes a file's name.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        let id = self.open(path)?;
        if let DiskNode::File(file) = self.node_mut(id)? {
            file.removed_from = Some(path.into());
        }
        self.keep_wrongs(id)?;
        let (parent, name) = self.parent(path)?;
        self.directory_mut(parent)?
            .apply(EntryChange::Remove { name });
        Ok(())
    }

    /// Removes an empty directory.
    pub fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        let id = self.find(path)?;
        if !self.directory(id)?.live.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (parent, name) = self.parent(path)?;
        self.directory_mut(parent)?
            .apply(EntryChange::Remove { name });
        Ok(())
    }

    /// Makes a directory's entries durable.
    pub fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        let id = self.find(path)?;
        self.directory_mut(id)?.sync();
        self.forget_unreachable();
        Ok(())
    }

    /// Reads at `offset` and returns the number of bytes that there were.
    pub fn read(&mut self, id: NodeId, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let found = self.found(id, offset, buf.len())?;
        buf[..found.len()].copy_from_slice(found);
        Ok(found.len())
    }

    /// Appends up to `len` bytes at `offset` to `bytes` and returns how many there were.
    pub fn append(
        &mut self,
        id: NodeId,
        (offset, len): (u64, usize),
        bytes: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let found = self.found(id, offset, len)?;
        bytes.extend_from_slice(found);
        Ok(found.len())
    }

    fn found(&mut self, id: NodeId, offset: u64, len: usize) -> io::Result<&[u8]> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.decide_bytes(id, start, start.saturating_add(len));
        let live = &self.file(id)?.live;
        let start = live.len().min(start);
        let end = live.len().min(start.saturating_add(len));
        Ok(&live[start..end])
    }

    /// Writes at `offset`; a gap reads as zeros.
    pub fn write(&mut self, id: NodeId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            // POSIX: a write of no bytes does not extend the file.
            return self.file(id).map(|_| ());
        }
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.file_mut(id)?.write(Write {
            offset,
            bytes: bytes.into(),
        });
        Ok(())
    }

    /// Makes a file's bytes and length durable.
    pub fn sync(&mut self, id: NodeId) -> io::Result<()> {
        self.file_mut(id)?.sync();
        Ok(())
    }

    /// Fails a file's sync: its dirty pages are dropped and never become durable.
    pub fn fail_sync(&mut self, id: NodeId) -> io::Result<()> {
        self.file_mut(id)?.fail_sync();
        Ok(())
    }

    /// A file's live length.
    pub fn len(&mut self, id: NodeId) -> io::Result<u64> {
        self.decide_len(id);
        Ok(self.file(id)?.live.len() as u64)
    }

    /// A file's live bytes, as a device without faults would return them.
    pub fn bytes(&mut self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        let id = self.open(path)?;
        self.decide_bytes(id, 0, usize::MAX);
        let file = self.file(id)?;
        Ok(file.honest.as_ref().unwrap_or(&file.live).clone())
    }

    pub(super) fn find(&mut self, path: &Path) -> io::Result<NodeId> {
        self.find_text(text(path)?)
    }

    fn find_text(&mut self, path: &str) -> io::Result<NodeId> {
        let mut id = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let found = self.directory(id)?.live.get(name);
            id = *found.ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(id)
    }

    pub(super) fn parent(&mut self, path: &Path) -> io::Result<(NodeId, String)> {
        let (parent, name) = text(path)?
            .rsplit_once('/')
            .filter(|(_, name)| !name.is_empty())
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.find_text(parent)?, name.to_owned()))
    }

    pub(super) fn node(&self, id: NodeId) -> io::Result<&DiskNode> {
        let node = self.nodes.get(&id).ok_or(io::ErrorKind::NotFound)?;
        Ok(node)
    }

    pub(super) fn file(&mut self, id: NodeId) -> io::Result<&FileNode> {
        match self.node(id)? {
            DiskNode::File(file) => Ok(file),
            DiskNode::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn directory(&mut self, id: NodeId) -> io::Result<&Directory> {
        self.decide_directory(id);
        match self.node(id)? {
            DiskNode::Directory(directory) => Ok(directory),
            DiskNode::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn file_mut(&mut self, id: NodeId) -> io::Result<&mut FileNode> {
        self.decide_file(id);
        match self.node_mut(id)? {
            DiskNode::File(file) => Ok(file),
            DiskNode::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn directory_mut(&mut self, id: NodeId) -> io::Result<&mut Directory> {
        self.decide_directory(id);
        match self.node_mut(id)? {
            DiskNode::Directory(directory) => Ok(directory),
            DiskNode::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn node_mut(&mut self, id: NodeId) -> io::Result<&mut DiskNode> {
        let nodes = Arc::make_mut(&mut self.nodes);
        let node = nodes.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::make_mut(node))
    }

    /// Removes directories and files that no live, durable or pending name leads to. A file that is
    /// held open keeps its bytes: see [`Disk::release`].
    pub(super) fn forget_unreachable(&mut self) {
        let mut is_reached = vec![false; self.next as usize];
        is_reached[ROOT.0 as usize] = true;
        for node in self.nodes.values() {
            if let DiskNode::Directory(directory) = &**node {
                directory.for_each_id(|id| is_reached[id.0 as usize] = true);
            }
        }
        let is_kept = |id: &NodeId, node: &DiskNode| is_reached[id.0 as usize] || node.is_held();
        if self.nodes.iter().all(|(id, node)| is_kept(id, node)) {
            return;
        }
        Arc::make_mut(&mut self.nodes).retain(|id, node| is_kept(id, node));
    }

    /// Counts one more open handle of a file.
    pub fn hold(&mut self, id: NodeId) {
        if let Ok(file) = self.file_mut(id) {
            file.open_count += 1;
        }
    }

    /// The number of open handles.
    pub fn open_count(&self) -> u64 {
        let files = self.nodes.values().map(|node| match &**node {
            DiskNode::File(file) => u64::from(file.open_count),
            DiskNode::Directory(_) => 0,
        });
        files.sum()
    }

    /// Counts one open handle less.
    pub fn release(&mut self, id: NodeId) {
        if let Ok(file) = self.file_mut(id) {
            file.open_count = file.open_count.saturating_sub(1);
        }
    }
}

impl Disk {
    /// Closes every open file, as the end of the process does.
    pub fn close_all(&mut self) {
        for node in Arc::make_mut(&mut self.nodes).values_mut() {
            if let DiskNode::File(file) = Arc::make_mut(node) {
                file.open_count = 0;
                file.removed_from = None;
            }
        }
    }
}

/// The path as UTF-8 text. Paths here are names, each with a slash before it.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str()
        .ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// What a rename does if the target exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenNode {
    /// Fails with `AlreadyExists`.
    Refuse,
    /// Replaces the file that has the name.
    Replace,
}
