//! Timelines on a disk, made by hand.

use std::path::Path;

use palimpsest::base::{Generation, Key, KeyRange, LayerName, Lsn, LsnRange, TenantId, TimelineId};
use palimpsest::format::{
    Ancestor, BLOCK_LEN, BlobRef, ChecksumMarker, ChecksumSection, Compression, DeltaKey,
    DeltaSummary, ImageSummary, Index, IndexLayer, IndexShard, TreeBuilder, encode_blob,
};

use crate::disk::Disk;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws::file_name;
use crate::model::Change;
use crate::paths::ROOT;

/// The timeline on the disk.
pub const TIMELINE: TimelineId = TimelineId([b't'; 16]);
/// The ancestor of the branch.
pub const ON: TimelineLabel = TimelineLabel(b'a');

const TENANT: TenantId = TenantId([7; 16]);

/// The key with this name.
pub fn key(name: &str) -> Key {
    let [label] = name.as_bytes() else {
        panic!("a name is one letter");
    };
    Key::MIN.add(u32::from(*label))
}

/// An index and the files that it names.
#[derive(Clone)]
pub struct Fixture {
    index: Index,
    files: Vec<(String, Vec<u8>)>,
}

impl Fixture {
    /// A timeline without layers, durable up to an LSN.
    pub fn up_to(lsn: u64) -> Fixture {
        Fixture {
            index: Index {
                tenant: TENANT,
                timeline: TIMELINE,
                generation: Generation(1),
                ancestor: None,
                disk_consistent_lsn: Lsn(lsn),
                gc_cutoff: Lsn::ZERO,
                is_deleted: false,
                kept: None,
                times: Vec::new(),
                leases: std::collections::BTreeMap::new(),
                gc_compaction: Default::default(),
                shard: IndexShard::default(),
                sparse_keys: palimpsest::SparseKeys::default(),
                strategy: palimpsest::Strategy::default(),
                policy: palimpsest::Policy::default(),
                layers: Vec::new(),
            },
            files: Vec::new(),
        }
    }

    pub fn cutoff(mut self, cutoff: u64) -> Fixture {
        self.index.gc_cutoff = Lsn(cutoff);
        self
    }

    /// Makes it a branch at an LSN.
    pub fn on(mut self, lsn: u64) -> Fixture {
        self.index.ancestor = Some(Ancestor {
            timeline: keys::timeline(ON),
            lsn: Lsn(lsn),
        });
        self
    }

    /// Adds a delta to the index alone.
    pub fn naming(mut self, range: &str, start: u64, end: u64) -> Fixture {
        let keys = key_range(range);
        let lsns = LsnRange::new(Lsn(start), Lsn(end));
        self.index.disk_consistent_lsn = Lsn(end - 1);
        self.name(LayerName::Delta { keys, lsns }, &[]);
        self
    }

    /// Adds a delta layer. Records are `a@10 =x`, an image, or `a@20 +y`, bytes appended.
    pub fn delta(mut self, range: &str, start: u64, end: u64, records: &str) -> Fixture {
        let keys = key_range(range);
        let lsns = LsnRange::new(Lsn(start), Lsn(end));
        let mut records: Vec<(DeltaKey, Change)> = records
            .split(", ")
            .filter(|record| !record.is_empty())
            .map(record)
            .collect();
        records.sort_by_key(|(at, _)| *at);
        let mut file = vec![0; BLOCK_LEN];
        let mut tree = TreeBuilder::<{ DeltaKey::LEN }>::new();
        for (at, change) in records {
            let value = change.to_value();
            let blob = BlobRef::new(file.len() as u64, value.will_init());
            tree.push(&at.to_bytes(), blob.to_value()).unwrap();
            let mut bytes = Vec::new();
            value.encode(&mut bytes);
            encode_blob(&mut file, &bytes, Compression::None).unwrap();
        }
        let (index_start_block, index_root_block) = append_tree(&mut file, tree);
        let summary = DeltaSummary {
            tenant: TENANT,
            timeline: TIMELINE,
            keys,
            lsns,
            index_start_block,
            index_root_block,
        };
        file[..DeltaSummary::LEN].copy_from_slice(&summary.encode());
        self.add(LayerName::Delta { keys, lsns }, file);
        self
    }

