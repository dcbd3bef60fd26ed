//! The descent through one timeline's layers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::gathered::Gathered;
use super::guard::Snapshot;
use crate::base::{Key, KeyRange, KeySpace, Lsn, LsnRange, Result};
use crate::io::{Io, Op, Part};
use crate::layer::{Layer, LayerId, LayerMap, Located};

/// The pending visits, the next one last. Higher ends come first, since a base found there makes
/// lower visits needless; then lower keys come first.
struct Frontier<I: Io> {
    visits: BTreeMap<VisitId, (Layer<I>, Vec<KeyRange>)>,
    /// The keys that have no further layer in this timeline.
    left: Vec<KeyRange>,
}

/// Identifies a visit. The layer alone does not: two ranges of keys may come to one layer with
/// different floors or ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct VisitId {
    end: Lsn,
    keys_start: Reverse<Key>,
    floor: Lsn,
    layer: LayerId,
}

/// The layers that a descent has visited, with the LSNs that it read in each.
pub(super) type Log = Vec<(LayerId, LsnRange)>;

impl<I: Io> Frontier<I> {
    /// Adds the next visits of a read of these keys that has descended to `end`, exclusive.
    fn add(&mut self, map: &LayerMap<I>, keys: KeyRange, end: Lsn) {
        let mut start = keys.start;
        for (range, layer, floor) in map.next_visits(keys, end) {
            assert!(
                start <= range.start,
                "visits come in the order of their keys"
            );
            assert!(range.end <= keys.end);
            assert!(floor < end, "each visit descends");
            if start < range.start {
                self.left.push(KeyRange::new(start, range.start));
            }
            start = range.end;
            let id = VisitId {
                end,
                keys_start: Reverse(layer.keys().start),
                floor,
                layer: layer.id(),
            };
            let visit = self.visits.entry(id);
            visit.or_insert_with(|| (layer, Vec::new())).1.push(range);
        }
        if start < keys.end {
            self.left.push(KeyRange::new(start, keys.end));
        }
    }

    fn add_all(&mut self, map: &LayerMap<I>, keys: Vec<KeyRange>, end: Lsn) {
        keys.into_iter().for_each(|keys| self.add(map, keys, end));
    }
}

impl<I: Io> Snapshot<I> {
    /// Locates the records of `keys` at or below `lsn`; returns the keys whose records, if there
    /// are any, go on in the ancestor.
    pub(super) async fn descend(
        &self,
        (io, op): (&I, Op),
        (keys, lsn): (KeySpace, Lsn),
        gathered: &mut Gathered<I>,
        log: &mut Log,
    ) -> Result<KeySpace> {
        if let [only] = keys.ranges()
            && only.start.checked_next() == Some(only.end)
        {
            return self
                .descend_key((io, op), (*only, lsn), gathered, log)
                .await;
        }
        let mut frontier = Frontier {
            visits: BTreeMap::new(),
            left: Vec::new(),
        };
        for range in keys.ranges() {
            frontier.add(&self.map, *range, lsn.visible_end());
        }
        while let Some((visit, (layer, ranges))) = frontier.visits.pop_last() {
            let lsns = LsnRange::new(visit.floor, visit.end);
            self.mark(io, &layer, visit.floor);
            log.push((visit.layer, lsns));
            for range in ranges {
                let Some(range) = below(range, gathered.end()) else {
                    continue;
                };
                let max = gathered.key_count_max();
                let found = self.visit(op, &layer, (range, lsns), max).await?;
                let rest = match layer {
                    Layer::Image(_) => Vec::new(),
                    Layer::Memory(_) | Layer::Delta(_) => without(range, based(&found)),
                };
                gathered.take(&layer, found);
                frontier.add_all(&self.map, rest, visit.floor);
            }
        }
        let end = gathered.end();
        let left = frontier.left.into_iter();
        Ok(KeySpace::from_ranges(
            left.filter_map(|range| below(range, end)),
        ))
    }

