use proptest::prelude::*;

use super::*;

/// A relation's block: tablespace 0x67f, database 5, relation 0x400c, main fork, block 0x7d06.
const BLOCK: Key = Key {
    field1: 0,
    field2: 0x67F,
    field3: 5,
    field4: 0x400C,
    field5: 0,
    field6: 0x7D06,
};

/// Fields that are often at an edge, where a carry or a cut would show.
fn any_key() -> impl Strategy<Value = Key> {
    let byte = || prop_oneof![Just(0), Just(0x7F), Just(u8::MAX), any::<u8>()];
    let word = || {
        prop_oneof![
            Just(0),
            Just(0x2222),
            Just(0xFFFF),
            Just(0x1_0000),
            Just(0x2222_2222),
            Just(u32::MAX - 1),
            Just(u32::MAX),
            0..0x1_0000_u32,
            any::<u32>()
        ]
    };
    (byte(), word(), word(), word(), byte(), word()).prop_map(
        |(field1, field2, field3, field4, field5, field6)| Key {
            field1,
            field2,
            field3,
            field4,
            field5,
            field6,
        },
    )
}

/// The model of `Key::checked_add`: the 18 bytes are one number of 16 and 128 bits.
fn add_as_number(key: Key, count: u32) -> Option<Key> {
    let bytes = key.to_bytes();
    let (high, low) = bytes.split_at(2);
    let high = u16::from_be_bytes(high.try_into().unwrap());
    let low = u128::from_be_bytes(low.try_into().unwrap());
    let (low, carry) = low.overflowing_add(u128::from(count));
    let high = high.checked_add(u16::from(carry))?;
    let sum = [&high.to_be_bytes()[..], &low.to_be_bytes()[..]].concat();
    Some(Key::from_bytes(sum.try_into().unwrap()))
}

#[test]
fn prints_its_bytes_in_upper_case() {
    let text = "000000067F000000050000400C0000007D06";
    assert_eq!(BLOCK.to_string(), text);
    assert_eq!(format!("{BLOCK:?}"), text);
    assert_eq!(Key::MIN.to_string(), "0".repeat(36));
    assert_eq!(Key::MAX.to_string(), "F".repeat(36));
}

#[test]
fn reads_36_digits_of_either_case_and_nothing_else() {
    let text = BLOCK.to_string();
    assert_eq!(text.to_lowercase().parse(), Ok(BLOCK));
    for wrong in [
        "",
        &text[1..],
        &format!("{text}0"),
        &format!("+{}", &text[1..]),
        &format!("{}-6", &text[2..]),
        &text.replace("7F", "XX"),
        &text.replace("7F", "é"),
    ] {
        assert!(wrong.parse::<Key>().is_err(), "{wrong:?}");
    }
}

#[test]
fn error_says_what_was_found_and_expected() {
    assert_eq!(
        "k".parse::<Key>().unwrap_err().to_string(),
        r#""k" is not a key: expected 36 hex digits"#
    );
}

#[test]
fn next_steps_to_the_next_block() {
    assert_eq!(
        BLOCK.next(),
        Key {
            field6: 0x7D07,
            ..BLOCK
        }
    );
}

#[test]
fn next_carries_into_field5() {
    let last_block = Key {
        field6: u32::MAX,
        ..BLOCK
    };
    let next_fork = Key {
        field5: 1,
        field6: 0,
        ..BLOCK
    };
    assert_eq!(last_block.next(), next_fork);
    assert_eq!(last_block.add(3), next_fork.add(2));
}

#[test]
fn next_carries_through_every_field_into_field1() {
    let last_of_section = Key {
        field1: 0,
        ..Key::MAX
    };
    let first_of_section = Key {
        field1: 1,
        ..Key::MIN
    };
    assert_eq!(last_of_section.next(), first_of_section);
}

#[test]
fn highest_key_has_no_next() {
    assert_eq!(Key::MAX.checked_next(), None);
    assert_eq!(Key::MAX.checked_add(0), Some(Key::MAX));
    assert_eq!(Key::MAX.checked_add(u32::MAX), None);
}

#[test]
#[should_panic(expected = "below Key::MAX")]
fn next_panics_where_field1_overflows() {
    Key::MAX.next();
}

#[test]
fn compact_form_packs_the_fields() {
    let key = Key {
        field1: 0x61,
        field2: 0x1234,
        field3: 0xAABB_CCDD,
        field4: 0x0102_0304,
        field5: 0x05,
        field6: 0x0607_0809,
    };
    assert_eq!(key.to_i128(), 0x6112_34AA_BBCC_DD01_0203_0405_0607_0809);
    assert_eq!(Key::from_i128(key.to_i128()), key);
}

