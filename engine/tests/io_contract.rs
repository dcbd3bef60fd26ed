//! The operating system's backend keeps the contract of `Io`.
#![expect(
    clippy::disallowed_methods,
    reason = "the test waits in a thread of its own: nothing here is simulated"
)]

use palimpsest::io::contract::check_all;
use palimpsest::io::{Io, Job, Op, OsIo, block_on};
use std::sync::mpsc;

#[test]
fn files_of_the_system_keep_the_contract() {
    let root = tempfile::tempdir().expect("a directory");
    block_on(check_all(&OsIo::new(), root.path()));
}

#[test]
fn files_of_the_system_keep_the_contract_inside_a_task() {
    let root = tempfile::tempdir().expect("a directory");
    let (sender, receiver) = mpsc::channel();
    let (io, dir) = (OsIo::new(), root.path().to_path_buf());
    let there = io.clone();
    io.spawn(Op::new(None, Job::Open, 1), async move {
        check_all(&there, &dir).await;
        sender.send(()).expect("the test waits");
    });
    receiver.recv().expect("no check panicked");
}
