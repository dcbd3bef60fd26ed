//! The layer map of a timeline, as an immutable value.
//!
//! A map never changes. A publication makes a new map, which shares nearly all nodes with the old
//! one, and replaces the old one in one step. A reader keeps the map that it started with, and with
//! it the layers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::history::{Found, History};
use super::select::{SelectKind, select};
use crate::base::{DecodeError, Error, Key, KeyRange, LayerName, Lsn, LsnRange};
use crate::format::IndexLayer;
use crate::io::Io;
use crate::layer::{DeltaLayer, ImageLayer, LayerContext, MemoryLayer};

/// The layers of a timeline: one open, the frozen ones, and those in files.
pub struct LayerMap<I: Io> {
    open: Option<Arc<MemoryLayer<I>>>,
    /// The frozen layers, the oldest first.
    frozen: Vec<Arc<MemoryLayer<I>>>,
    files: History<FileLayer<I>>,
}

/// A layer in a file.
pub enum FileLayer<I: Io> {
    /// Records.
    Delta(Arc<DeltaLayer<I>>),
    /// Whole values.
    Image(Arc<ImageLayer<I>>),
}

/// A layer that a read visits.
pub enum Layer<I: Io> {
    /// Records in memory.
    Memory(Arc<MemoryLayer<I>>),
    /// Records in a file.
    Delta(Arc<DeltaLayer<I>>),
    /// Whole values in a file.
    Image(Arc<ImageLayer<I>>),
}

/// Identifies a layer of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerId {
    /// The file layer of this name.
    File(LayerName),
    /// The memory layer that starts at this LSN.
    Memory(Lsn),
}

impl<I: Io> Clone for LayerMap<I> {
    fn clone(&self) -> LayerMap<I> {
        LayerMap {
            open: self.open.clone(),
            frozen: self.frozen.clone(),
            files: self.files.clone(),
        }
    }
}

impl<I: Io> Clone for FileLayer<I> {
    fn clone(&self) -> FileLayer<I> {
        match self {
            FileLayer::Delta(delta) => FileLayer::Delta(delta.clone()),
            FileLayer::Image(image) => FileLayer::Image(image.clone()),
        }
    }
}

impl<I: Io> Clone for Layer<I> {
    fn clone(&self) -> Layer<I> {
        match self {
            Layer::Memory(memory) => Layer::Memory(memory.clone()),
            Layer::Delta(delta) => Layer::Delta(delta.clone()),
            Layer::Image(image) => Layer::Image(image.clone()),
        }
    }
}

impl<I: Io> LayerMap<I> {
    /// A map of file layers, without memory layers.
    pub fn new(layers: Vec<FileLayer<I>>) -> LayerMap<I> {
        LayerMap {
            open: None,
            frozen: Vec::new(),
            files: History::new().with(&[], named(layers)),
        }
    }

    /// The open layer, which takes records.
    pub fn open(&self) -> Option<&Arc<MemoryLayer<I>>> {
        self.open.as_ref()
    }

    /// The frozen layers, which wait to be flushed, the oldest first.
    pub fn frozen(&self) -> &[Arc<MemoryLayer<I>>] {
        &self.frozen
    }

    /// The layers in files.
    pub fn files(&self) -> &History<FileLayer<I>> {
        &self.files
    }

    /// The L0s, the oldest first.
    pub fn l0s(&self) -> Vec<Arc<DeltaLayer<I>>> {
        let l0s = self.files.l0s().into_iter();
        l0s.filter_map(|(_, layer)| match layer {
            FileLayer::Delta(delta) => Some(delta),
            FileLayer::Image(_) => None,
        })
        .collect()
    }

    /// The number of L0s.
    pub fn l0_count(&self) -> usize {
        self.files.l0_count()
    }

    /// The number of L0s and frozen layers: those that compaction has to reduce.
    pub fn backlog(&self) -> usize {
        self.l0_count() + self.frozen.len()
    }

    /// The layer that a read of `key` visits next, once it has descended to `end`, and the floor of
    /// the visit; `None` if there is none.
    pub fn next_visit(&self, key: Key, end: Lsn) -> Option<(Layer<I>, Lsn)> {
        match (self.memory_below(end), self.files.find(key, end)) {
            (Some(memory), Some(found)) => Some(against_memory(memory, found, end)),
            (Some(memory), None) => Some((Layer::Memory(memory.clone()), memory.start())),
            (None, found) => found.map(|found| (Layer::from(found.layer), found.floor)),
        }
    }

