//! What a directory entry is decides nothing about what is kept.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use palimpsest::{Engine, Error, Lsn, Mode, OsIo, Timeline, block_on};

use super::{ONE, TWO, entries, get, keep_nothing, put};

fn open(dir: &Path) -> Engine {
    block_on(Engine::open(OsIo::new(), dir, keep_nothing())).unwrap()
}

/// A parent with a record that only its branch needs, after the collection that would take it.
fn put_over(parent: &Timeline) {
    for lsn in [20, 30] {
        put(parent, lsn, b"new").unwrap();
        block_on(parent.flush()).unwrap();
        block_on(parent.compact(Mode::Forced)).unwrap();
        block_on(parent.create_images(Mode::Forced)).unwrap();
    }
}

/// A directory with a timeline and its branch, which was made at LSN 10 and moved elsewhere.
fn with_a_branch_elsewhere(dir: &Path, elsewhere: &Path) {
    let engine = open(dir);
    let parent = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    put(&parent, 10, b"old").unwrap();
    block_on(engine.branch_timeline(TWO, ONE, Lsn(10))).unwrap();
    block_on(engine.shutdown()).unwrap();
    fs::rename(dir.join(TWO.to_string()), elsewhere).unwrap();
}

/// Regression: a directory behind a link was left out of the family, its parent's collection took
/// what it needed, and it answered `None` without an error.
#[test]
fn a_timeline_behind_a_link_is_one_like_others() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let elsewhere = other.path().join("moved");
    with_a_branch_elsewhere(dir.path(), &elsewhere);
    symlink(&elsewhere, dir.path().join(TWO.to_string())).unwrap();
    let engine = open(dir.path());
    assert_eq!(block_on(engine.timelines()).unwrap(), [ONE, TWO]);
    let parent = block_on(engine.open_timeline(ONE)).unwrap();
    put_over(&parent);
    block_on(parent.gc()).unwrap();
    let branch = block_on(engine.open_timeline(TWO)).unwrap();
    assert_eq!(get(&branch, 10).unwrap(), Some(b"old".to_vec()));
    put(&branch, 11, b"other").unwrap();
    block_on(engine.shutdown_timeline(TWO)).unwrap();
    // The link goes with the deletion, and what it led to is empty.
    block_on(engine.delete_timeline(TWO)).unwrap();
    assert!(!entries(dir.path()).contains(&TWO.to_string()));
    assert_eq!(entries(&elsewhere), [] as [String; 0]);
    block_on(engine.shutdown()).unwrap();
}

#[test]
fn a_timeline_behind_a_link_that_leads_nowhere_loses_nothing() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let elsewhere = other.path().join("moved");
    with_a_branch_elsewhere(dir.path(), &elsewhere);
    symlink(
        other.path().join("unmounted"),
        dir.path().join(TWO.to_string()),
    )
    .unwrap();
    let engine = open(dir.path());
    assert_eq!(block_on(engine.timelines()).unwrap(), [ONE, TWO]);
    let parent = block_on(engine.open_timeline(ONE)).unwrap();
    put_over(&parent);
    let refused = block_on(parent.gc()).unwrap_err();
    assert!(matches!(refused, Error::Busy { .. }), "{refused}");
    for _ in 0..2 {
        let refused = block_on(engine.open_timeline(TWO)).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("leads nowhere"), "{refused}");
    }
    assert!(block_on(parent.gc()).is_err(), "it stays so");
    // The disk is mounted.
    fs::rename(&elsewhere, other.path().join("unmounted")).unwrap();
    let branch = block_on(engine.open_timeline(TWO)).unwrap();
    block_on(parent.gc()).unwrap();
    assert_eq!(get(&branch, 10).unwrap(), Some(b"old".to_vec()));
    block_on(engine.shutdown()).unwrap();
}

#[test]
fn a_layer_behind_a_link_is_read_through_it() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = open(dir.path());
    let timeline = block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    put(&timeline, 10, b"far").unwrap();
    block_on(engine.shutdown()).unwrap();
    drop((engine, timeline));
    let home = dir.path().join(ONE.to_string());
    let names = entries(&home);
    let layer = names.iter().find(|name| name.contains("-v1-")).unwrap();
    fs::rename(home.join(layer), other.path().join(layer)).unwrap();
    symlink(other.path().join(layer), home.join(layer)).unwrap();
    let engine = open(dir.path());
    let timeline = block_on(engine.open_timeline(ONE)).unwrap();
    assert_eq!(get(&timeline, 10).unwrap(), Some(b"far".to_vec()));
    block_on(engine.shutdown()).unwrap();
}

/// Regression: a file of another program in the directory of a timeline kept it listed for ever
/// after its deletion, and a directory with an id in upper case was listed, and listed twice.
#[test]
fn foreign_entries_are_left_alone_and_listed_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    block_on(engine.create_timeline(ONE, Lsn(0))).unwrap();
    block_on(engine.shutdown_timeline(ONE)).unwrap();
    let foreign = dir.path().join(ONE.to_string()).join(".DS_Store");
    fs::write(&foreign, b"x").unwrap();
    fs::create_dir(dir.path().join(TWO.to_string().to_uppercase())).unwrap();
    block_on(engine.delete_timeline(ONE)).unwrap();
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(block_on(engine.timelines()).unwrap(), []);
    assert_eq!(fs::read(&foreign).unwrap(), b"x");
    let upper = dir.path().join(TWO.to_string().to_uppercase());
    let mut expected = [foreign, upper];
    expected.sort();
    assert_eq!(block_on(engine.foreign_entries()).unwrap(), expected);
    let refused = block_on(engine.open_timeline(ONE)).map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    block_on(engine.create_timeline(TWO, Lsn(0))).unwrap();
    assert_eq!(block_on(engine.timelines()).unwrap(), [TWO]);
    block_on(engine.shutdown()).unwrap();
}

/// It may be a branch, of what cannot be known: so nothing is collected until it is renamed.
#[test]
fn a_timeline_in_upper_case_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let upper = dir.path().join(TWO.to_string().to_uppercase());
    with_a_branch_elsewhere(dir.path(), &upper);
    let engine = open(dir.path());
    let parent = block_on(engine.open_timeline(ONE)).unwrap();
    put_over(&parent);
    let refused = block_on(parent.gc()).unwrap_err();
    assert!(matches!(refused, Error::Busy { .. }), "{refused}");
    let refused = block_on(engine.open_timeline(TWO)).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("rename"), "{refused}");
    fs::rename(&upper, dir.path().join(TWO.to_string())).unwrap();
    let branch = block_on(engine.open_timeline(TWO)).unwrap();
    block_on(parent.gc()).unwrap();
    assert_eq!(get(&branch, 10).unwrap(), Some(b"old".to_vec()));
    block_on(engine.shutdown()).unwrap();
}
