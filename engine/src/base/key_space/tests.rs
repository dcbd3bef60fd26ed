use super::*;

fn range(start: u32, end: u32) -> KeyRange {
    KeyRange::new(Key::MIN.add(start), Key::MIN.add(end))
}

/// `"1-3 3-6"` as ranges of keys that differ in field6.
fn ranges(text: &str) -> Vec<KeyRange> {
    text.split_whitespace()
        .map(|text| {
            let (start, end) = text.split_once('-').unwrap();
            range(start.parse().unwrap(), end.parse().unwrap())
        })
        .collect()
}

fn space(text: &str) -> KeySpace {
    KeySpace::from_disjoint(ranges(text))
}

fn picture(space: &KeySpace) -> String {
    let texts: Vec<String> = space
        .ranges()
        .iter()
        .map(|range| format!("{}-{}", range.start.field6, range.end.field6))
        .collect();
    texts.join(" ")
}

/// Adds the ranges one by one, and then all at once.
fn check_add(added: &str, expected: &str) {
    let mut space = KeySpace::new();
    for range in ranges(added) {
        space.add(range);
    }
    assert_eq!(picture(&space), expected, "{added}");
    assert_eq!(KeySpace::from_ranges(ranges(added)), space, "{added}");
}

fn check_remove(from: &str, other: &str, left: &str, removed: &str) {
    let mut space_left = space(from);
    let space_removed = space_left.remove_overlapping_with(&space(other));
    assert_eq!(picture(&space_left), left, "{from} without {other}");
    assert_eq!(picture(&space_removed), removed, "{from} without {other}");
}

#[test]
fn ranges_apart_stay_apart_in_any_order() {
    check_add("0-10 20-30", "0-10 20-30");
    check_add("20-30 0-10", "0-10 20-30");
}

#[test]
fn ranges_that_touch_become_one() {
    check_add("0-10 10-30", "0-30");
    check_add("10-30 0-10", "0-30");
    check_add("0-10 20-30 10-20", "0-30");
}

#[test]
fn ranges_that_overlap_become_one() {
    check_add("0-10 5-30", "0-30");
    check_add("5-30 0-10", "0-30");
    check_add("0-30 10-20", "0-30");
    check_add("10-20 0-30", "0-30");
    check_add("0-10 20-30 5-25", "0-30");
}

#[test]
fn empty_range_adds_nothing() {
    check_add("5-5 9-3", "");
    check_add("0-10 5-5 12-12", "0-10");
}

#[test]
fn overlaps_is_sharing_a_key_or_an_empty_range_inside() {
    let space = space("10-20 30-40");
    let cases = [
        (0, 5, false),
        (5, 9, false),
        (5, 10, false),
        (5, 11, true),
        (10, 15, true),
        (15, 20, true),
        (15, 25, true),
        (22, 28, false),
        (25, 30, false),
        (35, 35, true),
        (30, 30, false),
        (40, 40, false),
        (40, 45, false),
        (45, 50, false),
        (0, 30, true),
    ];
    for (start, end, expected) in cases {
        let overlaps = space.overlaps(&range(start, end));
        assert_eq!(overlaps, expected, "{start}-{end}");
    }
}

#[test]
fn removing_from_the_middle_leaves_both_sides() {
    check_remove(
        "1-4 5-8 10-12",
        "2-3 6-7 11-13",
        "1-2 3-4 5-6 7-8 10-11",
        "2-3 6-7 11-12",
    );
}

#[test]
fn removing_across_an_end_leaves_the_other_side() {
    check_remove(
        "1-5 7-10 12-15",
        "3-6 8-11 14-17",
        "1-3 7-8 12-14",
        "3-5 8-10 14-15",
    );
}

#[test]
fn removing_between_ranges_changes_nothing() {
    check_remove("1-5 7-10 12-15", "6-7 11-12 15-17", "1-5 7-10 12-15", "");
}

#[test]
fn removing_keeps_the_seams_of_what_is_left() {
    check_remove(
        "1-3 3-6 6-10 12-15 17-20 20-30 30-40",
        "9-19",
        "1-3 3-6 6-9 19-20 20-30 30-40",
        "9-10 12-15 17-19",
    );
}

#[test]
fn removed_keys_have_no_seams() {
    check_remove("1-3 3-6 6-8", "2-4 4-7", "1-2 7-8", "2-7");
}

#[test]
fn adding_closes_a_seam_only_where_it_touches() {
    let mut space = space("0-2 2-4 4-6");
    space.add(range(6, 8));
    assert_eq!(picture(&space), "0-2 2-4 4-8");
}

#[test]
#[should_panic(expected = "is_sorted_by")]
fn disjoint_ranges_do_not_overlap() {
    space("0-5 4-6");
}

#[test]
#[should_panic(expected = "is_empty")]
fn disjoint_ranges_are_not_empty() {
    space("0-5 7-7");
}

const KEY_COUNT: u32 = 5;

/// Every space over `KEY_COUNT` keys, with every choice of seams.
fn all_spaces() -> Vec<KeySpace> {
    let mut spaces = vec![Vec::<KeyRange>::new()];
    for key in 0..KEY_COUNT {
        let before = std::mem::take(&mut spaces);
        for ranges in before {
            let mut apart = ranges.clone();
            apart.push(range(key, key + 1));
            if let Some(last) = ranges
                .last()
                .filter(|last| last.end == range(key, key).start)
            {
                let mut longer = ranges.clone();
                longer.last_mut().unwrap().end = last.end.next();
                spaces.push(longer);
            }
            spaces.push(ranges);
            spaces.push(apart);
        }
    }
    spaces.into_iter().map(KeySpace::from_disjoint).collect()
}

/// One bit for each key that is in, asked key by key.
fn mask(space: &KeySpace) -> u32 {
    (0..=KEY_COUNT)
        .filter(|&key| space.contains(Key::MIN.add(key)))
        .fold(0, |mask, key| mask | 1 << key)
}

fn is_without_seams(space: &KeySpace) -> bool {
    space
        .ranges()
        .is_sorted_by(|low, high| low.end < high.start)
}

#[test]
fn removing_is_a_difference_of_sets() {
    for from in all_spaces() {
        for other in all_spaces() {
            let mut left = from.clone();
            let removed = left.remove_overlapping_with(&other);
            assert_eq!(mask(&left), mask(&from) & !mask(&other));
            assert_eq!(mask(&removed), mask(&from) & mask(&other));
            assert!(is_without_seams(&removed));
            // What `from_disjoint` asserts of its ranges must hold for what is left.
            assert_eq!(KeySpace::from_disjoint(left.ranges().to_vec()), left);
        }
    }
}

#[test]
fn adding_is_a_union_of_sets() {
    for from in all_spaces() {
        for other in all_spaces() {
            let all = from.ranges().iter().chain(other.ranges()).copied();
            let union = KeySpace::from_ranges(all);
            assert_eq!(mask(&union), mask(&from) | mask(&other));
            assert!(is_without_seams(&union));

            let mut grown = KeySpace::from_ranges(from.ranges().iter().copied());
            other.ranges().iter().for_each(|&range| grown.add(range));
            assert_eq!(grown, union);
        }
    }
}

#[test]
fn overlap_is_found_in_every_small_space() {
    for space in all_spaces() {
        for start in 0..KEY_COUNT {
            for end in start + 1..=KEY_COUNT {
                let shared = (start..end).any(|key| mask(&space) & (1 << key) != 0);
                assert_eq!(space.overlaps(&range(start, end)), shared);
            }
        }
    }
}
