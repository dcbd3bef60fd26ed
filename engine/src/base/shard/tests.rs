//! Ownership, by the figures of a peer; and identity, count and text of a shard.

use proptest::prelude::*;

use super::*;

fn block(relation: u32, number: u32) -> Key {
    Key {
        field1: 0,
        field2: 0x67F,
        field3: 1,
        field4: relation,
        field5: 0,
        field6: number,
    }
}

fn shard(number: u8, count: u8, stripe: u32) -> ShardIdentity {
    ShardIdentity::new(number, count, stripe).expect("the test's shard can be")
}

/// The owners of the first blocks of some stripes.
fn owners(relation: u32, (count, stripe): (u8, u32), blocks: &[u32]) -> Vec<u8> {
    let of = |number: &u32| shard(0, count, stripe).owner(block(relation, *number));
    blocks.iter().map(of).collect()
}

#[test]
fn hashes_are_a_peers() {
    for (word, hash) in [
        (0, 0),
        (1, 0x514e_28b7),
        (0x400c, 0xcb77_6f3e),
        (u32::MAX, 0x81f1_6f39),
    ] {
        assert_eq!(murmur(word), hash, "{word:x}");
    }
    for (first, second, mixed) in [
        (1, 2, 0x9e37_79fa),
        (u32::MAX, u32::MAX, 0x21c8_8688),
        (0xb1ff_3b40, 0, 0xfb79_23c9),
    ] {
        assert_eq!(combine(first, second), mixed, "{first:x} {second:x}");
    }
    let stripes = [0, 0x800, 0x1000, 0x1800].map(|number: u32| number / 0x800);
    let hashes = stripes.map(|stripe| combine(murmur(0xae), murmur(stripe)));
    let expected = [0x753f_7898, 0x2a6e_a1c7, 0x4a30_0796, 0xffcc_3477];
    assert_eq!(hashes, expected);
}

/// A relation, the count and stripe of its shards, some blocks, and their owners.
type OwnersOf<'a> = (u32, (u8, u32), &'a [u32], &'a [u8]);

#[test]
fn owners_of_blocks_are_a_peers() {
    let stripes: Vec<u32> = (0..16).map(|stripe| stripe * 2048).collect();
    let cases: [OwnersOf; 7] = [
        (0xae, (4, 0x800), &[0, 0x800, 0x1000, 0x1800], &[0, 3, 2, 3]),
        (
            0x400c,
            (4, 2048),
            &stripes,
            &[2, 1, 0, 1, 3, 3, 2, 2, 1, 1, 2, 2, 1, 0, 3, 3],
        ),
        (
            0x400c,
            (8, 2048),
            &stripes,
            &[6, 1, 0, 1, 3, 3, 6, 2, 5, 5, 6, 2, 5, 4, 7, 3],
        ),
        (0x400c, (2, 2048), &[0, 2047, 2048, 4096], &[0, 0, 1, 0]),
        (0x400c, (8, 2048), &[0xFFFF_FFFE], &[6]),
        (1, (3, 1), &[0, 1, 2, 3], &[1, 0, 0, 2]),
        (0x80_0001, (255, 2048), &[0], &[231]),
    ];
    for (relation, shape, blocks, expected) in cases {
        assert_eq!(
            owners(relation, shape, blocks),
            expected,
            "{relation:x} {shape:?}"
        );
    }
    let key = Key {
        field3: 5,
        ..block(0x400c, 0x7d06)
    };
    assert_eq!(shard(0, 10, 32768).owner(key), 8);
}

#[test]
fn a_key_that_is_no_block_stands_on_shard_0_or_on_all() {
    let at = |field1, field4, field5, field6| Key {
        field1,
        field2: 0,
        field3: 0,
        field4,
        field5,
        field6,
    };
    // A block of relation 1 that is shard 1's, of 3; what differs from it in one field; whether
    // shards 0, 1 and 2 hold it.
    let cases = [
        ("block", at(0, 1, 0, 0), [false, true, false]),
        (
            "block of a free space map",
            at(0, 1, 1, 0),
            [false, true, false],
        ),
        (
            "block of an init fork",
            at(0, 1, 3, 0),
            [true, false, false],
        ),
        (
            "length of a relation",
            at(0, 1, 0, u32::MAX),
            [true, true, true],
        ),
        ("directory of databases", at(0, 0, 0, 0), [true, true, true]),
        ("small log", at(1, 1, 0, 0), [true, false, false]),
        (
            "length of a small log",
            at(1, 1, 0, u32::MAX),
            [true, false, false],
        ),
        ("two-phase state", at(2, 1, 0, 0), [true, true, true]),
        ("checkpoint", at(3, 0, 0, 1), [true, true, true]),
        (
            "length of a relation, sparse",
            at(0x61, 1, 0, 0),
            [true, true, true],
        ),
        ("auxiliary file", at(0x62, 1, 0, 0), [true, false, false]),
        ("replication origin", at(0x63, 1, 0, 0), [true, true, true]),
        ("highest key", Key::MAX, [true, true, true]),
    ];
    for (name, key, expected) in cases {
        let held = [0, 1, 2].map(|number| shard(number, 3, 1).holds(key));
        assert_eq!(held, expected, "{name}");
    }
}

