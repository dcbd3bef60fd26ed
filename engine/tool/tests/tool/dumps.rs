//! Dumps of whole layers' files, as reviewed snapshots.

use std::path::Path;

use palimpsest::base::{KeyRange, Lsn};
use palimpsest::format::Compression;
use palimpsest_tool::{Detail, LayerReader, Stop, dump_json, dump_text};

use crate::assemble::{Checksums, Image};
use crate::inputs;
use crate::program::check;

/// The text of a file.
pub fn dump_layer(file: &[u8]) -> Result<String, String> {
    dump_with(file, Detail::Places)
}

fn dump_with(file: &[u8], detail: Detail) -> Result<String, String> {
    let mut out = Vec::new();
    let mut reader = LayerReader::open(file).map_err(|fault| fault.to_string())?;
    let dumped = dump_text(&mut reader, &mut out, detail);
    dumped.map_err(told)?;
    Ok(String::from_utf8(out).unwrap())
}

/// The lines of JSON of a file with this name.
pub fn lines_of(name: &str, file: &[u8]) -> Result<String, String> {
    let mut out = Vec::new();
    let mut reader = LayerReader::open(file).map_err(|fault| fault.to_string())?;
    let dumped = dump_json(Path::new(name), &mut reader, &mut out, Detail::Places);
    dumped.map_err(told)?;
    Ok(String::from_utf8(out).unwrap())
}

fn told(stop: Stop) -> String {
    match stop {
        Stop::Fault(fault) => fault.to_string(),
        Stop::Output(error) => panic!("memory takes any number of bytes: {error}"),
    }
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
fn dump_with_the_values_of_an_image_layer() {
    let image = Image {
        keys: KeyRange::new(inputs::key(0), inputs::key(8)),
        lsn: Lsn(8),
        compression: Compression::Zstd { level: 1 },
        entries: vec![
            (inputs::key(0), vec![]),
            (inputs::key(1), b"a page <with> text".to_vec()),
            (inputs::key(2), vec![7; 300]),
        ],
    };
    let dump = dump_with(&image.write(Checksums::With), Detail::Values);
    check("dump_with_the_values_of_an_image_layer", &dump.unwrap());
}

#[test]
fn dump_of_a_peers_delta_layer_as_json() {
    let name = "000000067F00000001000000AE0000000000-000000067F00000001000000AE0000000004\
                __0000000000000010-0000000000001000";
    let file = inputs::delta_variants().write(Checksums::Without);
    check(
        "dump_of_a_peers_delta_layer_as_json",
        &lines_of(name, &file).unwrap(),
    );
}

#[test]
fn dump_of_a_peers_image_layer_as_json() {
    let name = "000000000000000000000000000000000000-FF0000000000000000000000000000000000\
                __0000000000000008";
    let file = inputs::image_one_key().write(Checksums::Without);
    check(
        "dump_of_a_peers_image_layer_as_json",
        &lines_of(name, &file).unwrap(),
    );
}
