//! The directory store on real files: whatever fails, the index is the old one or the new one.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests look at the files themselves, and damage them"
)]

use std::path::PathBuf;

use tempfile::TempDir;

use super::{DirStore, Store};
use crate::base::{
    Error, Generation, KeyRange, LayerName, Lsn, LsnRange, Result, TenantId, TimelineId,
};
use crate::format::{Ancestor, GcCompaction, Index, IndexLayer, IndexShard};
use crate::io::tests::faulty::{Call, FaultyIo};
use crate::io::{Job, Op, block_on};

const TIMELINE: TimelineId = TimelineId([0x71; 16]);
const OTHER: TimelineId = TimelineId([0x07; 16]);

/// A store with one timeline, in a directory of its own.
struct Cellar {
    root: TempDir,
    io: FaultyIo,
    store: DirStore<FaultyIo>,
}

impl Cellar {
    fn new() -> Cellar {
        let root = tempfile::tempdir().expect("a directory");
        let io = FaultyIo::new();
        let store = DirStore::new(io.clone(), root.path());
        block_on(store.create(op(), TIMELINE)).unwrap();
        Cellar { root, io, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.store.dir(TIMELINE).join(name)
    }

    fn leave(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Writes one file of each kind of ours, except for an index.
    fn leave_ours(&self) {
        for name in OURS {
            self.leave(name, b"x");
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = block_on(self.store.list(op(), TIMELINE)).unwrap();
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.name).collect()
    }

    fn save(&self, index: &Index, attempt: u32) -> Result<()> {
        block_on(self.store.save_index(op(), index, attempt))
    }

    fn load(&self, timeline: TimelineId) -> Result<Option<Index>> {
        block_on(self.store.load_index(op(), timeline))
    }
}

fn op() -> Op {
    Op::new(Some(TIMELINE), Job::Flush, 1)
}

fn index(generation: u32) -> Index {
    let lsns = LsnRange::new(Lsn(11), Lsn(21));
    let keys = KeyRange::ALL;
    Index {
        tenant: TenantId([0x7E; 16]),
        timeline: TIMELINE,
        generation: Generation(generation),
        ancestor: Some(Ancestor {
            timeline: OTHER,
            lsn: Lsn(10),
        }),
        disk_consistent_lsn: Lsn(20),
        gc_cutoff: Lsn(5),
        is_deleted: false,
        kept: None,
        times: Vec::new(),
        leases: std::collections::BTreeMap::new(),
        gc_compaction: GcCompaction::default(),
        shard: IndexShard::default(),
        sparse_keys: crate::base::SparseKeys::default(),
        strategy: crate::base::Strategy::default(),
        policy: crate::base::Policy::default(),
        layers: vec![IndexLayer {
            name: LayerName::Delta { keys, lsns },
            generation: Generation(generation),
            len: 24_592,
            checksum: Some(0xC0FF_EE00),
        }],
    }
}

#[test]
fn an_index_comes_back_as_it_was_saved() {
    let cellar = Cellar::new();
    assert_eq!(cellar.load(TIMELINE).unwrap(), None);
    for generation in [1, 2] {
        cellar.save(&index(generation), 1).unwrap();
        assert_eq!(cellar.load(TIMELINE).unwrap(), Some(index(generation)));
        assert_eq!(cellar.names(), ["index"]);
    }
}

#[test]
fn no_index_is_found_where_there_is_no_directory() {
    let cellar = Cellar::new();
    assert_eq!(cellar.load(OTHER).unwrap(), None);
    assert_eq!(block_on(cellar.store.list(op(), OTHER)).unwrap(), None);
}

/// Asserts the error of a load of these bytes, and that the load changes nothing.
fn check_refused(bytes: &[u8], expected: &str) {
    let cellar = Cellar::new();
    cellar.leave("index", bytes);
    let error = cellar.load(TIMELINE).unwrap_err();
    let is_damage = matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. });
    assert!(is_damage, "{error:?}");
    let file = format!("{TIMELINE}/index ");
    assert!(error.to_string().starts_with(&file), "{error}");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(std::fs::read(cellar.path("index")).unwrap(), bytes);
    assert_eq!(cellar.names(), ["index"]);
}

#[test]
fn another_timelines_index_is_refused() {
    let other = Index {
        timeline: OTHER,
        ..index(1)
    };
    check_refused(&other.encode(), &format!("found {OTHER}"));
}

#[test]
fn a_later_formats_index_is_refused_by_its_version() {
    let mut bytes = index(1).encode();
    bytes[11] = 3;
    check_refused(&bytes, "version 3, and this release reads up to 2");
}

#[test]
fn a_damaged_index_is_refused() {
    let bytes = index(1).encode();
    check_refused(&[], "magic");
    check_refused(&bytes[..bytes.len() - 1], "checksum");
    for at in 12..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        check_refused(&bytes, "checksum");
    }
}

