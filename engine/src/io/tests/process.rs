//! Locks and crashes across processes, and foreign file names.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::op;
use crate::io::{Entry, File, Io, OsIo, block_on};

/// The environment variable that gives a child process the file of the parent's test.
const CHILD_PATH: &str = "PALIMPSEST_TEST_CHILD_PATH";

/// Starts this test binary again, to run one test with `path`.
fn start_child(test: &str, path: &Path) -> Child {
    let (_crate, module) = module_path!().split_once("::").expect("it is in a crate");
    let mut command = Command::new(std::env::current_exe().expect("the test has a binary"));
    command.args([&format!("{module}::{test}"), "--exact", "--nocapture"]);
    command.env(CHILD_PATH, path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("the test's own binary starts")
}

fn child_path() -> Option<PathBuf> {
    std::env::var_os(CHILD_PATH).map(PathBuf::from)
}

#[test]
fn a_lock_excludes_another_process() {
    if let Some(path) = child_path() {
        let refused = block_on(OsIo::new().lock(op(), &path)).expect_err("it is held");
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("lock");
    let held = block_on(OsIo::new().lock(op(), &path)).expect("the lock is free");
    let child = start_child("a_lock_excludes_another_process", &path);
    let output = child.wait_with_output().expect("the child ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    drop(held);
}

#[test]
fn a_killed_process_releases_its_lock_and_loses_no_byte() {
    let written_beside = |path: &Path| path.with_extension("bytes");
    if let Some(path) = child_path() {
        let io = OsIo::new();
        let _held = block_on(io.lock(op(), &path)).expect("the lock is free");
        let file = block_on(io.create(op(), &written_beside(&path))).expect("it is free");
        block_on(file.write_all_at(op(), 0, b"never synced")).expect("it is written");
        println!("\nheld");
        std::io::stdout().flush().expect("the parent listens");
        // Waits until it is killed, or until the parent is gone.
        let _end = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("lock");
    let test = "a_killed_process_releases_its_lock_and_loses_no_byte";
    let mut child = start_child(test, &path);
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let held = lines.map_while(Result::ok).find(|line| line == "held");
    assert!(held.is_some(), "the child never held the lock");
    let io = OsIo::new();
    let refused = block_on(io.lock(op(), &path)).expect_err("the child holds it");
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    child.kill().expect("it waits to be killed");
    child.wait().expect("it ends");
    block_on(io.lock(op(), &path)).expect("the lock was released with its process");
    let kept = fs::read(written_beside(&path)).expect("it is there");
    assert_eq!(kept, b"never synced");
}

#[test]
fn a_name_that_is_no_utf8_is_listed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(OsStr::from_bytes(b"a\xFFb"));
    fs::write(path, b"12345").expect("it is written");
    let listed = block_on(OsIo::new().list(op(), dir.path())).expect("it is listed");
    let entry = Entry {
        name: "a\u{FFFD}b".to_string(),
        len: Some(5),
    };
    assert_eq!(listed, [entry]);
}
