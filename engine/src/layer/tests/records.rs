//! The iterators: all records in order, whatever the batches, or an error that stays.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{BatchLimits, RawRecord};
use super::{
    Images, LIMITS, Records, Shelf, any_records, append, encode, finish_image, image, image_plan,
    init, key, l0, op, poll_times, read_all, read_images,
};
use crate::base::{Error, Key, KeyRange, Lsn, Result};
use crate::format::{BLOCK_LEN, IndexLayer};
use crate::io::block_on;
use crate::io::tests::faulty::{Call, Pace};

/// A peer's limits: reads of a byte or of a KiB at most, and few or many values in a batch.
fn limits() -> impl Iterator<Item = BatchLimits> {
    let counts = [1, 2, 4, 8, 3, 7, 13];
    [1, 1024]
        .into_iter()
        .flat_map(move |len_max| counts.map(|count_max| BatchLimits { len_max, count_max }))
}

fn thousand() -> Records {
    let at = |number: u32| (key(number / 10), Lsn(0x10 * u64::from(number % 10 + 1)));
    (0..1000)
        .map(|number| (at(number), image(number.to_string())))
        .collect()
}

#[test]
fn a_deltas_records_come_in_order_whatever_the_batches() {
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(0x10, 0xB0), &thousand()).await.unwrap();
        for limits in limits().chain([LIMITS]) {
            assert!(
                read_all(&layer, limits).await.unwrap() == thousand(),
                "{limits:?}"
            );
        }
    });
}

#[test]
fn an_images_values_come_in_order_whatever_the_batches() {
    let shelf = Shelf::new();
    let images: Images = (0..1000)
        .map(|it| (key(it), it.to_string().into_bytes()))
        .collect();
    block_on(async {
        let layer = finish_image(&shelf, image_plan(KeyRange::ALL), &images)
            .await
            .unwrap();
        for limits in limits().chain([LIMITS]) {
            assert!(
                read_images(&layer, limits).await.unwrap() == images,
                "{limits:?}"
            );
        }
    });
}

/// The number of values in each read, once the index is in memory.
async fn batch_lens(records: &Records, limits: BatchLimits) -> Vec<usize> {
    let shelf = Shelf::new();
    let layer = shelf.finish(l0(1, 100), records).await.unwrap();
    read_all(&layer, LIMITS).await.unwrap();
    let mut iter = layer.iter(op(), limits);
    let mut lens = Vec::new();
    shelf.io.take_calls();
    while iter.next().await.unwrap().is_some() {
        match shelf.io.take_calls().is_empty() {
            true => *lens.last_mut().expect("the first one is read") += 1,
            false => lens.push(1),
        }
    }
    lens
}

#[test]
fn a_batch_ends_when_it_is_long_enough_or_has_enough_values() {
    let lens = [100, 100, 100, 5000, 100, 20_000, 100];
    let value = |len: usize| image(vec![1; len - 16]);
    let records = (0..)
        .map(|number| (key(number), Lsn(5)))
        .zip(lens.map(value));
    let records: Records = records.collect();
    let check = |len_max, count_max, expected: &[usize]| {
        let limits = BatchLimits { len_max, count_max };
        assert_eq!(
            block_on(batch_lens(&records, limits)),
            expected,
            "{limits:?}"
        );
    };
    check(1, 1000, &[1; 7]);
    check(u64::MAX, 1, &[1; 7]);
    check(u64::MAX, 3, &[3, 3, 1]);
    check(4096, 1000, &[4, 2, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A cancelled call that is made again neither skips a record nor returns one twice.
    #[test]
    fn a_call_that_is_cancelled_anywhere_can_be_made_again(
        records in any_records(100),
        len_max in 1_u64..200,
        count_max in 1_usize..20,
        patience in proptest::collection::vec(1_usize..6, 1..8),
    ) {
        let mut shelf = Shelf::new();
        // Without a cache each node is read again, which adds places to cancel at.
        shelf.context.cache = super::BlockCache::new(0).into();
        let layer = block_on(shelf.finish(l0(1, 101), &records)).unwrap();
        shelf.io.set_pace(Pace::Slow);
        let mut iter = layer.iter(op(), BatchLimits { len_max, count_max });
        let mut found: Vec<RawRecord> = Vec::new();
        let mut patience = patience.into_iter().cycle();
        let mut stuck_count = 0;
        loop {
            let poll_count = patience.next().unwrap() + stuck_count;
            match poll_times(iter.next(), poll_count) {
                Some(Ok(Some(record))) => found.push(record),
                Some(ended) => break assert_eq!(ended.unwrap(), None),
                None => stuck_count += 1,
            }
        }
        let found = found.into_iter().map(|it| ((it.key, it.lsn), it.bytes.to_vec()));
        let found: Vec<_> = found.collect();
        let expected: Vec<_> = records.iter().map(|(at, value)| (*at, encode(value))).collect();
        prop_assert_eq!(found, expected);
    }
}

/// Every call of a new layer's iterator until it ends or has failed three times.
async fn outcomes(shelf: &Shelf, entry: IndexLayer) -> Vec<Result<Option<RawRecord>>> {
    let layer = shelf.layer(entry);
    let mut iter = layer.iter(
        op(),
        BatchLimits {
            len_max: 1024,
            count_max: 8,
        },
    );
    let mut outcomes = Vec::new();
    let mut error_count = 0;
    while error_count < 3 {
        let outcome = iter.next().await;
        error_count += usize::from(outcome.is_err());
        let is_end = matches!(outcome, Ok(None));
        outcomes.push(outcome);
        if is_end {
            break;
        }
    }
    outcomes
}

/// Regression: "a read error taken for the end". The device fails one read, of the index or of
/// values. A retry would succeed, but the iterator has lost its place by then.
#[test]
fn an_iterator_that_failed_stays_failed() {
    let records = thousand();
    let mut shelf = Shelf::new();
    shelf.context.cache = super::BlockCache::new(0).into();
    let entry = block_on(shelf.write(l0(0x10, 0xB0), &records)).unwrap();
    let mut failure_count = 0;
    for failed in 1.. {
        let is_meant = |call, _| call == Call::Read || call == Call::Open;
        shelf.io.fail(failed, is_meant);
        let outcomes = block_on(outcomes(&shelf, entry));
        let found = outcomes
            .iter()
            .filter(|it| matches!(it, Ok(Some(_))))
            .count();
        if let Some(Ok(None)) = outcomes.last() {
            assert_eq!(found, records.len());
            break;
        }
        assert!(found < records.len());
        let (_, last) = outcomes.split_at(found);
        for outcome in last {
            let Err(Error::Io(failure)) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(failure.source.to_string(), format!("fault {failed}"));
        }
        failure_count += 1;
    }
    assert!(100 < failure_count, "only {failure_count} reads");
}

#[test]
fn a_list_of_entries_that_failed_stays_failed() {
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(0x10, 0xB0), &thousand()).await.unwrap();
        shelf.io.fail(1, |call, _| call == Call::Read);
        let mut entries = layer.entries(op());
        for _ in 0..3 {
            let found = entries.next().await;
            assert!(matches!(found, Err(Error::Io(_))), "{found:?}");
        }
    });
}