#[test]
fn one_shard_or_none_holds_everything() {
    for number in 0..64 {
        assert!(ShardIdentity::UNSHARDED.holds(block(0x400c, number)));
        assert!(shard(0, 1, 1).holds(block(0x400c, number)));
        assert_eq!(shard(0, 1, 1).owner(block(0x400c, number)), 0);
    }
}

#[test]
fn a_shard_that_cannot_be_is_a_typed_error() {
    use ShardError::*;
    let cases = [
        ((0, 0, 1), CountZero, "0 shards hold no key"),
        (
            (4, 4, 1),
            NumberTooHigh {
                number: 4,
                count: 4,
            },
            "no shard 4 of 4",
        ),
        ((3, 4, 0), StripeZero, "a stripe of 0 blocks"),
    ];
    for ((number, count, stripe), expected, text) in cases {
        let error = ShardIdentity::new(number, count, stripe).unwrap_err();
        assert_eq!(error, expected);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn text_is_number_and_count_in_hex() {
    for (number, count, text) in [(7, 10, "-070a"), (0, 1, "-0001"), (254, 255, "-feff")] {
        let identity = shard(number, count, 8);
        assert_eq!(identity.to_string(), text);
        assert_eq!(ShardIdentity::parse(text, 8), Ok(identity));
        assert_eq!(ShardIdentity::parse(&text.to_uppercase(), 8), Ok(identity));
    }
    assert_eq!(ShardIdentity::UNSHARDED.to_string(), "");
    assert_eq!(ShardIdentity::parse("", 8), Ok(ShardIdentity::UNSHARDED));
    for text in ["070a", "-070", "-070a0", "-07 a", "-+70a", "--07a", "-07é"] {
        let error = ShardIdentity::parse(text, 8).unwrap_err();
        assert!(matches!(error, ShardError::Text { .. }), "{text}: {error}");
    }
    assert_eq!(ShardIdentity::parse("-0000", 8), Err(ShardError::CountZero));
}

#[test]
fn children_of_a_split_are_numbered_by_their_parent() {
    let numbers = |parent: ShardIdentity, count: usize| -> Vec<(u8, u8, u32)> {
        let children = parent.children(count, 16).expect("it can be split");
        let parts = children
            .iter()
            .map(|child| (child.number, child.count, child.stripe));
        parts.collect()
    };
    let unsharded = ShardIdentity::UNSHARDED;
    assert_eq!(numbers(unsharded, 2), [(0, 2, 16), (1, 2, 16)]);
    assert_eq!(numbers(shard(1, 2, 8), 2), [(1, 4, 8), (3, 4, 8)]);
    assert_eq!(
        numbers(shard(2, 3, 8), 3),
        [(2, 9, 8), (5, 9, 8), (8, 9, 8)]
    );
    for (parent, count) in [
        (unsharded, 0),
        (unsharded, 1),
        (unsharded, 256),
        (shard(0, 128, 8), 2),
    ] {
        let error = parent.children(count, 16).unwrap_err();
        assert!(matches!(error, ShardError::SplitCount { .. }), "{error}");
    }
    assert_eq!(unsharded.children(2, 0), Err(ShardError::StripeZero));
}

#[test]
fn keys_of_a_range_are_counted_where_they_follow_each_other() {
    let relation = 0xae;
    let four = |number| shard(number, 4, 0x800);
    let in_fork = |fork, number| Key {
        field5: fork,
        ..block(relation, number)
    };
    let range = |start, end| KeyRange::new(start, end);
    let over_relations = range(block(relation, 0), block(relation + 1, 0));
    let over_forks = range(in_fork(0, u32::MAX - 1), in_fork(1, 3));
    let behind_length = range(in_fork(0, u32::MAX), in_fork(1, 0x80));
    let cases = [
        ("over relations", over_relations, [None; 4]),
        ("over forks", over_forks, [None; 4]),
        ("all", KeyRange::ALL, [None; 4]),
        (
            "length",
            KeyRange::single(in_fork(0, u32::MAX)),
            [Some(1); 4],
        ),
        (
            "behind a length",
            behind_length,
            [Some(0x81), Some(1), Some(1), Some(1)],
        ),
        (
            "block 0",
            KeyRange::single(block(relation, 0)),
            [Some(1), Some(0), Some(0), Some(0)],
        ),
        (
            "four stripes",
            range(block(relation, 0), block(relation, 0x2000)),
            [Some(0x800), Some(0), Some(0x800), Some(0x1000)],
        ),
        (
            "parts of two stripes",
            range(block(relation, 0x7FF), block(relation, 0x803)),
            [Some(1), Some(0), Some(0), Some(3)],
        ),
    ];
    for (name, range, expected) in cases {
        let counts = [0, 1, 2, 3].map(|number| four(number).held_count(&range));
        assert_eq!(counts, expected, "{name}");
        let none = [0, 1, 2, 3].map(|number| four(number).holds_none(&range));
        assert_eq!(none, expected.map(|count| count == Some(0)), "{name}");
    }
    let unsharded = ShardIdentity::UNSHARDED;
    assert_eq!(unsharded.held_count(&behind_length), Some(0x81));
    assert_eq!(unsharded.held_count(&over_relations), None);
    // More stripes than are counted.
    let wide = range(block(relation, 0), block(relation, u32::MAX));
    assert_eq!(shard(0, 4, 1).held_count(&wide), None);
    assert_eq!(
        shard(0, 2, u32::MAX)
            .held_count(&wide)
            .map(|count| count == 0),
        Some(shard(0, 2, u32::MAX).owner(block(relation, 0)) != 0)
    );
}

#[test]
fn foreign_stripes_leave_a_set_of_keys() {
    let declared = KeySpace::from_ranges([
        KeyRange::new(block(0xae, 0x700), block(0xae, 0x1900)),
        KeyRange::new(block(0xaf, 0), block(0xb0, 0)),
    ]);
    let held = shard(3, 4, 0x800).held_space(&declared);
    let expected = [
        KeyRange::new(block(0xae, 0x800), block(0xae, 0x1000)),
        KeyRange::new(block(0xae, 0x1800), block(0xae, 0x1900)),
        KeyRange::new(block(0xaf, 0), block(0xb0, 0)),
    ];
    assert_eq!(held.ranges(), expected);
    assert_eq!(ShardIdentity::UNSHARDED.held_space(&declared), declared);
}

fn any_key() -> impl Strategy<Value = Key> {
    let fields = (
        0_u8..5,
        0_u32..4,
        0_u8..5,
        prop_oneof![0_u32..64, Just(u32::MAX)],
    );
    fields.prop_map(|(section, relation, fork, number)| Key {
        field1: [0, 0, 1, 3, 0x62][usize::from(section)],
        field5: fork,
        ..block(relation, number)
    })
}

proptest! {
    #[test]
    fn a_key_that_is_not_global_is_held_by_its_owner_alone(
        key in any_key(), count in 2_u8..20, stripe in 1_u32..9,
    ) {
        let holders: Vec<u8> = (0..count)
            .filter(|number| shard(*number, count, stripe).holds(key))
            .collect();
        let owner = shard(0, count, stripe).owner(key);
        prop_assert!(holders.len() == usize::from(count) || holders == [owner]);
        prop_assert!(holders.contains(&owner));
    }

    #[test]
    fn what_a_child_holds_its_parent_held(
        key in any_key(), (number, count) in (any::<u8>(), 1_u8..9), child_count in 2_usize..6,
        stripe in 1_u32..9,
    ) {
        let number = number % count;
        let parent = shard(number, count, stripe);
        let children = parent.children(child_count, stripe).expect("they are few");
        let holders = children.iter().filter(|child| child.holds(key)).count();
        prop_assert_eq!(0 < holders, parent.holds(key));
        prop_assert!(children.iter().all(|child| child.number % count == number));
    }

    #[test]
    fn a_count_is_that_of_the_keys_one_by_one(
        start in 0_u32..70, len in 0_u32..70, number in 0_u8..5, stripe in 1_u32..9,
    ) {
        let identity = shard(number, 5, stripe);
        let range = KeyRange::new(block(0xae, start), block(0xae, start + len));
        let held = (start..start + len).filter(|at| identity.holds(block(0xae, *at)));
        let held: Vec<u32> = held.collect();
        prop_assert_eq!(identity.held_count(&range), Some(held.len() as u64));
        let space = identity.held_space(&KeySpace::from_ranges([range]));
        let inside = (0..200).filter(|at| space.contains(block(0xae, *at)));
        prop_assert_eq!(inside.collect::<Vec<u32>>(), held);
    }

    #[test]
    fn reading_undoes_printing(number in 0_u8..254, stripe in 1_u32..9) {
        let identity = shard(number, number + 1, stripe);
        prop_assert_eq!(ShardIdentity::parse(&identity.to_string(), stripe), Ok(identity));
    }
}
