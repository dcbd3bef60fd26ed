use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::op;
use crate::io::{Io, OUT_OF_FILES_RETRIES_MAX, OpenFiles, OpenSlot, OsIo, block_on};

/// Fills the slot with a file of its own.
fn fill(slot: &OpenSlot<OsIo>) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let mut has_closed = false;
    let file = block_on(OsIo::new().create(op(), &dir.path().join("file"))).unwrap();
    slot.fill(file, || has_closed = true);
    has_closed
}

#[test]
fn the_file_that_was_not_used_is_closed() {
    let files = Arc::new(OpenFiles::<OsIo>::new(3));
    let slots: [_; 4] = std::array::from_fn(|_| files.slot());
    assert!(slots[0].get().is_none());
    assert!(!slots[..3].iter().any(fill));
    // The hand has gone around once, and all are marked: the first goes.
    assert!(fill(&slots[3]));
    assert!(slots[0].get().is_none());
    assert!(slots[1].get().is_some());
    assert!(slots[3].get().is_some());
    // Of the others the third was not used since.
    assert!(fill(&slots[0]));
    let open: Vec<bool> = slots.iter().map(|slot| slot.get().is_some()).collect();
    assert_eq!(open, [true, true, false, true]);
    assert_eq!(files.count(), 3);
    drop(slots);
    assert_eq!(files.count(), 0);
}

#[test]
fn a_file_that_is_read_outlives_its_slot() {
    let files = Arc::new(OpenFiles::<OsIo>::new(1));
    let (one, other) = (files.slot(), files.slot());
    fill(&one);
    let held = one.get().unwrap();
    assert_eq!(Arc::strong_count(&held), 2);
    assert!(fill(&other));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn each_refusal_for_want_of_open_files_closes_some_and_calls_again() {
    let files = Arc::new(OpenFiles::<OsIo>::new(8));
    let slots: [_; 8] = std::array::from_fn(|_| files.slot());
    slots.iter().for_each(|slot| _ = fill(slot));
    let calls = AtomicU32::new(0);
    let refuse = |times: u32| {
        calls.store(0, Ordering::Relaxed);
        block_on(files.retry(&OsIo::new(), || async {
            match calls.fetch_add(1, Ordering::Relaxed) < times {
                true => Err(io::Error::from_raw_os_error(24)),
                false => Ok(()),
            }
        }))
    };
    assert!(refuse(1).is_ok());
    assert_eq!((calls.load(Ordering::Relaxed), files.count()), (2, 6));
    assert!(refuse(OUT_OF_FILES_RETRIES_MAX).is_ok());
    assert_eq!((calls.load(Ordering::Relaxed), files.count()), (5, 1));
    let error = refuse(OUT_OF_FILES_RETRIES_MAX + 1).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(24));
    assert_eq!((calls.load(Ordering::Relaxed), files.count()), (5, 0));
}
