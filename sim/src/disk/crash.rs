//! A power loss: a function from the live, durable and pending state, and a choice, to one next
//! disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::choices::Choices;
use super::effect::{CrashEffect, CrashEffects};
use super::ids::{NodeId, ROOT, SECTOR_LEN};
use super::image::Disk;
use super::node::{Directory, DiskNode, EntryChange, FileNode, Write};
use crate::dice::{Chance, Dice};
use crate::faults::{Device, Survival};

impl Disk {
    /// The disk after a power loss: durable state is there; of the pending changes, `survival` says
    /// which are kept.
    #[must_use]
    pub fn crash(&self, survival: Survival) -> Disk {
        self.crash_counted(survival).0
    }

    /// The disk after a power loss, and the effects on its pending changes; none if they are left
    /// open.
    pub fn crash_counted(&self, survival: Survival) -> (Disk, CrashEffects) {
        match survival {
            Survival::Case(case) => (self.crash_open(case), CrashEffects::new()),
            Survival::All | Survival::Nothing | Survival::Draw(_) => self.crash_drawn(survival),
        }
    }

    /// The disk after a power loss whose choices are made on the first read, from a number.
    fn crash_open(&self, case: u64) -> Disk {
        let mut after = Disk {
            choices: Choices::new(case),
            ..self.clone()
        };
        after.note_bounds(self.is_bounded());
        let mut is_bounded = false;
        let nodes = self.nodes.iter().map(|(id, node)| {
            let (node, has_more) = match &**node {
                DiskNode::File(file) => {
                    let (file, has_more) = file.opened();
                    (DiskNode::File(file), has_more)
                }
                DiskNode::Directory(directory) => {
                    let (directory, has_more) = directory.opened();
                    (DiskNode::Directory(directory), has_more)
                }
            };
            is_bounded |= has_more;
            (*id, Arc::new(node))
        });
        after.nodes = Arc::new(nodes.collect());
        after.note_bounds(is_bounded);
        after.forget_unreachable();
        after
    }

    fn crash_drawn(&self, survival: Survival) -> (Disk, CrashEffects) {
        let mut draw = CrashDraw::new(survival, self.device);
        let mut gone = (*self.gone).clone();
        let mut nodes = BTreeMap::new();
        let mut waiting = vec![(ROOT, PathBuf::from("/"))];
        while let Some((id, path)) = waiting.pop() {
            let Some(node) = self.nodes.get(&id) else {
                continue;
            };
            if nodes.contains_key(&id) {
                continue;
            }
            let after = match &**node {
                DiskNode::File(file) => DiskNode::File(draw.file(file)),
                DiskNode::Directory(directory) => DiskNode::Directory(draw.directory(directory)),
            };
            if let DiskNode::Directory(directory) = &after {
                // Depth first and by name: the order in which choices are drawn.
                let entries = directory.live.iter().rev();
                waiting.extend(entries.map(|(name, id)| (*id, path.join(name))));
                let undecided = directory.undecided.iter().flat_map(BTreeMap::iter);
                waiting.extend(undecided.map(|(name, id)| (*id, path.join(name))));
                let torn = draw.torn_names.drain(..);
                gone.extend(torn.map(|name| (path.join(name), Vec::new())));
            }
            nodes.insert(id, Arc::new(after));
        }
        let after = Disk {
            nodes: Arc::new(nodes),
            next: self.next,
            choices: self.choices.clone(),
            device: self.device,
            gone: Arc::new(gone),
        };
        (after, draw.effects)
    }
}

/// What a power loss does to one pending write or entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WriteFate {
    Kept,
    Lost,
    Torn,
}

/// The bytes of a range whose write or length survived without its content.
#[derive(Clone, Copy)]
enum Filler {
    Zeros,
    Garbage,
}

impl Filler {
    fn effect(self) -> CrashEffect {
        match self {
            Filler::Zeros => CrashEffect::SectorZeros,
            Filler::Garbage => CrashEffect::SectorGarbage,
        }
    }
}

