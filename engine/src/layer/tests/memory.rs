//! The memory layer against a map of its records.

use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::super::{Batch, MemoryLayer};
use super::{
    Parts, Records, Shelf, any_records, append, batch, encode, history, image, init, key, op, parts,
};
use crate::base::{Key, KeyRange, Lsn, LsnRange};
use crate::format::Value;
use crate::io::block_on;
use crate::io::tests::faulty::{Call, FaultyIo};

type Layer = MemoryLayer<FaultyIo>;

async fn create(shelf: &Shelf, start: u64) -> Layer {
    let path = shelf.dir.path().join("ephemeral");
    let layer = MemoryLayer::create(shelf.io(), op(), path, Lsn(start), 64 << 10).await;
    layer.unwrap()
}

async fn put(layer: &Layer, batch: &Batch) {
    let position = layer.append(op(), batch).await.unwrap();
    layer.publish(batch, position);
}

async fn gather(layer: &Layer, point: (Key, Lsn), entry_count: usize) -> Parts {
    let lsns = LsnRange::new(Lsn::ZERO, point.1.visible_end());
    let keys = KeyRange::new(point.0, point.0.next());
    let located = layer.locate((keys, lsns), entry_count, 1);
    let places: Vec<_> = located.iter().map(|located| located.blob).collect();
    let values = layer.read(op(), &places, 64 << 10).await.unwrap();
    parts(&located, &values).unwrap()
}

/// Reads every key of [`any_records`] at every LSN of `lsns`.
async fn check_all(
    layer: &Layer,
    records: &Records,
    entry_count: usize,
    lsns: RangeInclusive<u64>,
) {
    for lsn in lsns.map(Lsn) {
        for point in (0..5).map(|number| (key(number), lsn)) {
            let found = gather(layer, point, entry_count).await;
            assert_eq!(found, history(records, point), "{point:?}");
        }
    }
}

