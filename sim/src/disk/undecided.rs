//! The choices that a power loss left open. Each is made on the first read, so what no call reads
//! is one case and not many.
//!
//! 1. A file's length is one choice, and each sector that a pending write touched is another: it is
//!    as after any of its writes, in any order, or as before all of them, or zeros, or garbage. A
//!    directory's entries are one choice.
//! 2. The first alternative of each choice is the one in which everything survived.
//! 3. A number encodes all choices: each takes the remainder modulo its number of alternatives, and
//!    leaves the quotient to the choices after it.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::ids::{NodeId, SECTOR_LEN};
use super::image::Disk;
use super::node::{Directory, DiskNode, FileNode, Write};
use crate::dice::mix;

/// The largest number of listings of a directory that are tried.
const LISTINGS_MAX: usize = 1 << 10;

/// The largest number of contents of a sector that are tried.
const CONTENTS_MAX: usize = 16;

/// A sector's bytes.
type Sector = [u8; SECTOR_LEN];

/// The open choices of a file.
#[derive(Clone, Debug)]
pub(super) struct UndecidedFile {
    /// The possible lengths; empty once the length is decided.
    lens: Vec<usize>,
    /// The possible contents of each sector, by the sector's number.
    sectors: BTreeMap<usize, Arc<[Sector]>>,
}

impl Disk {
    /// The number of alternatives of each choice since the last power loss, in order.
    pub fn choice_counts(&self) -> &[u64] {
        self.choices.counts()
    }

    /// Whether a choice had more alternatives than are tried.
    pub fn is_bounded(&self) -> bool {
        self.choices.is_bounded()
    }

    /// The binary logarithm of the number of disks that the open choices allow.
    pub fn log2_of_images(&self) -> f64 {
        let counts = self.nodes.values().flat_map(|node| match &**node {
            DiskNode::File(file) => file
                .undecided
                .iter()
                .flat_map(|open| open.counts())
                .collect(),
            DiskNode::Directory(directory) => vec![directory.undecided.len().max(1)],
        });
        counts.map(|count| (count as f64).log2()).sum()
    }

    pub(super) fn note_bounds(&mut self, is_bounded: bool) {
        self.choices.note_bounds(is_bounded);
    }

    /// Decides a file's length.
    pub(super) fn decide_len(&mut self, id: NodeId) {
        let Some(file) = self.undecided_file(id) else {
            return;
        };
        let open = file.undecided.as_mut().expect("it was looked for");
        let lens = std::mem::take(&mut Arc::make_mut(open).lens);
        if lens.is_empty() {
            return;
        }
        let len = lens[self.choices.choose(lens.len())];
        let file = self.undecided_file(id).expect("it is still open");
        file.resize(len);
    }

    /// Decides a file's length and the sectors in a range.
    pub(super) fn decide_bytes(&mut self, id: NodeId, start: usize, end: usize) {
        if !self.is_open(id) {
            return;
        }
        self.decide_len(id);
        let Some(file) = self.undecided_file(id) else {
            return;
        };
        let end = end.min(file.live.len());
        let open = file.undecided.as_ref().expect("it was looked for");
        let looked_at = start / SECTOR_LEN..end.div_ceil(SECTOR_LEN).max(start / SECTOR_LEN);
        let sectors: Vec<usize> = open.sectors.range(looked_at).map(|(at, _)| *at).collect();
        for at in sectors {
            self.decide_sector(id, at);
        }
    }

    fn decide_sector(&mut self, id: NodeId, at: usize) {
        let file = self.undecided_file(id).expect("the caller looked for it");
        let open = file.undecided.as_mut().expect("the caller looked for it");
        let contents = Arc::make_mut(open).sectors.remove(&at);
        let contents = contents.expect("the caller looked for it");
        let content = contents[self.choices.choose(contents.len())];
        let file = self.undecided_file(id).expect("it is still open");
        file.fill_sector(at, &content);
    }

    /// Decides all choices of a file.
    pub(super) fn decide_file(&mut self, id: NodeId) {
        if !self.is_open(id) {
            return;
        }
        self.decide_bytes(id, 0, usize::MAX);
        if let Some(file) = self.undecided_file(id) {
            file.undecided = None;
        }
    }

    /// Decides a directory's entries.
    pub(super) fn decide_directory(&mut self, id: NodeId) {
        let listings = match self.nodes.get(&id).map(|node| &**node) {
            Some(DiskNode::Directory(directory)) if !directory.undecided.is_empty() => {
                directory.undecided.clone()
            }
            _ => return,
        };
        let entries = listings[self.choices.choose(listings.len())].clone();
        let node = Arc::make_mut(&mut self.nodes).get_mut(&id);
        let node = node.expect("it was looked for");
        *Arc::make_mut(node) = DiskNode::Directory(Directory::settled(entries));
    }

    /// Whether a choice of a file is open.
    fn is_open(&self, id: NodeId) -> bool {
        match self.nodes.get(&id).map(|node| &**node) {
            Some(DiskNode::File(file)) => file.undecided.is_some(),
            _ => false,
        }
    }

    /// The file, if a choice of it is open.
    fn undecided_file(&mut self, id: NodeId) -> Option<&mut FileNode> {
        if !self.is_open(id) {
            return None;
        }
        let node = Arc::make_mut(&mut self.nodes).get_mut(&id)?;
        match Arc::make_mut(node) {
            DiskNode::File(file) => Some(file),
            DiskNode::Directory(_) => None,
        }
    }
}

