//! Hashes a disk: equal for two disks that no read can tell apart, now or after any crash.

use std::hash::{Hash, Hasher};

use super::ids::{NodeId, ROOT};
use super::image::Disk;
use super::node::{Directory, DiskNode, EntryChange, FileNode};

impl Disk {
    /// Hashes all that can be read from the disk after a power loss, if the device returns what was
    /// written. Files are identified by name from the root on, because node ids only tell the order
    /// of creation.
    pub fn stir_into(&self, hasher: &mut impl Hasher) {
        self.stir_node(ROOT, hasher);
    }

    fn stir_node(&self, id: NodeId, hasher: &mut impl Hasher) {
        match self.nodes.get(&id).map(|node| &**node) {
            None => 0_u8.hash(hasher),
            Some(DiskNode::File(file)) => file.stir_into(hasher),
            Some(DiskNode::Directory(directory)) => self.stir_directory(directory, hasher),
        }
    }

    fn stir_directory(&self, directory: &Directory, hasher: &mut impl Hasher) {
        let listings = [&directory.live, &directory.durable].into_iter();
        for entries in listings.chain(directory.undecided.iter()) {
            entries.len().hash(hasher);
            for (name, id) in entries {
                name.hash(hasher);
                self.stir_node(*id, hasher);
            }
        }
        directory.pending.len().hash(hasher);
        for change in &directory.pending {
            match change {
                EntryChange::Put { name, id } => {
                    (0, name).hash(hasher);
                    self.stir_node(*id, hasher);
                }
                EntryChange::Rename { from, to, id } => {
                    (1, from, to).hash(hasher);
                    self.stir_node(*id, hasher);
                }
                EntryChange::Remove { name } => (2, name).hash(hasher),
            }
        }
    }
}

impl FileNode {
    fn stir_into(&self, hasher: &mut impl Hasher) {
        self.live.hash(hasher);
        match std::sync::Arc::ptr_eq(&self.live, &self.durable) {
            true => true.hash(hasher),
            false => self.durable.hash(hasher),
        }
        (self.has_dropped_pages, self.wrong.len()).hash(hasher);
        self.honest.hash(hasher);
        self.pending.len().hash(hasher);
        for write in &self.pending {
            (write.offset, &write.bytes).hash(hasher);
        }
        if let Some(open) = &self.undecided {
            open.stir_into(hasher);
        }
    }
}
