//! The golden files: a peer's own dump of each is what ours prints.

use palimpsest_tool::{Entries, LayerReader};
use sha2::{Digest, Sha256};

use crate::assemble::{Checksums, Delta, Image};
use crate::dumps::{dump_layer, lines_of};
use crate::inputs;

/// Compares the lines of a file's dump with the hash of those that a peer's dump printed.
fn check(name: &str, file: &[u8], hash: &str) {
    let lines = lines_of(name, file).unwrap();
    let digest = Sha256::digest(lines.as_bytes());
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, hash, "{lines}");
}

fn entry_count(file: &[u8]) -> usize {
    let mut reader = LayerReader::open(file).unwrap();
    let mut entries = Entries::new(reader.summary());
    let mut count = 0;
    while entries.next(&mut reader).unwrap().is_some() {
        count += 1;
    }
    count
}

#[test]
fn a_dump_of_every_record_is_a_peers() {
    let name = "000000067F00000001000000AE0000000000-000000067F00000001000000AE0000000004\
                __0000000000000010-0000000000001000";
    let file = inputs::delta_variants().write(Checksums::Without);
    let hash = "01347a4c9b7aba2e4817713de72e9b4c02d3965e2d9610e7be133cabb8f706ab";
    check(name, &file, hash);
    assert_eq!(entry_count(&file), Delta::read(&file).entries.len());
}

#[test]
fn a_dump_of_one_record_is_a_peers() {
    let name = "000000067F00000001000000AE0000000005-000000067F00000001000000AE0000000006\
                __0000000000000018-0000000000000019";
    let file = inputs::delta_one().write(Checksums::Without);
    let hash = "c087c978cfc9a5f46123ac6f872f866eb308030f1fda272ab8b0ca3e5bfff0bf";
    check(name, &file, hash);
}

#[test]
fn a_dump_of_compressed_images_is_a_peers() {
    let name = "000000067F00000001000000AE0000000000-000000067F00000001000000AE0000001000\
                __0000000100000028";
    let file = inputs::image_sizes_zstd().write(Checksums::Without);
    let hash = "e3d455d81c6df3d74602774b0142dabf97173400bcb0b9dae903d4c302bfbf00";
    check(name, &file, hash);
    assert_eq!(entry_count(&file), Image::read(&file).entries.len());
}

#[test]
fn a_dump_of_one_image_is_a_peers() {
    let name = "000000000000000000000000000000000000-FF0000000000000000000000000000000000\
                __0000000000000008";
    let file = inputs::image_one_key().write(Checksums::Without);
    let hash = "448b4feda8f55f404117879c48f00550d9a575f8756ab4c96d6d8a6a5bc9ca7d";
    check(name, &file, hash);
}

/// Of this file there is no dump of a peer's: it has thousands of equal values.
#[test]
fn a_dump_of_many_images_has_all_of_them() {
    for checksums in [Checksums::With, Checksums::Without] {
        let file = inputs::image_small(0x2000).write(checksums);
        let lines = lines_of("many", &file).unwrap();
        assert!(lines.ends_with("{\"entries\":8192,\"type\":\"end\"}\n"));
        assert_eq!(lines.lines().count(), 1 + 9 + 8192 + 1);
        assert!(
            dump_layer(&file)
                .unwrap()
                .ends_with("entries             8192\n")
        );
    }
}
