use std::io;
use std::path::Path;

use super::{CrashEffect, CrashEffects, Disk, NodeId, SECTOR_LEN, TakenNode};
use crate::faults::{Device, Fault, Survival};

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
    disk.clone()
        .bytes(path(name))
        .ok()
        .map(|bytes| bytes.to_vec())
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
    disk.rename(path("/d/a"), path("/d/b"), TakenNode::Replace)
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
    let refused = disk.rename(path("/d/a"), path("/d/b"), TakenNode::Refuse);
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

/// Every content of `/d/a` that a power loss can leave, and the number of cases.
fn every_case(disk: &Disk) -> (std::collections::BTreeSet<Option<Vec<u8>>>, u64) {
    let mut found = std::collections::BTreeSet::new();
    let mut case_count = 1;
    let mut case = 0;
    while case < case_count {
        let mut after = disk.crash(Survival::Case(case));
        let bytes = after.bytes(path("/d/a")).ok();
        found.insert(bytes.map(|bytes| bytes.to_vec()));
        case_count = case_count.max(after.choice_counts().iter().product());
        case += 1;
    }
    (found, case_count)
}

#[test]
fn cases_are_all_that_a_draw_may_leave() {
    let (mut disk, id) = disk_with(&[1; 700]);
    disk.sync(id).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    disk.write(id, 0, &[2; 600]).unwrap();
    disk.write(id, 700, &[3; 300]).unwrap();
    let (cases, case_count) = every_case(&disk);
    // Two lengths; the first sector is new, old, zeros or garbage, and the second may also have
    // either write without the other.
    assert_eq!(case_count, 2 * 4 * 6);
    // Cut to 700 bytes, the second sector's last write does not show.
    assert!(cases.len() < 48);
    // Where a draw fills a part of a write, a case fills the whole sector.
    let is_written = |bytes: &[u8]| bytes.iter().all(|byte| [1, 2, 3].contains(byte));
    let draws = (0..400).filter_map(|seed| content(&disk.crash(Survival::Draw(seed)), "/d/a"));
    let draws = Vec::from_iter(draws.filter(|bytes| is_written(bytes)));
    assert!(100 < draws.len());
    assert!(draws.into_iter().all(|bytes| cases.contains(&Some(bytes))));
}

#[test]
fn the_first_case_is_what_was_live() {
    let (disk, _) = disk_with(&[7; 1000]);
    let mut after = disk.crash(Survival::Case(0));
    assert_eq!(content(&after, "/d/a"), Some(vec![7; 1000]));
    assert!(after.choice_counts().is_empty(), "a copy was looked at");
    assert!(after.bytes(path("/d/a")).is_ok());
    // The directory, the length and two sectors.
    assert_eq!(after.choice_counts().len(), 4);
}

