//! The model: the rules over a plain list of layers, one key at a time.

use crate::base::{Key, KeyRange, LayerName, Lsn, LsnRange};

/// The layer that a read visits next, and the floor.
pub type Answer = Option<(LayerName, Lsn)>;

fn covers(layer: &LayerName, key: Key) -> bool {
    layer.keys().start <= key && key < layer.keys().end
}

/// Whether two layers have a key and an LSN in common.
pub fn overlap(a: &LayerName, b: &LayerName) -> bool {
    a.keys().overlaps(&b.keys()) && a.lsns().overlaps(&b.lsns())
}

/// The keys at which an answer may change, and so one key of each range in which it cannot.
pub fn keys_of_interest(layers: &[LayerName], keys: KeyRange) -> Vec<Key> {
    let edges = layers.iter().map(LayerName::keys);
    let mut found: Vec<Key> = edges
        .flat_map(|keys| [keys.start, keys.end])
        .chain([keys.start])
        .filter(|key| keys.contains(*key))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The latest layer of one kind over the key: the first by name of those that end highest.
fn latest(layers: &[LayerName], key: Key, end: Lsn) -> Option<LayerName> {
    let mut sorted = layers.to_vec();
    sorted.sort();
    let mut best: Option<LayerName> = None;
    for layer in sorted {
        let is_taller = best.is_none_or(|best| best.lsns().end < layer.lsns().end);
        if covers(&layer, key) && layer.lsns().start < end && is_taller {
            best = Some(layer);
        }
    }
    best
}

/// The rule of `select` as a table, row by row.
pub fn find(layers: &[LayerName], key: Key, end: Lsn) -> Answer {
    let (images, deltas): (Vec<_>, Vec<_>) = layers.iter().partition(|layer| layer.is_image());
    match (latest(&deltas, key, end), latest(&images, key, end)) {
        (None, None) => None,
        (Some(layer), None) | (None, Some(layer)) => Some((layer, layer.lsns().start)),
        (Some(delta), Some(image)) => {
            let above = image.lsns().end;
            if delta.lsns().end <= above || above == end {
                Some((image, image.lsns().start))
            } else {
                Some((delta, delta.lsns().start.max(above)))
            }
        }
    }
}

/// The newest image at or below `lsn`.
pub fn newest_image(layers: &[LayerName], key: Key, lsn: Lsn) -> Option<LayerName> {
    let mut images: Vec<LayerName> = layers.to_vec();
    images.retain(|it| it.is_image() && covers(it, key) && it.lsns().start <= lsn);
    let newest = images.iter().map(|image| image.lsns().start).max()?;
    images.retain(|image| image.lsns().start == newest);
    images.into_iter().min()
}

/// The number of deltas with an LSN in `lsns` over the key.
pub fn delta_count(layers: &[LayerName], key: Key, lsns: LsnRange, with: &[LayerName]) -> usize {
    layers
        .iter()
        .filter(|it| it.is_delta() && (!it.is_l0() || with.contains(it)))
        .filter(|it| covers(it, key) && it.lsns().overlaps(&lsns))
        .count()
}
