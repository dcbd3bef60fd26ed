use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::{Ancestor, GcCompaction, GcCompactionRun, Index, IndexLayer, IndexShard, ShardOrigin};
use crate::base::{
    DecodeError, Generation, Key, KeyRange, LayerName, Lsn, LsnRange, ShardIdentity, TenantId,
    Time, TimelineId,
};

fn any_keys() -> impl Strategy<Value = KeyRange> {
    any::<[[u8; Key::LEN]; 2]>()
        .prop_map(|keys| keys.map(Key::from_bytes))
        .prop_filter("a range holds a key", |[a, b]| a != b)
        .prop_map(|[a, b]| KeyRange::new(a.min(b), a.max(b)))
}

fn any_name() -> impl Strategy<Value = LayerName> {
    let any_lsns = any::<(u64, u64)>().prop_filter("a range holds an LSN", |(a, b)| a != b);
    prop_oneof![
        (any_keys(), any_lsns).prop_map(|(keys, (a, b))| {
            let lsns = LsnRange::new(Lsn(a.min(b)), Lsn(a.max(b)));
            LayerName::Delta { keys, lsns }
        }),
        (any_keys(), any::<u64>()).prop_map(|(keys, lsn)| LayerName::Image {
            keys,
            lsn: Lsn(lsn)
        }),
    ]
}

fn any_layer() -> impl Strategy<Value = IndexLayer> {
    (any_name(), any::<(u32, u64, Option<u32>)>()).prop_map(
        |(name, (generation, len, checksum))| IndexLayer {
            name,
            generation: Generation(generation),
            len,
            checksum,
        },
    )
}

fn any_gc_compaction() -> impl Strategy<Value = GcCompaction> {
    let run = option::of(any::<(u64, [u8; Key::LEN])>());
    (0..3_u64, run).prop_map(|(reduced, run)| GcCompaction {
        reduced_lsn: Lsn(reduced),
        run: run.map(|(horizon, next)| GcCompactionRun {
            horizon: Lsn(horizon),
            next: Key::from_bytes(next),
        }),
    })
}

fn any_shard() -> impl Strategy<Value = IndexShard> {
    let origins = btree_map(any::<u32>(), any::<u8>(), 0..3);
    let identity = (any::<u8>(), 1..=u8::MAX, 1..=u32::MAX);
    option::of((identity, origins)).prop_map(|shard| {
        let Some(((number, count, stripe), origins)) = shard else {
            return IndexShard::default();
        };
        let origins = origins.into_iter().map(|(through, count)| ShardOrigin {
            through: Generation(through),
            count,
        });
        IndexShard {
            identity: ShardIdentity::new(number % count, count, stripe).unwrap(),
            origins: origins.collect(),
        }
    })
}

fn any_index() -> impl Strategy<Value = Index> {
    let ancestor = option::of(any::<([u8; 16], u64)>());
    let ids = any::<([u8; 16], [u8; 16], u32)>();
    let leases = btree_map(
        any::<u64>().prop_map(Lsn),
        any::<u64>().prop_map(Time),
        0..4,
    );
    let lsns = any::<(u64, u64)>();
    let kept = (
        vec(any_layer(), 0..6),
        leases,
        any_shard(),
        any_gc_compaction(),
        option::of(btree_set(any::<u64>().prop_map(Lsn), 0..4)),
        btree_map(any::<u64>().prop_map(Lsn), any::<u64>(), 0..4),
    );
    (ids, ancestor, lsns, kept).prop_map(
        |((tenant, timeline, generation), ancestor, (durable, cutoff), kept)| {
            let (mut layers, leases, shard, gc_compaction, kept, times) = kept;
            let times = times.into_iter().map(|(lsn, time)| (Time(time), lsn));
            layers.sort_by_key(|layer| layer.name);
            layers.dedup_by_key(|layer| layer.name);
            Index {
                tenant: TenantId(tenant),
                timeline: TimelineId(timeline),
                generation: Generation(generation),
                ancestor: ancestor.map(|(timeline, lsn)| Ancestor {
                    timeline: TimelineId(timeline),
                    lsn: Lsn(lsn),
                }),
                disk_consistent_lsn: Lsn(durable),
                gc_cutoff: Lsn(cutoff),
                is_deleted: cutoff % 2 == 1,
                kept,
                times: times.collect(),
                leases,
                gc_compaction,
                shard,
                sparse_keys: crate::base::SparseKeys::default(),
                strategy: crate::base::Strategy::ALL[durable as usize % 2],
                policy: crate::base::Policy {
                    gc_distance: (durable % 3 == 1).then_some(cutoff),
                    ..Default::default()
                },
                layers,
            }
        },
    )
}

