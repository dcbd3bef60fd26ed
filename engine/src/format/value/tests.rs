use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::Value;
use crate::format::{MultixactMember, Record};

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.replace(' ', "");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

fn image(text: &str) -> Value {
    Value::Image(text.into())
}

fn postgres(will_init: bool, text: &str) -> Value {
    let rec = text.into();
    Value::Record(Record::Postgres { will_init, rec })
}

fn test(append: &str, (clear, will_init): (bool, bool), only_if: Option<&str>) -> Value {
    Value::Record(Record::Test {
        append: append.to_owned(),
        clear,
        will_init,
        only_if: only_if.map(str::to_owned),
    })
}

fn clear_map(new_heap_block: Option<u32>, old_heap_block: Option<u32>, flags: u8) -> Value {
    Value::Record(Record::ClearVisibilityMapFlags {
        new_heap_block,
        old_heap_block,
        flags,
    })
}

/// The expected bytes are a peer's.
#[test]
fn values_have_the_bytes_of_a_peer() {
    let cases = [
        (
            "00000000 0000000000000006 666f6f626172",
            image("foobar"),
            true,
        ),
        ("00000000 0000000000000000", image(""), true),
        (
            "00000001 00000000 01 0000000000000006 666f6f626172",
            postgres(true, "foobar"),
            true,
        ),
        (
            "00000001 00000000 00 0000000000000000",
            postgres(false, ""),
            false,
        ),
        (
            "00000001 00000001 01 00000011 00 03",
            clear_map(Some(0x11), None, 3),
            false,
        ),
        (
            "00000001 00000001 00 00 03",
            clear_map(None, None, 3),
            false,
        ),
        (
            "00000001 00000008 0000000000000003 616263 00 00 00",
            test("abc", (false, false), None),
            false,
        ),
        (
            "00000001 00000008 0000000000000000 01 01 01 0000000000000001 7a",
            test("", (true, true), Some("z")),
            true,
        ),
    ];
    for (hex, value, will_init) in cases {
        let bytes = bytes_of(hex);
        assert_eq!(encode(&value), bytes);
        assert_eq!(Value::decode(&bytes), Ok(value));
        assert_eq!(Value::will_init_of(&bytes), Ok(will_init));
    }
}

#[test]
fn a_value_that_is_cut_is_an_error() {
    for value in [
        image(""),
        image("foobar"),
        postgres(false, ""),
        postgres(true, "ab"),
    ] {
        let bytes = encode(&value);
        for len in 0..bytes.len() {
            Value::decode(&bytes[..len]).unwrap_err();
            Value::will_init_of(&bytes[..len]).unwrap_err();
        }
    }
}

#[test]
fn nothing_may_follow_a_value() {
    let error = Value::decode(&bytes_of("00000000 0000000000000000 00")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "value at offset 12: expected the end, found 1 more bytes"
    );
}

#[test]
fn a_damaged_field_is_named() {
    let cases = [
        (
            "00000002",
            "value kind at offset 0: expected 0 or 1, found 2",
        ),
        (
            "00000001 00000009",
            "record kind at offset 4: expected 8 at most, found 9",
        ),
        (
            "00000001 00000000 02 0000000000000000",
            "will_init at offset 8: expected 0 or 1, found 2",
        ),
        (
            "00000000 ffffffffffffffff 00",
            "image at offset 4: 18446744073709551615 times 1 bytes, but 1 follow",
        ),
        (
            "00000001 00000003 2000000000000001 00000000",
            "xids at offset 8: 2305843009213693953 times 4 bytes, but 4 follow",
        ),
        (
            "00000001 00000006 0000000000000001 ff 00",
            "path at offset 8: invalid utf-8 sequence of 1 bytes from index 0",
        ),
    ];
    for (hex, message) in cases {
        let error = Value::decode(&bytes_of(hex)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn any_text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..10).prop_map(String::from_iter)
}

fn any_member() -> impl Strategy<Value = MultixactMember> {
    any::<(u32, u32)>().prop_map(|(xid, status)| MultixactMember { xid, status })
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (any::<bool>(), any_bytes())
            .prop_map(|(will_init, rec)| Record::Postgres { will_init, rec }),
        any::<(Option<u32>, Option<u32>, u8)>().prop_map(|(new, old, flags)| {
            Record::ClearVisibilityMapFlags {
                new_heap_block: new,
                old_heap_block: old,
                flags,
            }
        }),
        (vec(any::<u32>(), 0..8), any::<i64>())
            .prop_map(|(xids, timestamp)| Record::ClogSetCommitted { xids, timestamp }),
        vec(any::<u32>(), 0..8).prop_map(|xids| Record::ClogSetAborted { xids }),
        any::<(u32, u32)>().prop_map(|(multixact, member_offset)| {
            Record::MultixactOffsetCreate {
                multixact,
                member_offset,
            }
        }),
        (any::<u32>(), vec(any_member(), 0..8)).prop_map(|(member_offset, members)| {
            Record::MultixactMembersCreate {
                member_offset,
                members,
            }
        }),
        (any_text(), option::of(any_bytes()))
            .prop_map(|(path, content)| Record::AuxFile { path, content }),
        any::<(u64, u64)>().prop_map(|(byte_offset, bit_offset)| {
            Record::TruncateVisibilityMap {
                byte_offset,
                bit_offset,
            }
        }),
        (any_text(), any::<(bool, bool)>(), option::of(any_text())).prop_map(
            |(append, (clear, will_init), only_if)| Record::Test {
                append,
                clear,
                will_init,
                only_if,
            }
        ),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_bytes().prop_map(Value::Image),
        any_record().prop_map(Value::Record),
    ]
}

proptest! {
    #[test]
    fn decode_undoes_encode(value in any_value()) {
        let bytes = encode(&value);
        prop_assert_eq!(bytes.len(), value.encoded_len());
        prop_assert_eq!(Value::will_init_of(&bytes), Ok(value.will_init()));
        prop_assert_eq!(Value::decode(&bytes), Ok(value));
    }

    #[test]
    fn a_cut_or_flipped_value_is_an_error_or_another_value(
        value in any_value(),
        len in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut bytes = encode(&value);
        let place = len.index(bytes.len());
        prop_assert!(Value::decode(&bytes[..place]).is_err());
        bytes[place] ^= flip;
        if let Ok(found) = Value::decode(&bytes) {
            prop_assert_eq!(Value::will_init_of(&bytes), Ok(found.will_init()));
            prop_assert_eq!(encode(&found), bytes);
        }
    }

    #[test]
    fn no_bytes_make_a_value_panic(bytes in vec(any::<u8>(), 0..60), kind in 0u8..9) {
        let mut record = vec![0, 0, 0, 1, 0, 0, 0, kind];
        record.extend_from_slice(&bytes);
        for bytes in [bytes, record] {
            let will_init = Value::will_init_of(&bytes);
            if let Ok(value) = Value::decode(&bytes) {
                prop_assert_eq!(will_init, Ok(value.will_init()));
                prop_assert_eq!(encode(&value), bytes);
            }
        }
    }
}
