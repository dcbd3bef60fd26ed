//! The file layers of a timeline, as an immutable value.

use std::collections::BTreeSet;

use super::select::{SelectKind, rank, select};
use super::sweep::{self, Segment, SweepRule};
use super::tree::LayerTree;
use crate::base::{Key, KeyRange, LayerName, Lsn, LsnRange};
use crate::sync::OnceLock;

/// The layers in files: L0 deltas, compacted deltas, images.
///
/// # Shape
/// An immutable value: a change makes a new one, which shares nearly all nodes with it, and a clone
/// is cheap. `T` is what a name stands for, such as a layer; it should be cheap to clone.
/// # Source
/// Law 3: the file of a layer is durable before the layer is added.
#[derive(Clone)]
pub struct History<T> {
    /// The L0s. Each covers all keys, so the tree has them in the order of their LSNs.
    l0s: LayerTree<T>,
    /// The compacted deltas.
    deltas: LayerTree<T>,
    images: LayerTree<T>,
    /// Set once the laws were checked: the value never changes.
    checked: OnceLock<()>,
}

/// The layer that a read visits next, and how far down it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// Its name.
    pub name: LayerName,
    /// The layer.
    pub layer: T,
    /// The lowest LSN to read in it: the read continues below.
    pub floor: Lsn,
}

