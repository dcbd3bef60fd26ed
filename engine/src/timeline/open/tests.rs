//! The plan of an open, from an index and a list of names alone.

use super::{Listing, OpenPlan, check_index, plan};
use crate::base::{
    Error, FileName, Generation, Key, KeyRange, LayerName, Lsn, LsnRange, Result, TenantId,
    TimelineId,
};
use crate::format::{GcCompaction, Index, IndexLayer, IndexShard};
use crate::io::Entry;

/// An L0 over these LSNs, of this generation. Its file has one byte for each LSN.
fn layer(start: u64, end: u64, generation: u32) -> IndexLayer {
    IndexLayer {
        name: LayerName::Delta {
            keys: KeyRange::ALL,
            lsns: LsnRange::new(Lsn(start), Lsn(end)),
        },
        generation: Generation(generation),
        len: end - start,
        checksum: Some(7),
    }
}

/// An index of generation 4, whose LSN is 20, that names these layers.
fn index(layers: &[IndexLayer]) -> Index {
    Index {
        tenant: TenantId::default(),
        timeline: TimelineId::default(),
        generation: Generation(4),
        ancestor: None,
        disk_consistent_lsn: Lsn(20),
        gc_cutoff: Lsn(3),
        is_deleted: false,
        kept: None,
        times: Vec::new(),
        leases: std::collections::BTreeMap::new(),
        gc_compaction: GcCompaction::default(),
        shard: IndexShard::default(),
        sparse_keys: crate::base::SparseKeys::default(),
        strategy: crate::base::Strategy::default(),
        policy: crate::base::Policy::default(),
        layers: layers.to_vec(),
    }
}

fn file(name: impl ToString, len: u64) -> Entry {
    Entry {
        name: name.to_string(),
        len: Some(len),
    }
}

/// The file of a layer.
fn file_of(layer: IndexLayer) -> Entry {
    file(name_of(layer), layer.len)
}

fn name_of(layer: IndexLayer) -> FileName {
    FileName::Layer {
        name: layer.name,
        generation: layer.generation,
    }
}

fn check(index: &Index, entries: &[Entry]) -> Result<OpenPlan> {
    let before = index.clone();
    let planned = plan(index, &Listing::new(entries));
    assert_eq!(*index, before);
    planned
}

#[test]
fn the_next_index_differs_by_its_generation_alone() {
    let layers = [layer(1, 11, 2), layer(11, 21, 4)];
    let planned = check(&index(&layers), &layers.map(file_of)).unwrap();
    let next = Index {
        generation: Generation(5),
        ..index(&layers)
    };
    assert_eq!((planned.index, planned.removals), (next, vec![]));
}

#[test]
fn files_that_no_index_names_are_removed_and_foreign_files_stay() {
    let named = layer(1, 11, 2);
    let orphan = layer(11, 21, 4);
    let removals = [
        // Equal LSNs, of another generation.
        name_of(layer(1, 11, 3)),
        name_of(orphan),
        FileName::LayerTemp {
            name: named.name,
            generation: Generation(2),
            attempt: 1,
        },
        FileName::Ephemeral {
            generation: Generation(4),
            ordinal: 7,
        },
        FileName::IndexTemp {
            generation: Generation(5),
            attempt: 1,
        },
    ];
    let mut entries = vec![
        file_of(named),
        file(FileName::Index, 100),
        file(FileName::Lock, 0),
        file("notes.txt", 5),
        file("index-5.1.___temp", 5),
        file(format!("{}.temp_download", name_of(orphan)), 10),
        file(named.name, 10),
    ];
    entries.extend(removals.map(|name| file(name, 1)));
    // A directory is no layer, whatever its name.
    entries.push(Entry {
        name: name_of(layer(12, 20, 4)).to_string(),
        len: None,
    });
    let planned = check(&index(&[named]), &entries).unwrap();
    assert_eq!(planned.removals, removals);
}