impl UndecidedFile {
    pub(super) fn stir_into(&self, hasher: &mut impl Hasher) {
        self.lens.hash(hasher);
        self.sectors.hash(hasher);
    }

    fn counts(&self) -> Vec<usize> {
        let sectors = self.sectors.values().map(|contents| contents.len());
        [self.lens.len().max(1)]
            .into_iter()
            .chain(sectors)
            .collect()
    }
}

impl FileNode {
    /// The file after a power loss, with open choices, and whether alternatives were left out.
    pub(super) fn opened(&self) -> (FileNode, bool) {
        if self.pending.is_empty() {
            return (self.closed(), false);
        }
        let mut is_bounded = false;
        let mut touched = BTreeMap::<usize, Vec<&Write>>::new();
        for write in &self.pending {
            for at in write.offset / SECTOR_LEN..write.end().div_ceil(SECTOR_LEN) {
                touched.entry(at).or_default().push(write);
            }
        }
        let sectors = touched.into_iter().map(|(at, writes)| {
            let (contents, has_more) = contents(at, &self.durable, &writes);
            is_bounded |= has_more;
            (at, contents.into())
        });
        let undecided = UndecidedFile {
            lens: self.lens(),
            sectors: sectors.collect(),
        };
        let file = FileNode {
            wrong: self.wrong.clone(),
            undecided: Some(Arc::new(undecided)),
            ..FileNode::settled(self.durable.clone())
        };
        (file, is_bounded)
    }

    /// The possible lengths after a power loss: first the live length, last the durable one.
    fn lens(&self) -> Vec<usize> {
        let mut lens = vec![self.live.len()];
        let ends = self.pending.iter().rev().map(Write::end);
        // A write does not truncate, so it ends no file below its durable length.
        let ends = ends.filter(|end| self.durable.len() < *end);
        for len in ends.chain([self.durable.len()]) {
            if !lens.contains(&len) {
                lens.push(len);
            }
        }
        lens
    }

    fn resize(&mut self, len: usize) {
        self.live = Arc::default();
        Arc::make_mut(&mut self.durable).resize(len, 0);
        self.live = self.durable.clone();
    }

    /// Fills a sector, as far as the file reaches.
    fn fill_sector(&mut self, at: usize, content: &Sector) {
        self.live = Arc::default();
        let bytes = Arc::make_mut(&mut self.durable);
        let start = bytes.len().min(at * SECTOR_LEN);
        let end = bytes.len().min(start + SECTOR_LEN);
        bytes[start..end].copy_from_slice(&content[..end - start]);
        self.live = self.durable.clone();
    }
}

/// The possible contents of a sector, each once, and whether some were left out. The first is the
/// content if all writes survive in order.
fn contents(at: usize, durable: &[u8], writes: &[&Write]) -> (Vec<Sector>, bool) {
    let start = at * SECTOR_LEN;
    let mut before = [0; SECTOR_LEN];
    let old = durable.get(start..).unwrap_or_default();
    let old = &old[..old.len().min(SECTOR_LEN)];
    before[..old.len()].copy_from_slice(old);
    let mut last = before;
    writes
        .iter()
        .for_each(|write| overlay(write, start, &mut last));
    let mut all = vec![last];
    let add = |all: &mut Vec<Sector>, content: Sector| {
        if !all.contains(&content) {
            all.push(content);
        }
    };
    add(&mut all, before);
    add(&mut all, [0; SECTOR_LEN]);
    add(&mut all, garbage(at));
    // Applies each write to each known content, until no new content results.
    let mut known = vec![before];
    let mut next = 0;
    while next < known.len() && all.len() < CONTENTS_MAX {
        for write in writes {
            let mut content = known[next];
            overlay(write, start, &mut content);
            add(&mut known, content);
            add(&mut all, content);
        }
        next += 1;
    }
    (all, next < known.len())
}

/// Applies a write to one sector.
fn overlay(write: &Write, start: usize, sector: &mut Sector) {
    let from = write.offset.max(start);
    let to = write.end().min(start + SECTOR_LEN);
    let bytes = &write.bytes[from - write.offset..to - write.offset];
    sector[from - start..to - start].copy_from_slice(bytes);
}

fn garbage(at: usize) -> Sector {
    let mut bytes = [0; SECTOR_LEN];
    for (index, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&mix((at << 8 | index) as u64).to_le_bytes());
    }
    bytes
}

impl Directory {
    /// The directory after a power loss, with its entries open, and whether listings were left out.
    pub(super) fn opened(&self) -> (Directory, bool) {
        if self.pending.is_empty() {
            return match self.undecided.is_empty() {
                true => (Directory::settled(self.durable.clone()), false),
                false => (self.clone(), false),
            };
        }
        let mut listings = vec![self.durable.clone()];
        let mut is_bounded = false;
        for change in &self.pending {
            let mut next = Vec::new();
            let changed = listings.iter().map(|entries| {
                let mut entries = entries.clone();
                change.apply(&mut entries);
                entries
            });
            for entries in changed.chain(listings.iter().cloned()) {
                if !next.contains(&entries) {
                    next.push(entries);
                }
            }
            is_bounded |= LISTINGS_MAX < next.len();
            next.truncate(LISTINGS_MAX);
            listings = next;
        }
        let mut directory = Directory::settled(self.durable.clone());
        directory.undecided = listings.into();
        (directory, is_bounded)
    }
}
