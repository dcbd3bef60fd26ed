//! `palimpsest verify`.

use std::path::Path;

use palimpsest::block_on;
use palimpsest::{Engine, Lsn, Options, OsIo, TimelineId};

use crate::program::{Called, call};
use crate::stage;

fn verify(path: &Path) -> Called {
    call(&["verify".as_ref(), path.as_os_str()])
}

/// Changes a byte of a file.
fn damage(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

/// The names and contents of all files of a directory of an engine.
fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    let dir = root.join(stage::TIMELINE.to_string());
    let paths = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<(String, Vec<u8>)> = paths
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn a_directory_without_a_fault_is_read_whole_and_stays_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let before = contents(root.path());
    let called = verify(root.path());
    assert_eq!(
        (called.code, called.stderr.as_str()),
        (0, ""),
        "{}",
        called.stdout
    );
    let len: usize = before.iter().map(|(_, bytes)| bytes.len()).sum();
    let count = before.len();
    let expected = format!("no fault in {count} files, {len} bytes read\n");
    assert_eq!(called.stdout, expected);
    assert!(before == contents(root.path()));
}

#[test]
fn each_fault_is_told_with_its_file_and_offset() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let layers = stage::layers(root.path());
    damage(&layers[0], 8200);
    damage(&layers[1], 9000);
    let index_len = std::fs::metadata(&layers[1]).unwrap().len();
    damage(&layers[2], index_len as usize / 8192 * 8192 - 8000);
    let called = verify(root.path());
    assert_eq!(called.code, 2);
    for (path, offset) in [(&layers[0], 8192), (&layers[1], 8192)] {
        let told = format!(
            "{}: block at offset {offset}: expected checksum",
            path.display()
        );
        assert!(called.stdout.contains(&told), "{}", called.stdout);
    }
    assert!(called.stdout.contains("3 faults in "), "{}", called.stdout);
    let lines = call(&[
        "verify".as_ref(),
        "--json".as_ref(),
        root.path().as_os_str(),
    ]);
    assert_eq!(lines.code, 2);
    let faults = lines
        .stdout
        .lines()
        .filter(|line| line.contains("\"type\":\"fault\""));
    assert_eq!(faults.count(), 3);
}

/// A change of the working directory's files, and how it is told.
type Change = (&'static str, fn(&Path, &[std::path::PathBuf]));

#[test]
fn what_the_index_says_is_compared_with_the_files() {
    let changes: [Change; 4] = [
        ("No such file or directory", |_, layers| {
            std::fs::remove_file(&layers[0]).unwrap();
        }),
        ("checksum at offset", |dir, _| {
            damage(&dir.join("index"), 100)
        }),
        ("expected an index, found none and ", |dir, _| {
            std::fs::remove_file(dir.join("index")).unwrap();
        }),
        ("its checksums are not those of the index", |_, layers| {
            let other = stage::rewritten(&layers[0]);
            std::fs::write(&layers[0], other).unwrap();
        }),
    ];
    for (told, change) in changes {
        let root = tempfile::tempdir().unwrap();
        stage::fill(root.path());
        let dir = root.path().join(stage::TIMELINE.to_string());
        change(&dir, &stage::layers(root.path()));
        let called = verify(root.path());
        assert_eq!(called.code, 2, "{told}: {}", called.stdout);
        assert!(called.stdout.contains(told), "{told}: {}", called.stdout);
    }
}

#[test]
fn what_no_index_names_is_noted_and_no_fault() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let dir = root.path().join(stage::TIMELINE.to_string());
    let ephemeral = dir.join("ephemeral-00000001-7");
    std::fs::write(&ephemeral, "values").unwrap();
    std::fs::write(dir.join("notes"), "mine").unwrap();
    let called = verify(root.path());
    assert_eq!(called.code, 0);
    let told = format!("note: {}: no index names it", ephemeral.display());
    assert!(called.stdout.contains(&told), "{}", called.stdout);
    assert!(called.stdout.contains("it is not the engine's"));
}

#[test]
fn a_branch_without_its_ancestor_is_a_fault() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let branch = TimelineId([0x22; 16]);
    let done = block_on(async {
        let engine = Engine::open(OsIo::new(), root.path(), Options::default()).await?;
        engine
            .branch_timeline(branch, stage::TIMELINE, Lsn(100))
            .await?;
        engine.shutdown().await
    });
    done.unwrap();
    assert_eq!(verify(root.path()).code, 0);
    let ancestor = root.path().join(stage::TIMELINE.to_string());
    std::fs::rename(ancestor, root.path().join("elsewhere")).unwrap();
    let called = verify(root.path());
    assert_eq!(called.code, 2);
    assert!(
        called.stdout.contains("is not beside it"),
        "{}",
        called.stdout
    );
}