    /// Descends for one key, which never has more than one pending visit.
    async fn descend_key(
        &self,
        (io, op): (&I, Op),
        (only, lsn): (KeyRange, Lsn),
        gathered: &mut Gathered<I>,
        log: &mut Log,
    ) -> Result<KeySpace> {
        let mut end = lsn.visible_end();
        while let Some((layer, floor)) = self.map.next_visit(only.start, end) {
            assert!(floor < end, "each visit descends");
            let lsns = LsnRange::new(floor, end);
            self.mark(io, &layer, floor);
            log.push((layer.id(), lsns));
            let found = self.visit(op, &layer, (only, lsns), 1).await?;
            let is_end = matches!(layer, Layer::Image(_)) || based(&found).next().is_some();
            gathered.take(&layer, found);
            if is_end {
                return Ok(KeySpace::new());
            }
            end = floor;
        }
        Ok(KeySpace::from_disjoint(vec![only]))
    }

    fn mark(&self, io: &I, layer: &Layer<I>, floor: Lsn) {
        match layer {
            Layer::Memory(memory) if !memory.is_open() => {
                io.probe("a read comes to a frozen layer");
            }
            Layer::Delta(delta) if delta.lsns().start < floor => {
                io.probe("a read finds an image inside a delta's LSNs");
            }
            Layer::Memory(_) | Layer::Delta(_) | Layer::Image(_) => {}
        }
    }

    /// Locates records in the index of one layer.
    async fn visit(
        &self,
        op: Op,
        layer: &Layer<I>,
        (keys, lsns): (KeyRange, LsnRange),
        key_count_max: usize,
    ) -> Result<Vec<Located>> {
        match layer {
            Layer::Memory(memory) => {
                let entry_count = match self.map.open() {
                    Some(open) if std::sync::Arc::ptr_eq(open, memory) => self.open_entry_count,
                    _ => usize::MAX,
                };
                Ok(memory.locate((keys, lsns), entry_count, key_count_max))
            }
            Layer::Delta(delta) => {
                let op = op.on(Part::Delta, 1);
                delta.locate(op, keys, lsns, key_count_max).await
            }
            Layer::Image(image) => {
                let op = op.on(Part::Image, 1);
                image.locate(op, keys, key_count_max).await
            }
        }
    }
}

/// The part of a range below `end`, if it is not empty.
fn below(range: KeyRange, end: Key) -> Option<KeyRange> {
    let range = KeyRange::new(range.start, range.end.min(end));
    (!range.is_empty()).then_some(range)
}

/// The keys whose base was found, in order.
fn based(found: &[Located]) -> impl Iterator<Item = Key> {
    let bases = found.iter().filter(|located| located.is_base);
    bases.map(|located| located.key)
}

/// The ranges that are left of `range` without some of its keys, which ascend.
fn without(range: KeyRange, keys: impl Iterator<Item = Key>) -> Vec<KeyRange> {
    let mut left = Vec::new();
    let mut start = range.start;
    for key in keys {
        if start < key {
            left.push(KeyRange::new(start, key));
        }
        start = key.next();
    }
    if start < range.end {
        left.push(KeyRange::new(start, range.end));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        Key::MIN.add(number)
    }

    fn range(start: u32, end: u32) -> KeyRange {
        KeyRange::new(key(start), key(end))
    }

    #[test]
    fn keys_that_are_done_leave_the_ranges_between_them() {
        assert_eq!(without(range(3, 9), [].into_iter()), [range(3, 9)]);
        let left = without(range(3, 9), [3, 5, 6].map(key).into_iter());
        assert_eq!(left, [range(4, 5), range(7, 9)]);
        assert_eq!(without(range(3, 5), [3, 4].map(key).into_iter()), []);
    }

    #[test]
    fn range_is_cut_where_the_keys_end() {
        assert_eq!(below(range(3, 9), key(5)), Some(range(3, 5)));
        assert_eq!(below(range(3, 9), key(20)), Some(range(3, 9)));
        assert_eq!(below(range(3, 9), key(3)), None);
    }
}
