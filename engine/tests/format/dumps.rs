//! Dumps of indexes, as reviewed snapshots.

use std::collections::BTreeMap;

use insta::{Settings, assert_snapshot};
use palimpsest::base::{Generation, Key, KeyRange, LayerName, Lsn, LsnRange, Time, TimelineId};
use palimpsest::format::{
    Ancestor, GcCompaction, GcCompactionRun, Index, IndexLayer, IndexShard, dump_index,
};

use crate::assemble::{TENANT, TIMELINE};
use crate::inputs;

fn check(name: &str, dump: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, dump));
}

#[test]
fn dump_of_a_timeline_index() {
    check(
        "dump_of_a_timeline_index",
        &dump_index(&reduced_index().encode()).unwrap(),
    );
}

/// The index of a branch with two leases, an L0, an L1 and a peer's image.
pub fn index() -> Index {
    let layer = |name, generation, len, checksum| IndexLayer {
        name,
        generation: Generation(generation),
        len,
        checksum,
    };
    let some_keys = KeyRange::new(inputs::key(0), inputs::key(0x100));
    let image = LayerName::Image {
        keys: some_keys,
        lsn: Lsn(0x100),
    };
    let l1 = LayerName::Delta {
        keys: some_keys,
        lsns: LsnRange::new(Lsn(0x101), Lsn(0x180)),
    };
    let l0 = LayerName::Delta {
        keys: KeyRange::new(Key::MIN, Key::MAX),
        lsns: LsnRange::new(Lsn(0x180), Lsn(0x200)),
    };
    Index {
        tenant: TENANT,
        timeline: TIMELINE,
        generation: Generation(7),
        ancestor: Some(Ancestor {
            timeline: TimelineId([0xAA; 16]),
            lsn: Lsn(0x100),
        }),
        disk_consistent_lsn: Lsn(0x1FF),
        gc_cutoff: Lsn(0x100),
        is_deleted: false,
        kept: None,
        times: Vec::new(),
        leases: BTreeMap::from([(Lsn(0x120), Time(1)), (Lsn(0x140), Time(1 << 60))]),
        gc_compaction: GcCompaction::default(),
        shard: IndexShard::default(),
        sparse_keys: palimpsest::SparseKeys::default(),
        strategy: palimpsest::Strategy::default(),
        policy: palimpsest::Policy::default(),
        layers: vec![
            layer(image, 1, 24_576, None),
            layer(l1, 6, 24_592, Some(0x0123_4567)),
            layer(l0, 7, 32_788, Some(0x89AB_CDEF)),
        ],
    }
}

/// The index of [`index`], with a gc compaction that has come half way.
pub fn reduced_index() -> Index {
    Index {
        gc_compaction: GcCompaction {
            reduced_lsn: Lsn(0x80),
            run: Some(GcCompactionRun {
                horizon: Lsn(0x100),
                next: Key::MIN.add(7),
            }),
        },
        ..index()
    }
}
