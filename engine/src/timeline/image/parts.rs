//! The parts of the keys, each of which an image creation looks at, and images, by itself.

use super::super::job::VALUE_LEN_ASSUMED;
use crate::base::{Key, KeyRange, KeySpace};

/// A declared range of more keys than this is not cut: it stands for keys that are not known yet.
const PART_KEY_COUNT_MAX: u64 = 1 << 32;

/// Cuts all keys into parts that abut. A range of sparse keys is a part of its own; the others have
/// each about as many of the declared keys as fill a layer.
pub(in crate::timeline) fn partition(
    keys: &KeySpace,
    sparse: &KeySpace,
    len_target: u64,
) -> Vec<KeyRange> {
    let mut parts = Vec::new();
    let mut start = Key::MIN;
    for range in sparse.ranges() {
        if start < range.start {
            parts.extend(partition_dense(
                keys,
                KeyRange::new(start, range.start),
                len_target,
            ));
        }
        parts.push(*range);
        start = range.end;
    }
    if start < Key::MAX {
        parts.extend(partition_dense(
            keys,
            KeyRange::new(start, Key::MAX),
            len_target,
        ));
    }
    assert!(parts.first().is_some_and(|first| first.start == Key::MIN));
    assert!(
        parts.last().is_some_and(|last| last.end == Key::MAX),
        "an image for each key"
    );
    assert!(
        parts.windows(2).all(|pair| pair[0].end == pair[1].start),
        "parts abut"
    );
    parts
}

/// Joins parts that abut, unless one of them is of sparse keys.
pub(in crate::timeline) fn joined(parts: Vec<KeyRange>, sparse: &KeySpace) -> Vec<KeyRange> {
    let is_sparse = |part: &KeyRange| sparse.ranges().iter().any(|range| range.overlaps(part));
    let mut joined: Vec<KeyRange> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if last.end == part.start && !is_sparse(last) && !is_sparse(&part) => {
                last.end = part.end;
            }
            _ => joined.push(part),
        }
    }
    joined
}

/// Cuts `all` into parts that abut, each with about as many of the declared keys as fill a layer.
fn partition_dense(keys: &KeySpace, all: KeyRange, len_target: u64) -> Vec<KeyRange> {
    let count_target = (len_target / VALUE_LEN_ASSUMED).max(1);
    let mut parts = Vec::new();
    let (mut start, mut count) = (all.start, 0_u64);
    let declared = keys.ranges().iter().filter(|range| range.overlaps(&all));
    for range in declared {
        let mut from = range.start.max(all.start);
        let end = range.end.min(all.end);
        loop {
            let room = count_target - count;
            let left = from.distance_to(end);
            if PART_KEY_COUNT_MAX < left {
                // A range this long stands for keys that may come, not for values that exist.
                parts.push(KeyRange::new(start, end));
                (start, count) = (end, 0);
                break;
            }
            if left < room {
                count += left;
                break;
            }
            let step = u32::try_from(room).unwrap_or(u32::MAX);
            from = from.add(step);
            count += u64::from(step);
            if count == count_target {
                parts.push(KeyRange::new(start, from));
                (start, count) = (from, 0);
            }
            if from == end {
                break;
            }
        }
    }
    // What follows the last full part belongs to it if it has no declared key.
    match parts.last_mut() {
        Some(last) if count == 0 => last.end = all.end,
        _ => parts.push(KeyRange::new(start, all.end)),
    }
    parts
}