/// The latest delta and the latest image over some keys.
type Candidates<'a, T> = (Option<(LayerName, &'a T)>, Option<(LayerName, &'a T)>);

impl<T> Default for History<T> {
    fn default() -> History<T> {
        History::new()
    }
}

impl<T> History<T> {
    /// A history without layers.
    pub fn new() -> History<T> {
        History {
            l0s: LayerTree::new(),
            deltas: LayerTree::new(),
            images: LayerTree::new(),
            checked: OnceLock::new(),
        }
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.l0s.len() + self.deltas.len() + self.images.len()
    }

    /// Whether there are no layers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The layer of a name.
    pub fn get(&self, name: &LayerName) -> Option<&T> {
        self.tree(name).get(name)
    }

    /// Whether there is a layer of this name.
    pub fn has(&self, name: &LayerName) -> bool {
        self.get(name).is_some()
    }

    /// All layers, in the order of their names: by LSNs, then by keys.
    pub fn iter(&self) -> impl Iterator<Item = (LayerName, &T)> {
        let deltas = self.l0s.iter().chain(self.deltas.iter());
        let mut layers: Vec<(LayerName, &T)> = deltas.chain(self.images.iter()).collect();
        // A stable sort finds the runs that are in order, such as the L0s.
        layers.sort_by_key(|(name, _)| *name);
        layers.into_iter()
    }

    /// The names of all layers, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = LayerName> {
        self.delta_names().chain(names(self.images.iter()))
    }

    /// The number of L0s.
    pub fn l0_count(&self) -> usize {
        self.l0s.len()
    }

    /// The newest image at or below `lsn` over each key of `keys`.
    ///
    /// # Shape
    /// Segments in order and without a gap; adjacent ones have different images.
    /// # Panics
    /// If `lsn` is `Lsn::MAX`.
    pub fn image_coverage(&self, keys: KeyRange, lsn: Lsn) -> Vec<(KeyRange, Option<LayerName>)> {
        let segments = self.newest_images(keys, lsn.visible_end());
        segments
            .into_iter()
            .map(|(keys, image)| (keys, image.map(|(name, _)| name)))
            .collect()
    }

    /// Whether images with LSNs in `lsns` cover every key of `keys`.
    pub fn is_covered_by_images(&self, keys: KeyRange, lsns: LsnRange) -> bool {
        sweep::is_covered(names(self.images.overlapping(keys, lsns)), keys)
    }

    /// Whether each read at `point` ends at images before it comes to the layer `name`.
    ///
    /// # Shape
    /// The layer starts at `point` or below. Whatever a read finds above it, it ends at these
    /// images or before: so where they stay, no read at `point` misses the layer.
    pub fn is_hidden(&self, name: &LayerName, point: Lsn) -> bool {
        let lsns = name.lsns();
        assert!(lsns.start <= point);
        // A read takes the layer up to here: an image that reaches as far comes before a delta.
        let last = point.min(Lsn(lsns.end.0 - 1));
        let above = LsnRange::new(last, point.visible_end());
        let images = names(self.images.overlapping(name.keys(), above));
        let is_before = |image: &LayerName| name.is_delta() || rank(name) < rank(image);
        sweep::is_covered(images.filter(is_before), name.keys())
    }

    /// The highest number of deltas with an LSN in `lsns` over one key of `keys`; at most `limit`.
    ///
    /// # Shape
    /// L0s count only if `keys` are all keys: images over some keys save no read the visit of an
    /// L0.
    pub fn count_deltas(&self, keys: KeyRange, lsns: LsnRange, limit: usize) -> usize {
        let l0_count = match keys.is_all() {
            true => self.l0s.overlapping(keys, lsns).take(limit).count(),
            false => 0,
        };
        let deltas = names(self.deltas.overlapping(keys, lsns));
        l0_count + sweep::tallest(deltas, limit - l0_count)
    }

    /// How many deltas a scan looks into that reads these keys for these LSNs, L0s too; at most
    /// `limit`.
    pub fn count_visits(&self, pieces: &[(KeyRange, LsnRange)], limit: usize) -> usize {
        let mut visited = BTreeSet::new();
        for (keys, lsns) in pieces {
            let l0s = self.l0s.overlapping(*keys, *lsns).take(limit);
            let deltas = self.deltas.overlapping(*keys, *lsns);
            visited.extend(names(l0s.chain(deltas)).take(limit));
        }
        visited.len().min(limit)
    }

    /// Finds two deltas that no writer could have written: both of more than one key, with a key
    /// and an LSN in common, but different LSN ranges.
    ///
    /// # Source
    /// A peer's check of its maps. Our own layers satisfy more, which `check_laws` checks.
    pub fn find_conflict(&self) -> Option<(LayerName, LayerName)> {
        sweep::find_conflict(self.delta_names(), SweepRule::EqualOrDisjoint)
    }

    /// The deltas that have a key and an LSN in common with a layer, itself included.
    pub fn deltas_over(&self, layer: &LayerName) -> impl Iterator<Item = LayerName> {
        let (keys, lsns) = (layer.keys(), layer.lsns());
        let l0s = self.l0s.overlapping(keys, lsns);
        names(l0s.chain(self.deltas.overlapping(keys, lsns)))
    }

    /// Whether a delta has a key and an LSN in common with another one. It costs a search, where
    /// `check_laws` looks at all layers.
    pub fn has_conflict(&self, name: &LayerName) -> bool {
        name.is_delta() && self.deltas_over(name).any(|other| other != *name)
    }

    /// The exclusive end of the LSNs of all layers.
    pub fn lsn_end(&self) -> Lsn {
        let trees = [&self.l0s, &self.deltas, &self.images];
        let ends = trees.map(|tree| tree.lsns().map_or(Lsn::ZERO, |lsns| lsns.end));
        ends.into_iter().max().expect("there are three")
    }

    /// Panics if two deltas have a key and an LSN in common.
    pub fn check_laws(&self) {
        self.checked.get_or_init(|| self.check_layers());
    }

    fn check_layers(&self) {
        self.l0s.check_laws();
        self.deltas.check_laws();
        self.images.check_laws();
        assert!(names(self.l0s.iter()).all(|name| name.is_l0()));
        assert!(names(self.deltas.iter()).all(|name| name.is_delta() && !name.is_l0()));
        assert!(names(self.images.iter()).all(|name| name.is_image()));
        if let Some((a, b)) = sweep::find_conflict(self.delta_names(), SweepRule::Disjoint) {
            panic!("the deltas {a} and {b} have a key and an LSN in common");
        }
    }

    fn tree(&self, name: &LayerName) -> &LayerTree<T> {
        match name {
            LayerName::Image { .. } => &self.images,
            LayerName::Delta { .. } if name.is_l0() => &self.l0s,
            LayerName::Delta { .. } => &self.deltas,
        }
    }

    fn tree_mut(&mut self, name: &LayerName) -> &mut LayerTree<T> {
        match name {
            LayerName::Image { .. } => &mut self.images,
            LayerName::Delta { .. } if name.is_l0() => &mut self.l0s,
            LayerName::Delta { .. } => &mut self.deltas,
        }
    }

    /// In the order of the start of their keys: all L0s start at the lowest key.
    fn delta_names(&self) -> impl Iterator<Item = LayerName> {
        names(self.l0s.iter()).chain(names(self.deltas.iter()))
    }

    fn newest_images(&self, keys: KeyRange, end: Lsn) -> Vec<Segment<'_, T>> {
        let below = LsnRange::new(Lsn::ZERO, end);
        sweep::coverage(self.images.overlapping(keys, below), keys)
    }

    fn latest_deltas(&self, keys: KeyRange, end: Lsn) -> Vec<Segment<'_, T>> {
        let below = LsnRange::new(Lsn::ZERO, end);
        let l0s = self.l0s.overlapping(keys, below);
        sweep::coverage(l0s.chain(self.deltas.overlapping(keys, below)), keys)
    }
}

