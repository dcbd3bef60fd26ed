//! A peer's layer files, which have no checksums and are readable.

use super::super::DeltaLayer;
use super::super::file::BlobPlace;
use super::{
    LIMITS, Records, Shelf, TENANT, TIMELINE, append, encode, gather, history, image, key, op,
    poke, read_all,
};
use crate::base::{Error, FileName, KeyRange, LayerName, Lsn, LsnRange};
use crate::format::{
    BLOCK_LEN, BlobRef, Compression, DeltaKey, DeltaSummary, IndexLayer, TreeBuilder, encode_blob,
};
use crate::io::block_on;
use crate::io::tests::faulty::FaultyIo;

/// The bytes of a peer's file, built with the format's own writers.
fn file(lsns: LsnRange, records: &Records, compression: Compression) -> Vec<u8> {
    let mut file = vec![0; BLOCK_LEN];
    let mut tree = TreeBuilder::<{ DeltaKey::LEN }>::new();
    for (&(key, lsn), value) in records {
        let blob = BlobRef::new(file.len() as u64, value.will_init());
        let at = DeltaKey { key, lsn }.to_bytes();
        tree.push(&at, blob.to_value()).unwrap();
        encode_blob(&mut file, &encode(value), compression).unwrap();
    }
    file.resize(file.len().next_multiple_of(BLOCK_LEN), 0);
    let tree = tree.finish();
    let summary = DeltaSummary {
        tenant: TENANT,
        timeline: TIMELINE,
        keys: KeyRange::ALL,
        lsns,
        index_start_block: (file.len() / BLOCK_LEN) as u32,
        index_root_block: tree.root_block,
    };
    file[..DeltaSummary::LEN].copy_from_slice(&summary.encode());
    file.extend_from_slice(&tree.blocks);
    file
}

/// Writes the file to the shelf, and returns an index entry for it.
fn put(shelf: &Shelf, lsns: LsnRange, bytes: &[u8]) -> IndexLayer {
    let name = LayerName::Delta {
        keys: KeyRange::ALL,
        lsns,
    };
    let generation = shelf.context.generation;
    let file = FileName::Layer { name, generation };
    std::fs::write(shelf.dir.path().join(file.to_string()), bytes).unwrap();
    IndexLayer {
        name,
        generation,
        len: bytes.len() as u64,
        checksum: None,
    }
}

const LSNS: LsnRange = LsnRange {
    start: Lsn(10),
    end: Lsn(20),
};

fn records() -> Records {
    let text = "the same again and again, ".repeat(1000);
    Records::from([
        ((key(1), Lsn(10)), image(text)),
        ((key(1), Lsn(12)), append("more")),
        ((key(2), Lsn(19)), image("")),
    ])
}

#[test]
fn a_peers_file_is_read_where_the_index_records_no_checksum() {
    for compression in [Compression::None, Compression::Zstd { level: 1 }] {
        let shelf = Shelf::new();
        let entry = put(&shelf, LSNS, &file(LSNS, &records(), compression));
        assert_eq!(block_on(shelf.read(entry)).unwrap(), records());
        let layer = shelf.layer(entry);
        for lsn in (9..=20).map(Lsn) {
            for point in [1, 2, 3].map(|number| (key(number), lsn)) {
                let found = block_on(gather(&layer, point)).unwrap();
                assert!(found == history(&records(), point), "{point:?}");
            }
        }
    }
}

#[test]
fn a_peers_file_is_corrupt_where_the_index_records_a_checksum() {
    let shelf = Shelf::new();
    let mut entry = put(&shelf, LSNS, &file(LSNS, &records(), Compression::None));
    entry.checksum = Some(0);
    let found = block_on(shelf.read(entry));
    let Err(error @ Error::Corrupt { .. }) = found else {
        panic!("{found:?}");
    };
    assert!(error.to_string().contains("checksum marker"), "{error}");
}

/// Calls everything that reads a layer, and ignores the results.
async fn look(layer: &DeltaLayer<FaultyIo>) {
    for number in [1, 2, 3] {
        let _ = gather(layer, (key(number), Lsn(19))).await;
    }
    let located = layer.locate(op(), KeyRange::ALL, LSNS, 10).await;
    let blobs = located.unwrap_or_default();
    let blobs: Vec<BlobPlace> = blobs.iter().map(|located| located.blob).collect();
    let _ = layer.read(op(), &blobs, 1 << 16).await;
    let mut entries = layer.entries(op());
    while let Ok(Some(_)) = entries.next().await {}
    let _ = read_all(layer, LIMITS).await;
}

/// Without checksums some damage reads as another value; none may panic.
#[test]
fn no_flipped_byte_of_a_peers_file_is_more_than_an_error() {
    let shelf = Shelf::new();
    let bytes = file(LSNS, &records(), Compression::Zstd { level: 1 });
    let entry = put(&shelf, LSNS, &bytes);
    let path = shelf.dir.path().join(&shelf.names()[0]);
    let is_tried = |&at: &usize| bytes[at] != 0 || at.is_multiple_of(97);
    for at in (0..bytes.len()).filter(is_tried) {
        for bit in 0..8 {
            poke(&path, at, bytes[at] ^ 1 << bit);
            block_on(look(&shelf.layer(entry)));
        }
        poke(&path, at, bytes[at]);
    }
    assert_eq!(block_on(shelf.read(entry)).unwrap(), records());
}

/// The reader verifies what the writer asserts: such a record would be read out of order.
#[test]
fn a_record_outside_of_its_layer_is_corrupt() {
    for lsn in [Lsn(9), Lsn(20)] {
        let shelf = Shelf::new();
        let records = Records::from([((key(1), lsn), image("astray"))]);
        let entry = put(&shelf, LSNS, &file(LSNS, &records, Compression::None));
        let found = block_on(shelf.read(entry));
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
        let found = block_on(gather(&shelf.layer(entry), (key(1), Lsn(30))));
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
    }
}
