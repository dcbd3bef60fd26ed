use proptest::prelude::*;

use super::*;

const KEYS: &str = "000000000000000000000000000000000000-000000067F00000001000004DF0000000006";
const START: &str = "00000000014FED58";
const END: &str = "000000000154C481";

fn end_key() -> Key {
    "000000067F00000001000004DF0000000006".parse().unwrap()
}

fn image() -> LayerName {
    LayerName::Image {
        keys: KeyRange::new(Key::MIN, end_key()),
        lsn: Lsn(0x014F_ED58),
    }
}

fn delta() -> LayerName {
    LayerName::Delta {
        keys: KeyRange::new(Key::MIN, end_key()),
        lsns: LsnRange::new(Lsn(0x014F_ED58), Lsn(0x0154_C481)),
    }
}

fn delta_of(lsns: (u64, u64)) -> LayerName {
    LayerName::Delta {
        keys: KeyRange::ALL,
        lsns: LsnRange::new(Lsn(lsns.0), Lsn(lsns.1)),
    }
}

fn image_at(lsn: u64) -> LayerName {
    LayerName::Image {
        keys: KeyRange::ALL,
        lsn: Lsn(lsn),
    }
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        Just(Key::MIN),
        Just(Key::MAX),
        any::<[u8; Key::LEN]>().prop_map(Key::from_bytes),
        (0..4_u32).prop_map(|count| Key::MIN.add(count)),
    ]
}

fn any_lsn() -> impl Strategy<Value = Lsn> {
    prop_oneof![0..4_u64, u64::MAX - 3..=u64::MAX, any::<u64>()].prop_map(Lsn)
}

/// A name that a layer can have.
pub(in super::super) fn any_layer_name() -> impl Strategy<Value = LayerName> {
    let parts = (any::<bool>(), any_key(), any_key(), any_lsn(), any_lsn());
    parts.prop_filter_map("a delta without keys or LSNs", |(is_delta, a, b, c, d)| {
        if !is_delta {
            let keys = KeyRange::new(a, b);
            return Some(LayerName::Image { keys, lsn: c });
        }
        let keys = KeyRange::new(a.min(b), a.max(b));
        let lsns = LsnRange::new(c.min(d), c.max(d));
        (!keys.is_empty() && !lsns.is_empty()).then_some(LayerName::Delta { keys, lsns })
    })
}

#[test]
fn prints_keys_and_then_lsns() {
    assert_eq!(image().to_string(), format!("{KEYS}__{START}"));
    assert_eq!(delta().to_string(), format!("{KEYS}__{START}-{END}"));
}

#[test]
fn the_generation_behind_a_name_is_no_part_of_it() {
    for suffix in [
        "",
        "-v1-00000001",
        "-00000001",
        "-v1-0000002A",
        "-v1-0000002a",
    ] {
        let text = format!("{KEYS}__{START}{suffix}");
        assert_eq!(LayerName::parse(&text), Some(image()), "{text}");
        let text = format!("{KEYS}__{START}-{END}{suffix}");
        assert_eq!(LayerName::parse(&text), Some(delta()), "{text}");
    }
}

#[test]
fn other_suffixes_are_foreign() {
    for suffix in [
        "-",
        "-1",
        "-000000001",
        "-0000001",
        "-v1",
        "-v1-",
        "-v1-0000001",
        "-v1-000000001",
        "-v2-00000001",
        "-v1_00000001",
        "-v1-0000000g",
        "-+0000001",
        "-v1-v1-00000001",
        "-00000001-00000001",
        "-v1-00000001-v1-00000001",
        ".old",
        " ",
        "-v1-00000001 ",
    ] {
        for body in [format!("{KEYS}__{START}"), format!("{KEYS}__{START}-{END}")] {
            let text = format!("{body}{suffix}");
            assert_eq!(LayerName::parse(&text), None, "{text}");
        }
    }
}

/// LATENT-1: a peer looks only at the `v` of the suffix, asks for layers before temp files, and so
/// adopts an interrupted download as the layer once its length is right. To refuse the name is
/// enough, in whatever order the kinds are tried.
#[test]
fn temp_file_is_no_layer() {
    for suffix in [".1.temp_download", ".1.___temp", ".temp_download", ".tmp"] {
        for body in [format!("{KEYS}__{START}"), format!("{KEYS}__{START}-{END}")] {
            let text = format!("{body}-v1-00000001{suffix}");
            assert_eq!(LayerName::parse(&text), None, "{text}");
            assert_eq!(LayerName::parse(&format!("{body}{suffix}")), None);
        }
    }
}

