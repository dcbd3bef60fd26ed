use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Ancestor, Index, IndexLayer};
use crate::base::{
    DecodeError, Generation, Key, KeyRange, LayerName, Lsn, LsnRange, TenantId, TimelineId,
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

fn any_index() -> impl Strategy<Value = Index> {
    let ancestor = option::of(any::<([u8; 16], u64)>());
    let ids = any::<([u8; 16], [u8; 16], u32)>();
    (ids, ancestor, any::<(u64, u64)>(), vec(any_layer(), 0..6)).prop_map(
        |((tenant, timeline, generation), ancestor, (durable, cutoff), mut layers)| {
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
            prop_assert_eq!(found.encode(), bytes);
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
        layers,
    }
}

/// The offset of the first layer in an index without an ancestor, behind the count.
const LAYERS_OFFSET: usize = 70;

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
    bytes[11] = 2;
    let (what, found, newest) = ("index", 2, 1);
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
        "version at offset 8: expected 1, found 0"
    );
}

#[test]
fn layers_stand_in_strict_order() {
    let two = index(vec![layer(1), layer(2)]).encode();
    let second = LAYERS_OFFSET + (two.len() - 4 - LAYERS_OFFSET) / 2;
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
        error.to_string().starts_with("layer keys at offset 71"),
        "{error}"
    );
    let error = Index::decode(&forge(&one, &[(LAYERS_OFFSET, 2)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer kind at offset 70: expected 0 or 1, found 2"
    );
}

#[test]
fn a_count_without_as_many_layers_is_refused() {
    let none = index(vec![]).encode();
    let error = Index::decode(&forge(&none, &[(LAYERS_OFFSET - 4, 0xFF)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer kind at offset 70: expected 1 bytes, found 0"
    );
}

#[test]
#[should_panic(expected = "is_sorted_by")]
fn layers_out_of_order_are_not_written() {
    index(vec![layer(2), layer(1)]).encode();
}
