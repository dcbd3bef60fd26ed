//! The changes that wait for a sync, and what a power loss made of them, seen by comparing disks.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::ids::{NodeId, ROOT};
use super::image::Disk;
use super::node::{Directory, DiskNode, EntryChange, FileNode, Write};

/// What a power loss made of one unsynced change, as far as the next disk shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All of the change is there.
    Kept,
    /// None of the change is there.
    Lost,
    /// A part of the change is there.
    Torn,
    /// No name leads to the file any more.
    Unnamed,
}

impl Fate {
    /// The name of a fate in reports.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::Lost => "lost",
            Fate::Torn => "torn",
            Fate::Unnamed => "lost with its name",
        }
    }
}

impl Disk {
    /// The number of unsynced changes of each file and directory.
    pub fn pending_counts(&self) -> BTreeMap<NodeId, usize> {
        let counts = self.nodes.iter().map(|(id, node)| {
            let count = match &**node {
                DiskNode::File(file) => file.pending.len(),
                DiskNode::Directory(directory) => directory.pending.len(),
            };
            (*id, count)
        });
        counts.collect()
    }

    /// One unsynced change of a file or directory, by index, as text.
    pub fn pending_text(&self, id: NodeId, index: usize) -> Option<String> {
        match &**self.nodes.get(&id)? {
            DiskNode::File(file) => file.pending.get(index).map(|write| {
                let (start, end) = (write.offset, write.end());
                format!("bytes {start}..{end}")
            }),
            DiskNode::Directory(directory) => directory.pending.get(index).map(EntryChange::text),
        }
    }

    /// A path to each file and directory; of several names, a live one.
    pub fn paths(&self) -> BTreeMap<NodeId, String> {
        let mut paths = BTreeMap::from([(ROOT, String::new())]);
        let mut waiting = vec![ROOT];
        while let Some(id) = waiting.pop() {
            let Some(DiskNode::Directory(directory)) = self.nodes.get(&id).map(|node| &**node)
            else {
                continue;
            };
            let above = paths[&id].clone();
            let pending = directory.pending.iter().filter_map(EntryChange::names);
            let durable = directory.durable.iter().map(|(name, id)| (name, *id));
            let live = directory.live.iter().map(|(name, id)| (name, *id));
            for (name, inner) in live.chain(durable).chain(pending) {
                if let Entry::Vacant(path) = paths.entry(inner) {
                    path.insert(format!("{above}/{name}"));
                    waiting.push(inner);
                }
            }
        }
        paths
    }

    /// The fate of each unsynced change of this disk, on the disk that a power loss left.
    pub fn fates(&self, after: &Disk) -> BTreeMap<NodeId, Vec<Fate>> {
        let named = after.named();
        let fates = self.nodes.iter().map(|(id, node)| {
            let found = after.nodes.get(id).filter(|_| named.contains(id));
            let fates = match (&**node, found.map(|node| &**node)) {
                (DiskNode::File(file), Some(DiskNode::File(left))) => {
                    let fate = |write: &Write| file.fate(write, left);
                    file.pending.iter().map(fate).collect()
                }
                (DiskNode::Directory(directory), Some(DiskNode::Directory(left))) => {
                    let fate = |change: &EntryChange| change.fate(left);
                    directory.pending.iter().map(fate).collect()
                }
                (DiskNode::File(file), _) => vec![Fate::Unnamed; file.pending.len()],
                (DiskNode::Directory(directory), _) => vec![Fate::Unnamed; directory.pending.len()],
            };
            (*id, fates)
        });
        fates.collect()
    }

    /// The files and directories that a live name leads to.
    fn named(&self) -> BTreeSet<NodeId> {
        let mut named = BTreeSet::new();
        let mut waiting = vec![ROOT];
        while let Some(id) = waiting.pop() {
            if named.insert(id)
                && let Some(DiskNode::Directory(directory)) =
                    self.nodes.get(&id).map(|node| &**node)
            {
                waiting.extend(directory.live.values());
            }
        }
        named
    }
}

impl FileNode {
    /// A write was kept if its bytes are where they were written, and lost if the durable bytes are
    /// there.
    fn fate(&self, write: &Write, left: &FileNode) -> Fate {
        let found = left.live.get(write.offset..write.end());
        if found == Some(&*write.bytes) {
            return Fate::Kept;
        }
        let byte = |content: &[u8], at: usize| content.get(at).copied().unwrap_or(0);
        let mut places = write.offset..write.end();
        match places.all(|at| byte(&left.live, at) == byte(&self.durable, at)) {
            true => Fate::Lost,
            false => Fate::Torn,
        }
    }
}

impl EntryChange {
    /// A creation was kept if any name leads to the file, which may have been renamed since.
    fn fate(&self, left: &Directory) -> Fate {
        let is_kept = match self {
            EntryChange::Put { id, .. } => left.live.values().any(|found| found == id),
            EntryChange::Rename { to, id, .. } => left.live.get(to) == Some(id),
            EntryChange::Remove { name } => !left.live.contains_key(name),
        };
        match is_kept {
            true => Fate::Kept,
            false => Fate::Lost,
        }
    }

    fn text(&self) -> String {
        match self {
            EntryChange::Put { name, .. } => format!("entry {name}"),
            EntryChange::Rename { from, to, .. } => format!("entry {from} as {to}"),
            EntryChange::Remove { name } => format!("no entry {name}"),
        }
    }

    fn names(&self) -> Option<(&String, NodeId)> {
        match self {
            EntryChange::Put { name, id } | EntryChange::Rename { to: name, id, .. } => {
                Some((name, *id))
            }
            EntryChange::Remove { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::disk::SECTOR_LEN;
    use crate::faults::Survival;

    /// The fates of two unsynced writes to a file, and of its unsynced entry.
    fn fates(survival: Survival) -> Vec<Fate> {
        let mut disk = Disk::new();
        let id = disk.create(Path::new("/a")).unwrap();
        disk.write(id, 0, &[7; 3 * SECTOR_LEN]).unwrap();
        disk.write(id, 3 * SECTOR_LEN as u64, b"end").unwrap();
        let fates = disk.fates(&disk.crash(survival));
        fates.into_values().flatten().collect()
    }

    #[test]
    fn what_is_kept_and_what_is_lost_shows_on_the_next_disk() {
        assert_eq!(fates(Survival::All), [Fate::Kept; 3]);
        let lost = [Fate::Lost, Fate::Unnamed, Fate::Unnamed];
        assert_eq!(fates(Survival::Nothing), lost);
        let drawn: Vec<Fate> = (0..200)
            .flat_map(|seed| fates(Survival::Draw(seed)))
            .collect();
        for fate in [Fate::Kept, Fate::Lost, Fate::Torn, Fate::Unnamed] {
            assert!(drawn.contains(&fate), "{fate:?}");
        }
    }

    #[test]
    fn a_change_that_waits_says_what_it_is_and_where() {
        let mut disk = Disk::new();
        let id = disk.create(Path::new("/a")).unwrap();
        disk.write(id, 8, b"end").unwrap();
        assert_eq!(disk.paths()[&id], "/a");
        assert_eq!(disk.pending_counts()[&id], 1);
        assert_eq!(disk.pending_text(id, 0).as_deref(), Some("bytes 8..11"));
        assert_eq!(disk.pending_text(ROOT, 0).as_deref(), Some("entry a"));
        disk.sync(id).unwrap();
        assert_eq!(disk.pending_counts()[&id], 0);
    }
}
