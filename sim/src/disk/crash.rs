//! A power loss: from what is live, durable and pending, and a choice, to one possible next disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::image::{Disk, NodeId, ROOT, SECTOR_LEN};
use super::node::{Directory, EntryChange, FileNode, Node, Write};
use crate::dice::{Chance, Dice};
use crate::faults::Survival;

impl Disk {
    /// The disk after a power loss. What was durable is there; what was pending is kept as
    /// `survival` says.
    #[must_use]
    pub fn crash(&self, survival: Survival) -> Disk {
        let mut chooser = Chooser::new(survival);
        let mut nodes = BTreeMap::new();
        let mut waiting = vec![ROOT];
        while let Some(id) = waiting.pop() {
            let Some(node) = self.nodes.get(&id) else {
                continue;
            };
            if nodes.contains_key(&id) {
                continue;
            }
            let after = match &**node {
                Node::File(file) => Node::File(chooser.file(file)),
                Node::Directory(directory) => Node::Directory(chooser.directory(directory)),
            };
            if let Node::Directory(directory) = &after {
                // Depth first and by name: the order in which choices are drawn.
                waiting.extend(directory.live.values().rev());
            }
            nodes.insert(id, Arc::new(after));
        }
        Disk {
            nodes: Arc::new(nodes),
            next: self.next,
        }
    }
}

/// What becomes of one pending write or entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    Torn,
}

/// What stands where a write or a length was kept without its content.
#[derive(Clone, Copy)]
enum Filler {
    Zeros,
    Garbage,
}

/// Makes the choices of one power loss.
struct Chooser {
    survival: Survival,
    dice: Dice,
    /// How many of four pending writes are kept, and how many of the rest are torn.
    writes_kept: u64,
    entries_kept: u64,
}

impl Chooser {
    fn new(survival: Survival) -> Chooser {
        let mut dice = Dice::new(match survival {
            Survival::Draw(seed) => seed,
            Survival::All | Survival::Nothing => 0,
        });
        let writes_kept = dice.below(5);
        let entries_kept = dice.below(5);
        Chooser {
            survival,
            dice,
            writes_kept,
            entries_kept,
        }
    }

    fn fate_of_write(&mut self) -> Fate {
        match self.survival {
            Survival::All => Fate::Kept,
            Survival::Nothing => Fate::Lost,
            Survival::Draw(_) if self.dice.below(4) < self.writes_kept => Fate::Kept,
            Survival::Draw(_) if self.dice.one_in(3) => Fate::Torn,
            Survival::Draw(_) => Fate::Lost,
        }
    }

    fn keeps_entry(&mut self) -> bool {
        match self.survival {
            Survival::All => true,
            Survival::Nothing => false,
            Survival::Draw(_) => self.dice.below(4) < self.entries_kept,
        }
    }

    fn directory(&mut self, directory: &Directory) -> Directory {
        let mut entries = directory.durable.clone();
        for change in &directory.pending {
            if self.keeps_entry() {
                EntryChange::apply(change, &mut entries);
            }
        }
        Directory::settled(entries)
    }

    fn file(&mut self, file: &FileNode) -> FileNode {
        if file.pending.is_empty() {
            return FileNode::settled(file.durable.clone());
        }
        let mut content = (*file.durable).clone();
        let mut writes: Vec<&Write> = file.pending.iter().collect();
        if matches!(self.survival, Survival::Draw(_)) && self.dice.one_in(4) {
            self.shuffle(&mut writes);
        }
        for write in writes {
            match self.fate_of_write() {
                Fate::Kept => write.apply(&mut content),
                Fate::Lost => {}
                Fate::Torn => self.tear(write, &mut content),
            }
        }
        self.resize(file, &mut content);
        FileNode::settled(Arc::new(content))
    }

    fn shuffle(&mut self, writes: &mut [&Write]) {
        for last in (1..writes.len()).rev() {
            let other = self.dice.below(last as u64 + 1) as usize;
            writes.swap(last, other);
        }
    }

    /// Each sector of a torn write is new, old, or zeros or garbage.
    fn tear(&mut self, write: &Write, content: &mut Vec<u8>) {
        let before = content.clone();
        write.apply(content);
        let filler = self.filler();
        let mut start = write.offset;
        while start < write.end() {
            let end = write.end().min((start / SECTOR_LEN + 1) * SECTOR_LEN);
            match self.dice.below(4) {
                0 | 1 => {}
                2 => restore(&before, &mut content[start..end], start),
                _ => self.fill(&mut content[start..end], filler),
            }
            start = end;
        }
    }

    /// The length survives apart from the content: it may be the durable one, the live one, or
    /// where a kept write ends.
    fn resize(&mut self, file: &FileNode, content: &mut Vec<u8>) {
        let len = match self.survival {
            Survival::All | Survival::Nothing => return,
            Survival::Draw(_) => match self.dice.below(6) {
                0 => file.durable.len(),
                1 | 2 => file.live.len(),
                _ => return,
            },
        };
        let kept = content.len();
        content.resize(len, 0);
        if kept < len {
            let filler = self.filler();
            self.fill(&mut content[kept..], filler);
        }
    }

    fn filler(&mut self) -> Filler {
        if self.dice.one_in(2) {
            Filler::Zeros
        } else {
            Filler::Garbage
        }
    }

    fn fill(&mut self, bytes: &mut [u8], filler: Filler) {
        match filler {
            Filler::Zeros => bytes.fill(0),
            Filler::Garbage => {
                let seed = self.dice.bits();
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = (crate::dice::mix(seed ^ (index as u64 / 8)) >> (index % 8 * 8)) as u8;
                }
            }
        }
    }
}

/// Puts back what stood before, with zeros where the file ended.
fn restore(before: &[u8], bytes: &mut [u8], start: usize) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = before.get(start + index).copied().unwrap_or(0);
    }
}

impl FileNode {
    /// A file of which everything is durable.
    fn settled(content: Arc<Vec<u8>>) -> FileNode {
        FileNode {
            live: content.clone(),
            durable: content,
            ..FileNode::default()
        }
    }
}

impl Directory {
    /// A directory of which everything is durable.
    fn settled(entries: BTreeMap<String, NodeId>) -> Directory {
        Directory {
            live: entries.clone(),
            durable: entries,
            ..Directory::default()
        }
    }
}
