//! Sweeps over layers in the order of their keys, as a `LayerTree` gives them: one pass each, which
//! keeps the layers over the current key.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::select::rank;
use crate::base::{Key, KeyRange, LayerName, LsnRange};

/// A range of keys, and the latest layer over all of them.
pub type Segment<'a, T> = (KeyRange, Option<(LayerName, &'a T)>);

/// The latest layer by `rank` over each key of `keys`.
///
/// # Shape
/// Segments in order and without a gap; adjacent ones have different layers. The layers come in the
/// order of the start of their keys, and each has a key.
pub fn coverage<'a, T>(
    layers: impl Iterator<Item = (LayerName, &'a T)>,
    keys: KeyRange,
) -> Vec<Segment<'a, T>> {
    let layers: Vec<(LayerName, &T)> = layers.collect();
    assert!(layers.is_sorted_by_key(|(name, _)| name.keys().start));
    let mut coming = layers.iter().enumerate().peekable();
    let mut over = BinaryHeap::new();
    let mut segments = Vec::new();
    let mut start = keys.start;
    while start < keys.end {
        while let Some((index, (name, _))) =
            coming.next_if(|(_, (name, _))| name.keys().start <= start)
        {
            over.push((rank(name), index));
        }
        let is_done = |(_, index): &(_, usize)| layers[*index].0.keys().end <= start;
        while over.peek().is_some_and(is_done) {
            over.pop();
        }
        let latest = over.peek().map(|(_, index)| layers[*index]);
        let latest_end = latest.map_or(keys.end, |(name, _)| name.keys().end);
        let next_start = coming
            .peek()
            .map_or(keys.end, |(_, (name, _))| name.keys().start);
        let end = keys.end.min(latest_end).min(next_start);
        push_segment(&mut segments, (KeyRange::new(start, end), latest));
        start = end;
    }
    segments
}

/// Appends a segment, or extends the last one by it.
fn push_segment<'a, T>(segments: &mut Vec<Segment<'a, T>>, (keys, latest): Segment<'a, T>) {
    assert!(!keys.is_empty());
    let name = |layer: Option<(LayerName, _)>| layer.map(|(name, _)| name);
    match segments.last_mut() {
        Some((last_keys, last)) if name(*last) == name(latest) => last_keys.end = keys.end,
        _ => segments.push((keys, latest)),
    }
}

/// Whether the layers, in the order of the start of their keys, cover every key of `keys`.
pub fn is_covered(layers: impl Iterator<Item = LayerName>, keys: KeyRange) -> bool {
    let mut start = keys.start;
    for layer in layers.map(|name| name.keys()) {
        if keys.end <= start || start < layer.start {
            break;
        }
        start = start.max(layer.end);
    }
    keys.end <= start
}

/// The highest number of layers over one key; at most `limit`.
///
/// # Shape
/// The layers come in the order of the start of their keys.
pub fn tallest(layers: impl Iterator<Item = LayerName>, limit: usize) -> usize {
    let mut ends: BinaryHeap<Reverse<Key>> = BinaryHeap::new();
    let mut tallest = 0;
    for layer in layers.map(|name| name.keys()) {
        if limit <= tallest {
            return limit;
        }
        while ends.peek().is_some_and(|Reverse(end)| *end <= layer.start) {
            ends.pop();
        }
        ends.push(Reverse(layer.end));
        tallest = tallest.max(ends.len());
    }
    tallest.min(limit)
}

/// The rule for the LSNs of two deltas over one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepRule {
    /// They share no LSN. Our own deltas keep this.
    Disjoint,
    /// They share all LSNs or none, or one of them holds a single key. A peer's deltas keep this.
    EqualOrDisjoint,
}

/// Finds two deltas that break the rule.
///
/// # Shape
/// The deltas come in the order of the start of their keys. Those over the current key are kept in
/// the order of their LSNs. Until a conflict is found these are equal or disjoint, so a new one is
/// compared with its two neighbours only. Of deltas with equal LSNs the one that reaches furthest
/// is kept.
pub fn find_conflict(
    deltas: impl Iterator<Item = LayerName>,
    rule: SweepRule,
) -> Option<(LayerName, LayerName)> {
    let mut over: BTreeMap<LsnRange, LayerName> = BTreeMap::new();
    let mut ends: BinaryHeap<Reverse<(Key, LsnRange)>> = BinaryHeap::new();
    for delta in deltas.filter(|delta| !rule.exempts(delta.keys())) {
        let (keys, lsns) = (delta.keys(), delta.lsns());
        while let Some(&Reverse((end, done))) = ends.peek()
            && end <= keys.start
        {
            ends.pop();
            if over
                .get(&done)
                .is_some_and(|it| it.keys().end <= keys.start)
            {
                over.remove(&done);
            }
        }
        let below = over.range(..=lsns).next_back();
        let mut neighbours = below.into_iter().chain(over.range(lsns..).next());
        if let Some((_, other)) = neighbours.find(|(other, _)| !rule.allows(lsns, **other)) {
            return Some((*other, delta));
        }
        ends.push(Reverse((keys.end, lsns)));
        let kept = over.entry(lsns).or_insert(delta);
        if kept.keys().end < keys.end {
            *kept = delta;
        }
    }
    None
}

impl SweepRule {
    fn exempts(self, keys: KeyRange) -> bool {
        self == SweepRule::EqualOrDisjoint && keys.start.checked_next() == Some(keys.end)
    }

    fn allows(self, a: LsnRange, b: LsnRange) -> bool {
        !a.overlaps(&b) || (self == SweepRule::EqualOrDisjoint && a == b)
    }
}
