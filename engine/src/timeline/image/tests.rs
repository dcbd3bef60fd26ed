use super::super::job::VALUE_LEN_ASSUMED;
use super::*;

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