proptest! {
    #[test]
    fn decode_undoes_encode(index in any_index()) {
        prop_assert_eq!(Index::decode(&index.encode()), Ok(index));
    }

    #[test]
    fn every_damaged_byte_is_found(index in any_index(), flip in 1..=u8::MAX) {
        let bytes = index.encode();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            prop_assert!(Index::decode(&damaged).is_err());
            prop_assert!(Index::decode(&bytes[..place]).is_err());
        }
    }

    /// The checksum is corrected after the damage, so that decoding gets past it.
    #[test]
    fn no_field_makes_an_index_panic(
        index in any_index(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut bytes = index.encode();
        let body_len = bytes.len() - 4;
        bytes[place.index(body_len)] ^= flip;
        let checksum = crc32c::crc32c(&bytes[..body_len]);
        bytes[body_len..].copy_from_slice(&checksum.to_be_bytes());
        if let Ok(found) = Index::decode(&bytes) {
            let encoded = found.encode();
            // Under a name that is not known, what need not be known is not written again.
            let is_ignored = found.gc_compaction != index.gc_compaction
                || found.strategy != index.strategy
                || found.policy != index.policy
                || found.kept != index.kept
                || found.times != index.times;
            prop_assert!(is_ignored || encoded == bytes);
            prop_assert_eq!(Index::decode(&encoded), Ok(found));
        }
    }

    #[test]
    fn no_bytes_make_an_index_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Index::decode(&bytes).is_err());
    }
}

fn layer(first: u32) -> IndexLayer {
    IndexLayer {
        name: LayerName::Image {
            keys: KeyRange::single(Key::MIN.add(first)),
            lsn: Lsn(0x10),
        },
        generation: Generation(1),
        len: 24576,
        checksum: None,
    }
}

fn index(layers: Vec<IndexLayer>) -> Index {
    Index {
        tenant: TenantId([0x11; 16]),
        timeline: TimelineId([0x22; 16]),
        generation: Generation(2),
        ancestor: None,
        disk_consistent_lsn: Lsn(0x100),
        gc_cutoff: Lsn(0x20),
        is_deleted: false,
        kept: None,
        times: Vec::new(),
        leases: BTreeMap::new(),
        gc_compaction: GcCompaction::default(),
        shard: IndexShard::default(),
        sparse_keys: crate::base::SparseKeys::default(),
        strategy: crate::base::Strategy::default(),
        policy: crate::base::Policy::default(),
        layers,
    }
}

/// The offset of the first section, which is `layers`, and that of its first layer.
const SECTIONS_OFFSET: usize = 16;
const LAYERS_OFFSET: usize = SECTIONS_OFFSET + 17;
/// The length of an image in the index, without a checksum.
const IMAGE_LEN: usize = 1 + 18 + 18 + 8 + 4 + 8 + 1;

/// Changes some bytes and makes the checksum right again.
fn forge(bytes: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut body = bytes[..bytes.len() - 4].to_vec();
    for (place, byte) in changes {
        body[*place] = *byte;
    }
    let checksum = crc32c::crc32c(&body);
    body.extend_from_slice(&checksum.to_be_bytes());
    body
}

/// A later format may have its checksum elsewhere, so the version is checked first.
#[test]
fn a_later_format_is_refused_by_its_version() {
    let mut bytes = index(vec![]).encode();
    bytes[11] = 3;
    let (what, found, newest) = ("index", 3, 2);
    let expected = DecodeError::Unsupported {
        what,
        found,
        newest,
    };
    assert_eq!(Index::decode(&bytes), Err(expected.clone()));
    assert_eq!(Index::decode(&bytes[..12]), Err(expected));
    bytes[11] = 0;
    let error = Index::decode(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "version at offset 8: expected 1 or 2, found 0"
    );
}

#[test]
fn layers_stand_in_strict_order() {
    let two = index(vec![layer(1), layer(2)]).encode();
    let second = LAYERS_OFFSET + IMAGE_LEN;
    // The second layer's lowest key is 0, and then its keys are those of the first layer.
    for changes in [
        &[(second + 18, 0)][..],
        &[(second + 18, 1), (second + 36, 2)],
    ] {
        let error = Index::decode(&forge(&two, changes)).unwrap_err();
        assert!(error.to_string().starts_with("layer at offset"), "{error}");
    }
}

