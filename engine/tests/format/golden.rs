//! Our writers make the bytes of a peer's writers from equal input, and our readers read them back.

use sha2::{Digest, Sha256};

use crate::assemble::{Checksums, Delta, Image};
use crate::inputs;

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_image(image: &Image, len: usize, hash: &str) {
    let file = image.write(Checksums::Without);
    assert_eq!(file.len(), len);
    assert_eq!(sha256(&file), hash);
    for file in [file, image.write(Checksums::With)] {
        let found = Image::read(&file);
        assert_eq!((found.keys, found.lsn), (image.keys, image.lsn));
        assert!(found.entries == image.entries);
    }
}

fn check_delta(delta: &Delta, len: usize, hash: &str) {
    let file = delta.write(Checksums::Without);
    assert_eq!(file.len(), len);
    assert_eq!(sha256(&file), hash);
    for file in [file, delta.write(Checksums::With)] {
        let found = Delta::read(&file);
        assert_eq!((found.keys, found.lsns), (delta.keys, delta.lsns));
        assert_eq!(found.entries, delta.entries);
    }
}

#[test]
fn an_image_layer_of_many_keys_is_a_peers() {
    let hash = "da0086669fca796a1cd2067410d255f6884d5f5e142a8e4b1e4e5a4bb00cb021";
    check_image(&inputs::image_small(0x2000), 122_880, hash);
}

#[test]
fn a_compressed_image_layer_is_a_peers() {
    let hash = "17e9e32570407186d08b9adabacfb04f071867c0a6c22e8f452ca9a3251ce08f";
    check_image(&inputs::image_sizes_zstd(), 655_360, hash);
}

#[test]
fn an_image_layer_of_one_key_is_a_peers() {
    let hash = "d673ea2bb7a3a59bd0d5c4a1d2f09bd69440eb4db93b83011c9683e0656eb3f0";
    check_image(&inputs::image_one_key(), 24_576, hash);
}

#[test]
fn a_delta_layer_of_every_record_is_a_peers() {
    let hash = "449d15febf8cf3f94cd6e0d7be01443d50ebe8d87634bb98c629dfdf4e81b93e";
    check_delta(&inputs::delta_variants(), 24_576, hash);
}

#[test]
fn a_delta_layer_of_one_image_is_a_peers() {
    let hash = "0422a2d8715f362f08455e9441a6c0de3762692c54c79420d2a15ce500092140";
    check_delta(&inputs::delta_one(), 24_576, hash);
}

/// The lengths in blocks: summary, blobs of 5 bytes, nodes.
#[test]
fn layers_have_the_lengths_of_a_peers() {
    let lens = [(0x2000, 1 + 5 + 9), (0x1000, 1 + 3 + 5), (0x800, 1 + 2 + 3)];
    for (key_count, block_count) in lens {
        let file = inputs::image_small(key_count).write(Checksums::Without);
        assert_eq!(file.len(), 8192 * block_count);
        let file = inputs::image_small(key_count).write(Checksums::With);
        assert_eq!(file.len(), 8192 * block_count + 4 * block_count + 4);
    }
}