/// A layer's end is exclusive and `disk_consistent_lsn` is inclusive: a layer up to 21 holds 20 at
/// most.
#[test]
fn a_layer_above_the_durable_lsn_is_not_part_of_the_timeline() {
    let (below, above) = (layer(1, 21, 2), layer(1, 22, 2));
    let both = index(&[below, above]);
    let planned = check(&both, &[below, above].map(file_of)).unwrap();
    assert_eq!(planned.index.layers, [below]);
    assert_eq!(planned.removals, [name_of(above)]);
    // It may as well be missing.
    let planned = check(&both, &[file_of(below)]).unwrap();
    assert_eq!(
        (planned.index.layers, planned.removals),
        (vec![below], vec![])
    );
}

#[test]
fn a_layer_that_is_missing_or_of_another_length_is_named() {
    let (one, other) = (layer(1, 11, 2), layer(11, 21, 4));
    let cases = [
        (vec![file_of(one)], "it is not there"),
        (
            vec![file_of(one), file(name_of(other), 9)],
            "expected 10 bytes, found 9",
        ),
        (
            vec![file_of(one), file(name_of(other), 11)],
            "expected 10 bytes, found 11",
        ),
        (
            vec![file_of(one), file_of(layer(11, 21, 3))],
            "it is not there",
        ),
        (vec![file_of(one), file(other.name, 10)], "it is not there"),
    ];
    for (entries, expected) in cases {
        let error = check(&index(&[one, other]), &entries).unwrap_err();
        let Error::Corrupt { file, cause } = &error else {
            panic!("{error:?}");
        };
        let expected_file = format!("{}/{}", TimelineId::default(), name_of(other));
        assert_eq!(*file, expected_file);
        assert!(cause.to_string().contains(expected), "{cause}");
    }
}

#[test]
fn the_last_generation_has_none_after_it() {
    let last = Index {
        generation: Generation(u32::MAX),
        ..index(&[])
    };
    let refused = check(&last, &[]);
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}

#[test]
fn an_index_that_was_not_finished_is_seen_in_its_generation_alone() {
    let temp = |generation, attempt| {
        let generation = Generation(generation);
        file(
            FileName::IndexTemp {
                generation,
                attempt,
            },
            1,
        )
    };
    let listing = Listing::new(&[temp(4, 9), temp(5, 0), temp(5, 3)]);
    let is_there = [4, 5, 6].map(|generation| listing.has_index_temp(Generation(generation)));
    assert_eq!(is_there, [true, true, false]);
}

#[test]
fn a_plan_prints_what_it_will_do() {
    let single = LayerName::Delta {
        keys: KeyRange::single(Key::MIN),
        lsns: LsnRange::new(Lsn(1), Lsn(3)),
    };
    let orphan = FileName::Layer {
        name: single,
        generation: Generation(4),
    };
    let planned = check(&index(&[]), &[file(orphan, 2)]).unwrap();
    let printed = format!("{planned:?}");
    for expected in [
        "Generation(5)",
        "disk_consistent_lsn: 0/14",
        "removals: [Layer",
    ] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert_eq!(planned, planned.clone());
}

#[test]
fn an_index_that_makes_no_timeline_is_refused() {
    let l0 = |start, end| LayerName::Delta {
        keys: KeyRange::ALL,
        lsns: LsnRange::new(Lsn(start), Lsn(end)),
    };
    let cases = [
        (20, 21, vec![], "disk consistent LSN"),
        (u64::MAX, 0, vec![], "disk consistent LSN"),
        (20, 0, vec![l0(1, 10), l0(9, 12)], "000C overlap"),
    ];
    for (lsn, cutoff, names, problem) in cases {
        let layer = |name| IndexLayer {
            name,
            generation: Generation(1),
            len: 1,
            checksum: None,
        };
        let index = Index {
            tenant: TenantId::default(),
            timeline: TimelineId::default(),
            generation: Generation(1),
            ancestor: None,
            disk_consistent_lsn: Lsn(lsn),
            gc_cutoff: Lsn(cutoff),
            is_deleted: false,
            kept: None,
            times: Vec::new(),
            leases: std::collections::BTreeMap::new(),
            gc_compaction: GcCompaction::default(),
            shard: IndexShard::default(),
            sparse_keys: crate::base::SparseKeys::default(),
            strategy: crate::base::Strategy::default(),
            policy: crate::base::Policy::default(),
            layers: names.into_iter().map(layer).collect(),
        };
        let error = check_index(&index).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}
