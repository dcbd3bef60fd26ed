use proptest::prelude::*;

use super::super::job::VALUE_LEN_ASSUMED;
use super::partition;
use crate::base::{Key, KeyRange, KeySpace, ShardIdentity};

fn key(number: u32) -> Key {
    Key::MIN.add(number)
}

fn parts(ranges: &[(u32, u32)], count_target: u64) -> Vec<(Key, Key)> {
    let ranges = ranges
        .iter()
        .map(|&(start, end)| KeyRange::new(key(start), key(end)));
    let keys = KeySpace::from_ranges(ranges);
    let parts = partition(&keys, &KeySpace::new(), count_target * VALUE_LEN_ASSUMED);
    parts.iter().map(|part| (part.start, part.end)).collect()
}

#[test]
fn without_declared_keys_there_is_one_part() {
    assert_eq!(parts(&[], 10), [(Key::MIN, Key::MAX)]);
}

#[test]
fn parts_abut_and_end_where_they_have_enough_keys() {
    let found = parts(&[(5, 15), (20, 24)], 4);
    let expected = [
        (Key::MIN, key(9)),
        (key(9), key(13)),
        (key(13), key(22)),
        (key(22), Key::MAX),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_keys_after_the_last_full_part_belong_to_it() {
    assert_eq!(
        parts(&[(0, 8)], 4),
        [(Key::MIN, key(4)), (key(4), Key::MAX)]
    );
    assert_eq!(parts(&[(0, 4)], 4), [(Key::MIN, Key::MAX)]);
}

#[test]
fn a_target_below_one_value_gives_one_key_a_part() {
    let keys = KeySpace::from_ranges([KeyRange::new(key(1), key(3))]);
    let found = partition(&keys, &KeySpace::new(), 1);
    let expected = [
        KeyRange::new(Key::MIN, key(2)),
        KeyRange::new(key(2), Key::MAX),
    ];
    assert_eq!(found, expected);
}

/// A peer's fragments of a range of blocks, where of four shards with stripes of 0x800 blocks one
/// holds the third stripe alone. Ours reach over all keys, so that each key has an image.
#[test]
fn one_stripe_is_halved_where_a_part_has_half_of_it() {
    let block = |number: u32| {
        Key {
            field4: 0xAE,
            ..Key::MIN
        }
        .add(number)
    };
    let shard = ShardIdentity::new(2, 4, 0x800).unwrap();
    let range = KeySpace::from_ranges([KeyRange::new(block(0), block(0x1800))]);
    let held = shard.held_space(&range);
    let stripe = KeyRange::new(block(0x1000), block(0x1800));
    assert_eq!(held.ranges(), [stripe]);
    for (count, expected) in [
        (0x400, vec![block(0x1400)]),
        (0x800, vec![]),
        (0x200, vec![block(0x1200), block(0x1400), block(0x1600)]),
        (0x300, vec![block(0x1300), block(0x1600)]),
    ] {
        let parts = partition(&held, &KeySpace::new(), count * VALUE_LEN_ASSUMED);
        let mut edges = vec![Key::MIN];
        edges.extend(expected);
        edges.push(Key::MAX);
        let found: Vec<Key> = parts
            .iter()
            .map(|part| part.start)
            .chain([Key::MAX])
            .collect();
        assert_eq!(found, edges, "{count:x}");
    }
}

proptest! {
    /// A peer's laws of fragments: at least one, ordered, disjoint, none without a key of its own,
    /// none of more than the target. And ours: they abut over all keys.
    #[test]
    fn parts_have_about_as_many_declared_keys_as_fill_a_layer(
        ranges in proptest::collection::vec((0_u32..200, 1_u32..60), 1..8),
        count_target in 1_u64..40,
    ) {
        let ranges = ranges.iter().map(|(start, len)| KeyRange::new(key(*start), key(start + len)));
        let declared = KeySpace::from_ranges(ranges);
        let parts = partition(&declared, &KeySpace::new(), count_target * VALUE_LEN_ASSUMED);
        let count = |part: &KeyRange| {
            (0..300).map(key).filter(|at| part.contains(*at) && declared.contains(*at)).count()
        };
        let counts: Vec<u64> = parts.iter().map(|part| count(part) as u64).collect();
        let (last, full) = counts.split_last().expect("there is a part");
        prop_assert!(full.iter().all(|count| *count == count_target), "{:?}", counts);
        prop_assert!((1..=count_target).contains(last), "{:?}", counts);
        prop_assert_eq!(parts.first().map(|part| part.start), Some(Key::MIN));
        prop_assert_eq!(parts.last().map(|part| part.end), Some(Key::MAX));
        prop_assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}

/// Sparse keys 4 to 6 and 20 to 30, in the midst of declared keys and behind them.
#[test]
fn a_range_of_sparse_keys_is_a_part_of_its_own() {
    let ranges = |ranges: &[(u32, u32)]| {
        let range = |&(start, end): &(u32, u32)| KeyRange::new(key(start), key(end));
        KeySpace::from_ranges(ranges.iter().map(range))
    };
    let (keys, sparse) = (ranges(&[(1, 10)]), ranges(&[(4, 6), (20, 30)]));
    let found = partition(&keys, &sparse, 2 * VALUE_LEN_ASSUMED);
    let found: Vec<(Key, Key)> = found.iter().map(|part| (part.start, part.end)).collect();
    let expected = [
        (Key::MIN, key(3)),
        (key(3), key(4)),
        (key(4), key(6)),
        (key(6), key(8)),
        (key(8), key(20)),
        (key(20), key(30)),
        (key(30), Key::MAX),
    ];
    assert_eq!(found, expected);
}
