use std::io;
use std::path::Path;

use super::{Disk, NodeId, SECTOR_LEN, Taken};
use crate::faults::Survival;

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// A disk with a durable directory `/d` and a file `/d/a` that holds `bytes`, not synced.
fn disk_with(bytes: &[u8]) -> (Disk, NodeId) {
    let mut disk = Disk::new();
    disk.create_dir(path("/d")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    let id = disk.create(path("/d/a")).unwrap();
    disk.write(id, 0, bytes).unwrap();
    (disk, id)
}

fn content(disk: &Disk, name: &str) -> Option<Vec<u8>> {
    disk.bytes(path(name)).ok().map(|bytes| bytes.to_vec())
}

#[test]
fn power_loss_takes_what_no_sync_covered() {
    let (disk, _) = disk_with(b"abc");
    assert_eq!(content(&disk.crash(Survival::Nothing), "/d/a"), None);
    let all = content(&disk.crash(Survival::All), "/d/a");
    assert_eq!(all.as_deref(), Some(&b"abc"[..]));
}

#[test]
fn content_and_entry_are_durable_apart() {
    let (mut disk, id) = disk_with(b"abc");
    let mut only_entry = disk.clone();
    only_entry.sync_dir(path("/d")).unwrap();
    let found = content(&only_entry.crash(Survival::Nothing), "/d/a");
    assert_eq!(found.as_deref(), Some(&b""[..]));
    disk.sync(id).unwrap();
    assert_eq!(content(&disk.crash(Survival::Nothing), "/d/a"), None);
    disk.sync_dir(path("/d")).unwrap();
    let found = content(&disk.crash(Survival::Nothing), "/d/a");
    assert_eq!(found.as_deref(), Some(&b"abc"[..]));
}

#[test]
fn failed_sync_drops_its_pages_for_good() {
    let (mut disk, id) = disk_with(b"abc");
    disk.sync_dir(path("/d")).unwrap();
    disk.fail_sync(id).unwrap();
    disk.write(id, 3, b"def").unwrap();
    disk.sync(id).unwrap();
    assert_eq!(content(&disk, "/d/a").as_deref(), Some(&b"abcdef"[..]));
    let found = content(&disk.crash(Survival::Nothing), "/d/a");
    assert_eq!(found.as_deref(), Some(&b"\0\0\0def"[..]));
}

#[test]
fn rename_is_atomic_in_every_crash() {
    let (mut disk, id) = disk_with(b"new");
    let old = disk.create(path("/d/b")).unwrap();
    disk.write(old, 0, b"old").unwrap();
    disk.sync(old).unwrap();
    disk.sync(id).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    disk.rename(path("/d/a"), path("/d/b"), Taken::Replace)
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let after = disk.crash(Survival::Draw(seed));
        let found = (content(&after, "/d/a"), content(&after, "/d/b").unwrap());
        assert!(
            found == (None, b"new".to_vec()) || found == (Some(b"new".to_vec()), b"old".to_vec())
        );
        seen.insert(found);
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn rename_refuses_a_taken_name() {
    let (mut disk, _) = disk_with(b"x");
    disk.create(path("/d/b")).unwrap();
    let refused = disk.rename(path("/d/a"), path("/d/b"), Taken::Refuse);
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn draws_reach_lost_kept_torn_and_length_without_content() {
    let bytes = [7u8; 4 * SECTOR_LEN];
    let (mut disk, _) = disk_with(&bytes);
    disk.sync_dir(path("/d")).unwrap();
    let (mut lost, mut kept, mut torn, mut hollow) = (0, 0, 0, 0);
    for seed in 0..400 {
        let found = content(&disk.crash(Survival::Draw(seed)), "/d/a").unwrap();
        let whole_sectors = found
            .chunks(SECTOR_LEN)
            .filter(|sector| sector == &[7; SECTOR_LEN]);
        match whole_sectors.count() {
            0 if found.is_empty() => lost += 1,
            0 => hollow += 1,
            4 => kept += 1,
            _ => torn += 1,
        }
    }
    assert!(0 < lost && 0 < kept && 0 < torn && 0 < hollow);
}

#[test]
fn crash_with_one_seed_is_one_disk() {
    let (disk, _) = disk_with(&[9; 3000]);
    let first = content(&disk.crash(Survival::Draw(5)), "/d/a");
    assert_eq!(first, content(&disk.crash(Survival::Draw(5)), "/d/a"));
}

#[test]
fn open_files_outlive_their_names() {
    let (mut disk, id) = disk_with(b"abc");
    disk.hold(id);
    disk.remove(path("/d/a")).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    let mut buf = [0; 3];
    assert_eq!(disk.read(id, 0, &mut buf).unwrap(), 3);
    disk.release(id);
    disk.sync_dir(path("/d")).unwrap();
    assert!(disk.read(id, 0, &mut buf).is_err());
}