impl<T: Clone> History<T> {
    /// The history with the layers of `added` and without those of `removed`.
    ///
    /// # Panics
    /// If a removed layer is missing, or an added one exists or is added twice.
    #[must_use]
    pub fn with(&self, removed: &[LayerName], added: Vec<(LayerName, T)>) -> History<T> {
        let len = self.len() + added.len();
        let mut history = self.clone();
        history.checked = OnceLock::new();
        for name in removed {
            let layer = history.tree_mut(name).remove(name);
            assert!(layer.is_some(), "the layer {name} is not there");
        }
        for (name, layer) in added {
            history.tree_mut(&name).insert(name, layer);
        }
        assert!(history.len() + removed.len() == len);
        history
    }

    /// The L0s, the oldest first.
    pub fn l0s(&self) -> Vec<(LayerName, T)> {
        self.l0s
            .iter()
            .map(|(name, layer)| (name, layer.clone()))
            .collect()
    }

    /// Finds the layer to visit next, for a read of `key` that has descended to `end`.
    ///
    /// # Shape
    /// The read still needs records below `end`. From there down to the floor, all records of the
    /// key are in the layer that is found; if it is an image, the read needs nothing below. `None`
    /// if no layer over the key starts below `end`.
    pub fn find(&self, key: Key, end: Lsn) -> Option<Found<T>> {
        let at = (key, end);
        let delta = self.deltas.latest(at, self.l0s.latest(at, None));
        let image = self.images.latest(at, None);
        let named = |(name, layer): (&LayerName, _)| (*name, layer);
        found((delta.map(named), image.map(named)), end)
    }

    /// Finds the next visits for all keys of `keys`, as [`History::find`] does for one.
    ///
    /// # Shape
    /// In the order of the keys. Keys without a visit are left out; adjacent keys with equal
    /// visits, floor included, are one range.
    pub fn find_range(&self, keys: KeyRange, end: Lsn) -> Vec<(KeyRange, Found<T>)> {
        let deltas = self.latest_deltas(keys, end);
        let images = self.newest_images(keys, end);
        let mut answers = Vec::new();
        for (keys, candidates) in overlay(&deltas, &images) {
            if let Some(found) = found(candidates, end) {
                push_found(&mut answers, keys, found);
            }
        }
        answers
    }
}

fn names<'a, T: 'a>(
    layers: impl Iterator<Item = (LayerName, &'a T)>,
) -> impl Iterator<Item = LayerName> {
    layers.map(|(name, _)| name)
}

/// Selects the candidate that a read at `end` visits.
fn found<T: Clone>((delta, image): Candidates<'_, T>, end: Lsn) -> Option<Found<T>> {
    let delta_lsns = delta.map(|(name, _)| name.lsns());
    let image_lsn = image.map(|(name, _)| name.lsns().start);
    let (kind, floor) = select(delta_lsns, image_lsn, None, end)?;
    let (name, layer) = match kind {
        SelectKind::Image => image?,
        SelectKind::Delta => delta?,
        SelectKind::Memory => unreachable!("no memory layer was a candidate"),
    };
    let layer = layer.clone();
    Some(Found { name, layer, floor })
}

/// Merges both lists into one, cut wherever either is. They cover equal keys.
fn overlay<'a, T>(
    deltas: &[Segment<'a, T>],
    images: &[Segment<'a, T>],
) -> Vec<(KeyRange, Candidates<'a, T>)> {
    let mut both = Vec::with_capacity(deltas.len() + images.len());
    let mut images = images.iter().peekable();
    for (keys, delta) in deltas {
        let mut start = keys.start;
        while let Some((image_keys, image)) = images.peek().copied()
            && start < keys.end
        {
            let end = keys.end.min(image_keys.end);
            both.push((KeyRange::new(start, end), (*delta, *image)));
            start = end;
            images.next_if(|(image_keys, _)| image_keys.end <= end);
        }
    }
    both
}

/// Appends an answer, or extends the last one by it.
fn push_found<T>(answers: &mut Vec<(KeyRange, Found<T>)>, keys: KeyRange, found: Found<T>) {
    match answers.last_mut() {
        Some((last_keys, last)) if last.name == found.name && last.floor == found.floor => {
            // A layer has no hole, so no key in between can be without a visit.
            assert!(last_keys.end == keys.start);
            last_keys.end = keys.end;
        }
        _ => answers.push((keys, found)),
    }
}
