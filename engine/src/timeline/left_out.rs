//! The keys that image creation could give no image: their records cannot be replayed, or they are
//! sparse and have no value.

use crate::base::{Key, KeyRange, Lsn};

/// The keys that the images of this opening left out, each with the LSN of those images.
///
/// # Shape
/// Ranges in order, which do not overlap. Of a key that is in none, the layers alone say how old
/// its newest image is. No answer depends on this: it only says what was tried before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    ranges: Vec<(KeyRange, Lsn)>,
}

impl LeftOut {
    /// Records which keys of a part the images at `lsn` left out, in place of what was known of the
    /// part.
    pub(crate) fn note(&mut self, part: KeyRange, (keys, lsn): (&[KeyRange], Lsn)) {
        assert!(keys.is_sorted_by(|low, high| low.end <= high.start));
        assert!(
            keys.iter()
                .all(|range| part.start <= range.start && range.end <= part.end)
        );
        let outside = |&(range, at): &(KeyRange, Lsn)| {
            let below = cut(range, Key::MIN, part.start);
            let above = cut(range, part.end, Key::MAX);
            [below, above].map(|range| (range, at))
        };
        let mut ranges: Vec<(KeyRange, Lsn)> = self.ranges.iter().flat_map(outside).collect();
        ranges.extend(keys.iter().map(|range| (*range, lsn)));
        ranges.retain(|(range, _)| !range.is_empty());
        ranges.sort_unstable();
        self.ranges = ranges;
    }

    /// Cuts `keys` into ranges that were left out, each with the LSN, and the others.
    pub(crate) fn split(&self, keys: KeyRange) -> Vec<(KeyRange, Option<Lsn>)> {
        let mut pieces = Vec::new();
        let mut start = keys.start;
        let first = self
            .ranges
            .partition_point(|(range, _)| range.end <= keys.start);
        for &(range, lsn) in &self.ranges[first..] {
            let range = cut(range, start, keys.end);
            if range.is_empty() {
                break;
            }
            pieces.push((cut(keys, start, range.start), None));
            pieces.push((range, Some(lsn)));
            start = range.end;
        }
        pieces.push((cut(keys, start, keys.end), None));
        pieces.retain(|(range, _)| !range.is_empty());
        pieces
    }
}

/// The keys of a range from `start` on and below `end`: none, if it has no such key.
fn cut(range: KeyRange, start: Key, end: Key) -> KeyRange {
    let start = range.start.max(start);
    KeyRange {
        start,
        end: range.end.min(end).max(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(start: u32, end: u32) -> KeyRange {
        KeyRange::new(Key::MIN.add(start), Key::MIN.add(end))
    }

    #[test]
    fn keys_are_split_where_they_were_left_out() {
        let mut left_out = LeftOut::default();
        left_out.note(KeyRange::ALL, (&[keys(3, 5), keys(7, 8)], Lsn(10)));
        let (none, tried) = (None, Some(Lsn(10)));
        let all = [
            (keys(0, 3), none),
            (keys(3, 5), tried),
            (keys(5, 7), none),
            (keys(7, 8), tried),
            (keys(8, 9), none),
        ];
        assert_eq!(left_out.split(keys(0, 9)), all);
        assert_eq!(left_out.split(keys(4, 5)), [(keys(4, 5), tried)]);
        assert_eq!(left_out.split(keys(5, 7)), [(keys(5, 7), none)]);
    }

    #[test]
    fn what_is_tried_again_replaces_what_was_known_of_its_part_alone() {
        let mut left_out = LeftOut::default();
        left_out.note(KeyRange::ALL, (&[keys(2, 8)], Lsn(10)));
        left_out.note(keys(4, 6), (&[keys(5, 6)], Lsn(20)));
        let all = [
            (keys(2, 4), Some(Lsn(10))),
            (keys(4, 5), None),
            (keys(5, 6), Some(Lsn(20))),
            (keys(6, 8), Some(Lsn(10))),
        ];
        assert_eq!(left_out.split(keys(2, 8)), all);
        left_out.note(KeyRange::ALL, (&[], Lsn(30)));
        assert_eq!(left_out, LeftOut::default());
    }
}
