//! The bytes of an index in each format: readers of the past and of the future agree on them.

use std::collections::BTreeMap;

use palimpsest::Lsn;
use palimpsest::base::Time;
use palimpsest::format::Index;

use crate::dumps;

/// What the last release that wrote format 1 made of the index without its leases.
const FORMAT_1: &str = include_str!("index-1.hex");

/// Format 2.
const FORMAT_2: &str = include_str!("index-2.hex");

/// Format 2, with how far gc compaction has come, which need not be known.
const FORMAT_2_REDUCED: &str = include_str!("index-2-reduced.hex");

/// Format 2, with the points that collections have kept and with times, which need not be known.
const FORMAT_2_KEPT: &str = include_str!("index-2-kept.hex");

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits
        .chunks_exact(2)
        .map(|pair| str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

#[test]
fn an_index_of_format_1_is_read() {
    let index = Index {
        kept: None,
        times: Vec::new(),
        leases: BTreeMap::new(),
        ..dumps::index()
    };
    let bytes = bytes_of(FORMAT_1);
    assert_eq!(Index::decode(&bytes), Ok(index));
    assert_eq!(Index::sections(&bytes), Ok(Vec::new()));
}

#[test]
fn an_index_of_format_2_is_read_and_written() {
    let bytes = bytes_of(FORMAT_2);
    assert_eq!(Index::decode(&bytes), Ok(dumps::index()));
    assert_eq!(dumps::index().encode(), bytes);
    let sections = Index::sections(&bytes).unwrap();
    let names: Vec<&str> = sections
        .iter()
        .map(|section| section.name.as_str())
        .collect();
    assert_eq!(names, ["layers", "leases", "timeline"]);
}

#[test]
fn an_index_of_format_2_says_how_far_gc_compaction_has_come() {
    let bytes = bytes_of(FORMAT_2_REDUCED);
    assert_eq!(dumps::reduced_index().encode(), bytes);
    assert_eq!(Index::decode(&bytes), Ok(dumps::reduced_index()));
    let sections = Index::sections(&bytes).unwrap();
    assert_eq!(sections[0].name, "gccomp");
    assert!(!sections[0].is_required);
}

#[test]
fn an_index_of_format_2_says_which_points_were_kept_and_how_old_history_is() {
    let bytes = bytes_of(FORMAT_2_KEPT);
    let index = Index {
        kept: Some([Lsn(0x20), Lsn(0x30)].into()),
        times: vec![
            (Time(1_000_000_000), Lsn(0x20)),
            (Time(3_000_000_000), Lsn(0x40)),
        ],
        ..dumps::index()
    };
    assert_eq!(index.encode(), bytes);
    assert_eq!(Index::decode(&bytes), Ok(index));
    let sections = Index::sections(&bytes).unwrap();
    let optional = sections.iter().filter(|section| !section.is_required);
    let optional: Vec<&str> = optional.map(|section| section.name.as_str()).collect();
    assert_eq!(optional, ["kept", "times"]);
}
