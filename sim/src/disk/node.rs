//! One file or directory with its live and its durable image.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::image::NodeId;

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(FileNode),
    Directory(Directory),
}

impl Node {
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Node::File(file) if 0 < file.open_count)
    }
}

/// A write that no sync has covered.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) offset: usize,
    pub(super) bytes: Arc<[u8]>,
}

impl Write {
    pub(super) fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }

    pub(super) fn apply(&self, content: &mut Vec<u8>) {
        if content.len() < self.end() {
            content.resize(self.end(), 0);
        }
        content[self.offset..self.end()].copy_from_slice(&self.bytes);
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct FileNode {
    pub(super) live: Arc<Vec<u8>>,
    pub(super) durable: Arc<Vec<u8>>,
    pub(super) pending: Vec<Write>,
    /// Whether a failed sync left live bytes that no later sync covers.
    pub(super) has_dropped_pages: bool,
    pub(super) open_count: u32,
}

impl FileNode {
    pub(super) fn write(&mut self, write: Write) {
        write.apply(Arc::make_mut(&mut self.live));
        self.pending.push(write);
    }

    pub(super) fn sync(&mut self) {
        if self.has_dropped_pages {
            let durable = Arc::make_mut(&mut self.durable);
            self.pending
                .drain(..)
                .for_each(|write| write.apply(durable));
        } else {
            self.durable = self.live.clone();
            self.pending.clear();
        }
    }

    pub(super) fn fail_sync(&mut self) {
        self.has_dropped_pages |= !self.pending.is_empty();
        self.pending.clear();
    }
}

/// A change of a directory's entries that no sync has covered.
#[derive(Clone, Debug)]
pub(super) enum EntryChange {
    Put {
        name: String,
        id: NodeId,
    },
    Rename {
        from: String,
        to: String,
        id: NodeId,
    },
    Remove {
        name: String,
    },
}

impl EntryChange {
    /// Makes the change in `entries`, where changes before it may be missing.
    pub(super) fn apply(&self, entries: &mut BTreeMap<String, NodeId>) {
        match self {
            EntryChange::Put { name, id } => {
                entries.insert(name.clone(), *id);
            }
            EntryChange::Rename { from, to, id } => {
                if entries.get(from) == Some(id) {
                    entries.remove(from);
                }
                entries.insert(to.clone(), *id);
            }
            EntryChange::Remove { name } => {
                entries.remove(name);
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) live: BTreeMap<String, NodeId>,
    pub(super) durable: BTreeMap<String, NodeId>,
    pub(super) pending: Vec<EntryChange>,
}

impl Directory {
    pub(super) fn apply(&mut self, change: EntryChange) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.live.clone();
        self.pending.clear();
    }

    pub(super) fn for_each_id(&self, mut visit: impl FnMut(NodeId)) {
        self.live.values().for_each(|&id| visit(id));
        self.durable.values().for_each(|&id| visit(id));
        for change in &self.pending {
            match change {
                EntryChange::Put { id, .. } | EntryChange::Rename { id, .. } => visit(*id),
                EntryChange::Remove { .. } => {}
            }
        }
    }
}
