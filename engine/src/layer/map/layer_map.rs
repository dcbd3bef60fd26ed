//! The layers of a timeline, as a value.
//!
//! A map never changes. Whoever publishes makes a new one from it, which shares nearly all with it,
//! and puts that in its place, in one step; a reader keeps the one that it started with, and with
//! it the layers.

use std::fmt;
use std::sync::Arc;

use super::history::{Found, History};
use super::select::{SelectKind, select};
use crate::base::{DecodeError, Error, Key, KeyRange, LayerName, Lsn, LsnRange};
use crate::format::IndexLayer;
use crate::io::Io;
use crate::layer::{DeltaLayer, ImageLayer, LayerContext, MemoryLayer};

/// The layers of a timeline, from the newest on: open, frozen, in files.
pub struct LayerMap<I: Io> {
    open: Option<Arc<MemoryLayer<I>>>,
    /// The oldest first.
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

/// Which layer of a timeline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerId {
    /// The one in a file that has this name.
    File(LayerName),
    /// The one in memory that starts here.
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
    /// The layers that are in files, and none in memory.
    pub fn new(layers: Vec<FileLayer<I>>) -> LayerMap<I> {
        LayerMap {
            open: None,
            frozen: Vec::new(),
            files: History::new().with(&[], named(layers)),
        }
    }

    /// The layer that takes records.
    pub fn open(&self) -> Option<&Arc<MemoryLayer<I>>> {
        self.open.as_ref()
    }

    /// The layers that wait to be flushed, the oldest first.
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

    /// How many L0s there are.
    pub fn l0_count(&self) -> usize {
        self.files.l0_count()
    }

    /// How many L0s there are, or will be once what is frozen is flushed.
    pub fn backlog(&self) -> usize {
        self.l0_count() + self.frozen.len()
    }

    /// The layer that a read of `key` visits next that has come down to `end`, and down to which
    /// floor; nothing if there is none.
    pub fn next_visit(&self, key: Key, end: Lsn) -> Option<(Layer<I>, Lsn)> {
        match (self.memory_below(end), self.files.find(key, end)) {
            (Some(memory), Some(found)) => Some(against_memory(memory, found, end)),
            (Some(memory), None) => Some((Layer::Memory(memory.clone()), memory.start())),
            (None, found) => found.map(|found| (Layer::from(found.layer), found.floor)),
        }
    }

    /// The layers that a read of `keys` visits next that has come down to `end`, and down to which
    /// floor: in the order of the keys; keys for which there is none are left out.
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

    /// Whether all of these layers, the very same, are in the map.
    pub(crate) fn has_all(&self, layers: &[FileLayer<I>]) -> bool {
        let is_there = |layer: &FileLayer<I>| {
            let found = self.files.get(&layer.entry().name);
            found.is_some_and(|found| found.is_same(layer))
        };
        layers.iter().all(is_there)
    }

    /// The map with an open layer where there was none.
    #[must_use]
    pub(crate) fn with_open(&self, layer: Arc<MemoryLayer<I>>) -> LayerMap<I> {
        assert!(self.open.is_none());
        assert!(layer.is_open());
        let mut map = self.clone();
        map.open = Some(layer);
        map
    }

    /// The map in which the open layer is a frozen one, which ends at `end`.
    #[must_use]
    pub(crate) fn freeze(&self, end: Lsn) -> LayerMap<I> {
        let mut map = self.clone();
        let layer = map.open.take().expect("the caller has looked");
        layer.freeze(end);
        map.frozen.push(layer);
        map
    }

    /// The map in which `delta` stands in place of the oldest frozen layer; nothing if that is not
    /// `flushed` any more.
    #[must_use]
    pub(crate) fn flush(
        &self,
        flushed: &Arc<MemoryLayer<I>>,
        delta: Arc<DeltaLayer<I>>,
    ) -> Option<LayerMap<I>> {
        let oldest = self.frozen.first()?;
        if !Arc::ptr_eq(oldest, flushed) {
            return None;
        }
        assert!(flushed.lsns() == Some(delta.lsns()));
        let mut map = self.replace(&[], vec![FileLayer::Delta(delta)]);
        map.frozen.remove(0);
        Some(map)
    }

    /// The map in which the layers of `added` stand in place of those of `removed`.
    #[must_use]
    pub(crate) fn replace(
        &self,
        removed: &[FileLayer<I>],
        added: Vec<FileLayer<I>>,
    ) -> LayerMap<I> {
        assert!(self.has_all(removed), "the inputs stand");
        let removed: Vec<LayerName> = removed.iter().map(|layer| layer.entry().name).collect();
        LayerMap {
            open: self.open.clone(),
            frozen: self.frozen.clone(),
            files: self.files.with(&removed, named(added)),
        }
    }

    /// Panics if the layers in memory do not stand above all that is flushed, one above the other.
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

    /// Panics if a law is broken: the layers in memory stand above all that is flushed, those in
    /// files do not, and no record is in two of them.
    pub fn check_laws(&self, flushed_lsn: Lsn) {
        self.check_memory(flushed_lsn);
        self.files.check_laws();
        for name in self.files.names() {
            assert!(!name.is_above(flushed_lsn), "{name} is above {flushed_lsn}");
        }
    }
}

/// What a read visits: what was found in files, or the memory above it.
fn against_memory<I: Io>(
    memory: &Arc<MemoryLayer<I>>,
    found: Found<FileLayer<I>>,
    end: Lsn,
) -> (Layer<I>, Lsn) {
    let memory_end = memory.lsns().map_or(Lsn::MAX, |lsns| lsns.end);
    let lsns = Some(LsnRange::new(memory.start(), memory_end));
    // Layers in files lie below those in memory: what was found there stands for all of them.
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
    /// The layer of an index's entry.
    pub(crate) fn new(context: &LayerContext<I>, entry: IndexLayer) -> FileLayer<I> {
        match entry.name {
            LayerName::Delta { .. } => FileLayer::Delta(Arc::new(DeltaLayer::new(context, entry))),
            LayerName::Image { .. } => FileLayer::Image(Arc::new(ImageLayer::new(context, entry))),
        }
    }

    /// What the index says of it.
    pub fn entry(&self) -> &IndexLayer {
        match self {
            FileLayer::Delta(delta) => delta.entry(),
            FileLayer::Image(image) => image.entry(),
        }
    }

    /// Lets its file go with its last owner: no index names it any more.
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

    /// Which one it is.
    pub fn id(&self) -> LayerId {
        match self {
            Layer::Memory(memory) => LayerId::Memory(memory.start()),
            Layer::Delta(delta) => LayerId::File(delta.entry().name),
            Layer::Image(image) => LayerId::File(image.entry().name),
        }
    }

    /// What is wrong with its file.
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
