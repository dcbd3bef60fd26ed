//! Pieces that are filled from their target on, as tiered compaction cuts them.

use proptest::prelude::*;

use super::*;

/// The level of all examples.
const LEVEL: LsnRange = LsnRange {
    start: Lsn(10),
    end: Lsn(90),
};

fn cut(records: &[(Key, Lsn, u64)], len_target: u64) -> Vec<Piece> {
    let mut cutter = Cutter::new(CutPlan {
        lsns: LEVEL,
        len_target,
        fill: Fill::FromTarget,
    });
    let each = records.iter();
    each.for_each(|(key, lsn, len)| cutter.push(*key, *lsn, *len));
    cutter.finish()
}

/// The length of the records of a piece.
fn len(piece: &Piece, records: &[(Key, Lsn, u64)]) -> u64 {
    let inside = records
        .iter()
        .filter(|(key, lsn, _)| piece.contains(*key, *lsn));
    inside.map(|(_, _, len)| len).sum()
}

/// Keys with one record each, of these lengths.
fn keys(lens: &[u64]) -> Vec<(Key, Lsn, u64)> {
    let keyed = (1..).zip(lens);
    keyed
        .map(|(number, len)| (Key::MIN.add(number), Lsn(50), *len))
        .collect()
}

/// Numbers of keys with the length of each, in order; and the lengths of the layers of them.
type Tiling = (&'static [(usize, u64)], &'static [u64]);

/// The worked examples of a peer's tiered compaction: lengths by key, and by layer, at a target of
/// 100.
#[test]
fn pieces_are_filled_from_the_target_on() {
    let cases: [Tiling; 9] = [
        (&[(10, 30)], &[120, 120, 60]),
        (&[(10, 10)], &[100]),
        (&[(12, 10)], &[120]),
        (&[(13, 10)], &[100, 30]),
        (&[(22, 10)], &[100, 120]),
        (&[(25, 10)], &[100, 100, 50]),
        (&[(1, 90), (1, 60), (2, 10)], &[150, 20]),
        (&[(3, 100)], &[100, 100, 100]),
        (&[(1, 250), (1, 10)], &[250, 10]),
    ];
    for (input, expected) in cases {
        let lens = input.iter().flat_map(|(count, len)| vec![*len; *count]);
        let records = keys(&lens.collect::<Vec<u64>>());
        let pieces = cut(&records, 100);
        let found: Vec<u64> = pieces.iter().map(|piece| len(piece, &records)).collect();
        assert_eq!(found, expected, "{input:?}");
    }
}

#[test]
fn a_fat_key_stands_between_what_is_below_and_what_is_above() {
    let mut records = keys(&[90, 90, 40]);
    records.retain(|(key, _, _)| *key != Key::MIN.add(2));
    let fat = Key::MIN.add(2);
    records.extend([(fat, Lsn(20), 60), (fat, Lsn(30), 60), (fat, Lsn(40), 60)]);
    records.sort();
    let texts: Vec<String> = cut(&records, 100)
        .iter()
        .map(|piece| {
            format!(
                "{} {}..{}",
                piece.keys.start.field6, piece.lsns.start.0, piece.lsns.end.0
            )
        })
        .collect();
    assert_eq!(
        texts,
        ["1 10..90", "2 10..30", "2 30..40", "2 40..90", "3 10..90"]
    );
}

#[test]
fn no_cut_comes_between_two_records_of_one_lsn() {
    let key = Key::MIN.add(1);
    let records = [(key, Lsn(20), 80), (key, Lsn(20), 80), (key, Lsn(30), 10)];
    let ends: Vec<u64> = cut(&records, 100)
        .iter()
        .map(|piece| piece.lsns.end.0)
        .collect();
    assert_eq!(ends, [30, 90]);
}

#[test]
fn a_piece_over_all_keys_is_parted() {
    let last = Key {
        field6: u32::MAX - 1,
        ..Key::MAX
    };
    let records = [(Key::MIN, Lsn(20), 1), (last, Lsn(20), 1)];
    let pieces = cut(&records, 100);
    let keys: Vec<KeyRange> = pieces.iter().map(|piece| piece.keys).collect();
    assert_eq!(keys, [KeyRange::single(Key::MIN), KeyRange::single(last)]);
}

fn any_records() -> impl Strategy<Value = Vec<(Key, Lsn, u64)>> {
    let any_len = prop_oneof![0..3_u64, 1..60_u64, Just(100), 90..250_u64];
    let any_place = (
        (0..12_u32).prop_map(|it| Key::MIN.add(it)),
        (10..90_u64).prop_map(Lsn),
    );
    let any = proptest::collection::btree_map(any_place, any_len, 0..60);
    any.prop_map(|records| {
        let records = records.into_iter();
        records.map(|((key, lsn), len)| (key, lsn, len)).collect()
    })
}

proptest! {
    #[test]
    fn every_record_is_in_one_piece_and_no_two_overlap(records in any_records()) {
        let pieces = cut(&records, 100);
        prop_assert!(pieces.windows(2).all(|pair| pair[0].stands_before(&pair[1])));
        for (key, lsn, _) in &records {
            let holds = |piece: &&Piece| piece.contains(*key, *lsn);
            prop_assert_eq!(pieces.iter().filter(holds).count(), 1);
        }
        for piece in &pieces {
            let has_one = records.iter().any(|(key, lsn, _)| piece.contains(*key, *lsn));
            prop_assert!(has_one, "{} has no record", piece);
            prop_assert!(!piece.keys.is_all());
        }
        // Slices abut, and span the level together.
        for pair in pieces.windows(2) {
            let is_slice = pair[0].keys == pair[1].keys;
            prop_assert!(!is_slice || pair[0].lsns.end == pair[1].lsns.start);
            let seam = (pair[0].lsns.end, pair[1].lsns.start);
            prop_assert!(is_slice || seam == (LEVEL.end, LEVEL.start));
        }
    }

    /// No piece without its last key is as long as the target and a quarter; and one that is
    /// shorter than the target has a fat key behind it, or nothing.
    #[test]
    fn pieces_are_about_as_long_as_the_target(records in any_records()) {
        let pieces = cut(&records, 100);
        for (index, piece) in pieces.iter().enumerate() {
            if piece.lsns != LEVEL {
                continue;
            }
            let last = records.iter().rev().find(|(key, _, _)| piece.keys.contains(*key));
            let last = last.map(|(key, _, _)| *key).unwrap();
            let is_before = |key: Key| piece.keys.contains(key) && key < last;
            let without = records.iter().filter(|(key, _, _)| is_before(*key));
            prop_assert!(without.map(|(_, _, len)| len).sum::<u64>() < 125);
            let is_before_shared = pieces.get(index + 1).is_some_and(|next| next.lsns == LEVEL);
            prop_assert!(!is_before_shared || 100 <= len(piece, &records));
        }
    }
}