#[test]
fn a_choice_is_made_only_for_what_a_call_looks_at() {
    let (mut disk, _) = disk_with(&[7; 5000]);
    disk.create_dir(path("/e")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    let mut after = disk.crash(Survival::Case(0));
    let images = after.log2_of_images();
    assert_eq!(after.list(path("/e")).unwrap(), []);
    assert!(after.choice_counts().is_empty());
    assert!((after.log2_of_images() - images).abs() < 1e-9);
    assert!(10.0 < images);
}

#[test]
fn what_a_power_loss_left_open_stays_open_in_the_next() {
    let (mut disk, _) = disk_with(&[7; 600]);
    disk.sync_dir(path("/d")).unwrap();
    let cut = disk.crash(Survival::Case(0));
    let lost = cut.crash(Survival::Case(1));
    assert_eq!(content(&lost, "/d/a"), Some(vec![]));
    // The first read decides: from then on the length is fixed.
    let mut looked_at = disk.crash(Survival::Case(0));
    assert_eq!(looked_at.bytes(path("/d/a")).unwrap().len(), 600);
    let lost = looked_at.crash(Survival::Case(1));
    assert_eq!(content(&lost, "/d/a"), Some(vec![7; 600]));
}

#[test]
fn reverting_sync_shows_what_was_durable_before() {
    let (mut disk, id) = disk_with(b"abc");
    disk.sync(id).unwrap();
    disk.write(id, 1, b"XYZ").unwrap();
    disk.revert_sync(id).unwrap();
    assert_eq!(content(&disk, "/d/a").as_deref(), Some(&b"abc\0"[..]));
}

#[test]
fn rotten_byte_stays_rotten_and_what_would_be_right_is_kept_beside() {
    let (mut disk, id) = disk_with(b"abc");
    assert!(!disk.rot(id, 1).unwrap(), "nothing of it is durable");
    disk.sync(id).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    assert!(disk.rot(id, 1).unwrap());
    assert!(!disk.rot(id, 3).unwrap(), "it ends there");
    assert!(!disk.rot(id, 1).unwrap(), "that would put it right");
    let mut after = disk.crash(Survival::Nothing);
    let mut buf = [0; 3];
    let id = after.open(path("/d/a")).unwrap();
    after.read(id, 0, &mut buf).unwrap();
    assert_eq!(&buf, &[b'a', b'b' ^ 2, b'c']);
    assert_eq!(content(&after, "/d/a").as_deref(), Some(&b"abc"[..]));
    assert_eq!(
        after.wrongs(path("/d/a")),
        Some(vec![(1..2, Fault::Rot(0))])
    );
    assert_eq!(after.wrongs(path("/d/b")), None);
}

#[test]
fn misdirected_write_lands_further_on_and_no_further_than_the_file() {
    let (mut disk, id) = disk_with(&[1; 3 * SECTOR_LEN]);
    disk.misdirect_write(id, (0, 2), &[7; 2 * SECTOR_LEN])
        .unwrap();
    let mut buf = vec![0; 4 * SECTOR_LEN];
    assert_eq!(disk.read(id, 0, &mut buf).unwrap(), 3 * SECTOR_LEN);
    let sectors: Vec<u8> = buf.chunks(SECTOR_LEN).map(|sector| sector[0]).collect();
    assert_eq!(sectors, [1, 1, 7, 0]);
}

#[test]
fn lost_write_makes_the_file_longer_and_no_more() {
    let (mut disk, id) = disk_with(b"abc");
    disk.lose_write(id, 2, b"XYZ").unwrap();
    let mut buf = [9; 5];
    assert_eq!(disk.read(id, 0, &mut buf).unwrap(), 5);
    assert_eq!(&buf, b"abc\0\0");
    assert_eq!(content(&disk, "/d/a").as_deref(), Some(&b"abXYZ"[..]));
}

#[test]
fn stale_read_finds_what_was_durable_before_the_last_sync() {
    let (mut disk, id) = disk_with(b"abc");
    disk.sync(id).unwrap();
    disk.write(id, 0, b"XYZU").unwrap();
    disk.sync(id).unwrap();
    let mut buf = [9; 4];
    assert_eq!(disk.read_stale(id, 0, &mut buf).unwrap(), 4);
    assert_eq!(&buf, b"abc\0");
    assert_eq!(disk.read(id, 0, &mut buf).unwrap(), 4);
    assert_eq!(&buf, b"XYZU");
}

#[test]
fn wrong_file_is_remembered_when_its_name_is_gone() {
    let (mut disk, id) = disk_with(b"abc");
    disk.lose_write(id, 0, b"X").unwrap();
    disk.rename(path("/d/a"), path("/d/b"), TakenNode::Refuse)
        .unwrap();
    assert!(disk.wrongs(path("/d/b")).is_some());
    disk.remove(path("/d/b")).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    assert!(disk.wrongs(path("/d/b")).is_some());
    disk.create(path("/d/b")).unwrap();
    assert_eq!(disk.wrongs(path("/d/b")), None);
}

/// The names that a rename from `a` to an existing `b` can leave after a power loss.
fn left_of_a_rename(device: Device) -> std::collections::BTreeSet<String> {
    let mut disk = Disk::on(device);
    for name in ["/a", "/b"] {
        disk.create(path(name)).unwrap();
    }
    disk.sync_dir(path("/")).unwrap();
    disk.rename(path("/a"), path("/b"), TakenNode::Replace)
        .unwrap();
    let names = |seed| {
        let mut after = disk.crash(Survival::Draw(seed));
        let entries = after.list(path("/")).unwrap();
        entries
            .into_iter()
            .map(|entry| entry.name)
            .collect::<String>()
    };
    (0..64).map(names).collect()
}

#[test]
fn rename_that_is_not_atomic_leaves_both_names_or_neither() {
    assert_eq!(Vec::from_iter(left_of_a_rename(Device::Posix)), ["ab", "b"]);
    let torn = Vec::from_iter(left_of_a_rename(Device::RenameNotAtomic));
    assert_eq!(torn, ["", "ab", "b"]);
}

#[test]
fn device_that_writes_in_order_keeps_the_first_writes_and_entries() {
    let mut disk = Disk::on(Device::Ext4Ordered);
    let id = disk.create(path("/a")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    for byte in 0..4 {
        disk.write(id, byte, b"x").unwrap();
        disk.create(path(["/b", "/c", "/d", "/e"][byte as usize]))
            .unwrap();
    }
    for seed in 0..64 {
        let mut after = disk.crash(Survival::Draw(seed));
        let found = content(&after, "/a").unwrap();
        assert_eq!(found, vec![b'x'; found.len()]);
        let names = after.list(path("/")).unwrap();
        let names: String = names.into_iter().map(|entry| entry.name).collect();
        assert!("abcde".starts_with(&names), "{names}");
    }
}

/// The effects of power losses on a device, with pending writes to a file that has older content,
/// and pending entries.
fn effects_on(device: Device) -> CrashEffects {
    let mut disk = Disk::on(device);
    for name in ["/a", "/b"] {
        disk.create(path(name)).unwrap();
    }
    disk.sync_dir(path("/")).unwrap();
    let id = disk.create(path("/d")).unwrap();
    disk.write(id, 0, &[1; 2 * SECTOR_LEN]).unwrap();
    disk.sync(id).unwrap();
    for write in 0..3 {
        disk.write(id, write * SECTOR_LEN as u64, &[2; 2 * SECTOR_LEN])
            .unwrap();
    }
    disk.rename(path("/a"), path("/e"), TakenNode::Refuse)
        .unwrap();
    disk.remove(path("/b")).unwrap();
    let crashes = (0..256).map(|seed| disk.crash_counted(Survival::Draw(seed)).1);
    crashes.flatten().collect()
}

#[test]
fn each_device_leaves_what_it_can_and_nothing_else() {
    let all = CrashEffect::ALL.to_vec();
    let mut whole_names = all.clone();
    whole_names
        .retain(|effect| !matches!(effect, CrashEffect::BothNames | CrashEffect::NeitherName));
    let in_order = vec![
        CrashEffect::WriteLost,
        CrashEffect::CreationUndone,
        CrashEffect::RenameUndone,
        CrashEffect::RemovalUndone,
    ];
    for (device, expected) in [
        (Device::RenameNotAtomic, all),
        (Device::Posix, whole_names),
        (Device::Ext4Ordered, in_order),
    ] {
        let found: Vec<CrashEffect> = effects_on(device).into_keys().collect();
        assert_eq!(found, expected, "{device:?}");
    }
}

#[test]
fn a_torn_rename_leaves_either_name_or_both_or_neither() {
    let mut seen = std::collections::BTreeSet::new();
    let (mut disk, id) = disk_with(b"abc");
    disk.sync(id).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    disk.rename(path("/d/a"), path("/d/b"), TakenNode::Refuse)
        .unwrap();
    disk.tear_last_rename(path("/d/b")).unwrap();
    assert_eq!(content(&disk, "/d/a"), None);
    for case in 0..64 {
        let after = disk.crash(Survival::Case(case));
        let is_there = |name| content(&after, name).is_some();
        seen.insert((is_there("/d/a"), is_there("/d/b")));
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn a_read_that_is_lied_to_finds_what_is_durable() {
    let (mut disk, id) = disk_with(b"abc");
    let mut read = *b"abc";
    assert!(disk.forget_unsynced(id, 0, &mut read).unwrap());
    assert_eq!(read, [0; 3]);
    disk.sync(id).unwrap();
    let mut read = *b"bc";
    assert!(!disk.forget_unsynced(id, 1, &mut read).unwrap());
    assert_eq!(&read, b"bc");
}

#[test]
fn a_lying_removal_takes_the_bytes_of_an_open_file() {
    let (mut disk, id) = disk_with(b"abc");
    disk.sync(id).unwrap();
    disk.sync_dir(path("/d")).unwrap();
    disk.hold(id);
    assert!(disk.remove_with_bytes(path("/d/a")).unwrap());
    assert_eq!(disk.len(id).unwrap(), 0);
    let found = content(&disk.crash(Survival::Nothing), "/d/a");
    assert_eq!(found.as_deref(), Some(&b"abc"[..]));
}
