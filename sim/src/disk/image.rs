//! The disk as a value: what calls see of it and what they do to it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

use palimpsest::io::Entry;

use super::node::{Directory, EntryChange, FileNode, Node, Write};

/// What a device promises to write whole.
pub const SECTOR_LEN: usize = 512;

/// A file or directory, by number; numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// A whole disk, with what of it is durable.
#[derive(Clone, Debug)]
pub struct Disk {
    pub(super) nodes: Arc<BTreeMap<NodeId, Arc<Node>>>,
    pub(super) next: u32,
}

pub(super) const ROOT: NodeId = NodeId(0);

impl Default for Disk {
    fn default() -> Disk {
        Disk::new()
    }
}

impl Disk {
    /// An empty disk: one durable directory, `/`.
    pub fn new() -> Disk {
        let root = Arc::new(Node::Directory(Directory::default()));
        Disk {
            nodes: Arc::new(BTreeMap::from([(ROOT, root)])),
            next: 1,
        }
    }

    /// Makes an empty file and returns it.
    pub fn create(&mut self, path: &Path) -> io::Result<NodeId> {
        let (parent, name) = self.parent(path)?;
        self.add(parent, name, Node::File(FileNode::default()))
    }

    /// Makes an empty directory.
    pub fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        self.add(parent, name, Node::Directory(Directory::default()))?;
        Ok(())
    }

    fn add(&mut self, parent: NodeId, name: String, node: Node) -> io::Result<NodeId> {
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

    /// The file at `path`.
    pub fn open(&self, path: &Path) -> io::Result<NodeId> {
        let id = self.find(path)?;
        match self.node(id)? {
            Node::File(_) => Ok(id),
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// Everything in the directory at `path`, by name.
    pub fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let directory = self.directory(self.find(path)?)?;
        let entry = |(name, &id): (&String, &NodeId)| {
            let len = match self.node(id)? {
                Node::File(file) => Some(file.live.len() as u64),
                Node::Directory(_) => None,
            };
            Ok(Entry {
                name: name.clone(),
                len,
            })
        };
        directory.live.iter().map(entry).collect()
    }

    /// Renames within a directory; a taken `to` is replaced or refused.
    pub fn rename(&mut self, from: &Path, to: &Path, taken: Taken) -> io::Result<()> {
        let (parent, from_name) = self.parent(from)?;
        let (to_parent, to_name) = self.parent(to)?;
        assert_eq!(parent, to_parent, "a rename stays in its directory");
        let directory = self.directory_mut(parent)?;
        let Some(&id) = directory.live.get(&from_name) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if taken == Taken::Refuse && directory.live.contains_key(&to_name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        directory.apply(EntryChange::Rename {
            from: from_name,
            to: to_name,
            id,
        });
        Ok(())
    }

    /// Removes a file's name.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.open(path)?;
        let (parent, name) = self.parent(path)?;
        self.directory_mut(parent)?
            .apply(EntryChange::Remove { name });
        Ok(())
    }

    /// Removes an empty directory.
    pub fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        if !self.directory(self.find(path)?)?.live.is_empty() {
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

    /// Reads from `offset` on and says how many bytes there were.
    pub fn read(&self, id: NodeId, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let live = &self.file(id)?.live;
        let start = live
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let count = buf.len().min(live.len() - start);
        buf[..count].copy_from_slice(&live[start..start + count]);
        Ok(count)
    }

    /// Writes at `offset`; a gap reads as zeros.
    pub fn write(&mut self, id: NodeId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            // Unlike a write of nothing, one of something makes the file reach up to it.
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

    /// A file's sync fails: its dirty pages are dropped from what will ever be written.
    pub fn fail_sync(&mut self, id: NodeId) -> io::Result<()> {
        self.file_mut(id)?.fail_sync();
        Ok(())
    }

    /// A file's live length.
    pub fn len(&self, id: NodeId) -> io::Result<u64> {
        Ok(self.file(id)?.live.len() as u64)
    }

    /// A file's live bytes.
    pub fn bytes(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        Ok(self.file(self.open(path)?)?.live.clone())
    }

    fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut id = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let name = name.to_string_lossy();
                let found = self.directory(id)?.live.get(name.as_ref());
                id = *found.ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(id)
    }

    fn parent(&self, path: &Path) -> io::Result<(NodeId, String)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.find(parent)?, name.to_string_lossy().into_owned()))
    }

    fn node(&self, id: NodeId) -> io::Result<&Node> {
        let node = self.nodes.get(&id).ok_or(io::ErrorKind::NotFound)?;
        Ok(node)
    }

    fn file(&self, id: NodeId) -> io::Result<&FileNode> {
        match self.node(id)? {
            Node::File(file) => Ok(file),
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn directory(&self, id: NodeId) -> io::Result<&Directory> {
        match self.node(id)? {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn file_mut(&mut self, id: NodeId) -> io::Result<&mut FileNode> {
        match self.node_mut(id)? {
            Node::File(file) => Ok(file),
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn directory_mut(&mut self, id: NodeId) -> io::Result<&mut Directory> {
        match self.node_mut(id)? {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn node_mut(&mut self, id: NodeId) -> io::Result<&mut Node> {
        let nodes = Arc::make_mut(&mut self.nodes);
        let node = nodes.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::make_mut(node))
    }

    /// Forgets directories and files that no name, live, durable or pending, leads to. A file that
    /// is only held open keeps its bytes: see [`Disk::release`].
    fn forget_unreachable(&mut self) {
        let mut reached = std::collections::BTreeSet::from([ROOT]);
        for node in self.nodes.values() {
            if let Node::Directory(directory) = &**node {
                directory.for_each_id(|id| _ = reached.insert(id));
            }
        }
        let is_kept = |id: &NodeId, node: &Node| reached.contains(id) || node.is_held();
        if self.nodes.iter().all(|(id, node)| is_kept(id, node)) {
            return;
        }
        Arc::make_mut(&mut self.nodes).retain(|id, node| is_kept(id, node));
    }

    /// Notes that a file was opened once more.
    pub fn hold(&mut self, id: NodeId) {
        if let Ok(file) = self.file_mut(id) {
            file.open_count += 1;
        }
    }

    /// Notes that a file was closed once.
    pub fn release(&mut self, id: NodeId) {
        if let Ok(file) = self.file_mut(id) {
            file.open_count = file.open_count.saturating_sub(1);
        }
    }
}

impl Disk {
    /// Notes that the process ended, and with it every open file.
    pub fn close_all(&mut self) {
        for node in Arc::make_mut(&mut self.nodes).values_mut() {
            if let Node::File(file) = Arc::make_mut(node) {
                file.open_count = 0;
            }
        }
    }
}

/// What a rename does to a name that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// `AlreadyExists`.
    Refuse,
    /// The file that has it loses it.
    Replace,
}
