//! Files that are cut anywhere, or in which any byte is changed.

use palimpsest::format::{BLOCK_LEN, Compression};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::assemble::{Checksums, Image};
use crate::dumps::dump_layer;
use crate::inputs;

fn delta_file(checksums: Checksums) -> Vec<u8> {
    inputs::delta_variants().write(checksums)
}

fn image_file(checksums: Checksums) -> Vec<u8> {
    let image = Image {
        compression: Compression::Zstd { level: 1 },
        ..inputs::image_small(3)
    };
    image.write(checksums)
}

/// The offsets of bytes that differ from the one before them, and a sample of the others.
fn places(file: &[u8]) -> Vec<usize> {
    let is_worth_it = |place: &usize| {
        let around = place.saturating_sub(8)..(place + 8).min(file.len());
        place.is_multiple_of(97) || file[around].iter().any(|byte| *byte != 0)
    };
    (0..file.len()).filter(is_worth_it).collect()
}

#[test]
fn every_cut_is_found() {
    for checksums in [Checksums::With, Checksums::Without] {
        for file in [delta_file(checksums), image_file(checksums)] {
            for len in places(&file) {
                dump_layer(&file[..len]).unwrap_err();
            }
            dump_layer(&[file.as_slice(), &[0]].concat()).unwrap_err();
        }
    }
}

#[test]
fn with_checksums_every_damaged_byte_is_found() {
    for file in [delta_file(Checksums::With), image_file(Checksums::With)] {
        dump_layer(&file).unwrap();
        for place in places(&file) {
            for flip in [0x01, 0x80, 0xFF] {
                let mut damaged = file.clone();
                damaged[place] ^= flip;
                dump_layer(&damaged).unwrap_err();
            }
        }
    }
}

/// Not every damage can be found without checksums, but none makes the reader panic or hang.
#[test]
fn without_checksums_damage_is_survived() {
    for file in [
        delta_file(Checksums::Without),
        image_file(Checksums::Without),
    ] {
        dump_layer(&file).unwrap();
        for place in places(&file) {
            for flip in [0x01, 0x80, 0xFF] {
                let mut damaged = file.clone();
                damaged[place] ^= flip;
                let _: Result<_, _> = dump_layer(&damaged);
            }
        }
    }
}

fn check(file: &[u8], message: &str) {
    assert_eq!(dump_layer(file).unwrap_err(), message);
}

#[test]
fn a_marker_for_another_file_is_found() {
    let mut file = delta_file(Checksums::With);
    file[BLOCK_LEN - 1] = 2;
    check(
        &file,
        "layer file at offset 24592: 3 blocks, and checksums for 2",
    );
}

#[test]
fn an_index_that_is_wrong_about_will_init_is_found() {
    let mut file = delta_file(Checksums::Without);
    let first_value = 2 * BLOCK_LEN + 5 + 15 * 26;
    assert_eq!(file[first_value..first_value + 5], [0, 0, 0, 0x40, 0x01]);
    file[first_value + 4] = 0;
    check(
        &file,
        "delta value at offset 8192: expected will_init false as in the index",
    );
}

#[test]
fn a_leaf_without_a_parent_is_found() {
    let mut file = inputs::image_small(0x800).write(Checksums::Without);
    // The root loses the second of its two children.
    let root = file.len() - BLOCK_LEN + 5;
    file.copy_within(root + 36..root + 41, root + 18);
    file[root - 5..root - 3].copy_from_slice(&[0, 1]);
    check(
        &file,
        "leaves at offset 24576: expected 2048 entries, found 1167 from the root",
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_dump_panic(bytes in vec(any::<u8>(), 0..300), kind in 0x5A60u16..0x5A62) {
        prop_assert!(dump_layer(&bytes).is_err());
        let mut file = [&kind.to_be_bytes()[..], &[0, 3], bytes.as_slice()].concat();
        file.resize(4 * BLOCK_LEN, 0);
        let _: Result<_, _> = dump_layer(&file);
    }

    #[test]
    fn blocks_in_any_order_make_no_dump_panic(
        order in vec(0..15_usize, 1..16),
        bytes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let file = inputs::image_small(0x2000).write(Checksums::Without);
        let blocks = [0].iter().chain(&order).map(|i| &file[i * BLOCK_LEN..][..BLOCK_LEN]);
        let mut damaged = blocks.collect::<Vec<_>>().concat();
        // Block 0 points to an index inside of the file, so that the dump reads the shuffled
        // blocks.
        damaged[80..84].copy_from_slice(&1_u32.to_be_bytes());
        damaged[84..88].copy_from_slice(&(order.len() as u32 - 1).to_be_bytes());
        for (place, byte) in bytes {
            let place = place.index(damaged.len());
            damaged[place] = byte;
        }
        let _: Result<_, _> = dump_layer(&damaged);
    }
}