#[test]
fn a_damaged_value_ends_the_iterator_for_good() {
    let shelf = Shelf::new();
    let records: Records = (0..40)
        .map(|number| ((key(number), Lsn(5)), image(vec![1; BLOCK_LEN])))
        .collect();
    block_on(async {
        let entry = shelf.write(l0(1, 10), &records).await.unwrap();
        let path = shelf.dir.path().join(&shelf.names()[0]);
        super::poke(&path, 20 * BLOCK_LEN, 2);
        let layer = shelf.layer(entry);
        let mut iter = layer.iter(
            op(),
            BatchLimits {
                len_max: 1,
                count_max: 1,
            },
        );
        let mut found = BTreeSet::<Key>::new();
        let error = loop {
            match iter.next().await {
                Ok(record) => assert!(found.insert(record.expect("no end").key)),
                Err(error) => break error,
            }
        };
        assert!((10..20).contains(&found.len()), "{}", found.len());
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        let again = iter.next().await;
        assert!(matches!(again, Err(Error::Corrupt { .. })), "{again:?}");
    });
}

#[test]
fn entries_tell_the_length_of_each_blob() {
    let values = [
        image("x"),
        append("+1"),
        init("again"),
        image(vec![7; 9000]),
        append(""),
    ];
    let at = (0..).map(|number| (key(number / 2), Lsn(1 + u64::from(number % 2))));
    let records: Records = at.zip(values).collect();
    let shelf = Shelf::new();
    block_on(async {
        let layer = shelf.finish(l0(1, 3), &records).await.unwrap();
        let mut entries = layer.entries(op());
        let mut end = BLOCK_LEN as u64;
        let mut found = Vec::new();
        while let Some((key, lsn, blob_len)) = entries.next().await.unwrap() {
            end += blob_len;
            found.push(((key, lsn), blob_len));
        }
        assert!(entries.next().await.unwrap().is_none());
        assert!(
            end.is_multiple_of(BLOCK_LEN as u64),
            "the last blob's length includes the padding of its block"
        );
        let last = found.pop().unwrap();
        let header_len = |len: usize| if len < 128 { 1 } else { 4 };
        let blob_len = |value| {
            let len = encode(value).len();
            (len + header_len(len)) as u64
        };
        let mut expected: Vec<_> = records.iter().map(|(at, it)| (*at, blob_len(it))).collect();
        let expected_last = expected.pop().unwrap();
        assert_eq!(found, expected);
        assert_eq!(last.0, expected_last.0);
        assert!(expected_last.1 <= last.1);
    });
}

fn is_send<T: Send>(_: T) {}

/// A job may run as a task, on any thread.
#[test]
fn iterators_can_be_sent_to_other_threads() {
    let shelf = Shelf::new();
    let layer = block_on(shelf.finish(l0(1, 3), &Records::new())).unwrap();
    let mut iter = layer.iter(op(), LIMITS);
    is_send(iter.next());
    let mut entries = layer.entries(op());
    is_send(entries.next());
    let plan = image_plan(KeyRange::ALL);
    let images = block_on(finish_image(&shelf, plan, &Images::new())).unwrap();
    let mut iter = images.iter(op(), LIMITS);
    is_send(iter.next());
    is_send(images.filter(op(), (&shelf.context, 1), |_| true));
    is_send(layer.locate(op(), KeyRange::ALL, layer.lsns(), 1));
    is_send(layer.read(op(), &[], 1));
}