#[test]
fn compact_form_has_16_bits_for_field2_and_two_exceptions() {
    let of = |field2| Key { field2, ..BLOCK };
    for field2 in [0, 0xFFFF, 0x2222_2222, 0xFFFF_FFFF] {
        assert!(of(field2).is_compact(), "{field2:x}");
    }
    for field2 in [0x1_0000, 0x2222_2221, 0x2222_2223, 0xFFFF_FFFE] {
        assert!(!of(field2).is_compact(), "{field2:x}");
    }
}

#[test]
#[should_panic(expected = "self.is_compact()")]
fn key_that_does_not_fit_has_no_compact_form() {
    let wide = Key {
        field2: 0x1_0000,
        ..BLOCK
    };
    wide.to_i128();
}

#[test]
fn keys_that_differ_in_the_cut_bits_share_a_compact_form() {
    let of = |field2| Key { field2, ..BLOCK };
    assert_eq!(of(0xFFFF_FFFF).to_i128(), of(0xFFFF).to_i128());
    assert_eq!(Key::from_i128(of(0xFFFF_FFFF).to_i128()), of(0xFFFF));
    assert_eq!(of(0x2222_2222).to_i128(), of(0x2222).to_i128());

    let below_max = Key {
        field1: 0x7F,
        ..Key::MAX
    };
    assert_eq!(Key::MAX.to_i128(), i128::MAX);
    assert_eq!(below_max.to_i128(), i128::MAX);
}

#[test]
fn wide_field2_leaves_the_order_in_the_compact_form() {
    let of = |field2| Key { field2, ..BLOCK };
    assert!(of(0x3000) < of(0x2222_2222));
    assert!(of(0x2222_2222).to_i128() < of(0x3000).to_i128());
}

#[test]
fn highest_compact_form_is_a_key() {
    let key = Key::from_i128(i128::MAX);
    let highest = Key {
        field1: 0x7F,
        field2: 0xFFFF,
        ..Key::MAX
    };
    assert_eq!(key, highest);
    assert_eq!(key.to_i128(), i128::MAX);
}

/// A peer once split the form into two signed halves, and a relation above 0x00800000 put a one
/// where the lower half has its sign.
#[test]
fn compact_form_survives_a_split_into_two_halves() {
    for field4 in [0x0080_0000, 0x0080_0001, 0x00FF_FFFF, u32::MAX] {
        let compact = Key { field4, ..BLOCK }.to_i128();
        assert!(0 < compact);
        let bytes = compact.to_be_bytes();
        let high = u64::from_be_bytes(bytes[..8].try_into().unwrap());
        let low = u64::from_be_bytes(bytes[8..].try_into().unwrap());
        assert!(1 << 63 <= low);
        assert_eq!((i128::from(high) << 64) | i128::from(low), compact);
    }
}

#[test]
fn metadata_key_is_its_16_bytes() {
    let mut bytes = [0xFF; 16];
    bytes[0] = 0x62;
    let key = Key::from_metadata(bytes);
    assert_eq!(key.field2, 0xFFFF);
    assert_eq!(key.to_i128().to_be_bytes(), bytes);
    assert!(key.is_metadata());
}

#[test]
fn metadata_is_from_60_up_to_but_not_7f() {
    let sections = (0..=u8::MAX).filter(|&field1| Key { field1, ..BLOCK }.is_metadata());
    assert!(sections.eq(0x60..0x7F));
}

#[test]
#[should_panic(expected = "bytes[0] < 0x80")]
fn metadata_with_a_lost_top_bit_is_refused() {
    let mut bytes = [0; 16];
    bytes[0] = 0xE2;
    Key::from_metadata(bytes);
}

#[test]
#[should_panic(expected = "key.is_metadata()")]
fn metadata_of_another_section_is_refused() {
    Key::from_metadata([0; 16]);
}

#[test]
fn range_is_half_open() {
    let range = KeyRange::new(BLOCK, BLOCK.add(2));
    assert!(range.contains(BLOCK));
    assert!(range.contains(BLOCK.next()));
    assert!(!range.contains(BLOCK.add(2)));
    assert_eq!(range.to_string(), format!("{BLOCK}-{}", BLOCK.add(2)));
}

#[test]
fn range_of_all_keys_lacks_the_highest() {
    assert!(KeyRange::ALL.is_all());
    assert!(KeyRange::ALL.contains(Key::MIN));
    assert!(!KeyRange::ALL.contains(Key::MAX));
    assert!(!KeyRange::new(Key::MIN.next(), Key::MAX).is_all());
}

