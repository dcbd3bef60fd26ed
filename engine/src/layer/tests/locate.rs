//! Located reads of delta layers: the places of values, and the values there.

use proptest::prelude::*;

use super::super::file::BlobPlace;
use super::super::{DeltaLayer, Located};
use super::{Records, Shelf, any_records, append, encode, image, init, key, l0, op};
use crate::base::{Error, Key, KeyRange, Lsn, LsnRange};
use crate::format::{BLOCK_LEN, Value};
use crate::io::block_on;
use crate::io::tests::faulty::{Call, FaultyIo};

fn keys(start: u32, end: u32) -> KeyRange {
    KeyRange::new(key(start), key(end))
}

fn lsns(start: u64, end: u64) -> LsnRange {
    LsnRange::new(Lsn(start), Lsn(end))
}

/// The records that must be located: by key, newest first, and none below a base.
fn expected(
    records: &Records,
    (keys, lsns): (KeyRange, LsnRange),
    key_count_max: usize,
) -> Vec<(Key, Lsn, bool)> {
    let mut found: Vec<(Key, Lsn, bool)> = Vec::new();
    let mut key_count = 0;
    let mut wanted: Vec<(&(Key, Lsn), &Value)> = records.iter().collect();
    wanted.sort_by_key(|((key, lsn), _)| (*key, std::cmp::Reverse(*lsn)));
    wanted.retain(|((key, lsn), _)| keys.contains(*key) && lsns.contains(*lsn));
    for (&(key, lsn), value) in wanted {
        let last = found.last().copied();
        let is_new = last.is_none_or(|(last, _, _)| last != key);
        key_count += usize::from(is_new);
        if key_count_max < key_count {
            break;
        }
        if is_new || last.is_some_and(|(_, _, is_base)| !is_base) {
            found.push((key, lsn, value.will_init()));
        }
    }
    found
}

/// Locates, compares with the model, and reads the located values in reverse order.
async fn check(
    layer: &DeltaLayer<FaultyIo>,
    records: &Records,
    wanted: (KeyRange, LsnRange),
    key_count_max: usize,
) {
    let located = layer
        .locate(op(), wanted.0, wanted.1, key_count_max)
        .await
        .unwrap();
    let found: Vec<_> = located
        .iter()
        .map(|it| (it.key, it.lsn, it.is_base))
        .collect();
    assert_eq!(
        found,
        expected(records, wanted, key_count_max),
        "{wanted:?}"
    );
    let blobs: Vec<BlobPlace> = located.iter().rev().map(|it| it.blob).collect();
    for read_len_max in [1, 1 << 16] {
        let values = layer.read(op(), &blobs, read_len_max).await.unwrap();
        let of = |it: &Located| encode(&records[&(it.key, it.lsn)]);
        let expected: Vec<_> = located.iter().rev().map(of).collect();
        assert!(values == expected, "{wanted:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_range_is_located_as_a_map_has_it(
        records in any_records(12),
        key_count_max in 1_usize..5,
    ) {
        let shelf = Shelf::new();
        block_on(async {
            let layer = shelf.finish(l0(1, 13), &records).await.unwrap();
            for (start, end) in [(0, 5), (1, 2), (1, 3), (2, 2), (3, 9), (0, 1)] {
                for (low, high) in [(0, 20), (0, 1), (1, 13), (3, 8), (5, 6), (6, 6), (12, 99)] {
                    let wanted = (keys(start, end), lsns(low, high));
                    check(&layer, &records, wanted, key_count_max).await;
                }
            }
            let all = (KeyRange::ALL, LsnRange::new(Lsn::ZERO, Lsn::MAX));
            check(&layer, &records, all, key_count_max).await;
        });
    }
}

/// A peer's test vector of records, none of them a base.
#[test]
fn exactly_the_records_inside_of_the_keys_and_lsns_are_located() {
    let stood: [(u32, &[u64]); 4] = [
        (0, &[1, 5, 25, 26, 28]),
        (1, &[2, 5, 10, 50]),
        (2, &[2, 5, 10, 50]),
        (5, &[10, 15, 16, 20]),
    ];
    let at = |&(number, lsns): &(u32, &'static [u64])| {
        lsns.iter()
            .map(move |&lsn| ((key(number), Lsn(lsn)), append(lsn.to_string())))
    };
    let records: Records = stood.iter().flat_map(at).collect();
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(1, 100), &records).await.unwrap();
        let mut counts = Vec::new();
        for wanted in [keys(0, 3), keys(3, 100)] {
            let wanted = (wanted, lsns(2, 40));
            check(&layer, &records, wanted, usize::MAX).await;
            counts.push(expected(&records, wanted, usize::MAX).len());
        }
        assert_eq!(counts, [10, 4]);
    });
}

