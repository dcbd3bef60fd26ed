//! Dumps of whole files, as reviewed snapshots.

use insta::{Settings, assert_snapshot};
use palimpsest::base::{Generation, Key, KeyRange, LayerName, Lsn, LsnRange, TimelineId};
use palimpsest::format::{Ancestor, Compression, Index, IndexLayer, dump_index, dump_layer};

use crate::assemble::{Checksums, Image, TENANT, TIMELINE};
use crate::inputs;

fn check(name: &str, dump: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, dump));
}

fn check_layer(name: &str, file: &[u8]) {
    check(name, &dump_layer(file).unwrap());
}

#[test]
fn dump_of_a_delta_layer() {
    let file = inputs::delta_variants().write(Checksums::With);
    check_layer("dump_of_a_delta_layer", &file);
}

#[test]
fn dump_of_a_peers_delta_layer() {
    let file = inputs::delta_variants().write(Checksums::Without);
    check_layer("dump_of_a_peers_delta_layer", &file);
}

#[test]
fn dump_of_a_peers_image_layer() {
    let file = inputs::image_one_key().write(Checksums::Without);
    check_layer("dump_of_a_peers_image_layer", &file);
}

#[test]
fn dump_of_an_image_layer() {
    let image = Image {
        keys: KeyRange::new(inputs::key(0), inputs::key(8)),
        lsn: Lsn(0x1_0000_0028),
        compression: Compression::Zstd { level: 1 },
        entries: vec![
            (inputs::key(0), vec![]),
            (inputs::key(1), vec![0; 127]),
            (inputs::key(2), vec![0; 128]),
            (inputs::key(3), inputs::noise(3, 128)),
            (inputs::key(5), inputs::noise(5, 8192)),
        ],
    };
    check_layer("dump_of_an_image_layer", &image.write(Checksums::With));
}

/// The part of the dump about nodes.
#[test]
fn nodes_of_an_index_of_two_levels() {
    let file = inputs::image_small(0x2000).write(Checksums::With);
    let dump = dump_layer(&file).unwrap();
    let is_node = |line: &&str| line.trim_start().starts_with("node");
    let nodes = dump.lines().filter(is_node).collect::<Vec<_>>().join("\n");
    check("nodes_of_an_index_of_two_levels", &nodes);
    assert!(dump.ends_with("entries             8192\n"));
}

#[test]
fn dump_of_a_timeline_index() {
    check(
        "dump_of_a_timeline_index",
        &dump_index(&index().encode()).unwrap(),
    );
}

/// The index of a branch with an L0, an L1 and a peer's image.
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
        leases: std::collections::BTreeMap::new(),
        layers: vec![
            layer(image, 1, 24_576, None),
            layer(l1, 6, 24_592, Some(0x0123_4567)),
            layer(l0, 7, 32_788, Some(0x89AB_CDEF)),
        ],
    }
}
