//! No executor is blocked: what may wait for the device pends, and what need not is done at once.
#![expect(
    clippy::disallowed_methods,
    reason = "a test empties the page cache of a file of its own, and blocks a thread"
)]

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustix::fs::{Advice, fadvise};

use crate::io::blocking::{Blocking, OnDrop};
use crate::io::tests::{millis, op, wait_until};
use crate::io::{File, Io, OsIo, block_on};

/// The result of the first poll, if it has one. What pends is waited for.
fn at_once<T>(call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => {
            block_on(call);
            None
        }
    }
}

#[test]
fn what_may_wait_for_the_device_pends() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("file"), dir.path().join("other"));
    let (page, long) = (vec![7; 8192], vec![7; 1 << 20]);
    let io = OsIo::new();
    assert!(at_once(io.create(op(), &path)).is_none());
    assert!(at_once(io.sync_dir(op(), dir.path())).is_none());
    std::fs::remove_file(&path).unwrap();
    let file = block_on(io.create(op(), &path)).unwrap();
    assert_eq!(
        at_once(file.write_at(op(), 0, &page)).unwrap().unwrap(),
        page.len()
    );
    assert!(at_once(file.write_at(op(), 0, &long)).is_none());
    let mut buf = page.clone();
    assert_eq!(
        at_once(file.read_at(op(), 0, &mut buf)).unwrap().unwrap(),
        page.len()
    );
    assert_eq!(at_once(file.len(op())).unwrap().unwrap(), long.len() as u64);
    assert!(at_once(file.sync(op())).is_none());
    assert!(at_once(io.replace(op(), &path, &other)).is_none());
    assert!(at_once(io.list(op(), dir.path())).is_none());

    // Clean pages can go, and then a read has to wait.
    let opened = std::fs::File::open(&other).unwrap();
    fadvise(&opened, 0, None, Advice::DontNeed).unwrap();
    let mut bytes = Vec::new();
    assert!(at_once(file.append_at(op(), 0, page.len(), &mut bytes)).is_none());
    assert_eq!(bytes, page);
    assert!(at_once(file.append_at(op(), 0, page.len(), &mut bytes)).is_some());
    assert_eq!(bytes, [page.clone(), page].concat());
}

/// A device that hangs holds its own calls alone.
#[test]
fn calls_that_hang_keep_no_other_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let io = OsIo::new();
    // The open of a pipe waits until there is a writer.
    let pipes = [1, 2, 3, 4].map(|number| dir.path().join(format!("pipe{number}")));
    let hanging = pipes.clone().map(|path| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let (io, path) = (io.clone(), path);
        let mut open = Box::pin(async move { io.open(op(), &path).await });
        let first = open.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(first.is_pending());
        open
    });
    let file = block_on(io.create(op(), &dir.path().join("file"))).unwrap();
    block_on(file.write_all_at(op(), 0, b"bytes")).unwrap();
    block_on(file.sync(op())).unwrap();
    for (open, pipe) in hanging.into_iter().zip(pipes) {
        let writer = std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
        block_on(open).unwrap();
        drop(writer);
    }
}

/// What is dropped while it runs has happened whole once the drop returns.
#[test]
fn a_dropped_lock_is_free_and_a_dropped_creation_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let io = OsIo::new();
    for _ in 0..200 {
        let path = dir.path().join("file");
        {
            let mut create = pin!(io.create(op(), &path));
            let _ = create
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
        }
        assert!(!path.exists());
        let path = dir.path().join("lock");
        {
            let mut lock = pin!(io.lock(op(), &path));
            let _ = lock.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        drop(block_on(io.lock(op(), &path)).unwrap());
    }
}

#[test]
fn the_drop_of_a_call_that_runs_waits_for_it_and_of_one_that_waits_takes_it_back() {
    let blocking = Arc::new(Blocking::new(NonZeroUsize::MIN));
    let mut context = Context::from_waker(Waker::noop());
    let (has_begun, has_ended) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (began, ended) = (has_begun.clone(), has_ended.clone());
    let mut first = Box::pin(blocking.call(OnDrop::Wait, move || {
        began.store(true, Ordering::SeqCst);
        thread::sleep(millis(30));
        ended.store(true, Ordering::SeqCst);
        Ok(())
    }));
    assert!(first.as_mut().poll(&mut context).is_pending());
    wait_until("it begins", || has_begun.load(Ordering::SeqCst));
    // The only thread is taken.
    let mut second = Box::pin(blocking.call(OnDrop::Wait, || -> io::Result<()> {
        panic!("it was taken back");
    }));
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(second);
    drop(first);
    assert!(has_ended.load(Ordering::SeqCst));
    block_on(blocking.call(OnDrop::Leave, || Ok(()))).unwrap();
}
