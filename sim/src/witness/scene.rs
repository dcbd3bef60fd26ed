//! What the timelines are made of, at one moment.

use std::fmt;

use palimpsest::Timeline;
use palimpsest::base::{Key, KeyRange, LayerName, Lsn, LsnRange};
use palimpsest::format::Index;
use palimpsest::layer::{LayerId, MemoryLayer};

use crate::label::Letter;
use crate::text::named_enum;
use crate::world::SimIo;

/// All timelines at one moment.
#[derive(Clone, Debug)]
pub struct Scene {
    /// When.
    pub moment: Moment,
    /// Each behind what it stands on.
    pub timelines: Vec<TimelineView>,
}

/// When a scene was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A life had begun, and all timelines were open and checked.
    Opened {
        /// Which life, from 1.
        life: u32,
    },
    /// A line of the plan was carried out, and all was right.
    After {
        /// Which line, from 1.
        line: usize,
    },
    /// The verdict was given.
    Verdict {
        /// The line that was under way, from 1; one behind the last if the plan was done; 0 if it
        /// had not begun.
        line: usize,
    },
}

/// One timeline.
#[derive(Clone, Debug)]
pub struct TimelineView {
    /// Which.
    pub letter: Letter,
    /// What it stands on, and where.
    pub ancestor: Option<(Letter, Lsn)>,
    /// The last record's LSN.
    pub last: Lsn,
    /// Up to where it is durable.
    pub durable: Lsn,
    /// The lowest LSN that can be read.
    pub cutoff: Lsn,
    /// From the newest on: open, frozen, in files.
    pub layers: Vec<LayerView>,
    /// Who says so.
    pub source: Source,
}

/// Who says what a timeline is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The engine that has it open.
    Engine,
    /// The index on the disk, for no engine has it open.
    Disk,
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerView {
    /// Which.
    pub id: LayerId,
    /// What it is.
    pub kind: LayerKind,
    /// The keys that it covers.
    pub keys: KeyRange,
    /// The LSNs that it covers; of an open layer, up to the last record.
    pub lsns: LsnRange,
    /// Its length in bytes.
    pub len: u64,
}

named_enum! {
    /// What a layer is, from the newest records to the oldest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum LayerKind {
        /// In memory, and takes records.
        Open = "open",
        /// In memory, and waits to be flushed.
        Frozen = "frozen",
        /// A delta as flushed.
        L0 = "L0",
        /// A delta as compacted.
        L1 = "L1",
        /// Whole values.
        Image = "image",
    }
}

impl LayerKind {
    fn of(name: &LayerName) -> LayerKind {
        match name {
            LayerName::Image { .. } => LayerKind::Image,
            LayerName::Delta { .. } if name.is_l0() => LayerKind::L0,
            LayerName::Delta { .. } => LayerKind::L1,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Opened { life } => write!(f, "when life {life} had opened everything"),
            Moment::After { line } => write!(f, "after line {line}"),
            Moment::Verdict { line: 0 } => write!(f, "at the verdict, before the first line"),
            Moment::Verdict { line } => write!(f, "at the verdict, in line {line}"),
        }
    }
}

fn in_file(name: LayerName, len: u64) -> LayerView {
    LayerView {
        id: LayerId::File(name),
        kind: LayerKind::of(&name),
        keys: name.keys(),
        lsns: name.lsns(),
        len,
    }
}

fn in_memory(layer: &MemoryLayer<SimIo>, last: Lsn) -> LayerView {
    let start = layer.start();
    let end = last.max(start).checked_add(1).unwrap_or(Lsn::MAX);
    LayerView {
        id: LayerId::Memory(start),
        kind: match layer.is_open() {
            true => LayerKind::Open,
            false => LayerKind::Frozen,
        },
        keys: KeyRange::new(Key::MIN, Key::MAX),
        lsns: layer.lsns().unwrap_or(LsnRange::new(start, end)),
        len: layer.byte_len(),
    }
}

/// A timeline as the engine has it.
pub(crate) fn of_engine(
    letter: Letter,
    ancestor: Option<(Letter, Lsn)>,
    timeline: &Timeline<SimIo>,
) -> TimelineView {
    let (map, last) = (timeline.layers(), timeline.last_record_lsn());
    let memory = map.open().into_iter().chain(map.frozen().iter().rev());
    let mut layers: Vec<LayerView> = memory.map(|layer| in_memory(layer, last)).collect();
    let files = map.files().iter();
    layers.extend(files.map(|(name, layer)| in_file(name, layer.entry().len)));
    TimelineView {
        letter,
        ancestor,
        last,
        durable: timeline.disk_consistent_lsn(),
        cutoff: timeline.gc_cutoff(),
        layers,
        source: Source::Engine,
    }
}

/// A timeline as its index on the disk says.
pub(crate) fn of_disk(
    letter: Letter,
    ancestor: Option<(Letter, Lsn)>,
    index: &Index,
) -> TimelineView {
    let layers = index.layers.iter();
    TimelineView {
        letter,
        ancestor,
        last: index.disk_consistent_lsn,
        durable: index.disk_consistent_lsn,
        cutoff: index.gc_cutoff,
        layers: layers.map(|layer| in_file(layer.name, layer.len)).collect(),
        source: Source::Disk,
    }
}
