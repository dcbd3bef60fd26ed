//! Delta layers: written, read back, looked up, cancelled.

use proptest::prelude::*;

use super::super::{DeltaFilePlan, DeltaLayer, DeltaWriter, LayerContext};
use super::{
    Records, Shelf, TENANT, any_records, append, encode, gather, history, image, init, key, l0, op,
    poll_times,
};
use crate::base::{Error, FileName, Generation, Key, KeyRange, LayerName, Lsn, LsnRange};
use crate::format::{BLOCK_LEN, DeltaKey, DeltaSummary, Node};
use crate::io::block_on;
use crate::io::tests::faulty::{Call, Pace};

/// Writes the records and reads them back, all at once and record by record.
async fn check_round_trip(plan: DeltaFilePlan, records: &Records) {
    let shelf = Shelf::new();
    let entry = shelf.write(plan, records).await.unwrap();
    assert_eq!(shelf.names(), [file_name(plan)]);
    let path = shelf.dir.path().join(file_name(plan));
    assert_eq!(entry.len, std::fs::metadata(path).unwrap().len());
    let found = shelf.read(entry).await.unwrap();
    assert!(found == *records, "{} records", found.len());
    let layer = shelf.layer(entry);
    for &point in records.keys() {
        let found = gather(&layer, point).await.unwrap();
        assert!(found == history(records, point), "{point:?}");
    }
}

fn file_name(plan: DeltaFilePlan) -> String {
    let name = LayerName::Delta {
        keys: plan.keys,
        lsns: plan.lsns,
    };
    let generation = Generation(1);
    FileName::Layer { name, generation }.to_string()
}

/// Images of these lengths, one for each key.
fn images(lens: &[usize]) -> Records {
    let value = |len: usize| image((0..len).map(|at| (at % 251) as u8).collect::<Vec<u8>>());
    let records = (0..).zip(lens);
    Records::from_iter(records.map(|(number, len)| ((key(number), Lsn(7)), value(*len))))
}

/// The length of the header of a serialised image, in bytes.
const IMAGE_HEAD_LEN: usize = 12;

#[test]
fn values_of_every_length_around_an_edge_come_back() {
    let lens = [0, 1, 127, 128, 8191, 8192, 8193, 70_000];
    block_on(check_round_trip(l0(1, 100), &images(&lens)));
    let blob_lens = lens.iter().filter(|&&len| IMAGE_HEAD_LEN <= len);
    let lens: Vec<usize> = blob_lens.map(|len| len - IMAGE_HEAD_LEN).collect();
    block_on(check_round_trip(l0(1, 100), &images(&lens)));
}

/// The header crosses a block's end, or the value does, or the blobs end with the block.
#[test]
fn values_at_every_offset_before_a_blocks_end_come_back() {
    for left in 0..=20 {
        let first_len = BLOCK_LEN - left - 4 - IMAGE_HEAD_LEN;
        for len in [0, 1, 200, 9000] {
            block_on(check_round_trip(l0(1, 100), &images(&[first_len, len])));
        }
    }
}

#[test]
fn a_layer_without_records_is_read_as_that() {
    block_on(check_round_trip(l0(1, 2), &Records::new()));
}

#[test]
fn only_the_keys_and_lsns_of_a_layer_are_asked_of_its_file() {
    let shelf = Shelf::new();
    let plan = DeltaFilePlan {
        keys: KeyRange::new(key(2), key(4)),
        ..l0(10, 20)
    };
    let records = Records::from([((key(2), Lsn(15)), image("two"))]);
    block_on(async {
        let entry = shelf.write(plan, &records).await.unwrap();
        let layer = shelf.layer(entry);
        shelf.io.take_calls();
        for point in [(key(1), Lsn(15)), (key(4), Lsn(15)), (key(2), Lsn(9))] {
            assert_eq!(gather(&layer, point).await.unwrap(), (None, Vec::new()));
        }
        assert_eq!(shelf.io.take_calls(), []);
        for point in [(key(2), Lsn(20)), (key(2), Lsn(15)), (key(2), Lsn(14))] {
            let found = gather(&layer, point).await.unwrap();
            assert_eq!(found, history(&records, point), "{point:?}");
        }
    });
}