/// Cuts records, by LSN and key, into batches; some of them share an LSN.
fn cut(records: &Records, lens: &[usize]) -> Vec<Vec<((Key, Lsn), Value)>> {
    let mut by_lsn: Vec<_> = records.clone().into_iter().collect();
    by_lsn.sort_by_key(|&((key, lsn), _)| (lsn, key));
    let mut batches = Vec::new();
    let mut lens = lens.iter().cycle();
    while !by_lsn.is_empty() {
        let len = *lens.next().expect("a cycle has no end");
        batches.push(by_lsn.drain(..len.min(by_lsn.len())).collect());
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_read_finds_what_its_snapshot_holds_at_every_lsn(
        records in any_records(12),
        lens in proptest::collection::vec(1_usize..6, 1..4),
    ) {
        let shelf = Shelf::new();
        block_on(async {
            let layer = create(&shelf, 1).await;
            let mut visible = Records::new();
            let mut snapshots = vec![(0, Records::new())];
            for records in cut(&records, &lens) {
                put(&layer, &batch(records.iter().map(|(at, value)| (at, value)))).await;
                visible.extend(records);
                snapshots.push((layer.entry_count(), visible.clone()));
            }
            for (entry_count, visible) in &snapshots {
                check_all(&layer, visible, *entry_count, 0..=13).await;
            }
            layer.freeze(Lsn(13));
            check_all(&layer, &records, usize::MAX, 0..=13).await;
        });
    }

    #[test]
    fn frozen_records_come_out_by_key_then_lsn(
        records in any_records(12),
        lens in proptest::collection::vec(1_usize..6, 1..4),
        len_max in prop_oneof![Just(u64::MAX), 0_u64..2000],
    ) {
        let shelf = Shelf::new();
        let (found, odd) = block_on(async {
            let layer = create(&shelf, 1).await;
            for records in cut(&records, &lens) {
                put(&layer, &batch(records.iter().map(|(at, value)| (at, value)))).await;
            }
            layer.freeze(Lsn(13));
            let (mut found, mut odd) = (Vec::new(), Vec::new());
            let mut stream = layer.stream(op(), len_max);
            while let Some((record, value)) = stream.next().await.unwrap() {
                found.push(((record.key, record.lsn), value.to_vec(), record.will_init));
                if found.len() % 2 == 1 {
                    odd.push(stream.number());
                }
            }
            let (mut stream, mut again) = (stream.again(odd), Vec::new());
            while let Some((record, value)) = stream.next().await.unwrap() {
                again.push(((record.key, record.lsn), value.to_vec(), record.will_init));
            }
            (found, again)
        });
        let every_other: Vec<_> = found.iter().step_by(2).cloned().collect();
        prop_assert_eq!(odd, every_other);
        let expected: Vec<_> = records
            .iter()
            .map(|(at, put)| (*at, encode(put), put.will_init()))
            .collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_stream_whose_read_failed_goes_on_with_the_same_record() {
    let value = |lsn: u64| image(vec![lsn as u8; 100]);
    let at = |lsn: u64| (key(10 - lsn as u32), Lsn(lsn));
    let records = Records::from_iter((1..=9).map(|lsn| (at(lsn), value(lsn))));
    for failing in 1..=3 {
        let shelf = Shelf::new();
        let found = block_on(async {
            let path = shelf.dir.path().join("ephemeral");
            let layer = MemoryLayer::create(shelf.io(), op(), path, Lsn(1), 16).await;
            let layer: Layer = layer.unwrap();
            for record in records.iter().rev() {
                put(&layer, &batch([record])).await;
            }
            layer.freeze(Lsn(10));
            shelf.io.fail(failing, |call, _| call == Call::Read);
            let (mut found, mut failed_count) = (Vec::new(), 0);
            let mut stream = layer.stream(op(), 400);
            loop {
                match stream.next().await {
                    Ok(Some((record, value))) => {
                        found.push(((record.key, record.lsn), value.to_vec()));
                    }
                    Ok(None) => break,
                    Err(_) => {
                        failed_count += 1;
                        shelf.io.heal();
                    }
                }
            }
            assert_eq!(failed_count, 1, "read {failing} is one of the stream");
            found
        });
        let expected = records.iter().map(|(at, put)| (*at, encode(put)));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_long_history_is_read_at_each_of_its_lsns() {
    let shelf = Shelf::new();
    let value = |lsn: u64| match lsn % 100 {
        50 => init(format!("init {lsn}")),
        1 => image(vec![lsn as u8; 3000]),
        _ => append(format!("record {lsn}")),
    };
    let records = Records::from_iter((1..=700).map(|lsn| ((key(1), Lsn(lsn)), value(lsn))));
    block_on(async {
        let layer = create(&shelf, 1).await;
        for record in &records {
            put(&layer, &batch([record])).await;
        }
        check_all(&layer, &records, usize::MAX, 0..=701).await;
    });
}

/// A layer with a and b at LSN 5 and b at LSN 7.
async fn small(shelf: &Shelf) -> Layer {
    let layer = create(shelf, 1).await;
    let at = [(key(1), Lsn(5)), (key(2), Lsn(5)), (key(2), Lsn(7))];
    for at in &at {
        put(&layer, &batch([(at, &image("old"))])).await;
    }
    layer
}

#[test]
fn a_duplicate_at_the_last_lsn_is_found() {
    let cases = [
        (vec![(2, 7)], Some((2, 7))),
        (vec![(1, 7), (2, 7)], Some((2, 7))),
        (vec![(1, 7)], None),
        (vec![(2, 8)], None),
        (vec![(1, 7), (2, 8)], None),
        (vec![(3, 8), (2, 9)], None),
        (vec![], None),
    ];
    let shelf = Shelf::new();
    let layer = block_on(small(&shelf));
    for (points, expected) in cases {
        let at = |&(number, lsn): &(u32, u64)| (key(number), Lsn(lsn));
        let points: Vec<_> = points.iter().map(at).collect();
        let new = image("new");
        let found = layer.first_duplicate(&batch(points.iter().map(|at| (at, &new))));
        assert_eq!(found, expected.as_ref().map(at), "{points:?}");
    }
}

#[test]
#[should_panic(expected = "first_duplicate")]
fn a_duplicate_cannot_be_published() {
    let shelf = Shelf::new();
    block_on(async {
        let layer = small(&shelf).await;
        put(&layer, &batch([(&(key(2), Lsn(7)), &image("new"))])).await;
    });
}

#[test]
#[should_panic(expected = "is_open")]
fn a_frozen_layer_takes_no_record() {
    let shelf = Shelf::new();
    block_on(async {
        let layer = small(&shelf).await;
        layer.freeze(Lsn(8));
        put(&layer, &batch([(&(key(2), Lsn(9)), &image("new"))])).await;
    });
}

#[test]
fn a_frozen_layer_ends_where_it_was_told_to() {
    let shelf = Shelf::new();
    let layer = block_on(small(&shelf));
    assert_eq!((layer.is_open(), layer.lsns()), (true, None));
    layer.freeze(Lsn(8));
    let lsns = LsnRange::new(Lsn(1), Lsn(8));
    assert_eq!((layer.is_open(), layer.lsns()), (false, Some(lsns)));
}

#[test]
#[should_panic(expected = "last.lsn < end")]
fn a_layer_cannot_end_below_its_records() {
    let shelf = Shelf::new();
    block_on(small(&shelf)).freeze(Lsn(7));
}

/// Batches of 50,000 bytes: about every second append writes the buffer first.
#[test]
fn a_batch_that_failed_or_was_cancelled_is_invisible_and_can_be_retried() {
    let records = |lsn: u64| Records::from([((key(1), Lsn(lsn)), image(vec![lsn as u8; 50_000]))]);
    for failed in 1..=4 {
        let shelf = Shelf::new();
        block_on(async {
            let layer = create(&shelf, 1).await;
            let mut visible = Records::new();
            shelf.io.fail(failed, |call, _| call == Call::Write);
            for lsn in 1..=10 {
                let next = records(lsn);
                // Cancelled or failed: bytes without records, which no reader sees.
                if let Err(error) = layer.append(op(), &batch(&next)).await {
                    assert!(error.to_string().contains("fault 1"), "{error}");
                }
                check_all(&layer, &visible, usize::MAX, 0..=11).await;
                put(&layer, &batch(&next)).await;
                visible.extend(next);
                check_all(&layer, &visible, usize::MAX, 0..=11).await;
            }
            assert!(shelf.io.heal());
        });
    }
}

#[test]
fn a_dump_says_what_came_in_which_order() {
    block_on(async {
        let shelf = Shelf::new();
        let layer = create(&shelf, 10).await;
        assert_eq!(layer.dump(), "open from 0/A, 0 records of 0 bytes\n");
        let records = [
            ((key(1), Lsn(0x10)), image("page")),
            ((key(0), Lsn(0x11)), init("new")),
            ((key(1), Lsn(0x12)), append("more")),
        ];
        let pairs = records.iter().map(|(at, value)| (at, value));
        put(&layer, &batch(pairs)).await;
        layer.freeze(Lsn(0x13));
        let lens = records.each_ref().map(|(_, value)| value.encoded_len());
        let (k0, k1) = (key(0), key(1));
        let expected = format!(
            "frozen 0/A..0/13, 3 records of {} bytes\n{k1} 0/10 base {}\n{k0} 0/11 base {}\n\
             {k1} 0/12 record {}\n",
            lens.iter().sum::<usize>(),
            lens[0],
            lens[1],
            lens[2]
        );
        assert_eq!(layer.dump(), expected);
    });
}
