//! A set of keys, as sorted ranges.

use super::{Key, KeyRange};

/// A set of keys, as ranges that are not empty, do not overlap and stand in order.
///
/// # Shape
/// Ranges that touch are two ways to write one set. `add` and `from_ranges` make one of them;
/// `from_disjoint` keeps them apart, because layers are cut where a range ends.
///
/// # Examples
/// ```
/// use palimpsest::{Key, KeyRange, KeySpace};
///
/// let key = |number| Key::MIN.add(number);
/// let mut keys = KeySpace::from_ranges([KeyRange::new(key(0), key(10))]);
/// keys.add(KeyRange::new(key(10), key(20)));
/// assert_eq!(keys.ranges(), [KeyRange::new(key(0), key(20))]);
/// assert!(!keys.contains(key(20)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeySpace {
    ranges: Vec<KeyRange>,
}

impl KeySpace {
    /// The set without a key.
    pub fn new() -> KeySpace {
        KeySpace::default()
    }

    /// The keys of all `ranges`, which may overlap and stand in any order; empty ones are left out.
    pub fn from_ranges(ranges: impl IntoIterator<Item = KeyRange>) -> KeySpace {
        let mut sorted: Vec<KeyRange> = ranges.into_iter().filter(|r| !r.is_empty()).collect();
        sorted.sort_unstable();
        let mut merged = Vec::with_capacity(sorted.len());
        for range in sorted {
            push_merged(&mut merged, range);
        }
        KeySpace { ranges: merged }
    }

    /// The keys of `ranges`, with a seam left wherever two of them touch.
    ///
    /// # Panics
    /// If a range is empty, or starts below the end of the one before.
    pub fn from_disjoint(ranges: Vec<KeyRange>) -> KeySpace {
        assert!(ranges.iter().all(|range| !range.is_empty()));
        assert!(ranges.is_sorted_by(|low, high| low.end <= high.start));
        KeySpace { ranges }
    }

    /// The ranges in order.
    pub fn ranges(&self) -> &[KeyRange] {
        &self.ranges
    }

    /// Whether `key` is in the set.
    pub fn contains(&self, key: Key) -> bool {
        let index = self.ranges.partition_point(|range| range.end <= key);
        self.ranges.get(index).is_some_and(|r| r.contains(key))
    }

    /// Whether one of the ranges overlaps `range`, by the rule of `KeyRange::overlaps`.
    pub fn overlaps(&self, range: &KeyRange) -> bool {
        let index = self.ranges.partition_point(|r| r.end <= range.start);
        self.ranges.get(index).is_some_and(|r| r.overlaps(range))
    }

    /// Puts the keys of `range` in, and makes one range of it and all that it overlaps or touches.
    pub fn add(&mut self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        let first = self.ranges.partition_point(|r| r.end < range.start);
        let end = self.ranges.partition_point(|r| r.start <= range.end);
        let joined = self.ranges[first..end]
            .iter()
            .fold(range, |joined, r| KeyRange {
                start: joined.start.min(r.start),
                end: joined.end.max(r.end),
            });
        self.ranges.splice(first..end, [joined]);
    }

    /// Takes the keys of `other` out, and returns those that were in.
    ///
    /// # Shape
    /// A seam between two ranges stays in what is left. What is returned has none.
    pub fn remove_overlapping_with(&mut self, other: &KeySpace) -> KeySpace {
        let mut left = Vec::with_capacity(self.ranges.len());
        let mut removed = Vec::new();
        let mut holes = other.ranges.as_slice();
        for range in &self.ranges {
            let below = holes.partition_point(|hole| hole.end <= range.start);
            holes = &holes[below..];
            let mut start = range.start;
            for hole in holes.iter().take_while(|hole| hole.start < range.end) {
                if start < hole.start {
                    left.push(KeyRange::new(start, hole.start));
                }
                let end = hole.end.min(range.end);
                push_merged(&mut removed, KeyRange::new(start.max(hole.start), end));
                start = end;
            }
            if start < range.end {
                left.push(KeyRange::new(start, range.end));
            }
        }
        self.ranges = left;
        KeySpace { ranges: removed }
    }
}

/// Adds `range`, which starts no lower than the last one, to that one or behind it.
fn push_merged(ranges: &mut Vec<KeyRange>, range: KeyRange) {
    assert!(!range.is_empty());
    match ranges.last_mut() {
        Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
        _ => ranges.push(range),
    }
}

#[cfg(test)]
mod tests;