/// Draws the choices of one power loss.
struct CrashDraw {
    survival: Survival,
    device: Device,
    dice: Dice,
    /// The names in the current directory that led to a file before a torn rename took them.
    torn_names: Vec<String>,
    effects: CrashEffects,
    /// Of four pending writes, the number that is kept; some of the others are torn.
    writes_kept: u64,
    entries_kept: u64,
}

impl CrashDraw {
    fn new(survival: Survival, device: Device) -> CrashDraw {
        let mut dice = Dice::new(match survival {
            Survival::Draw(seed) => seed,
            Survival::All | Survival::Nothing | Survival::Case(_) => 0,
        });
        let writes_kept = dice.below(5);
        let entries_kept = dice.below(5);
        CrashDraw {
            survival,
            device,
            dice,
            torn_names: Vec::new(),
            effects: CrashEffects::new(),
            writes_kept,
            entries_kept,
        }
    }

    fn note(&mut self, effect: CrashEffect) {
        *self.effects.entry(effect).or_insert(0) += 1;
    }

    fn fate_of_write(&mut self) -> WriteFate {
        match self.survival {
            Survival::All | Survival::Case(_) => WriteFate::Kept,
            Survival::Nothing => WriteFate::Lost,
            Survival::Draw(_) if self.dice.below(4) < self.writes_kept => WriteFate::Kept,
            Survival::Draw(_) if self.dice.one_in(3) => WriteFate::Torn,
            Survival::Draw(_) => WriteFate::Lost,
        }
    }

    fn keeps_entry(&mut self) -> bool {
        match self.survival {
            Survival::All | Survival::Case(_) => true,
            Survival::Nothing => false,
            Survival::Draw(_) => self.dice.below(4) < self.entries_kept,
        }
    }

    fn directory(&mut self, directory: &Directory) -> Directory {
        if !directory.undecided.is_empty() {
            // An earlier power loss left it open, and no call has read it since.
            return directory.clone();
        }
        let mut entries = directory.durable.clone();
        let mut has_undone = false;
        for change in &directory.pending {
            let is_kept = self.keeps_entry();
            if is_kept {
                change.apply(&mut entries);
                if has_undone {
                    self.note(CrashEffect::EntryOvertook);
                }
            } else if self.device == Device::Ext4Ordered {
                self.note(change.effect_if_undone());
                break;
            }
            has_undone |= !is_kept;
            match change {
                EntryChange::Rename { from, to, id } if self.tears_rename() => {
                    self.tear_rename((from, to), *id, &mut entries);
                }
                _ if is_kept => {}
                _ => self.note(change.effect_if_undone()),
            }
        }
        Directory::settled(entries)
    }

    fn tears_rename(&mut self) -> bool {
        let is_drawn = matches!(self.survival, Survival::Draw(_));
        self.device == Device::RenameNotAtomic && is_drawn && self.dice.one_in(3)
    }

    /// Leaves both names of a renamed file, or neither.
    fn tear_rename(
        &mut self,
        (from, to): (&String, &String),
        id: NodeId,
        entries: &mut BTreeMap<String, NodeId>,
    ) {
        if self.dice.one_in(2) {
            entries.insert(from.clone(), id);
            entries.insert(to.clone(), id);
            self.note(CrashEffect::BothNames);
            return;
        }
        entries.remove(from);
        entries.remove(to);
        self.note(CrashEffect::NeitherName);
        self.torn_names.push(to.clone());
    }

    fn file(&mut self, file: &FileNode) -> FileNode {
        if file.pending.is_empty() {
            return file.closed();
        }
        if self.device == Device::Ext4Ordered {
            return self.file_in_order(file);
        }
        let mut content = (*file.durable).clone();
        let mut writes: Vec<(usize, &Write)> = file.pending.iter().enumerate().collect();
        if matches!(self.survival, Survival::Draw(_)) && self.dice.one_in(4) {
            self.shuffle(&mut writes);
        }
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for (index, write) in writes {
            match self.fate_of_write() {
                WriteFate::Kept => {
                    kept.push(index);
                    write.apply(&mut content);
                }
                WriteFate::Lost => {
                    lost.push(index);
                    self.note(CrashEffect::WriteLost);
                }
                WriteFate::Torn => self.tear(write, &mut content),
            }
        }
        let first_lost = lost.into_iter().min();
        let overtook = |index: &&usize| first_lost.is_some_and(|lost| lost < **index);
        for _ in kept.iter().filter(overtook) {
            self.note(CrashEffect::WriteOvertook);
        }
        self.resize(file, &mut content);
        FileNode {
            wrong: file.wrong.clone(),
            ..FileNode::settled(Arc::new(content))
        }
    }

