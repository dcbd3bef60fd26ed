//! What covers what: the layers of a timeline, as a value.
//!
//! A map never changes. Whoever publishes makes a new one from it and puts that in its place, in
//! one step; a reader keeps the one that it started with, and with it the layers.

use std::sync::Arc;

use super::delta::DeltaLayer;
use super::memory::MemoryLayer;
use crate::base::Lsn;
use crate::io::Io;

/// The layers of a timeline, from the newest on: open, frozen, deltas.
pub struct LayerMap<I: Io> {
    open: Option<Arc<MemoryLayer<I>>>,
    /// The oldest first.
    frozen: Vec<Arc<MemoryLayer<I>>>,
    /// The oldest first.
    deltas: Vec<Arc<DeltaLayer<I>>>,
}

impl<I: Io> Clone for LayerMap<I> {
    fn clone(&self) -> LayerMap<I> {
        LayerMap {
            open: self.open.clone(),
            frozen: self.frozen.clone(),
            deltas: self.deltas.clone(),
        }
    }
}

impl<I: Io> LayerMap<I> {
    /// The layers that are in files, and none in memory.
    pub fn new(mut deltas: Vec<Arc<DeltaLayer<I>>>) -> LayerMap<I> {
        deltas.sort_by_key(|delta| delta.lsns());
        let map = LayerMap {
            open: None,
            frozen: Vec::new(),
            deltas,
        };
        map.check_laws();
        map
    }

    /// The layer that takes records.
    pub fn open(&self) -> Option<&Arc<MemoryLayer<I>>> {
        self.open.as_ref()
    }

    /// The layers that wait to be flushed, the oldest first.
    pub fn frozen(&self) -> &[Arc<MemoryLayer<I>>] {
        &self.frozen
    }

    /// The delta layers, the oldest first.
    pub fn deltas(&self) -> &[Arc<DeltaLayer<I>>] {
        &self.deltas
    }

    /// The map with an open layer where there was none.
    #[must_use]
    pub(crate) fn with_open(&self, layer: Arc<MemoryLayer<I>>) -> LayerMap<I> {
        assert!(self.open.is_none());
        let mut map = self.clone();
        map.open = Some(layer);
        map.check_laws();
        map
    }

    /// The map in which the open layer is a frozen one, which ends at `end`.
    #[must_use]
    pub(crate) fn freeze(&self, end: Lsn) -> LayerMap<I> {
        let mut map = self.clone();
        let layer = map.open.take().expect("the caller has looked");
        layer.freeze(end);
        map.frozen.push(layer);
        map.check_laws();
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
        let mut map = self.clone();
        map.frozen.remove(0);
        map.deltas.push(delta);
        map.check_laws();
        Some(map)
    }

    /// Panics if the layers do not stand one above the other.
    pub fn check_laws(&self) {
        let deltas = self.deltas.iter().map(|delta| delta.lsns());
        let frozen = self
            .frozen
            .iter()
            .map(|layer| layer.lsns().expect("it is frozen"));
        let mut floor = Lsn::ZERO;
        for lsns in deltas.chain(frozen) {
            assert!(floor <= lsns.start);
            assert!(lsns.start < lsns.end);
            floor = lsns.end;
        }
        if let Some(open) = &self.open {
            assert!(open.is_open());
            assert!(floor <= open.start());
        }
    }
}
