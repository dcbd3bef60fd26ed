//! Small maps, and which layer a read finds at each key.

use super::*;

/// Looks `keys` up for a read at `lsn`: `"4=3..5@100..110 5=-"`.
fn check(history: &History<LayerName>, lsn: u64, expected: &str) {
    let end = Lsn(lsn).visible_end();
    let answers: Vec<String> = expected
        .split_whitespace()
        .map(|text| {
            let (number, _) = text.split_once('=').unwrap();
            let found = history.find(key(number.parse().unwrap()), end);
            let name = found.map_or("-".to_owned(), |found| print(found.name));
            format!("{number}={name}")
        })
        .collect();
    assert_eq!(answers.join(" "), expected, "at {lsn}");
}

/// The newest images from key 0 up to 12.
fn check_images(history: &History<LayerName>, lsn: u64, expected: &str) {
    let segments = history.image_coverage(keys(0, 12), Lsn(lsn));
    let segments: Vec<String> = segments
        .into_iter()
        .map(|(keys, image)| {
            let name = image.map_or("-".to_owned(), print);
            format!("{}={name}", keys.start.field6)
        })
        .collect();
    assert_eq!(segments.join(" "), expected, "at {lsn}");
}

/// Checks the visits for each range of keys below `end`, with their floors.
fn check_range(history: &History<LayerName>, (range, end): (KeyRange, u64), expected: &str) {
    let answers: Vec<String> = history
        .find_range(range, Lsn(end))
        .into_iter()
        .map(|(keys, found)| {
            let (start, end) = (keys.start.field6, keys.end.field6);
            format!("{start}..{end}={}/{}", print(found.name), found.floor.0)
        })
        .collect();
    assert_eq!(answers.join(" "), expected);
}

#[test]
fn the_newest_image_hides_older_ones_over_its_keys() {
    let history = history(&layers("0..5@100 3..9@110 5..6@120"));
    check(&history, 99, "1=- 4=-");
    check(&history, 105, "1=0..5@100 4=0..5@100");
    check(&history, 115, "4=3..9@110 8=3..9@110 11=-");
    check(&history, 125, "4=3..9@110 5=5..6@120 7=3..9@110");
    let expected = "0=0..5@100 3=3..9@110 5=5..6@120 6=3..9@110 9=-";
    check_images(&history, 125, expected);
}

#[test]
fn a_layer_holds_its_first_key_and_lsn_and_not_its_last() {
    let history = history(&layers("3..5@100..110"));
    check(&history, 99, "4=-");
    check(&history, 100, "4=3..5@100..110");
    check(&history, 105, "2=- 3=3..5@100..110 4=3..5@100..110 5=-");
    check(&history, 110, "4=3..5@100..110");
}

/// Regression: inserting a layer removed the end of others that ended at the same key, so that they
/// seemed to cover all keys above it.
#[test]
fn layers_that_end_at_one_key_both_end_there() {
    let history = history(&layers("0..5@0..5 0..5@1..2"));
    check(&history, 4, "4=0..5@0..5 5=- 100=-");
}

#[test]
fn layers_that_touch_stand_apart() {
    let history = history(&layers("3..5@100..110 5..8@100..110 3..4@200..210"));
    let low = "2=- 3=3..5@100..110 5=5..8@100..110 7=5..8@100..110 8=-";
    check(&history, 105, low);
    let high = "3=3..4@200..210 4=3..5@100..110 5=5..8@100..110 7=5..8@100..110 8=-";
    check(&history, 205, high);
}

#[test]
fn of_deltas_that_overlap_the_one_that_ends_highest_is_found() {
    let columns = "1..2@100..200 4..5@110..200 7..8@120..300";
    let rows = "0..9@130..199 0..9@140..201 0..9@150..301";
    let history = history(&layers(&format!("{columns} {rows}")));
    let at_135 = "0=0..9@130..199 1=1..2@100..200 2=0..9@130..199 4=4..5@110..200 \
                  5=0..9@130..199 7=7..8@120..300 8=0..9@130..199";
    check(&history, 135, at_135);
    let at_145 = "0=0..9@140..201 1=0..9@140..201 2=0..9@140..201 4=0..9@140..201 \
                  5=0..9@140..201 7=7..8@120..300 8=0..9@140..201";
    check(&history, 145, at_145);
    let at_155 = "0=0..9@150..301 1=0..9@150..301 4=0..9@150..301 7=0..9@150..301";
    check(&history, 155, at_155);
}

