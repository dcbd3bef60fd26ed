use proptest::collection::vec;
use proptest::prelude::*;

use super::{Edit, Edits, PAGE_LEN_MAX, Redo};
use crate::base::{DecodeError, Key, Lsn};
use crate::format::{Record, RecordRef};

fn set(content: &str) -> Edit {
    let content = content.into();
    Edit::Set { content }
}

fn patch(offset: u32, bytes: &str) -> Edit {
    let bytes = bytes.into();
    Edit::Patch { offset, bytes }
}

fn append(suffix: &str) -> Edit {
    let suffix = suffix.into();
    Edit::Append { suffix }
}

fn append_if(only_if: &str, suffix: &str) -> Edit {
    Edit::AppendIf {
        only_if: only_if.into(),
        suffix: suffix.into(),
    }
}

fn test(append: &str, (clear, will_init): (bool, bool), only_if: Option<&str>) -> Record {
    Record::Test {
        append: append.to_owned(),
        clear,
        will_init,
        only_if: only_if.map(str::to_owned),
    }
}

/// Replays `records`, at LSNs 1, 2, ..., over `base`.
fn redo(base: Option<&str>, records: &[Record]) -> String {
    let records = records.iter().map(RecordRef::from);
    let records = (1..).map(Lsn).zip(records).collect::<Vec<_>>();
    match Edits.redo(Key::MIN, base.map(str::as_bytes), &records) {
        Ok(page) => String::from_utf8(page).unwrap().replace('\0', "."),
        Err(error) => error.to_string(),
    }
}

fn check(base: Option<&str>, edits: &[Edit], expected: &str) {
    let records = edits.iter().cloned().map(Edit::into_record);
    assert_eq!(redo(base, &records.collect::<Vec<_>>()), expected);
}

#[test]
fn each_edit_does_what_it_is_named_after() {
    check(Some("ab"), &[], "ab");
    check(Some("ab"), &[set("xyz")], "xyz");
    check(Some("ab"), &[append("c"), append("d")], "abcd");
    check(Some("ab"), &[Edit::Clear], "");
    check(Some("ab"), &[Edit::Clear, append("c")], "c");
    check(Some("ab"), &[append_if("ab", "c")], "abc");
    check(Some(""), &[append_if("", "c")], "c");
}

#[test]
fn a_patch_overwrites_and_grows_with_zeros() {
    check(Some("abcd"), &[patch(1, "XY")], "aXYd");
    check(Some("abcd"), &[patch(3, "XY")], "abcXY");
    check(Some("abcd"), &[patch(6, "XY")], "abcd..XY");
    check(Some("ab"), &[patch(4, "")], "ab..");
    check(Some("abcd"), &[patch(2, "")], "abcd");
}

#[test]
fn a_condition_that_does_not_hold_is_an_error() {
    check(
        Some("abX"),
        &[append_if("abcd", "e")],
        "the record at LSN 0/1: the page has 3 bytes, only_if has 4, and the first 2 are the same",
    );
}

#[test]
fn no_record_makes_a_page_longer_than_the_limit() {
    let last = u32::try_from(PAGE_LEN_MAX).unwrap();
    let too_long = "the record at LSN 0/1: a page of 67108865 bytes: 67108864 is the limit";
    check(Some(""), &[patch(last, "x")], too_long);
    check(
        Some("x"),
        &[patch(u32::MAX, ""), Edit::Clear],
        "the record at LSN 0/1: a page of 4294967295 bytes: 67108864 is the limit",
    );
    let longest = Edit::Patch {
        offset: last - 1,
        bytes: b"x".to_vec(),
    };
    let (longest, one_more) = (longest.into_record(), append("y").into_record());
    let longest = [(Lsn(1), RecordRef::from(&longest))];
    let page = Edits.redo(Key::MIN, Some(b""), &longest).unwrap();
    assert_eq!(page.len(), PAGE_LEN_MAX);
    let one_more = [(Lsn(2), RecordRef::from(&one_more))];
    let error = Edits.redo(Key::MIN, Some(&page), &one_more).unwrap_err();
    assert_eq!(error.lsn, Lsn(2));
}

#[test]
fn an_init_record_needs_no_base() {
    assert_eq!(redo(None, &[append("a").into_init_record()]), "a");
    assert_eq!(redo(Some("zz"), &[patch(1, "a").into_init_record()]), ".a");
    assert_eq!(
        redo(
            None,
            &[
                append_if("", "a").into_init_record(),
                append("b").into_record()
            ]
        ),
        "ab"
    );
}

#[test]
fn without_a_base_nothing_is_made_up() {
    let none = "there is neither a base nor a will_init record";
    assert_eq!(redo(None, &[]), format!("the record at LSN 0/0: {none}"));
    let record = set("a").into_record();
    assert_eq!(
        redo(None, &[record]),
        format!("the record at LSN 0/1: {none}")
    );
}

