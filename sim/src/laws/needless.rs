//! Checks that a collection leaves no layer that no read needs.

use std::collections::BTreeSet;

use palimpsest::base::{KeyRange, LayerName, Lsn};

use crate::verdict::Verdict;

/// Checks that each layer below the cutoff is needed by some read at the cutoff or at a retained
/// point. No read needs a layer if newer images cover all its keys.
pub fn check_needless(
    layers: &[LayerName],
    cutoff: Lsn,
    retained: &BTreeSet<Lsn>,
) -> Result<(), Verdict> {
    let points = retained.range(..cutoff).chain([&cutoff]);
    let points: Vec<Lsn> = points.copied().collect();
    let is_needless = |layer: &&LayerName| {
        let is_below = layer.lsns().end <= cutoff;
        is_below && !points.iter().any(|point| may_need(layers, **layer, *point))
    };
    match layers.iter().find(is_needless) {
        None => Ok(()),
        Some(layer) => {
            let law = "after a collection every layer is needed by some read";
            let found = format!("{layer}, below the cutoff {cutoff} and under images");
            Err(Verdict::law(law, found))
        }
    }
}

/// Whether a read of some key at `point` may need a layer.
fn may_need(layers: &[LayerName], layer: LayerName, point: Lsn) -> bool {
    let lsns = layer.lsns();
    if point < lsns.start {
        return false;
    }
    // An image does not cover itself; one at a delta's last LSN covers the whole delta.
    let first = match layer {
        LayerName::Delta { .. } => lsns.end.0 - 1,
        LayerName::Image { lsn, .. } => lsn.0 + 1,
    };
    let covers = |other: &LayerName| match other {
        LayerName::Image { keys, lsn } if (first..=point.0).contains(&lsn.0) => Some(*keys),
        _ => None,
    };
    !is_covered(layer.keys(), layers.iter().filter_map(covers).collect())
}

/// Whether ranges together cover all keys of one.
fn is_covered(keys: KeyRange, mut by: Vec<KeyRange>) -> bool {
    by.sort_by_key(|range| range.start);
    let mut next = keys.start;
    for range in by {
        if range.start <= next {
            next = next.max(range.end);
        }
    }
    keys.end <= next
}

#[cfg(test)]
mod tests {
    use palimpsest::base::{Key, LsnRange};

    use super::*;

    fn keys(start: u8, end: u8) -> KeyRange {
        let key = |number| Key::from_i128(i128::from(number));
        KeyRange::new(key(start), key(end))
    }

    fn delta(start: u64, end: u64) -> LayerName {
        LayerName::Delta {
            keys: keys(0, 10),
            lsns: LsnRange::new(Lsn(start), Lsn(end)),
        }
    }

    fn image(first: u8, end: u8, lsn: u64) -> LayerName {
        LayerName::Image {
            keys: keys(first, end),
            lsn: Lsn(lsn),
        }
    }

    fn is_right(layers: &[LayerName], retained: &[u64]) -> bool {
        let retained = retained.iter().map(|lsn| Lsn(*lsn)).collect();
        check_needless(layers, Lsn(50), &retained).is_ok()
    }

    #[test]
    fn what_lies_under_images_is_needless() {
        let covered = [delta(10, 20), image(0, 5, 19), image(5, 10, 30)];
        assert!(!is_right(&covered, &[]));
        assert!(!is_right(&[image(0, 10, 20), image(0, 10, 30)], &[]));
    }

    #[test]
    fn what_some_read_needs_is_not() {
        // A key without an image, images that end too low, and a cutoff within the delta.
        assert!(is_right(&[delta(10, 20), image(0, 9, 30)], &[]));
        assert!(is_right(&[delta(10, 20), image(0, 10, 18)], &[]));
        assert!(is_right(&[delta(10, 60), image(0, 10, 30)], &[]));
        assert!(is_right(&[delta(10, 20), image(0, 10, 60)], &[]));
        // The newest image itself.
        assert!(is_right(&[image(0, 10, 30)], &[]));
    }

    #[test]
    fn what_is_retained_stays() {
        let layers = [delta(10, 20), image(0, 10, 30)];
        assert!(!is_right(&layers, &[9]));
        assert!(!is_right(&layers, &[30]));
        assert!(is_right(&layers, &[29]));
        assert!(is_right(&layers, &[10]));
    }
}