#[test]
fn of_deltas_that_end_together_the_first_by_name_is_found() {
    let history = history(&layers("0..9@10..20 2..5@10..20 3..5@12..20"));
    check(&history, 15, "1=0..9@10..20 3=0..9@10..20 4=0..9@10..20");
}

#[test]
fn layers_may_be_inserted_and_removed_below_others() {
    let before = history(&layers("0..5@100 3..9@110 4..6@120 8..9@120"));
    let late = layer("2..5@105..106");
    let history = before.with(&[], vec![(late, late)]);
    check(&history, 90, "4=-");
    check(&history, 102, "4=0..5@100");
    check(&history, 107, "4=2..5@105..106");
    check_images(&history, 107, "0=0..5@100 5=-");
    check(&history, 115, "4=3..9@110");
    check(&history, 125, "4=4..6@120 8=8..9@120");

    let after = history.with(&[layer("4..6@120")], vec![]);
    check(&after, 125, "4=3..9@110 8=8..9@120");
    check(&history, 125, "4=4..6@120");
    check(&before, 107, "4=0..5@100");
}

#[test]
fn keys_may_lie_as_far_apart_as_they_can() {
    let end = Key::from_i128(21_267_647_932_558_653_966_460_912_964_485_513_215);
    let wide = delta(KeyRange::new(Key::MIN, end), lsns(23_761_336, 23_761_457));
    let found = history(&[wide]).find(key(0), Lsn(23_761_457).visible_end());
    assert_eq!(found.unwrap().name, wide);
}

#[test]
fn an_image_within_a_delta_gives_it_two_floors() {
    let history = history(&layers("0..8@10..30 4..8@20 6..8@30"));
    let whole = "0..4=0..8@10..30/10 4..6=0..8@10..30/21 6..8=6..8@30/30";
    check_range(&history, (keys(0, 10), 40), whole);
    check_range(&history, (keys(3, 5), 40), {
        "3..4=0..8@10..30/10 4..5=0..8@10..30/21"
    });
    check_range(&history, (keys(0, 10), 21), {
        "0..4=0..8@10..30/10 4..8=4..8@20/20"
    });
    check_range(&history, (keys(8, 10), 40), "");
    check_range(&history, (keys(5, 5), 40), "");
}

#[test]
fn neighbours_are_one_range_where_the_floor_is_the_same() {
    let history = history(&layers("0..2@5 6..8@5 1..10@10..20 3..5@15"));
    check_range(&history, (keys(0, 12), 30), {
        "0..1=0..2@5/5 1..3=1..10@10..20/10 3..5=1..10@10..20/16 5..10=1..10@10..20/10"
    });
}

#[test]
fn the_l0s_come_from_the_oldest_on() {
    let names = layers("all@30..40 all@10..20 0..5@5..10 all@20..30 all@25");
    let history = history(&names);
    let l0s: Vec<String> = history.l0s().into_iter().map(|(it, _)| print(it)).collect();
    assert_eq!(l0s, ["all@10..20", "all@20..30", "all@30..40"]);
    assert_eq!((history.l0_count(), history.len()), (3, 5));
    history.check_laws();
}

#[test]
fn an_image_without_keys_or_readable_lsn_is_kept_and_never_found() {
    let last = LayerName::Image {
        keys: KeyRange::ALL,
        lsn: Lsn::MAX,
    };
    let names = [image(keys(5, 5), 10), image(keys(6, 4), 10), last];
    let history = history(&names);
    history.check_laws();
    assert_eq!(history.len(), 3);
    assert!(names.iter().all(|name| history.has(name)));
    check(&history, 20, "4=- 5=- 6=-");
    check_images(&history, 20, "0=-");
    check_range(&history, (KeyRange::ALL, u64::MAX), "");
    assert!(!history.is_covered_by_images(keys(5, 6), lsns(0, u64::MAX)));
}

#[test]
#[should_panic(expected = "is not there")]
fn a_removed_layer_must_be_there() {
    let _ = history(&layers("0..5@10")).with(&layers("0..5@11"), vec![]);
}

#[test]
#[should_panic(expected = "is there already")]
fn an_added_layer_must_be_new() {
    let name = layer("0..5@10");
    let _ = history(&[name]).with(&[], vec![(name, name)]);
}