    /// The layers that a read of `keys` visits next, once it has descended to `end`, and the
    /// floors. In the order of the keys; keys without a visit are left out.
    pub fn next_visits(&self, keys: KeyRange, end: Lsn) -> Vec<(KeyRange, Layer<I>, Lsn)> {
        if keys.start.checked_next() == Some(keys.end) {
            let visit = self.next_visit(keys.start, end);
            return visit
                .map(|(layer, floor)| (keys, layer, floor))
                .into_iter()
                .collect();
        }
        let found = self.files.find_range(keys, end);
        let Some(memory) = self.memory_below(end) else {
            let visit = |(keys, found): (KeyRange, Found<FileLayer<I>>)| {
                (keys, Layer::from(found.layer), found.floor)
            };
            return found.into_iter().map(visit).collect();
        };
        let alone = |keys| (keys, Layer::Memory(memory.clone()), memory.start());
        let mut visits = Vec::new();
        let mut start = keys.start;
        for (range, found) in found {
            if start < range.start {
                visits.push(alone(KeyRange::new(start, range.start)));
            }
            start = range.end;
            let (layer, floor) = against_memory(memory, found, end);
            visits.push((range, layer, floor));
        }
        if start < keys.end {
            visits.push(alone(KeyRange::new(start, keys.end)));
        }
        visits
    }

    /// The newest layer in memory that starts below `end`.
    fn memory_below(&self, end: Lsn) -> Option<&Arc<MemoryLayer<I>>> {
        let mut newest_first = self.open.iter().chain(self.frozen.iter().rev());
        newest_first.find(|layer| layer.start() < end)
    }

    /// Whether all of these layers, as objects and not just by name, are in the map.
    pub(crate) fn has_all(&self, layers: &[FileLayer<I>]) -> bool {
        let is_there = |layer: &FileLayer<I>| {
            let found = self.files.get(&layer.entry().name);
            found.is_some_and(|found| found.is_same(layer))
        };
        layers.iter().all(is_there)
    }

    /// Whether a delta that is none of `gone` has a key and an LSN in common with one of `made`.
    pub(crate) fn has_delta_over(&self, made: &[LayerName], gone: &[FileLayer<I>]) -> bool {
        let gone: BTreeSet<LayerName> = gone.iter().map(|layer| layer.entry().name).collect();
        let is_over = |made: &LayerName| {
            let mut over = self.files.deltas_over(made);
            over.any(|name| !gone.contains(&name))
        };
        made.iter().any(is_over)
    }

    /// The map with `layer` as its open layer; it had none.
    #[must_use]
    pub(crate) fn with_open(&self, layer: Arc<MemoryLayer<I>>) -> LayerMap<I> {
        assert!(self.open.is_none());
        assert!(layer.is_open());
        let mut map = self.clone();
        map.open = Some(layer);
        map
    }

    /// The map with the open layer frozen, at the exclusive end `end`.
    #[must_use]
    pub(crate) fn freeze(&self, end: Lsn) -> LayerMap<I> {
        let mut map = self.clone();
        let layer = map
            .open
            .take()
            .expect("the caller has checked that a layer is open");
        layer.freeze(end);
        map.frozen.push(layer);
        map
    }

    /// The map with `made` in place of the oldest frozen layer; `None` if that is not `flushed`.
    #[must_use]
    pub(crate) fn flush(
        &self,
        flushed: &Arc<MemoryLayer<I>>,
        made: Vec<FileLayer<I>>,
    ) -> Option<LayerMap<I>> {
        let oldest = self.frozen.first()?;
        if !Arc::ptr_eq(oldest, flushed) {
            return None;
        }
        let lsns = |layer: &FileLayer<I>| Some(layer.entry().name.lsns());
        assert!(made.iter().all(|layer| lsns(layer) == flushed.lsns()));
        let mut map = self.replace(&[], made);
        map.frozen.remove(0);
        Some(map)
    }

    /// The map with the layers of `added` in place of those of `removed`.
    #[must_use]
    pub(crate) fn replace(
        &self,
        removed: &[FileLayer<I>],
        added: Vec<FileLayer<I>>,
    ) -> LayerMap<I> {
        assert!(self.has_all(removed), "the inputs stand");
        let removed: Vec<LayerName> = removed.iter().map(|layer| layer.entry().name).collect();
        let made: Vec<LayerName> = added.iter().map(|layer| layer.entry().name).collect();
        let files = self.files.with(&removed, named(added));
        let has_conflict = |name: &LayerName| files.has_conflict(name);
        assert!(!made.iter().any(has_conflict), "no record is in two layers");
        LayerMap {
            open: self.open.clone(),
            frozen: self.frozen.clone(),
            files,
        }
    }

    /// Panics unless the memory layers are above `flushed_lsn` and in order.
    pub(crate) fn check_memory(&self, flushed_lsn: Lsn) {
        let mut floor = flushed_lsn.visible_end();
        for layer in &self.frozen {
            let lsns = layer.lsns().expect("it is frozen");
            assert!(floor <= lsns.start);
            assert!(lsns.start < lsns.end);
            floor = lsns.end;
        }
        if let Some(open) = &self.open {
            assert!(open.is_open());
            assert!(floor <= open.start());
        }
    }

