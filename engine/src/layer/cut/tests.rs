use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LEN_TARGET: u64 = 100;

/// The run of all examples.
const RUN: LsnRange = LsnRange {
    start: Lsn(0x10),
    end: Lsn(0x90),
};

/// An input of a cutter.
#[derive(Clone, Copy, Debug)]
enum Told {
    Entry(Key, Lsn, u64),
    Hole,
}

fn cut(told: &[Told]) -> Vec<Piece> {
    let mut cutter = Cutter::new(CutPlan {
        lsns: RUN,
        len_target: LEN_TARGET,
        fill: Fill::UpToTarget,
    });
    for &told in told {
        match told {
            Told::Entry(key, lsn, len) => cutter.push(key, lsn, len),
            Told::Hole => cutter.push_hole(),
        }
    }
    cutter.finish()
}

/// Reads two hex digits; those from F0 on count from the end, so that FF is `Key::MAX`.
fn key(text: &str) -> Key {
    let number = u8::from_str_radix(text, 16).unwrap();
    match number {
        0xF0.. => Key {
            field6: u32::MAX - u32::from(u8::MAX - number),
            ..Key::MAX
        },
        _ => Key::MIN.add(u32::from(number)),
    }
}

/// Reads `key@lsn:len`, of which the first two are hex, or `hole`.
fn told(text: &str) -> Told {
    let Some((key_text, rest)) = text.split_once('@') else {
        assert_eq!(text, "hole");
        return Told::Hole;
    };
    let (lsn_text, len_text) = rest.split_once(':').unwrap();
    let lsn = Lsn(u64::from_str_radix(lsn_text, 16).unwrap());
    Told::Entry(key(key_text), lsn, len_text.parse().unwrap())
}

/// Cuts the run that `words` describe; prints the pieces with the keys' last two digits.
fn check(words: &str, expected: &[&str]) {
    let told: Vec<Told> = words.split_whitespace().map(told).collect();
    let pieces = cut(&told);
    let print = |piece: &Piece| {
        let text = piece.to_string();
        ["0", "F"]
            .iter()
            .fold(text, |text, digit| text.replace(&digit.repeat(34), ""))
    };
    let texts: Vec<String> = pieces.iter().map(print).collect();
    assert_eq!(texts, expected, "{words}");
}

#[test]
fn a_piece_prints_its_keys_and_lsns() {
    let keys = KeyRange::new(Key::MIN, Key::MIN.add(0x12));
    let piece = Piece { keys, lsns: RUN };
    let text =
        "000000000000000000000000000000000000-000000000000000000000000000000000012 0/10..0/90";
    assert_eq!(piece.to_string(), text);
}

#[test]
fn nothing_is_cut_into_no_piece() {
    check("", &[]);
    check("hole hole", &[]);
}

#[test]
fn keys_share_a_piece_up_to_the_target() {
    for (words, expected) in [
        ("05@20:7", vec!["05-06 0/10..0/90"]),
        ("05@20:50 07@10:25 07@8F:25", vec!["05-08 0/10..0/90"]),
        (
            "05@20:50 07@10:25 07@8F:26",
            vec!["05-06 0/10..0/90", "07-08 0/10..0/90"],
        ),
        (
            "01@10:100 02@10:100 03@10:40 04@10:40 05@10:40",
            vec![
                "01-02 0/10..0/90",
                "02-03 0/10..0/90",
                "03-05 0/10..0/90",
                "05-06 0/10..0/90",
            ],
        ),
    ] {
        check(words, &expected);
    }
}

#[test]
fn a_fat_key_stands_alone_and_is_sliced_by_lsn() {
    check(
        "01@20:10 02@20:60 02@30:40 02@40:1 02@50:99 02@60:1 03@20:10",
        &[
            "01-02 0/10..0/90",
            "02-03 0/10..0/40",
            "02-03 0/40..0/60",
            "02-03 0/60..0/90",
            "03-04 0/10..0/90",
        ],
    );
}

#[test]
fn a_key_of_just_the_target_is_not_fat() {
    check("02@20:60 02@30:40", &["02-03 0/10..0/90"]);
    check(
        "02@20:60 02@30:41",
        &["02-03 0/10..0/30", "02-03 0/30..0/90"],
    );
}

#[test]
fn a_record_that_is_longer_than_the_target_has_a_slice_of_its_own() {
    check("02@20:500", &["02-03 0/10..0/90"]);
    check(
        "02@20:500 02@30:500 02@40:1 02@50:1 02@60:500",
        &[
            "02-03 0/10..0/30",
            "02-03 0/30..0/40",
            "02-03 0/40..0/60",
            "02-03 0/60..0/90",
        ],
    );
}