#[test]
fn a_save_that_fails_anywhere_leaves_a_whole_index_and_can_be_retried() {
    let cellar = Cellar::new();
    cellar.save(&index(1), 1).unwrap();
    for ordinal in 1.. {
        cellar.io.fail(ordinal, |_, _| true);
        cellar.io.take_calls();
        let saved = cellar.save(&index(2), 1);
        let calls = cellar.io.take_calls();
        if !cellar.io.heal() {
            saved.unwrap();
            break;
        }
        let call = calls[ordinal - 1].0;
        match (call.is_sync(), &saved) {
            (true, Err(Error::Latched(_))) | (false, Err(Error::Io(_))) => {}
            _ => panic!("{call:?}: {saved:?}"),
        }
        // From the rename on it is the index, although it may not be durable.
        let generation = if call == Call::SyncDir { 2 } else { 1 };
        assert_eq!(cellar.names(), ["index"], "{call:?}");
        let found = cellar.load(TIMELINE).unwrap();
        assert_eq!(found, Some(index(generation)), "{call:?}");
    }
    assert_eq!(cellar.load(TIMELINE).unwrap(), Some(index(2)));
}

#[test]
fn an_index_is_synced_before_it_is_renamed_and_its_directory_after() {
    let cellar = Cellar::new();
    cellar.io.take_calls();
    cellar.save(&index(1), 1).unwrap();
    let calls: Vec<Call> = cellar
        .io
        .take_calls()
        .iter()
        .map(|(call, _)| *call)
        .collect();
    let expected = [
        Call::Create,
        Call::Write,
        Call::Sync,
        Call::Replace,
        Call::SyncDir,
    ];
    assert_eq!(calls, expected);
}

#[test]
fn an_unfinished_index_is_no_index() {
    let cellar = Cellar::new();
    let temp = "index-00000002.1.___temp";
    cellar.leave(temp, &index(2).encode());
    assert_eq!(cellar.load(TIMELINE).unwrap(), None);
    cellar.save(&index(1), 1).unwrap();
    assert_eq!(cellar.load(TIMELINE).unwrap(), Some(index(1)));
    assert_eq!(cellar.names(), ["index", temp]);
}

#[test]
fn a_scratch_name_that_is_taken_is_not_written_over() {
    let cellar = Cellar::new();
    cellar.leave("index-00000002.1.___temp", b"being removed");
    let refused = cellar.save(&index(2), 1);
    assert!(matches!(refused, Err(Error::Io(_))), "{refused:?}");
    cellar.save(&index(2), 2).unwrap();
    assert_eq!(cellar.names(), ["index", "index-00000002.1.___temp"]);
}

#[test]
fn timelines_are_the_directories_with_the_name_of_one() {
    let cellar = Cellar::new();
    block_on(cellar.store.create(op(), OTHER)).unwrap();
    std::fs::create_dir(cellar.root.path().join("lost+found")).unwrap();
    std::fs::write(cellar.root.path().join("lock"), "").unwrap();
    let file = TimelineId([0x11; 16]).to_string();
    std::fs::write(cellar.root.path().join(file), "").unwrap();
    let found = block_on(cellar.store.timelines(op())).unwrap();
    assert_eq!(found, [OTHER, TIMELINE]);
}

#[test]
fn a_directory_that_is_there_can_be_created() {
    let cellar = Cellar::new();
    cellar.save(&index(1), 1).unwrap();
    block_on(cellar.store.create(op(), TIMELINE)).unwrap();
    assert_eq!(cellar.load(TIMELINE).unwrap(), Some(index(1)));
}

const OURS: [&str; 3] = [
    "ephemeral-00000001-2",
    "index-00000002.1.___temp",
    "000000000000000000000000000000000000-FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
     __000000000000000B-0000000000000015-v1-00000001",
];

#[test]
fn a_deletion_removes_all_our_files_and_the_directory() {
    let cellar = Cellar::new();
    cellar.save(&index(1), 1).unwrap();
    cellar.leave_ours();
    block_on(cellar.store.delete(op(), TIMELINE)).unwrap();
    assert_eq!(block_on(cellar.store.timelines(op())).unwrap(), []);
    block_on(cellar.store.delete(op(), TIMELINE)).unwrap();
}

#[test]
fn a_deletion_leaves_foreign_files() {
    let cellar = Cellar::new();
    cellar.save(&index(1), 1).unwrap();
    cellar.leave_ours();
    cellar.leave("notes.txt", b"mine");
    block_on(cellar.store.delete(op(), TIMELINE)).unwrap();
    assert_eq!(cellar.names(), ["notes.txt"]);
}

/// As long as a layer may be left, the index that says "deleted" stays.
#[test]
fn a_deletion_that_fails_anywhere_can_be_retried_and_removes_the_index_last() {
    for ordinal in 1.. {
        let cellar = Cellar::new();
        cellar.save(&index(1), 1).unwrap();
        cellar.leave_ours();
        cellar.io.fail(ordinal, |_, _| true);
        let deleted = block_on(cellar.store.delete(op(), TIMELINE));
        if !cellar.io.heal() {
            deleted.unwrap();
            assert!(8 < ordinal, "only {ordinal} calls");
            break;
        }
        deleted.unwrap_err();
        let names = cellar.names();
        let has_index = names.iter().any(|name| name == "index");
        assert!(has_index || names.is_empty(), "call {ordinal}: {names:?}");
        block_on(cellar.store.delete(op(), TIMELINE)).unwrap();
        assert_eq!(block_on(cellar.store.timelines(op())).unwrap(), []);
    }
}

#[test]
fn removing_a_missing_file_succeeds() {
    let cellar = Cellar::new();
    cellar.leave("ephemeral-00000001-2", b"x");
    for _ in 0..2 {
        block_on(cellar.store.remove(op(), TIMELINE, "ephemeral-00000001-2")).unwrap();
        assert_eq!(cellar.names(), [""; 0]);
    }
}