    /// Panics unless the file layers are not above `flushed_lsn`, and the memory layers are.
    pub(crate) fn check_lsns(&self, flushed_lsn: Lsn) {
        let end = self.files.lsn_end();
        assert!(
            end <= flushed_lsn.visible_end(),
            "a layer that ends at {end} is above {flushed_lsn}"
        );
        self.check_memory(flushed_lsn);
    }

    /// Panics if an invariant is broken: memory layers are above `flushed_lsn`, file layers are
    /// not, and no record is in two layers.
    pub fn check_laws(&self, flushed_lsn: Lsn) {
        self.check_memory(flushed_lsn);
        self.files.check_laws();
        for name in self.files.names() {
            assert!(!name.is_above(flushed_lsn), "{name} is above {flushed_lsn}");
        }
    }
}

/// Selects between a file layer that was found and the memory layer above it.
fn against_memory<I: Io>(
    memory: &Arc<MemoryLayer<I>>,
    found: Found<FileLayer<I>>,
    end: Lsn,
) -> (Layer<I>, Lsn) {
    let memory_end = memory.lsns().map_or(Lsn::MAX, |lsns| lsns.end);
    let lsns = Some(LsnRange::new(memory.start(), memory_end));
    // All file layers are below the memory layers, so one that was found stands for all of them.
    let (delta, image) = match found.name {
        LayerName::Delta { lsns, .. } => (Some(lsns), None),
        LayerName::Image { lsn, .. } => (None, Some(lsn)),
    };
    match select(delta, image, lsns, end) {
        Some((SelectKind::Memory, floor)) => (Layer::Memory(memory.clone()), floor),
        _ => (Layer::from(found.layer), found.floor),
    }
}

fn named<I: Io>(layers: Vec<FileLayer<I>>) -> Vec<(LayerName, FileLayer<I>)> {
    let layers = layers.into_iter();
    layers.map(|layer| (layer.entry().name, layer)).collect()
}

impl<I: Io> FileLayer<I> {
    /// The layer of an index's entry. The file is not read yet.
    pub(crate) fn new(context: &LayerContext<I>, entry: IndexLayer) -> FileLayer<I> {
        match entry.name {
            LayerName::Delta { .. } => FileLayer::Delta(Arc::new(DeltaLayer::new(context, entry))),
            LayerName::Image { .. } => FileLayer::Image(Arc::new(ImageLayer::new(context, entry))),
        }
    }

    /// Its entry in the timeline's index.
    pub fn entry(&self) -> &IndexLayer {
        match self {
            FileLayer::Delta(delta) => delta.entry(),
            FileLayer::Image(image) => image.entry(),
        }
    }

    /// Keeps its file from now on, which is temporary until then.
    pub(crate) fn keep(&self) {
        match self {
            FileLayer::Delta(delta) => delta.keep(),
            FileLayer::Image(image) => image.keep(),
        }
    }

    /// Removes its file when the last owner drops it. To be called once no index names it any more.
    pub(crate) fn remove_on_drop(&self) {
        match self {
            FileLayer::Delta(delta) => delta.remove_on_drop(),
            FileLayer::Image(image) => image.remove_on_drop(),
        }
    }

    fn is_same(&self, other: &FileLayer<I>) -> bool {
        match (self, other) {
            (FileLayer::Delta(left), FileLayer::Delta(right)) => Arc::ptr_eq(left, right),
            (FileLayer::Image(left), FileLayer::Image(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl<I: Io> From<FileLayer<I>> for Layer<I> {
    fn from(layer: FileLayer<I>) -> Layer<I> {
        match layer {
            FileLayer::Delta(delta) => Layer::Delta(delta),
            FileLayer::Image(image) => Layer::Image(image),
        }
    }
}

impl<I: Io> Layer<I> {
    /// The keys that it covers.
    pub fn keys(&self) -> KeyRange {
        match self {
            Layer::Memory(_) => KeyRange::ALL,
            Layer::Delta(delta) => delta.keys(),
            Layer::Image(image) => image.keys(),
        }
    }

    /// The identity of the layer.
    pub fn id(&self) -> LayerId {
        match self {
            Layer::Memory(memory) => LayerId::Memory(memory.start()),
            Layer::Delta(delta) => LayerId::File(delta.entry().name),
            Layer::Image(image) => LayerId::File(image.entry().name),
        }
    }

    /// The `Corrupt` error for its file or memory.
    pub(crate) fn corrupt(&self, error: DecodeError) -> Error {
        match self {
            Layer::Memory(memory) => memory.corrupt(error),
            Layer::Delta(delta) => delta.corrupt(error),
            Layer::Image(image) => image.corrupt(error),
        }
    }
}

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerId::File(name) => write!(f, "{name}"),
            LayerId::Memory(start) => write!(f, "memory from {start}"),
        }
    }
}
