//! Levels: bands of LSNs, found by the shapes of the layers alone.

use std::collections::BTreeSet;

use crate::base::{Key, KeySpace, LayerName, Lsn, LsnRange};

/// The heights that the layers of each level may have, from the top level down: each is `fan_out`
/// times the one above it, and the last has no limit.
///
/// # Units
/// LSNs. A layer may be three quarters higher than its level is meant to be: flushes do not end at
/// a multiple of anything.
/// # Source
/// With a distance of 256 Mi and a fan-out of 3, that is 448 Mi, 1344 Mi, 4032 Mi and so on.
pub(super) fn heights(distance: u64, fan_out: u64) -> impl Iterator<Item = u64> {
    assert!(0 < distance);
    assert!(
        1 < fan_out,
        "a level that is merged becomes one of the next"
    );
    let heights = std::iter::successors(Some(u128::from(distance)), move |height| {
        let is_last = u128::from(u64::MAX) <= slack(*height);
        (!is_last).then(|| height * u128::from(fan_out))
    });
    heights.map(|height| u64::try_from(slack(height)).unwrap_or(u64::MAX))
}

fn slack(height: u128) -> u128 {
    height + height / 2 + height / 4
}

/// Finds the level that ends at `end`: a band of LSNs that no layer crosses, as wide as it can be
/// without a delta higher than `height_max`. `None` if such a delta ends it at once.
///
/// # Errors
/// A delta that crosses `end`.
pub(super) fn find_level(
    layers: &[LayerName],
    end: Lsn,
    height_max: u64,
) -> Result<Option<LsnRange>, LayerName> {
    let crosses = |lsns: LsnRange| lsns.start < end && end < lsns.end;
    if let Some(crossing) = layers.iter().find(|name| crosses(name.lsns())) {
        return Err(*crossing);
    }
    let below = layers
        .iter()
        .filter(|name| name.is_delta() && name.lsns().start < end);
    let mut deltas: Vec<LsnRange> = below.map(LayerName::lsns).collect();
    deltas.sort_unstable_by_key(|lsns| std::cmp::Reverse(lsns.end));
    // All deltas so far start at the floor or above it. The level ends where one of them does and
    // the next one begins.
    let top = deltas.first().map_or(end, |highest| highest.end);
    let (mut floor, mut start) = (end, end);
    for lsns in deltas {
        if lsns.end <= floor {
            start = lsns.end;
        }
        if height_max < lsns.end.0 - lsns.start.0 {
            return Ok((start < top).then(|| LsnRange::new(start, end)));
        }
        floor = floor.min(lsns.start);
    }
    Ok((floor < top).then(|| LsnRange::new(floor, end)))
}

/// The deltas of a level, and its images.
pub(super) fn inside(layers: &[LayerName], level: LsnRange) -> Vec<LayerName> {
    let is_inside = |name: &&LayerName| {
        let lsns = name.lsns();
        level.start <= lsns.start && lsns.end <= level.end
    };
    layers.iter().filter(is_inside).copied().collect()
}

/// The highest number of deltas above the newest image over one key, of all keys but some.
///
/// # Shape
/// An image at the last LSN of a delta stands above it. A delta of one key does not count: a
/// history that is too long for one layer is cut by LSN, and no merge makes fewer layers of it.
pub(super) fn depth(layers: &[LayerName], without: &KeySpace) -> usize {
    let is_counted = |name: &&LayerName| {
        let keys = name.keys();
        name.is_image() || keys.start.checked_next() != Some(keys.end)
    };
    let mut ranked: Vec<LayerName> = layers.iter().filter(is_counted).copied().collect();
    ranked.sort_unstable_by_key(|name| (name.lsns().end, name.is_image(), *name));
    let mut edges: Vec<(Key, bool, usize)> = Vec::with_capacity(2 * ranked.len());
    for (rank, name) in ranked.iter().enumerate() {
        edges.push((name.keys().start, true, rank));
        edges.push((name.keys().end, false, rank));
    }
    edges.sort_unstable();
    let mut seams: Vec<Key> = edges.iter().map(|(key, _, _)| *key).collect();
    seams.extend(without.ranges().iter().flat_map(|it| [it.start, it.end]));
    seams.sort_unstable();
    seams.dedup();
    let mut edges = edges.into_iter().peekable();
    let mut over = BTreeSet::new();
    let mut deepest = 0;
    for seam in seams {
        while let Some((_, begins, rank)) = edges.next_if(|(key, _, _)| *key <= seam) {
            match begins {
                true => over.insert(rank),
                false => over.remove(&rank),
            };
        }
        if !without.contains(seam) {
            let above = over.iter().rev().map(|rank| &ranked[*rank]);
            let deltas = above.take_while(|name| name.is_delta());
            deepest = deepest.max(deltas.count());
        }
    }
    deepest
}