/// A peer's own sizes, at its target of 4 MiB: one record; a small one before a large one; 2000
/// pages over 2000 keys; and 2000 pages of one key, which a peer never cuts and ours does.
#[test]
fn histories_of_a_peer_become_as_many_layers() {
    let plan = |len_target| CutPlan {
        lsns: RUN,
        len_target,
        fill: Fill::UpToTarget,
    };
    let cut = |len_target, records: &mut dyn Iterator<Item = (u32, u64, u64)>| {
        let mut cutter = Cutter::new(plan(len_target));
        records.for_each(|(number, lsn, len)| cutter.push(Key::MIN.add(number), Lsn(lsn), len));
        let pieces = cutter.finish();
        assert!(pieces.windows(2).all(|pair| {
            let is_next = pair[0].keys.end == pair[1].keys.start && pair[1].lsns == RUN;
            let is_slice = pair[0].keys == pair[1].keys && pair[0].lsns.end == pair[1].lsns.start;
            is_next || is_slice
        }));
        pieces.len()
    };
    assert_eq!(cut(4 << 20, &mut [(0, 0x18, 8)].into_iter()), 1);
    let two = [(0, 0x18, 8), (1, 0x18, 8192)];
    assert_eq!(cut(4096, &mut two.into_iter()), 2);
    let keys = &mut (0..2000).map(|number| (number, 0x18, 8192));
    assert_eq!(cut(4 << 20, keys), 4);
    // 125 LSNs of 16 pages each: 32 of them fill a slice.
    let one = &mut (0..2000).map(|number| (0, 0x11 + number / 16, 8192));
    assert_eq!(cut(4 << 20, one), 4);
}

#[test]
fn records_of_one_lsn_are_never_parted() {
    check("02@20:90 02@20:90 02@20:90", &["02-03 0/10..0/90"]);
    check(
        "02@20:80 02@30:10 02@30:80 02@40:10",
        &["02-03 0/10..0/30", "02-03 0/30..0/90"],
    );
}

#[test]
fn a_run_over_all_keys_is_cut_into_two_pieces() {
    check("00@20:1 FE@20:1", &["00-01 0/10..0/90", "FE-FF 0/10..0/90"]);
    check(
        "00@20:1 05@20:1 FD@20:1 FE@20:1",
        &["00-FE 0/10..0/90", "FE-FF 0/10..0/90"],
    );
    check("01@20:1 FE@20:1", &["01-FF 0/10..0/90"]);
    check("00@20:1 FD@20:1", &["00-FE 0/10..0/90"]);
}

#[test]
fn a_hole_closes_a_piece_that_is_worth_a_layer() {
    check("01@20:24 hole 09@20:1", &["01-0A 0/10..0/90"]);
    check(
        "01@20:25 hole 09@20:1",
        &["01-02 0/10..0/90", "09-0A 0/10..0/90"],
    );
    check(
        "01@20:10 02@20:10 02@30:5 hole hole 09@20:1 hole",
        &["01-03 0/10..0/90", "09-0A 0/10..0/90"],
    );
    check("hole 01@20:200 hole", &["01-02 0/10..0/90"]);
}

#[test]
#[should_panic(expected = "self.floor <= key")]
fn keys_never_fall() {
    check("02@20:1 01@30:1", &[]);
}

#[test]
#[should_panic(expected = "self.last_lsn <= lsn")]
fn lsns_of_a_key_never_fall() {
    check("02@20:1 02@1F:1", &[]);
}

#[test]
#[should_panic(expected = "self.floor <= key")]
fn no_hole_parts_the_records_of_a_key() {
    check("02@20:1 hole 02@21:1", &[]);
}

#[test]
#[should_panic(expected = "lsns.contains(lsn)")]
fn no_record_stands_outside_of_the_run() {
    check("02@90:1", &[]);
}

#[test]
fn a_gap_is_wide_from_the_distance_on() {
    for (left, right, distance_min, expected) in [
        ("03", "04", 1, true),
        ("03", "04", 2, false),
        ("03", "09", 6, true),
        ("03", "09", 7, false),
        ("03", "03", 1, false),
        ("00", "FE", u64::MAX, true),
    ] {
        let is_wide = is_wide_gap(key(left), key(right), distance_min);
        assert_eq!(is_wide, expected, "{left} {right} {distance_min}");
    }
}