#[test]
fn a_layer_of_no_keys_or_of_an_unknown_kind_is_refused() {
    let one = index(vec![layer(1)]).encode();
    let error = Index::decode(&forge(&one, &[(LAYERS_OFFSET + 18, 2)])).unwrap_err();
    assert!(
        error.to_string().starts_with("layer keys at offset 34"),
        "{error}"
    );
    let error = Index::decode(&forge(&one, &[(LAYERS_OFFSET, 2)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer kind at offset 33: expected 0 or 1, found 2"
    );
}

#[test]
fn a_section_that_is_longer_than_the_index_is_refused() {
    let none = index(vec![]).encode();
    let error = Index::decode(&forge(&none, &[(LAYERS_OFFSET - 1, 0xFF)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "section at offset 25: 255 times 1 bytes, but 71 follow"
    );
}

#[test]
fn a_section_that_is_missing_is_refused() {
    let none = index(vec![]).encode();
    let mut short = none[..SECTIONS_OFFSET + 17].to_vec();
    short.extend_from_slice(&[0; 4]);
    let error = Index::decode(&forge(&short, &[(SECTIONS_OFFSET - 1, 1)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "timeline at offset 33: expected this section, found none"
    );
}

/// An index with one section more, which stands in front of the others.
fn with_section(name: &str, is_required: bool) -> Vec<u8> {
    let mut section = [0; 17].to_vec();
    section[..name.len()].copy_from_slice(name.as_bytes());
    section[8] = u8::from(is_required);
    section[16] = 3;
    section.extend_from_slice(b"any");
    let mut bytes = index(vec![layer(1)]).encode();
    bytes.splice(SECTIONS_OFFSET..SECTIONS_OFFSET, section);
    forge(&bytes, &[(SECTIONS_OFFSET - 1, 3)])
}

#[test]
fn an_unknown_section_is_ignored_unless_it_is_required() {
    let decoded = Index::decode(&with_section("archive", false));
    assert_eq!(decoded, Ok(index(vec![layer(1)])));
    let error = Index::decode(&with_section("archive", true)).unwrap_err();
    assert_eq!(
        error.of_file("a/index").to_string(),
        "a/index is of a newer format: the section archive is required, and this release does \
         not know it; use a newer release"
    );
}

/// What an index says of gc compaction need not be known, and is not there if it is nothing.
#[test]
fn gc_compaction_is_a_section_that_need_not_be_known() {
    let mut reduced = index(vec![layer(1)]);
    reduced.gc_compaction = GcCompaction {
        reduced_lsn: Lsn(0x10),
        run: Some(GcCompactionRun {
            horizon: Lsn(0x20),
            next: Key::MIN.add(1),
        }),
    };
    let bytes = reduced.encode();
    assert_eq!(Index::decode(&bytes), Ok(reduced));
    let is_required = SECTIONS_OFFSET + 8;
    assert_eq!(bytes[is_required], 0);
    let error = Index::decode(&forge(&bytes, &[(is_required, 1)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "section is required at offset 24: expected that gccomp is not required"
    );
    let renamed = forge(&bytes, &[(SECTIONS_OFFSET, b'a')]);
    assert_eq!(Index::decode(&renamed), Ok(index(vec![layer(1)])));
    let empty = forge(&with_section("gccomp", false), &[(SECTIONS_OFFSET + 16, 9)]);
    assert!(Index::decode(&empty).is_err());
}

/// Which points were kept, and how old history is, need not be known. That no point was kept is
/// something else than that it is not known.
#[test]
fn kept_points_and_times_are_sections_that_need_not_be_known() {
    let mut kept = index(vec![]);
    kept.kept = Some([Lsn(0x10), Lsn(0x20)].into());
    kept.times = vec![(Time(7), Lsn(0x10)), (Time(5), Lsn(0x10))];
    let bytes = kept.encode();
    assert_eq!(Index::decode(&bytes), Ok(kept.clone()));
    let sections = Index::sections(&bytes).unwrap();
    for (name, len) in [("kept", 16), ("times", 32)] {
        let section = sections.iter().find(|section| section.name == name);
        let section = section.expect("it is written");
        assert_eq!((section.is_required, section.len), (false, len));
        // The last LSN is below the one before it.
        let end = (section.offset + section.len) as usize;
        assert!(Index::decode(&forge(&bytes, &[(end - 1, 1)])).is_err());
    }
    kept.kept = Some([].into());
    assert_eq!(Index::decode(&kept.encode()), Ok(kept.clone()));
    assert_ne!(
        kept,
        Index {
            kept: None,
            ..kept.clone()
        }
    );
}

/// A release that does not know how deltas are compacted compacts them as it can.
#[test]
fn the_strategy_is_a_section_that_need_not_be_known() {
    let mut tiered = index(vec![]);
    tiered.strategy = crate::base::Strategy::Tiered;
    let bytes = tiered.encode();
    assert_eq!(Index::decode(&bytes), Ok(tiered));
    let sections = Index::sections(&bytes).unwrap();
    let section = sections.iter().find(|section| section.name == "strategy");
    let section = section.expect("it is written");
    assert!(!section.is_required);
    let content = section.offset as usize;
    let renamed = forge(&bytes, &[(content - 16, b'u')]);
    assert_eq!(Index::decode(&renamed), Ok(index(vec![])));
    let error = Index::decode(&forge(&bytes, &[(content, 0)])).unwrap_err();
    assert!(
        error.to_string().ends_with("expected 1, found 0"),
        "{error}"
    );
}

/// A release that does not know a field, or the section, goes by the engine's options.
#[test]
fn a_policy_is_a_section_that_need_not_be_known() {
    let mut own = index(vec![]);
    own.policy.gc_distance = Some(9);
    own.policy.gc_age = Some(std::time::Duration::from_secs(1));
    let bytes = own.encode();
    assert_eq!(Index::decode(&bytes), Ok(own.clone()));
    let sections = Index::sections(&bytes).unwrap();
    let section = sections.iter().find(|section| section.name == "policy");
    let section = section.expect("it is written");
    assert!(!section.is_required);
    assert_eq!(section.len, 2 * 9);
    let content = section.offset as usize;
    own.policy.gc_age = None;
    let later = forge(&bytes, &[(content + 9, 200)]);
    assert_eq!(Index::decode(&later), Ok(own));
    let error = Index::decode(&forge(&bytes, &[(content + 9, 8)])).unwrap_err();
    let expected = "expected one above 8, found 8";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn leases_stand_in_strict_order() {
    let mut leased = index(vec![]);
    leased.leases = BTreeMap::from([(Lsn(0x30), Time(1)), (Lsn(0x40), Time(2))]);
    let bytes = leased.encode();
    assert_eq!(Index::decode(&bytes), Ok(leased));
    let second = LAYERS_OFFSET + 17 + 16;
    let error = Index::decode(&forge(&bytes, &[(second + 7, 0x30)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "lease at offset 66: expected one above the last, found 0/30"
    );
}

#[test]
fn a_shard_stands_in_a_section_of_its_own() {
    let mut sharded = index(vec![]);
    let origins = [(1, 0), (2, 2)].map(|(through, count)| ShardOrigin {
        through: Generation(through),
        count,
    });
    sharded.shard = IndexShard {
        identity: ShardIdentity::new(3, 4, 8).unwrap(),
        origins: origins.to_vec(),
    };
    let bytes = sharded.encode();
    assert_eq!(Index::decode(&bytes), Ok(sharded.clone()));
    let is_inherited = [1, 2, 3].map(|number| sharded.shard.is_inherited(Generation(number)));
    assert_eq!(is_inherited, [true, true, false]);
    assert!(!IndexShard::default().is_inherited(Generation(1)));
    let section = LAYERS_OFFSET + 17;
    for (change, expected) in [
        (
            (section, 4),
            "shard at offset 50: there is no shard 4 of 4: they start at 0",
        ),
        (
            (section + 1, 0),
            "shard at offset 50: 0 shards hold no key: write 1 at least",
        ),
        (
            (section + 5, 0),
            "shard at offset 50: a stripe of 0 blocks: write 1 at least",
        ),
        (
            (section + 14, 1),
            "shard origin at offset 61: expected one above 00000001, found 00000001",
        ),
    ] {
        let error = Index::decode(&forge(&bytes, &[change])).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

/// The index of the test before, as the first release wrote it.
const FORMAT_1: &str = "\
    50616c696d4964780000000111111111111111111111111111111111222222222222\
    22222222222222222222000000020000000000000100000000000000002000000000\
    00010100000000000000000000000000000000000100000000000000000000000000\
    0000000002000000000000001000000001000000000000600000027245c3";

#[test]
fn an_index_of_format_1_is_read_and_written_anew_as_format_2() {
    let bytes: Vec<u8> = (0..FORMAT_1.len() / 2)
        .map(|at| u8::from_str_radix(&FORMAT_1[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let read = Index::decode(&bytes).unwrap();
    assert_eq!(read, index(vec![layer(1)]));
    assert_eq!(read.encode()[8..12], [0, 0, 0, 2]);
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        assert!(Index::decode(&damaged).is_err());
        assert!(Index::decode(&bytes[..place]).is_err());
    }
}

#[test]
#[should_panic(expected = "is_sorted_by")]
fn layers_out_of_order_are_not_written() {
    index(vec![layer(2), layer(1)]).encode();
}
