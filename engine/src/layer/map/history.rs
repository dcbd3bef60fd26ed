//! The layers of a timeline that are in files, as a value.

use std::sync::OnceLock;

use super::select::{SelectKind, select};
use super::sweep::{self, Segment, SweepRule};
use super::tree::LayerTree;
use crate::base::{Key, KeyRange, LayerName, Lsn, LsnRange};

/// The layers in files: deltas as flushed, deltas as compacted, images.
///
/// # Shape
/// A value: `with` makes another one, which shares nearly all with it, and a clone costs nothing.
/// `T` is what a name stands for, such as an open layer; a clone of it should cost little.
/// # Source
/// Law 3: whoever adds a layer has made its file durable.
#[derive(Clone)]
pub struct History<T> {
    /// All of them over all keys, so that they stand in the order of their LSNs.
    l0s: LayerTree<T>,
    /// All other deltas.
    deltas: LayerTree<T>,
    images: LayerTree<T>,
    /// Once its laws were checked: it never changes.
    checked: OnceLock<()>,
}

/// The layer that a read visits next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// Its name.
    pub name: LayerName,
    /// What the name stands for.
    pub layer: T,
    /// The lowest LSN to take from it: the read goes on below.
    pub floor: Lsn,
}

/// The latest delta over some keys, and the latest image.
type Candidates<'a, T> = (Option<(LayerName, &'a T)>, Option<(LayerName, &'a T)>);

impl<T> Default for History<T> {
    fn default() -> History<T> {
        History::new()
    }
}

impl<T> History<T> {
    /// The history without a layer.
    pub fn new() -> History<T> {
        History {
            l0s: LayerTree::new(),
            deltas: LayerTree::new(),
            images: LayerTree::new(),
            checked: OnceLock::new(),
        }
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.l0s.len() + self.deltas.len() + self.images.len()
    }

    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What `name` stands for.
    pub fn get(&self, name: &LayerName) -> Option<&T> {
        self.tree(name).get(name)
    }

    /// Whether the layer is there.
    pub fn has(&self, name: &LayerName) -> bool {
        self.get(name).is_some()
    }

    /// All layers, in the order of their names: by LSNs, then by keys.
    pub fn iter(&self) -> impl Iterator<Item = (LayerName, &T)> {
        let deltas = self.l0s.iter().chain(self.deltas.iter());
        let mut layers: Vec<(LayerName, &T)> = deltas.chain(self.images.iter()).collect();
        layers.sort_unstable_by_key(|(name, _)| *name);
        layers.into_iter()
    }

    /// The names of all layers, in no order that means anything.
    pub fn names(&self) -> impl Iterator<Item = LayerName> {
        self.delta_names().chain(names(self.images.iter()))
    }

    /// How many L0s there are.
    pub fn l0_count(&self) -> usize {
        self.l0s.len()
    }

    /// The newest image at or below `lsn` over each key of `keys`.
    ///
    /// # Shape
    /// Segments in order and without a gap; two neighbours never have the same image.
    /// # Panics
    /// If `lsn` is `Lsn::MAX`.
    pub fn image_coverage(&self, keys: KeyRange, lsn: Lsn) -> Vec<(KeyRange, Option<LayerName>)> {
        let segments = self.newest_images(keys, lsn.visible_end());
        segments
            .into_iter()
            .map(|(keys, image)| (keys, image.map(|(name, _)| name)))
            .collect()
    }

    /// Whether every key of `keys` lies under an image whose LSN is in `lsns`.
    pub fn is_covered_by_images(&self, keys: KeyRange, lsns: LsnRange) -> bool {
        sweep::is_covered(names(self.images.overlapping(keys, lsns)), keys)
    }

    /// How many deltas with an LSN in `lsns` lie over that key of `keys` which most of them lie
    /// over; `limit` if they are more.
    ///
    /// # Shape
    /// L0s count where `keys` are all keys, and only there: images over some keys do not spare
    /// anybody an L0.
    pub fn count_deltas(&self, keys: KeyRange, lsns: LsnRange, limit: usize) -> usize {
        let l0_count = match keys.is_all() {
            true => self.l0s.overlapping(keys, lsns).take(limit).count(),
            false => 0,
        };
        let deltas = names(self.deltas.overlapping(keys, lsns));
        l0_count + sweep::tallest(deltas, limit - l0_count)
    }

    /// Two deltas that no writer could have left: both of more than one key, with a key and an LSN
    /// in common, but not all LSNs.
    ///
    /// # Source
    /// A peer's own check of its maps. What we write is held to more, by `check_laws`.
    pub fn find_conflict(&self) -> Option<(LayerName, LayerName)> {
        sweep::find_conflict(self.delta_names(), SweepRule::EqualOrDisjoint)
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

    /// By the start of their keys: all L0s start at the lowest.
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
    /// The history in which the layers of `added` stand, and those of `removed` no longer.
    ///
    /// # Panics
    /// If a removed layer is not there, or an added one is, or is added twice.
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

    /// The layer to visit next for a read of `key` that has come down to `end`.
    ///
    /// # Shape
    /// What the read still wants stands below `end`. From there down to the floor, all records of
    /// the key are in the layer that is found; if that is an image, nothing below is wanted. `None`
    /// if no layer over the key starts below `end`.
    pub fn find(&self, key: Key, end: Lsn) -> Option<Found<T>> {
        let at = (key, end);
        let delta = self.deltas.latest(at, self.l0s.latest(at, None));
        let image = self.images.latest(at, None);
        let named = |(name, layer): (&LayerName, _)| (*name, layer);
        found((delta.map(named), image.map(named)), end)
    }

    /// What `find` finds for each key of `keys`.
    ///
    /// # Shape
    /// In the order of the keys. Keys for which nothing is found are left out; neighbours for which
    /// the same is found, floor included, are one range.
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

/// Which of the two a read visits that has come down to `end`.
fn found<T: Clone>((delta, image): Candidates<'_, T>, end: Lsn) -> Option<Found<T>> {
    let delta_lsns = delta.map(|(name, _)| name.lsns());
    let image_lsn = image.map(|(name, _)| name.lsns().start);
    let (kind, floor) = select(delta_lsns, image_lsn, None, end)?;
    let (name, layer) = match kind {
        SelectKind::Image => image?,
        SelectKind::Delta => delta?,
        SelectKind::Memory => unreachable!("no layer in memory was offered"),
    };
    let layer = layer.clone();
    Some(Found { name, layer, floor })
}

/// Both lists as one, cut wherever either is; they are over the same keys.
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

/// Adds what is found behind the last answer, or to it.
fn push_found<T>(answers: &mut Vec<(KeyRange, Found<T>)>, keys: KeyRange, found: Found<T>) {
    match answers.last_mut() {
        Some((last_keys, last)) if last.name == found.name && last.floor == found.floor => {
            // A layer has no hole, so that something would be found in between.
            assert!(last_keys.end == keys.start);
            last_keys.end = keys.end;
        }
        _ => answers.push((keys, found)),
    }
}
