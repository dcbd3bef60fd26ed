//! Layer files, written and read in memory.

use palimpsest::base::{Key, KeyRange, Lsn, LsnRange, TenantId, TimelineId};
use palimpsest::format::{
    BLOCK_LEN, BlobHeader, BlobRef, ChecksumMarker, ChecksumSection, Compression, Cursor, DeltaKey,
    DeltaSummary, ImageSummary, Step, TreeBuilder, Value, decode_blob, encode_blob,
};

/// The tenant of the files.
pub const TENANT: TenantId = TenantId(0x0123456789ABCDEF_0123456789ABCDEF_u128.to_be_bytes());
/// The timeline that the files were written for.
pub const TIMELINE: TimelineId = TimelineId(0x1122334455667788_1122334455667788_u128.to_be_bytes());

/// Whether a file has a checksum section, which a peer's has not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Checksums {
    With,
    Without,
}

/// The content of an image layer.
pub struct Image {
    pub keys: KeyRange,
    pub lsn: Lsn,
    pub compression: Compression,
    pub entries: Vec<(Key, Vec<u8>)>,
}

/// The content of a delta layer.
pub struct Delta {
    pub keys: KeyRange,
    pub lsns: LsnRange,
    pub entries: Vec<(DeltaKey, Value)>,
}

impl Image {
    pub fn write(&self, checksums: Checksums) -> Vec<u8> {
        let mut file = vec![0; BLOCK_LEN];
        let mut tree = TreeBuilder::<{ Key::LEN }>::new();
        for (key, value) in &self.entries {
            tree.push(&key.to_bytes(), file.len() as u64).unwrap();
            encode_blob(&mut file, value, self.compression).unwrap();
        }
        let (index_start_block, index_root_block) = append_tree(&mut file, tree);
        let summary = ImageSummary {
            tenant: TENANT,
            timeline: TIMELINE,
            keys: self.keys,
            lsn: self.lsn,
            index_start_block,
            index_root_block,
        };
        file[..ImageSummary::LEN].copy_from_slice(&summary.encode());
        assert_eq!(file.len() as u64, summary.block_count() * BLOCK_LEN as u64);
        add_checksums(&mut file, checksums);
        file
    }

    /// Reads a file that [`Image::write`] wrote. The compression is not in the file.
    pub fn read(file: &[u8]) -> Image {
        let summary = ImageSummary::decode(&file[..BLOCK_LEN]).unwrap();
        assert_eq!((summary.tenant, summary.timeline), (TENANT, TIMELINE));
        let index = (summary.index_start_block, summary.index_root_block);
        let entries = read_tree::<{ Key::LEN }>(file, index);
        let entries = entries.into_iter().map(|(key, offset)| {
            let value = read_blob(file, offset);
            (Key::from_bytes(key), value)
        });
        Image {
            keys: summary.keys,
            lsn: summary.lsn,
            compression: Compression::None,
            entries: entries.collect(),
        }
    }
}

impl Delta {
    pub fn write(&self, checksums: Checksums) -> Vec<u8> {
        let mut file = vec![0; BLOCK_LEN];
        let mut tree = TreeBuilder::<{ DeltaKey::LEN }>::new();
        for (key, value) in &self.entries {
            let blob_ref = BlobRef::new(file.len() as u64, value.will_init());
            tree.push(&key.to_bytes(), blob_ref.to_value()).unwrap();
            let mut bytes = Vec::new();
            value.encode(&mut bytes);
            encode_blob(&mut file, &bytes, Compression::None).unwrap();
        }
        let (index_start_block, index_root_block) = append_tree(&mut file, tree);
        let summary = DeltaSummary {
            tenant: TENANT,
            timeline: TIMELINE,
            keys: self.keys,
            lsns: self.lsns,
            index_start_block,
            index_root_block,
        };
        file[..DeltaSummary::LEN].copy_from_slice(&summary.encode());
        assert_eq!(file.len() as u64, summary.block_count() * BLOCK_LEN as u64);
        add_checksums(&mut file, checksums);
        file
    }

    /// Reads a file that [`Delta::write`] wrote.
    pub fn read(file: &[u8]) -> Delta {
        let summary = DeltaSummary::decode(&file[..BLOCK_LEN]).unwrap();
        assert_eq!((summary.tenant, summary.timeline), (TENANT, TIMELINE));
        let index = (summary.index_start_block, summary.index_root_block);
        let entries = read_tree::<{ DeltaKey::LEN }>(file, index);
        let entries = entries.into_iter().map(|(key, value)| {
            let blob_ref = BlobRef::from_value(value);
            let bytes = read_blob(file, blob_ref.offset());
            let value = Value::decode(&bytes).unwrap();
            assert_eq!(value.will_init(), blob_ref.will_init());
            assert_eq!(Value::will_init_of(&bytes), Ok(blob_ref.will_init()));
            (DeltaKey::from_bytes(key), value)
        });
        Delta {
            keys: summary.keys,
            lsns: summary.lsns,
            entries: entries.collect(),
        }
    }
}

/// Appends the index at the next block. Returns its first block, and its root counted from there.
fn append_tree<const L: usize>(file: &mut Vec<u8>, tree: TreeBuilder<L>) -> (u32, u32) {
    file.resize(file.len().next_multiple_of(BLOCK_LEN), 0);
    let index_start_block = file.len() / BLOCK_LEN;
    let tree = tree.finish();
    file.extend_from_slice(&tree.blocks);
    (index_start_block as u32, tree.root_block)
}

fn add_checksums(file: &mut Vec<u8>, checksums: Checksums) {
    if checksums == Checksums::Without {
        return;
    }
    let block_count = (file.len() / BLOCK_LEN) as u32;
    ChecksumMarker { block_count }.encode(&mut file[..BLOCK_LEN]);
    let mut section = ChecksumSection::new();
    for block in file.chunks_exact(BLOCK_LEN) {
        section.push_block(block);
    }
    file.extend_from_slice(&section.encode());
}

/// Reads all entries of the index, in both directions, which must agree.
fn read_tree<const L: usize>(file: &[u8], (start, root): (u32, u32)) -> Vec<([u8; L], u64)> {
    let run = |mut cursor: Cursor<L>| {
        let mut entries = Vec::new();
        loop {
            match cursor.next().unwrap() {
                Step::Need(block_index) => {
                    let offset = (start + block_index) as usize * BLOCK_LEN;
                    cursor
                        .feed(block_index, &file[offset..offset + BLOCK_LEN])
                        .unwrap();
                }
                Step::Entry(key, value) => entries.push((key, value)),
                Step::End => return entries,
            }
        }
    };
    let all = [0; L]..=[0xFF; L];
    let entries = run(Cursor::forward(root, all.clone()));
    let mut reversed = run(Cursor::backward(root, all));
    reversed.reverse();
    assert!(entries == reversed);
    entries
}

fn read_blob(file: &[u8], offset: u64) -> Vec<u8> {
    let bytes = &file[offset as usize..];
    let header = BlobHeader::decode(bytes).unwrap();
    let stored = &bytes[header.header_len..header.blob_len()];
    decode_blob(&header, stored, 1 << 20).unwrap().into_owned()
}
