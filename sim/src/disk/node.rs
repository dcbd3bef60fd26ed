//! One file or directory with its live and its durable image.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::effect::CrashEffect;
use super::ids::{NodeId, SECTOR_LEN, Wrongs};
use super::undecided::UndecidedFile;
use crate::faults::Fault;

#[derive(Clone, Debug)]
pub(super) enum DiskNode {
    File(FileNode),
    Directory(Directory),
}

impl DiskNode {
    pub(super) fn is_held(&self) -> bool {
        matches!(self, DiskNode::File(file) if 0 < file.open_count)
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
    /// The path that was removed in this life, for those who hold the file open.
    pub(super) removed_from: Option<Arc<Path>>,
    /// The choices about this file that a power loss left open.
    pub(super) undecided: Option<Arc<UndecidedFile>>,
    /// The durable bytes before the last sync.
    pub(super) before: Arc<Vec<u8>>,
    /// The ranges for which the device returned or may return other bytes than were written.
    pub(super) wrong: Wrongs,
    /// The bytes that a device without faults would hold; nothing while they equal `live`.
    pub(super) honest: Option<Arc<Vec<u8>>>,
}

impl FileNode {
    pub(super) fn write(&mut self, write: Write) {
        if let Some(honest) = &mut self.honest {
            write.apply(Arc::make_mut(honest));
        }
        self.store(write);
    }

    fn store(&mut self, write: Write) {
        write.apply(Arc::make_mut(&mut self.live));
        self.pending.push(write);
    }

    /// Records that a fault makes this range differ from what was written, now or in one read.
    pub(super) fn go_wrong(&mut self, (offset, len): (usize, usize), fault: Fault) {
        self.honest.get_or_insert_with(|| self.live.clone());
        let range = offset as u64..(offset + len) as u64;
        self.wrong.push((range, fault));
    }

    /// Stores a write that changes only the length.
    pub(super) fn lose(&mut self, write: &Write, fault: Fault) {
        self.go_wrong((write.offset, write.bytes.len()), fault);
        write.apply(Arc::make_mut(
            self.honest.as_mut().expect("it has gone wrong"),
        ));
        let mut found = vec![0; write.bytes.len()];
        let live = self.live.get(write.offset..).unwrap_or_default();
        let count = live.len().min(found.len());
        found[..count].copy_from_slice(&live[..count]);
        self.store(Write {
            offset: write.offset,
            bytes: found.into(),
        });
    }

    /// Stores a write `sectors` further on, as far as the file reaches there.
    pub(super) fn misdirect(&mut self, write: &Write, sectors: u32) {
        let fault = Fault::Astray(sectors);
        self.lose(write, fault);
        let distance = sectors as usize * SECTOR_LEN;
        let offset = write.offset.saturating_add(distance);
        let room = self.live.len().saturating_sub(offset);
        let len = room.min(write.bytes.len());
        if 0 < len {
            self.go_wrong((offset, len), fault);
            self.store(Write {
                offset,
                bytes: write.bytes[..len].into(),
            });
        }
    }

    /// Flips a bit of a durable byte, and returns whether there is such a byte. A byte that is
    /// already wrong is left alone, because a second flip would make it right.
    pub(super) fn rot(&mut self, offset: usize) -> bool {
        if !self.pending.is_empty() || self.durable.len() <= offset || self.has_dropped_pages {
            return false;
        }
        let honest = self.honest.as_ref().unwrap_or(&self.live);
        if honest.get(offset) != self.live.get(offset) {
            return false;
        }
        self.go_wrong((offset, 1), Fault::Rot(0));
        for content in [&mut self.live, &mut self.durable] {
            Arc::make_mut(content)[offset] ^= 1 << (offset % 8);
        }
        true
    }

    pub(super) fn sync(&mut self) {
        self.before = self.durable.clone();
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

    /// Drops all bytes that are not durable from the live image too, but keeps the length.
    pub(super) fn revert(&mut self) {
        self.fail_sync();
        let len = self.live.len();
        let mut live = (*self.durable).clone();
        live.resize(len, 0);
        self.live = Arc::new(live);
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
    /// The effect of a power loss that undoes this change.
    pub(super) fn effect_if_undone(&self) -> CrashEffect {
        match self {
            EntryChange::Put { .. } => CrashEffect::CreationUndone,
            EntryChange::Rename { .. } => CrashEffect::RenameUndone,
            EntryChange::Remove { .. } => CrashEffect::RemovalUndone,
        }
    }

    /// Applies the change to `entries`, from which earlier changes may be missing.
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
    /// The entries that a power loss may have left; empty if that is decided.
    pub(super) undecided: Arc<[BTreeMap<String, NodeId>]>,
}

impl Directory {
    pub(super) fn apply(&mut self, change: EntryChange) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    /// Splits the last change, if it is a rename, into three that survive independently.
    pub(super) fn tear_last(&mut self) {
        match self.pending.pop() {
            Some(EntryChange::Rename { from, to, id }) => self.pending.extend([
                EntryChange::Remove { name: to.clone() },
                EntryChange::Remove { name: from },
                EntryChange::Put { name: to, id },
            ]),
            other => self.pending.extend(other),
        }
    }

    /// Gives an entry another name everywhere, as if it had never had the old one.
    pub(super) fn rename_whole(&mut self, from: &str, to: &str) {
        for entries in [&mut self.live, &mut self.durable] {
            if let Some(id) = entries.remove(from) {
                entries.insert(to.to_owned(), id);
            }
        }
        let named = |name: &mut String| {
            if name == from {
                to.clone_into(name);
            }
        };
        for change in &mut self.pending {
            match change {
                EntryChange::Put { name, .. } | EntryChange::Remove { name } => named(name),
                EntryChange::Rename { from, to, .. } => [from, to].into_iter().for_each(named),
            }
        }
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.live.clone();
        self.pending.clear();
    }

    pub(super) fn for_each_id(&self, mut visit: impl FnMut(NodeId)) {
        self.live.values().for_each(|&id| visit(id));
        self.durable.values().for_each(|&id| visit(id));
        let undecided = self.undecided.iter().flat_map(BTreeMap::values);
        undecided.for_each(|&id| visit(id));
        for change in &self.pending {
            match change {
                EntryChange::Put { id, .. } | EntryChange::Rename { id, .. } => visit(*id),
                EntryChange::Remove { .. } => {}
            }
        }
    }
}