/// Keys without a common prefix, so that a node of the tree has room for few of them.
fn spread_key(number: u32) -> Key {
    let mix = |salt: u64| (u64::from(number) + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let words = [mix(1), mix(2), mix(3)].map(u64::to_be_bytes).concat();
    Key::from_bytes(words[..Key::LEN].try_into().unwrap())
}

fn check_levels(record_count: u32, lsn_count: u64, levels: u8) {
    let shelf = Shelf::new();
    let value = |number: u32| append(number.to_string());
    let lsn = |number: u32| Lsn(1 + u64::from(number) % lsn_count);
    let key = |number: u32| spread_key(number / u32::try_from(lsn_count).unwrap());
    let numbers = 0..record_count;
    let records: Records = numbers
        .map(|number| ((key(number), lsn(number)), value(number)))
        .collect();
    assert_eq!(records.len(), record_count as usize);
    block_on(async {
        let plan = l0(1, lsn_count + 1);
        let entry = shelf.write(plan, &records).await.unwrap();
        let file = std::fs::read(shelf.dir.path().join(file_name(plan))).unwrap();
        let summary = DeltaSummary::decode(&file[..BLOCK_LEN]).unwrap();
        let root = (summary.block_count() as usize - 1) * BLOCK_LEN;
        let node = Node::<{ DeltaKey::LEN }>::decode(&file[root..root + BLOCK_LEN]).unwrap();
        assert_eq!(node.level() + 1, levels);
        assert!(shelf.read(entry).await.unwrap() == records);
        let layer = shelf.layer(entry);
        for &(key, lsn) in records.keys().step_by(97) {
            for point in [lsn.0 - 1, lsn.0, lsn.0 + 1].map(|lsn| (key, Lsn(lsn))) {
                let found = gather(&layer, point).await.unwrap();
                assert!(found == history(&records, point), "{point:?}");
            }
        }
    });
}

#[test]
fn an_index_of_two_levels_finds_every_record() {
    check_levels(3000, 5, 2);
}

#[test]
fn an_index_of_three_levels_finds_every_record() {
    check_levels(80_000, 2, 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_lookup_at_every_lsn_finds_what_a_map_does(records in any_records(12)) {
        let shelf = Shelf::new();
        block_on(async {
            let entry = shelf.write(l0(1, 13), &records).await.unwrap();
            let layer = shelf.layer(entry);
            for lsn in (0..=14).map(Lsn) {
                for point in (0..5).map(|number| (key(number), lsn)) {
                    let found = gather(&layer, point).await.unwrap();
                    assert_eq!(found, history(&records, point), "{point:?}");
                }
            }
        });
    }

    #[test]
    fn the_iterator_gives_what_was_pushed(records in any_records(1000)) {
        let shelf = Shelf::new();
        let entry = block_on(shelf.write(l0(1, 1001), &records)).unwrap();
        prop_assert_eq!(block_on(shelf.read(entry)).unwrap(), records);
    }
}

/// Five values of 40,000 bytes: the file takes several writes.
fn large() -> Records {
    images(&[40_000; 5])
}

#[test]
fn a_dropped_writer_removes_its_file() {
    let shelf = Shelf::new();
    block_on(async {
        let plan = l0(1, 10);
        let writer = DeltaWriter::create(&shelf.context, op(), plan).await;
        let mut writer = writer.unwrap();
        for (&at, value) in &large() {
            writer.push(at, &encode(value), true).await.unwrap();
            assert_eq!(shelf.names(), [format!("{}.1.___temp", file_name(plan))]);
        }
    });
    assert_eq!(shelf.names(), [""; 0]);
}

#[test]
fn a_write_that_fails_at_any_call_leaves_nothing_and_can_be_made_again() {
    let shelf = Shelf::new();
    for ordinal in 1.. {
        shelf.io.fail(ordinal, |_, _| true);
        let written = block_on(shelf.write(l0(1, 10), &large()));
        if !shelf.io.heal() {
            assert!(6 < ordinal, "only {ordinal} calls were seen");
            break;
        }
        let fault = format!("fault {ordinal}");
        match written {
            Err(Error::Io(failure) | Error::Latched(failure)) => {
                assert_eq!(failure.source.to_string(), fault);
            }
            other => panic!("{fault}: {other:?}"),
        }
        assert_eq!(shelf.names(), [""; 0], "{fault}");
    }
    let entry = block_on(shelf.write(l0(1, 10), &large()));
    assert!(block_on(shelf.read(entry.unwrap())).unwrap() == large());
}

#[test]
fn a_failed_sync_is_no_plain_io_error() {
    let shelf = Shelf::new();
    shelf.io.fail(1, |call, _| call == Call::Sync);
    let written = block_on(shelf.write(l0(1, 10), &large()));
    assert!(matches!(written, Err(Error::Latched(_))), "{written:?}");
    shelf.io.fail(1, |call, _| call == Call::Write);
    let written = block_on(shelf.write(l0(1, 10), &large()));
    assert!(matches!(written, Err(Error::Io(_))), "{written:?}");
}

/// A file without its lasting name is removed; one with it is complete.
#[test]
fn a_cancelled_write_leaves_no_file_or_a_complete_one() {
    for poll_count in 0.. {
        let shelf = Shelf::new();
        shelf.io.set_pace(Pace::Slow);
        let written = poll_times(shelf.write(l0(1, 10), &large()), poll_count);
        shelf.io.set_pace(Pace::Prompt);
        if let Some(entry) = written {
            assert!(20 < poll_count, "only {poll_count} polls");
            assert!(block_on(shelf.read(entry.unwrap())).unwrap() == large());
            break;
        }
        assert_eq!(shelf.names(), [""; 0], "{poll_count} polls");
    }
}

#[test]
fn a_leftover_file_of_the_name_is_replaced() {
    let shelf = Shelf::new();
    let path = shelf.dir.path().join(file_name(l0(1, 10)));
    std::fs::write(&path, "the work of a cancelled job").unwrap();
    let entry = block_on(shelf.write(l0(1, 10), &large())).unwrap();
    assert_eq!(shelf.names(), [file_name(l0(1, 10))]);
    assert!(block_on(shelf.read(entry)).unwrap() == large());
}

#[test]
fn the_scratch_name_of_another_attempt_is_left_alone() {
    let shelf = Shelf::new();
    let other = format!("{}.2.___temp", file_name(l0(1, 10)));
    std::fs::write(shelf.dir.path().join(&other), "being removed").unwrap();
    block_on(shelf.write(l0(1, 10), &large())).unwrap();
    assert_eq!(shelf.names(), [file_name(l0(1, 10)), other]);
}

#[test]
#[should_panic(expected = "self.plan.lsns.contains(lsn)")]
fn a_record_outside_of_the_plan_cannot_be_written() {
    let records = Records::from([((key(1), Lsn(10)), image("at the end"))]);
    let _ = block_on(Shelf::new().write(l0(1, 10), &records));
}

#[test]
#[should_panic(expected = "keys ascend")]
fn a_record_out_of_order_cannot_be_written() {
    let shelf = Shelf::new();
    block_on(async {
        let writer = DeltaWriter::create(&shelf.context, op(), l0(1, 10)).await;
        let mut writer = writer.unwrap();
        for number in [2, 1] {
            let at = (key(number), Lsn(5));
            writer.push(at, &encode(&init("x")), true).await.unwrap();
        }
    });
}

/// The file is checked at its first read: its content does not match another layer's name.
#[test]
fn a_file_of_another_layer_or_tenant_is_corrupt() {
    let shelf = Shelf::new();
    let records = Records::from([((key(1), Lsn(5)), image("x"))]);
    let entry = block_on(shelf.write(l0(1, 10), &records)).unwrap();
    let other = DeltaFilePlan {
        lsns: LsnRange::new(Lsn(1), Lsn(11)),
        ..l0(1, 10)
    };
    let dir = shelf.dir.path();
    std::fs::copy(dir.join(file_name(l0(1, 10))), dir.join(file_name(other))).unwrap();
    let mut renamed = entry;
    renamed.name = LayerName::Delta {
        keys: other.keys,
        lsns: other.lsns,
    };
    let found = block_on(shelf.read(renamed));
    assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
    let mut tenant = TENANT;
    tenant.0[15] += 1;
    let context = LayerContext {
        tenant,
        ..shelf.context.clone()
    };
    let layer = DeltaLayer::new(&context, entry);
    let found = block_on(gather(&layer, (key(1), Lsn(5))));
    assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
}
