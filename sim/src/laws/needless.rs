//! Checks that a collection leaves no layer that no read comes to.
//!
//! 1. A read of a key starts at the newest image at or below its LSN, and applies to it what was
//!    written between the two. So it comes to that image, and to each delta with an LSN above the
//!    image and at or below the read. Of images at one LSN it takes the first by name.
//! 2. What a read comes to changes only where a layer begins or ends. So the reads of a few keys
//!    and LSNs stand for all of them, and are tried one by one.

use std::collections::BTreeSet;

use palimpsest::base::{Key, LayerName, Lsn};

use crate::verdict::Verdict;

/// Checks that some legal read comes to each layer: one at the cutoff or above it, or at a
/// retained point.
pub fn check_needless(
    layers: &[LayerName],
    cutoff: Lsn,
    retained: &BTreeSet<Lsn>,
) -> Result<(), Verdict> {
    let reads = Reads::new(layers, cutoff, retained);
    match layers.iter().find(|layer| !reads.come_to(layer)) {
        None => Ok(()),
        Some(layer) => {
            let law = "after a collection every layer is needed by some read";
            let found = format!("no read at the cutoff {cutoff} or above comes to {layer}");
            Err(Verdict::law(law, found))
        }
    }
}

/// Whether some legal read comes to a layer.
pub fn is_needed(
    layers: &[LayerName],
    cutoff: Lsn,
    retained: &BTreeSet<Lsn>,
    layer: &LayerName,
) -> bool {
    Reads::new(layers, cutoff, retained).come_to(layer)
}

/// The reads that stand for all that are legal.
struct Reads {
    /// The keys in order, each with the images over it.
    keys: Vec<(Key, Vec<LayerName>)>,
    /// The LSNs in order.
    lsns: Vec<Lsn>,
}

impl Reads {
    fn new(layers: &[LayerName], cutoff: Lsn, retained: &BTreeSet<Lsn>) -> Reads {
        let starts: BTreeSet<Key> = layers
            .iter()
            .flat_map(|layer| [layer.keys().start, layer.keys().end])
            .collect();
        let over = |key: Key| {
            let images = layers.iter().filter(|layer| layer.is_image());
            images.filter(move |image| image.keys().contains(key))
        };
        let keys = starts
            .into_iter()
            .map(|key| (key, over(key).copied().collect()));
        let edges = layers.iter().flat_map(|layer| {
            let lsns = layer.lsns();
            [
                lsns.start,
                Lsn(lsns.start.0 + 1),
                Lsn(lsns.end.0 - 1),
                lsns.end,
            ]
        });
        let above = edges.chain([cutoff]).filter(|lsn| cutoff <= *lsn);
        let lsns: BTreeSet<Lsn> = above.chain(retained.iter().copied()).collect();
        Reads {
            keys: keys.collect(),
            lsns: lsns.into_iter().collect(),
        }
    }

    /// Whether one of the reads comes to a layer.
    fn come_to(&self, layer: &LayerName) -> bool {
        let (keys, start) = (layer.keys(), layer.lsns().start);
        let from = self.lsns.partition_point(|lsn| *lsn < start);
        let mut over = self.keys.iter().filter(|(key, _)| keys.contains(*key));
        over.any(|(_, images)| {
            let mut reads = self.lsns[from..].iter();
            reads.any(|read| comes_to(images, *layer, *read))
        })
    }
}

/// Whether a read at an LSN, of a key with these images over it, comes to a layer over that key.
fn comes_to(images: &[LayerName], layer: LayerName, read: Lsn) -> bool {
    let below = images.iter().filter(|image| image.lsns().start <= read);
    let newest = below.reduce(|a, b| match (a.lsns().start, b.lsns().start) {
        (a_lsn, b_lsn) if a_lsn == b_lsn => a.min(b),
        (a_lsn, b_lsn) if a_lsn < b_lsn => b,
        _ => a,
    });
    match (layer, newest) {
        (LayerName::Image { .. }, newest) => newest == Some(&layer),
        (LayerName::Delta { lsns, .. }, None) => lsns.start <= read,
        (LayerName::Delta { lsns, .. }, Some(image)) => {
            let first = lsns.start.max(image.lsns().end);
            first <= read && first < lsns.end
        }
    }
}

#[cfg(test)]
mod tests {
    use palimpsest::base::{KeyRange, LsnRange};

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
        // The newest image below the cutoff is read from there up to the next one.
        assert!(is_right(&[delta(10, 20), image(0, 10, 60)], &[]));
        // The newest image itself.
        assert!(is_right(&[image(0, 10, 30)], &[]));
    }

    #[test]
    fn what_ends_at_the_cutoff_or_above_is_needless_where_no_read_comes_to_it() {
        // The last LSN of the delta, the cutoff and the image are one.
        assert!(!is_right(&[delta(40, 51), image(0, 10, 50)], &[]));
        assert!(is_right(&[delta(40, 52), image(0, 10, 50)], &[]));
        assert!(!is_right(
            &[delta(40, 52), image(0, 10, 50), image(0, 10, 51)],
            &[]
        ));
        assert!(!is_right(&[delta(70, 71), image(0, 10, 70)], &[]));
        assert!(is_right(&[delta(69, 71), image(0, 10, 70)], &[]));
    }

    #[test]
    fn of_images_at_one_lsn_a_read_takes_the_first_by_name() {
        assert!(!is_right(&[image(0, 10, 30), image(2, 5, 30)], &[]));
        assert!(is_right(&[image(0, 5, 30), image(0, 10, 30)], &[]));
    }

    #[test]
    fn what_is_retained_stays() {
        let layers = [delta(10, 20), image(0, 10, 30)];
        assert!(!is_right(&layers, &[9]));
        assert!(!is_right(&layers, &[30]));
        assert!(is_right(&layers, &[29]));
        assert!(is_right(&layers, &[10]));
        // An image at the point itself, within the delta.
        assert!(!is_right(
            &[delta(10, 20), image(0, 10, 15), image(0, 10, 19)],
            &[15]
        ));
        assert!(is_right(
            &[delta(10, 20), image(0, 10, 15), image(0, 10, 19)],
            &[16]
        ));
    }
}