#[test]
fn test_records_clear_then_check_then_append() {
    let no = (false, false);
    assert_eq!(redo(Some("a"), &[test("b", no, None)]), "ab");
    assert_eq!(redo(Some("a"), &[test("b", (true, false), None)]), "b");
    assert_eq!(redo(Some("a"), &[test("b", no, Some("a"))]), "ab");
    assert_eq!(redo(Some("a"), &[test("b", (true, false), Some(""))]), "b");
    assert_eq!(redo(None, &[test("b", (true, true), None)]), "b");
    assert_eq!(
        redo(Some("b"), &[test("b", no, Some("a"))]),
        "the record at LSN 0/1: the page has 1 bytes, only_if has 1, and the first 0 are the same"
    );
    let wrong_init = "the record at LSN 0/1: a will_init test record clears, and stands on nothing";
    assert_eq!(redo(None, &[test("b", (false, true), None)]), wrong_init);
    assert_eq!(
        redo(Some("a"), &[test("b", (true, true), None)]),
        wrong_init
    );
}

#[test]
fn the_built_in_redo_refuses_other_records() {
    let record = Record::ClogSetAborted { xids: vec![1] };
    assert_eq!(
        redo(Some(""), &[record]),
        "the record at LSN 0/1: the built-in redo knows no ClogSetAborted"
    );
    let rec = vec![6];
    let will_init = false;
    assert_eq!(
        redo(Some(""), &[Record::Postgres { will_init, rec }]),
        "the record at LSN 0/1: edit has version 6, and this release reads up to 5"
    );
}

fn check_at_the_door(record: &Record, refused: &str) {
    let checked = Edits.check(Key::MIN, &RecordRef::from(record));
    assert_eq!(checked.err().unwrap_or_default(), refused);
}

#[test]
fn a_record_that_fits_no_page_is_refused_at_the_door() {
    let last = u32::try_from(PAGE_LEN_MAX).unwrap();
    let long = "a page of 67108865 bytes: 67108864 is the limit";
    let rec = |rec: &[u8]| Record::Postgres {
        will_init: false,
        rec: rec.to_vec(),
    };
    check_at_the_door(&patch(last, "x").into_record(), long);
    check_at_the_door(&patch(last - 1, "x").into_record(), "");
    check_at_the_door(&rec(b""), "edit at offset 0: expected 1 bytes, found 0");
    let later = "edit has version 6, and this release reads up to 5";
    check_at_the_door(&rec(&[6]), later);
    let never = "it stands on an empty page, and only_if has 1 bytes";
    check_at_the_door(&append_if("a", "b").into_init_record(), never);
    check_at_the_door(&append_if("a", "b").into_record(), "");
    check_at_the_door(&append_if("", "b").into_init_record(), "");
    let other = Record::ClogSetAborted { xids: vec![1] };
    check_at_the_door(&other, "the built-in redo knows no ClogSetAborted");
    check_at_the_door(&test("a", (true, false), Some("b")), never);
    check_at_the_door(&test("a", (false, false), Some("b")), "");
    let unclear = "a will_init test record has to clear";
    check_at_the_door(&test("a", (false, true), None), unclear);
}

#[test]
fn edits_have_these_bytes() {
    let cases: [(Edit, &[u8]); 5] = [
        (set("ab"), b"\x01ab"),
        (patch(0x102, "ab"), b"\x02\0\0\x01\x02ab"),
        (append("ab"), b"\x03ab"),
        (Edit::Clear, b"\x04"),
        (append_if("ab", "c"), b"\x05\0\0\0\x02abc"),
    ];
    for (edit, bytes) in cases {
        assert_eq!(edit.encode(), bytes);
        assert_eq!(Edit::decode(bytes), Ok(edit));
    }
}

#[test]
fn bytes_of_no_edit_are_refused() {
    let (what, found, newest) = ("edit", 6, 5);
    let later = DecodeError::Unsupported {
        what,
        found,
        newest,
    };
    assert_eq!(Edit::decode(&[6]), Err(later));
    let cases: [&[u8]; 7] = [
        b"",
        b"\0",
        b"\x02\0\0\0",
        b"\x04x",
        b"\x05\0\0\0",
        b"\x05\0\0\0\x02a",
        b"\x05\xFF\0\0\0a",
    ];
    for bytes in cases {
        assert!(matches!(
            Edit::decode(bytes),
            Err(DecodeError::Malformed { .. })
        ));
    }
}

#[test]
fn a_condition_that_no_page_can_meet_is_refused() {
    let len = u32::try_from(PAGE_LEN_MAX).unwrap() + 1;
    let mut bytes = [&[5], &len.to_be_bytes()[..]].concat();
    bytes.resize(5 + PAGE_LEN_MAX + 1, 0);
    let error = Edit::decode(&bytes).unwrap_err();
    let message = "only_if at offset 1: expected a length of 67108864 at most";
    assert_eq!(error.to_string(), message);
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..20)
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any_bytes().prop_map(|content| Edit::Set { content }),
        (any::<u32>(), any_bytes()).prop_map(|(offset, bytes)| Edit::Patch { offset, bytes }),
        any_bytes().prop_map(|suffix| Edit::Append { suffix }),
        Just(Edit::Clear),
        (any_bytes(), any_bytes()).prop_map(|(only_if, suffix)| Edit::AppendIf { only_if, suffix }),
    ]
}

proptest! {
    #[test]
    fn decode_undoes_encode(edit in any_edit()) {
        prop_assert_eq!(Edit::decode(&edit.encode()), Ok(edit));
    }

    #[test]
    fn no_bytes_make_an_edit_panic(opcode in 0u8..8, bytes in vec(any::<u8>(), 0..20)) {
        let bytes = [&[opcode], bytes.as_slice()].concat();
        if let Ok(edit) = Edit::decode(&bytes) {
            prop_assert_eq!(edit.encode(), bytes);
        }
    }
}