    /// Adds an image layer with values as `a=x`.
    pub fn image(mut self, range: &str, lsn: u64, values: &str) -> Fixture {
        let (keys, lsn) = (key_range(range), Lsn(lsn));
        let mut file = vec![0; BLOCK_LEN];
        let mut tree = TreeBuilder::<{ Key::LEN }>::new();
        for value in values.split(", ") {
            let (name, value) = value.split_once('=').unwrap();
            let offset = file.len() as u64;
            tree.push(&key(name).to_bytes(), offset).unwrap();
            encode_blob(&mut file, value.as_bytes(), Compression::None).unwrap();
        }
        let (index_start_block, index_root_block) = append_tree(&mut file, tree);
        let summary = ImageSummary {
            tenant: TENANT,
            timeline: TIMELINE,
            keys,
            lsn,
            index_start_block,
            index_root_block,
        };
        file[..ImageSummary::LEN].copy_from_slice(&summary.encode());
        self.add(LayerName::Image { keys, lsn }, file);
        self
    }

    fn add(&mut self, name: LayerName, mut file: Vec<u8>) {
        let block_count = (file.len() / BLOCK_LEN) as u32;
        ChecksumMarker { block_count }.encode(&mut file[..BLOCK_LEN]);
        let mut section = ChecksumSection::new();
        for block in file.chunks_exact(BLOCK_LEN) {
            section.push_block(block);
        }
        file.extend_from_slice(&section.encode());
        let layer = self.name(name, &file);
        let checksum = Some(section.own_checksum());
        self.index.layers[layer].checksum = checksum;
        let file_name = file_name(&self.index.layers[layer]).to_string();
        self.files.push((file_name, file));
    }

    /// Names a layer, and returns its place in the index.
    fn name(&mut self, name: LayerName, file: &[u8]) -> usize {
        let layers = &mut self.index.layers;
        let place = layers.partition_point(|layer| layer.name < name);
        let layer = IndexLayer {
            name,
            generation: Generation(1),
            len: file.len() as u64,
            checksum: None,
        };
        layers.insert(place, layer);
        place
    }

    /// A disk with these files.
    pub fn disk(&self) -> Disk {
        let mut disk = Disk::new();
        let dir = Path::new(ROOT).join(TIMELINE.to_string());
        disk.create_dir(Path::new(ROOT)).unwrap();
        disk.create_dir(&dir).unwrap();
        let index = ("index".to_string(), self.index.encode());
        for (name, bytes) in self.files.iter().chain([&index]) {
            let file = disk.create(&dir.join(name)).unwrap();
            disk.write(file, 0, bytes).unwrap();
        }
        disk
    }
}

/// `b..c`, without one end or both.
fn key_range(text: &str) -> KeyRange {
    let (start, end) = text.split_once("..").unwrap();
    let end_of = |name: &str, otherwise| {
        if name.is_empty() {
            otherwise
        } else {
            key(name)
        }
    };
    KeyRange::new(end_of(start, Key::MIN), end_of(end, Key::MAX))
}

fn record(text: &str) -> (DeltaKey, Change) {
    let (at, edit) = text.split_once(' ').unwrap();
    let (name, lsn) = at.split_once('@').unwrap();
    let (kind, bytes) = edit.split_at(1);
    let bytes = bytes.as_bytes().to_vec();
    let change = match kind {
        "=" => Change::Image(bytes),
        _ => Change::Append(bytes),
    };
    let lsn = Lsn(lsn.parse().unwrap());
    (
        DeltaKey {
            key: key(name),
            lsn,
        },
        change,
    )
}

fn append_tree<const L: usize>(file: &mut Vec<u8>, tree: TreeBuilder<L>) -> (u32, u32) {
    file.resize(file.len().next_multiple_of(BLOCK_LEN), 0);
    let start_block = (file.len() / BLOCK_LEN) as u32;
    let tree = tree.finish();
    file.extend_from_slice(&tree.blocks);
    (start_block, tree.root_block)
}