/// Runs of few keys, the lowest and the highest among them, many of them fat.
fn any_told() -> impl Strategy<Value = Vec<Told>> {
    let any_key = prop_oneof![
        Just(Key::MIN),
        (1..6_u32).prop_map(|number| Key::MIN.add(number)),
        Just(key("FD")),
        Just(key("FE")),
    ];
    let any_len = prop_oneof![Just(0), Just(1), 1..60_u64, Just(LEN_TARGET), 90..250_u64];
    let any_place = (any_key, (0x10..0x90_u64).prop_map(Lsn), 0..2_u8);
    let any_entries = proptest::collection::btree_map(any_place, any_len, 0..40);
    (any_entries, any::<[bool; 8]>()).prop_map(|(entries, holes)| {
        let mut told = Vec::new();
        let mut last = None;
        for ((key, lsn, _), len) in entries {
            let is_new = last.is_some_and(|last| last != key);
            if is_new && holes[key.field6 as usize % 8] {
                told.push(Told::Hole);
            }
            told.push(Told::Entry(key, lsn, len));
            last = Some(key);
        }
        told
    })
}

/// The content of a piece: for each key, the length of the records at each LSN.
type Content = BTreeMap<Key, BTreeMap<Lsn, u64>>;

fn content(piece: &Piece, told: &[Told]) -> Content {
    let mut content = Content::new();
    for &told in told {
        match told {
            Told::Entry(key, lsn, len) if piece.keys.contains(key) && piece.lsns.contains(lsn) => {
                *content.entry(key).or_default().entry(lsn).or_default() += len;
            }
            _ => {}
        }
    }
    content
}

fn len(content: &Content) -> u64 {
    content.values().flat_map(BTreeMap::values).sum()
}

/// Panics unless the pieces of one key alone, or of several, are what rule 1 or 2 says.
fn check_piece(piece: &Piece, content: &Content) {
    let (first, last) = (content.first_key_value(), content.last_key_value());
    assert_eq!(first.map(|(&key, _)| key), Some(piece.keys.start));
    assert_eq!(last.map(|(key, _)| key.next()), Some(piece.keys.end));
    assert!(!piece.keys.is_all());
    let lsn_count: usize = content.values().map(BTreeMap::len).sum();
    assert!(0 < lsn_count);
    assert!(len(content) <= LEN_TARGET || has_one_long_lsn(content));
    assert!(content.len() == 1 || piece.lsns == RUN);
}

/// Whether there is one key, with all its length at one LSN.
fn has_one_long_lsn(content: &Content) -> bool {
    let lens = content.values().flat_map(BTreeMap::values);
    content.len() == 1 && lens.filter(|&&len| 0 < len).count() == 1
}

proptest! {
    #[test]
    fn pieces_take_every_record_once_and_keep_the_rules(told in any_told()) {
        let pieces = cut(&told);
        let contents: Vec<Content> = pieces.iter().map(|piece| content(piece, &told)).collect();
        for (piece, content) in pieces.iter().zip(&contents) {
            check_piece(piece, content);
        }
        // In order and disjoint: the next piece starts above, or abuts on a slice of the same key.
        for pair in pieces.windows(2) {
            let is_above = pair[0].keys.end <= pair[1].keys.start;
            let is_slice = pair[0].keys == pair[1].keys && pair[0].lsns.end == pair[1].lsns.start;
            prop_assert!(is_above != is_slice);
            prop_assert!(is_slice || pair[0].lsns.end == RUN.end);
            prop_assert!(is_slice || pair[1].lsns.start == RUN.start);
        }
        prop_assert!(pieces.first().is_none_or(|piece| piece.lsns.start == RUN.start));
        prop_assert!(pieces.last().is_none_or(|piece| piece.lsns.end == RUN.end));
        for &told in &told {
            if let Told::Entry(key, lsn, _) = told {
                let holds = |piece: &&Piece| piece.keys.contains(key) && piece.lsns.contains(lsn);
                prop_assert_eq!(pieces.iter().filter(holds).count(), 1);
            }
        }
    }

    #[test]
    fn without_holes_a_piece_takes_every_key_that_fits(told in any_told()) {
        let told: Vec<Told> = told.into_iter().filter(|t| matches!(t, Told::Entry(..))).collect();
        let pieces = cut(&told);
        let whole = |pair: &&[Piece]| pair[0].lsns == RUN && pair[1].lsns == RUN;
        for pair in pieces.windows(2).filter(whole) {
            let next_key = KeyRange::single(pair[1].keys.start);
            let joined = Piece {
                keys: KeyRange::new(pair[0].keys.start, next_key.end),
                lsns: RUN,
            };
            let joined_len = len(&content(&joined, &told));
            prop_assert!(LEN_TARGET < joined_len || joined.keys.is_all());
        }
    }
}
