//! The program, and what it leaves.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// What a call of the program came to.
pub struct Called {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Calls the program.
pub fn call<S: AsRef<OsStr>>(arguments: &[S]) -> Called {
    let program = env!("CARGO_BIN_EXE_palimpsest");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program).args(arguments).output().unwrap();
    Called {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// Compares a text with a snapshot.
pub fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