#[test]
fn single_holds_one_key() {
    let range = KeyRange::single(BLOCK);
    assert!(!range.is_empty());
    assert!(range.contains(BLOCK));
    assert!(!range.contains(BLOCK.next()));
}

#[test]
fn range_that_ends_at_or_below_its_start_is_empty() {
    assert!(KeyRange::new(BLOCK, BLOCK).is_empty());
    assert!(KeyRange::new(BLOCK.next(), BLOCK).is_empty());
}

#[test]
fn ranges_that_touch_do_not_overlap() {
    let low = KeyRange::new(BLOCK, BLOCK.add(2));
    let high = KeyRange::new(BLOCK.add(2), BLOCK.add(4));
    assert!(!low.overlaps(&high));
    assert!(!high.overlaps(&low));
    assert!(low.overlaps(&KeyRange::new(BLOCK.add(1), BLOCK.add(4))));
}

#[test]
fn distance_stops_at_what_64_bits_hold() {
    let far = |field3, field4, field5, field6| Key {
        field3,
        field4,
        field5,
        field6,
        ..Key::MIN
    };
    for (above, distance) in [
        (Key::MIN, 0),
        (far(0, 0, 0, 1), 1),
        (far(0, 0, 1, 0), 1 << 32),
        (far(0, 0x00FF_FFFF, 0xFF, 0xFFFF_FFFE), u64::MAX - 1),
        (far(0, 0x00FF_FFFF, 0xFF, 0xFFFF_FFFF), u64::MAX),
        (far(0, 0x0100_0000, 0, 0), u64::MAX),
        (far(1, 0, 0, 0), u64::MAX),
        (Key::MAX, u64::MAX),
    ] {
        assert_eq!(Key::MIN.distance_to(above), distance, "{above}");
    }
    assert_eq!(BLOCK.distance_to(Key::MIN), 0);
}

#[test]
fn distance_borrows_through_every_field() {
    let last = Key {
        field1: 0,
        ..Key::MAX
    };
    let next = Key {
        field1: 1,
        ..Key::MIN
    };
    assert_eq!(last.distance_to(next), 1);
    assert_eq!(last.distance_to(next.add(9)), 10);
    assert_eq!(next.distance_to(last), 0);
}

proptest! {
    #[test]
    fn reading_undoes_printing(key in any_key()) {
        prop_assert_eq!(key.to_string().parse(), Ok(key));
    }

    #[test]
    fn from_bytes_undoes_to_bytes(bytes: [u8; Key::LEN]) {
        prop_assert_eq!(Key::from_bytes(bytes).to_bytes(), bytes);
    }

    #[test]
    fn keys_sort_like_their_bytes(a in any_key(), b in any_key()) {
        prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
    }

    #[test]
    fn adding_is_adding_to_one_number_of_18_bytes(key in any_key(), count: u32) {
        prop_assert_eq!(key.checked_add(count), add_as_number(key, count));
    }

    #[test]
    fn distance_undoes_adding(key in any_key(), counts: [u32; 2]) {
        let further = counts.iter().try_fold(key, |key, &count| key.checked_add(count));
        if let Some(further) = further {
            let distance: u64 = counts.iter().map(|&count| u64::from(count)).sum();
            prop_assert_eq!(key.distance_to(further), distance);
        }
    }

    #[test]
    fn distances_add_up(keys in [any_key(), any_key(), any_key()]) {
        let mut keys = keys;
        keys.sort_unstable();
        let [a, b, c] = keys;
        let there = a.distance_to(b).saturating_add(b.distance_to(c));
        prop_assert_eq!(a.distance_to(c), there);
    }

    #[test]
    fn compact_form_is_never_negative(key in any_key()) {
        if key.is_compact() {
            prop_assert!(0 <= key.to_i128());
        }
    }

    #[test]
    fn compact_form_loses_nothing_of_a_short_field2(key in any_key()) {
        let short = Key { field1: key.field1 & 0x7F, field2: key.field2 & 0xFFFF, ..key };
        prop_assert_eq!(Key::from_i128(short.to_i128()), short);
    }

    #[test]
    fn short_keys_sort_like_their_compact_forms(a in any_key(), b in any_key()) {
        let [a, b] = [a, b].map(|key| Key {
            field1: key.field1 & 0x7F,
            field2: key.field2 & 0xFFFF,
            ..key
        });
        prop_assert_eq!(a.cmp(&b), a.to_i128().cmp(&b.to_i128()));
    }

    #[test]
    fn any_number_is_some_key_without_its_top_bit(compact: i128) {
        prop_assert_eq!(Key::from_i128(compact).to_i128(), compact & i128::MAX);
    }
}