    /// Keeps the first writes, each whole; the length never exceeds the content.
    fn file_in_order(&mut self, file: &FileNode) -> FileNode {
        let mut content = (*file.durable).clone();
        for write in &file.pending {
            match self.fate_of_write() {
                WriteFate::Kept => write.apply(&mut content),
                WriteFate::Torn | WriteFate::Lost => {
                    self.note(CrashEffect::WriteLost);
                    break;
                }
            }
        }
        FileNode::settled(Arc::new(content))
    }

    fn shuffle(&mut self, writes: &mut [(usize, &Write)]) {
        for last in (1..writes.len()).rev() {
            let other = self.dice.below(last as u64 + 1) as usize;
            writes.swap(last, other);
            if other != last {
                self.note(CrashEffect::WritesReordered);
            }
        }
    }

    /// Tears a write: each of its sectors is new, old, zeros or garbage.
    fn tear(&mut self, write: &Write, content: &mut Vec<u8>) {
        let before = content.clone();
        write.apply(content);
        let filler = self.filler();
        let mut is_whole = true;
        let mut start = write.offset;
        while start < write.end() {
            let end = write.end().min((start / SECTOR_LEN + 1) * SECTOR_LEN);
            let sector = &mut content[start..end];
            match self.dice.below(4) {
                0 | 1 => {}
                2 => {
                    is_whole = false;
                    restore(&before, sector, start);
                    if sector.iter().all(|byte| *byte == 0) {
                        self.note(CrashEffect::SectorZeros);
                    }
                }
                _ => {
                    is_whole = false;
                    self.note(filler.effect());
                    self.fill(sector, filler);
                }
            }
            start = end;
        }
        if !is_whole {
            self.note(CrashEffect::WriteTorn);
        }
    }

    /// Draws the length, which survives independently of the content: the durable length, the live
    /// one, or the end of a kept write.
    fn resize(&mut self, file: &FileNode, content: &mut Vec<u8>) {
        let len = match self.survival {
            Survival::All | Survival::Nothing | Survival::Case(_) => return,
            Survival::Draw(_) => match self.dice.below(6) {
                0 => file.durable.len(),
                1 | 2 => file.live.len(),
                _ => return,
            },
        };
        let kept = content.len();
        content.resize(len, 0);
        if len < kept {
            self.note(CrashEffect::ContentCut);
        }
        if kept < len {
            self.note(CrashEffect::LengthAlone);
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

/// Restores the bytes from before a write, with zeros beyond the old end of the file.
fn restore(before: &[u8], bytes: &mut [u8], start: usize) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = before.get(start + index).copied().unwrap_or(0);
    }
}

impl FileNode {
    /// The file after a power loss, if nothing of it is pending.
    pub(super) fn closed(&self) -> FileNode {
        FileNode {
            wrong: self.wrong.clone(),
            honest: self.honest.clone(),
            before: self.before.clone(),
            undecided: self.undecided.clone(),
            ..FileNode::settled(self.durable.clone())
        }
    }

    /// A file whose content is all durable.
    pub(super) fn settled(content: Arc<Vec<u8>>) -> FileNode {
        FileNode {
            live: content.clone(),
            durable: content,
            ..FileNode::default()
        }
    }
}

impl Directory {
    /// A directory whose entries are all durable.
    pub(super) fn settled(entries: BTreeMap<String, NodeId>) -> Directory {
        Directory {
            live: entries.clone(),
            durable: entries,
            ..Directory::default()
        }
    }
}