#[test]
fn one_layer_has_one_spelling() {
    let short_key = KEYS.replacen('0', "", 1);
    for text in [
        format!("{}__{START}", KEYS.to_lowercase()),
        format!("{KEYS}__{}", START.to_lowercase()),
        format!("{KEYS}__{}-{END}", START.to_lowercase()),
        format!("{KEYS}__{START}-{}", END.to_lowercase()),
        format!("{KEYS}__{}", &START[1..]),
        format!("{KEYS}__0{START}"),
        format!("{KEYS}__{START}-0{END}"),
        format!("{short_key}__{START}"),
        format!("{KEYS}_{START}"),
        format!("{KEYS}__{START}__{END}"),
        format!("{KEYS}-{KEYS}__{START}"),
        format!("{}-XXX__{START}-{END}", Key::MIN),
        String::new(),
        "__".to_owned(),
    ] {
        assert_eq!(LayerName::parse(&text), None, "{text}");
    }
}

#[test]
fn delta_has_keys_and_lsns() {
    let key = end_key();
    let low = Key::MIN;
    for text in [
        format!("{key}-{key}__{START}-{END}"),
        format!("{key}-{low}__{START}-{END}"),
        format!("{low}-{key}__{START}-{START}"),
        format!("{low}-{key}__{END}-{START}"),
    ] {
        assert_eq!(LayerName::parse(&text), None, "{text}");
    }
}

#[test]
fn image_may_be_without_keys() {
    let key = end_key();
    for start in [key, key.next()] {
        let keys = KeyRange::new(start, key);
        let lsn = Lsn(1);
        let text = format!("{start}-{key}__{}", lsn.to_hex());
        assert_eq!(
            LayerName::parse(&text),
            Some(LayerName::Image { keys, lsn })
        );
    }
}

#[test]
fn image_covers_the_lsn_that_it_stands_at() {
    assert_eq!(image_at(7).lsns(), LsnRange::new(Lsn(7), Lsn(8)));
    assert!(image_at(u64::MAX).lsns().is_empty());
    assert_eq!(delta_of((7, 9)).lsns(), LsnRange::new(Lsn(7), Lsn(9)));
}

#[test]
fn l0_is_a_delta_over_exactly_all_keys() {
    assert!(delta_of((7, 9)).is_l0());
    assert!(!image_at(7).is_l0());
    assert!(!delta().is_l0());
}

#[test]
fn kinds_exclude_each_other() {
    assert!(delta().is_delta() && !delta().is_image());
    assert!(image().is_image() && !image().is_delta());
}

#[test]
fn image_is_above_the_lsns_below_it() {
    assert!(image_at(8).is_above(Lsn(7)));
    assert!(!image_at(8).is_above(Lsn(8)));
    assert!(!image_at(u64::MAX).is_above(Lsn::MAX));
}

#[test]
fn delta_is_above_what_its_last_lsn_is_above() {
    assert!(delta_of((1, 10)).is_above(Lsn(8)));
    assert!(!delta_of((1, 10)).is_above(Lsn(9)));
    assert!(!delta_of((1, u64::MAX)).is_above(Lsn(u64::MAX - 1)));
    assert!(!delta_of((1, u64::MAX)).is_above(Lsn::MAX));
}

#[test]
fn layers_sort_by_lsns_then_keys_and_images_last() {
    let few_keys = |lsns: (u64, u64), end: u32| LayerName::Delta {
        keys: KeyRange::new(Key::MIN, Key::MIN.add(end)),
        lsns: LsnRange::new(Lsn(lsns.0), Lsn(lsns.1)),
    };
    let sorted = [
        few_keys((1, 2), 1),
        few_keys((1, 2), 2),
        delta_of((1, 2)),
        image_at(1),
        delta_of((1, 3)),
        few_keys((2, 3), 1),
        image_at(u64::MAX - 1),
        image_at(u64::MAX),
    ];
    assert!(sorted.is_sorted_by(|low, high| low < high));
}

proptest! {
    #[test]
    fn reading_undoes_printing(name in any_layer_name(), generation: u32) {
        let generation = Generation(generation);
        prop_assert_eq!(LayerName::parse(&name.to_string()), Some(name));
        prop_assert_eq!(LayerName::parse(&format!("{name}-v1-{generation}")), Some(name));
        prop_assert_eq!(LayerName::parse(&format!("{name}-{generation}")), Some(name));
    }

    #[test]
    fn cut_name_reads_as_what_is_left_or_not_at_all(
        name in any_layer_name(),
        cut: proptest::sample::Index,
    ) {
        let text = format!("{name}-v1-00000001");
        let cut = cut.index(text.len());
        let parsed = LayerName::parse(&text[..cut]);
        // A delta cut behind its first LSN reads as an image, 8 digits further as one with a
        // generation: only lengths tell them apart. But no digit may be made up.
        prop_assert!(parsed.is_none_or(|parsed| text[..cut].starts_with(&parsed.to_string())));
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(text in "[0-9A-Fv_é-]{0,140}") {
        prop_assert_eq!(LayerName::parse(&text), None);
    }

    #[test]
    fn order_and_equality_agree(a in any_layer_name(), b in any_layer_name()) {
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }
}
