//! The system calls of each method of [`OsIo`](palimpsest::io::OsIo), as a reviewed snapshot.
//!
//! The simulator stands in the place of `OsIo`, so it cannot see a sync that does nothing or a flag
//! too many: those are seen here. The test starts itself again as a child under `strace`, which
//! does what `calls.rs` says, and compares what the system was asked: see `trace.rs`.
//!
//! Without `strace`, or where it may not trace, the test says so and checks nothing;
//! `PALIMPSEST_STRACE=required` makes that a failure, and `.ci/run` sets it.
#![expect(
    clippy::disallowed_methods,
    reason = "real processes and files, outside of any run"
)]

mod calls;
mod trace;

use std::path::Path;
use std::process::{Command, Output};

use insta::{Settings, assert_snapshot};

/// The directory in which the child works.
const CHILD: &str = "PALIMPSEST_CALLS";

#[test]
fn system_calls_of_each_method() {
    let root = tempfile::tempdir().unwrap();
    // The name is in the trace, and a link in it would be followed there.
    let root = root.path().canonicalize().unwrap();
    let file = root.join("trace");
    let dir = root.join("dir");
    std::fs::create_dir(&dir).unwrap();
    let ended = strace(&file, &dir);
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let calls = trace::read(&text, &dir);
    if let Some(why) = why_nothing_was_traced(&ended, &calls) {
        let is_required = std::env::var("PALIMPSEST_STRACE").is_ok_and(|how| how == "required");
        assert!(!is_required, "{why}");
        eprintln!("skipped, no system call of `OsIo` was checked: {why}");
        return;
    }
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!("system_calls_of_each_method", calls));
}

/// Runs the child under `strace`, which writes the trace to `file`.
fn strace(file: &Path, dir: &Path) -> std::io::Result<Output> {
    let mut command = Command::new("strace");
    // Threads too, the paths of descriptors, no signals, and no bytes of buffers.
    command.args(["-f", "-y", "-qq", "-e", "signal=none", "-s", "0", "-o"]);
    command.arg(file).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "a_child_calls_each_method"]);
    command.env(CHILD, dir).output()
}

fn why_nothing_was_traced(ended: &std::io::Result<Output>, calls: &str) -> Option<String> {
    match ended {
        Err(error) => Some(format!("strace cannot be started: {error}; install it")),
        Ok(output) if calls.is_empty() => {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(format!("strace traced nothing: {}", said.trim()))
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "the child failed:\n{said}");
            None
        }
    }
}

/// The entry point of the child; it does nothing without a parent.
#[test]
fn a_child_calls_each_method() {
    if let Ok(dir) = std::env::var(CHILD) {
        palimpsest::block_on(calls::make_all(Path::new(&dir)));
    }
}
