//! The names of layer files, and the numbers of files.

use std::sync::Arc;

use crate::base::{FileName, Generation};
use crate::io::block_on;
use crate::layer::{BlockCache, FileNames};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::thread;

/// A name of another kind, in place of a layer's.
fn name(attempt: u32) -> FileName {
    let generation = Generation(1);
    FileName::IndexTemp {
        generation,
        attempt,
    }
}

/// Each release may be the last one that the other thread can be woken by.
pub fn a_name_has_one_owner_and_its_last_release_wakes_the_last_waiter() {
    let (names, owners) = (Arc::new(FileNames::new()), Arc::new(AtomicU32::new(0)));
    let threads = [1, 1, 2].map(|turn_count| {
        let (names, owners) = (names.clone(), owners.clone());
        thread::spawn(move || {
            for _ in 0..turn_count {
                let taken = block_on(names.take(name(1)));
                assert_eq!(
                    owners.fetch_add(1, Ordering::SeqCst),
                    0,
                    "one owner at a time"
                );
                owners.fetch_sub(1, Ordering::SeqCst);
                drop(taken);
            }
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

/// The last one of two removals ends the wait, whichever that is.
pub fn a_shutdown_waits_for_the_last_removal_and_no_longer() {
    let (names, removed) = (Arc::new(FileNames::new()), Arc::new(AtomicU32::new(0)));
    let removals = [1, 2].map(|number| names.try_take(name(number)).unwrap().for_removal());
    let threads = removals.map(|removal| {
        let removed = removed.clone();
        thread::spawn(move || {
            removed.fetch_add(1, Ordering::SeqCst);
            drop(removal);
        })
    });
    block_on(names.removals_ended());
    assert_eq!(removed.load(Ordering::SeqCst), 2);
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Two files with one number would find each other's blocks in the cache.
pub fn no_two_files_have_one_number() {
    let cache = Arc::new(BlockCache::new(0));
    let threads = [(); 2].map(|()| {
        let cache = cache.clone();
        thread::spawn(move || [cache.number_file(), cache.number_file()])
    });
    let numbers = threads.map(|thread| thread.join().unwrap());
    let mut numbers = numbers.concat();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 4);
}
