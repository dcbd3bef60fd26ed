//! The layers of all timelines, at one moment.

use std::fmt;

use palimpsest::Timeline;
use palimpsest::base::{Key, KeyRange, LayerName, Lsn, LsnRange};
use palimpsest::format::Index;
use palimpsest::layer::{LayerId, MemoryLayer};
use palimpsest_tool::map::LayerKind;

use crate::label::TimelineLabel;
use crate::world::SimIo;

/// All timelines at one moment.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The moment.
    pub moment: Moment,
    /// The timelines, each after its ancestor.
    pub timelines: Vec<TimelineView>,
}

/// The moment of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A life had begun, and all timelines were open and checked.
    Opened {
        /// The life, from 1.
        life: u32,
    },
    /// A line of the plan was carried out, and all checks passed.
    After {
        /// The line, from 1.
        line: usize,
    },
    /// The verdict was given.
    Verdict {
        /// The line in progress, from 1; the number after the last if the plan was done; 0 if the
        /// plan had not begun.
        line: usize,
    },
}

/// One timeline at one moment.
#[derive(Clone, Debug)]
pub struct TimelineView {
    /// The letter of the timeline.
    pub label: TimelineLabel,
    /// The ancestor, and the LSN of the branch.
    pub ancestor: Option<(TimelineLabel, Lsn)>,
    /// The LSN of the last record.
    pub last: Lsn,
    /// The LSN up to which the timeline is durable.
    pub durable: Lsn,
    /// The lowest LSN that can be read.
    pub cutoff: Lsn,
    /// The layers, the newest first: open, frozen, in files.
    pub layers: Vec<LayerView>,
    /// The source of this information.
    pub source: SceneSource,
}

/// The source of a timeline's layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SceneSource {
    /// The engine, which has the timeline open.
    Engine,
    /// The index on the disk, because the timeline is not open.
    Disk,
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerView {
    /// The id of the layer.
    pub id: LayerId,
    /// The kind of the layer.
    pub kind: LayerKind,
    /// The keys that it covers.
    pub keys: KeyRange,
    /// The LSNs that it covers; an open layer covers them up to the last record.
    pub lsns: LsnRange,
    /// The layer's length, in bytes.
    pub len: u64,
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

/// A timeline as an engine shows it.
pub(crate) fn of_engine(
    label: TimelineLabel,
    ancestor: Option<(TimelineLabel, Lsn)>,
    timeline: &Timeline<SimIo>,
) -> TimelineView {
    let (map, last) = (timeline.layers(), timeline.last_record_lsn());
    let memory = map.open().into_iter().chain(map.frozen().iter().rev());
    let mut layers: Vec<LayerView> = memory.map(|layer| in_memory(layer, last)).collect();
    let files = map.files().iter();
    layers.extend(files.map(|(name, layer)| in_file(name, layer.entry().len)));
    TimelineView {
        label,
        ancestor,
        last,
        durable: timeline.disk_consistent_lsn(),
        cutoff: timeline.gc_cutoff(),
        layers,
        source: SceneSource::Engine,
    }
}

/// A timeline as its index on the disk describes it.
pub(crate) fn of_disk(
    label: TimelineLabel,
    ancestor: Option<(TimelineLabel, Lsn)>,
    index: &Index,
) -> TimelineView {
    let layers = index.layers.iter();
    TimelineView {
        label,
        ancestor,
        last: index.disk_consistent_lsn,
        durable: index.disk_consistent_lsn,
        cutoff: index.gc_cutoff,
        layers: layers.map(|layer| in_file(layer.name, layer.len)).collect(),
        source: SceneSource::Disk,
    }
}