/// An index of two levels, and values of a few lengths: blobs are found across nodes too.
#[test]
fn ranges_over_many_nodes_are_located_and_read() {
    let value = |number: u32| match number % 7 {
        0 => image(vec![number as u8; 300]),
        3 => init("again"),
        _ => append(number.to_string()),
    };
    let at = |number: u32| (key(number / 3 * 1_000_003), Lsn(1 + u64::from(number % 3)));
    let records: Records = (0..4000)
        .map(|number| (at(number), value(number)))
        .collect();
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(1, 4), &records).await.unwrap();
        for (wanted, key_count_max) in [
            (KeyRange::ALL, usize::MAX),
            (KeyRange::ALL, 700),
            (keys(5_000_000, 900_000_000), usize::MAX),
        ] {
            for lsns in [lsns(1, 4), lsns(2, 3)] {
                check(&layer, &records, (wanted, lsns), key_count_max).await;
            }
        }
        let located = layer
            .locate(op(), KeyRange::ALL, lsns(1, 4), usize::MAX)
            .await
            .unwrap();
        let unknown = located.iter().filter(|it| it.blob.end.is_none());
        assert_eq!(unknown.count(), 1, "only the last blob's end");
    });
}

/// A key of 20,000 records with a base near its newest: the descent ends at the base.
#[test]
fn a_hot_key_is_read_down_to_its_base_and_no_further() {
    let value = |lsn: u64| match lsn {
        19_990 => init("base"),
        _ => append("+"),
    };
    let records: Records = (1..=20_000)
        .map(|lsn| ((key(1), Lsn(lsn)), value(lsn)))
        .collect();
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(1, 20_001), &records).await.unwrap();
        let all = LsnRange::new(Lsn::ZERO, Lsn::MAX);
        layer.locate(op(), keys(9, 10), all, 1).await.unwrap();
        shelf.io.take_calls();
        let located = layer.locate(op(), keys(1, 2), all, 1).await.unwrap();
        assert_eq!(located.len(), 11);
        assert!(shelf.io.take_calls().len() <= 2);
        check(&layer, &records, (keys(1, 2), all), 1).await;
    });
}

#[test]
fn a_value_whose_end_is_known_is_read_at_once() {
    let long = image(vec![7; 3 * BLOCK_LEN]);
    let records = Records::from([((key(1), Lsn(5)), long), ((key(2), Lsn(5)), image("x"))]);
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(1, 10), &records).await.unwrap();
        let located = layer
            .locate(op(), keys(1, 2), lsns(1, 10), 1)
            .await
            .unwrap();
        shelf.io.take_calls();
        layer.read(op(), &[located[0].blob], 1 << 16).await.unwrap();
        let calls: Vec<Call> = shelf
            .io
            .take_calls()
            .into_iter()
            .map(|(call, _)| call)
            .collect();
        assert_eq!(calls, [Call::Read]);
    });
}

#[test]
fn a_blob_that_does_not_end_where_the_next_one_starts_is_corrupt() {
    let records = Records::from([
        ((key(1), Lsn(5)), image("four")),
        ((key(2), Lsn(5)), image("x")),
    ]);
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(1, 10), &records).await.unwrap();
        let located = layer
            .locate(op(), keys(1, 2), lsns(1, 10), 1)
            .await
            .unwrap();
        let BlobPlace { offset, end } = located[0].blob;
        assert_eq!((offset, end), (8192, Some(8192 + 17)));
        let end = end.unwrap();
        for (offset, end) in [
            (offset, end - 1),
            (offset, offset),
            (offset, offset - 1),
            (offset - 1, end),
            (offset, 2 * end),
        ] {
            let end = Some(end);
            let found = layer
                .read(op(), &[BlobPlace { offset, end }], 1 << 16)
                .await;
            assert!(
                matches!(found, Err(Error::Corrupt { .. })),
                "{offset} {end:?}"
            );
        }
    });
}
