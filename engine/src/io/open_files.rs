//! The open files of an engine: a bounded cache, and what to do when the system has no more.
//!
//! ```text
//!             get: the slot's own lock           get: none, the owner opens it again
//!  empty ──fill──▶ open ──────────────────▶ open      ▲
//!    ▲              │ the clock passes it twice,      │
//!    └──────────────┴ or the system is out of files ──┘
//! ```
//!
//! 1. A file that is open and in use by no call is held by its slot alone: closing it is to empty
//!    the slot. A call holds the file while it reads, and reads to its end if the slot is emptied.
//! 2. The hand of a clock goes around the open slots. It passes one that was used since it was here
//!    last, and empties the others. A read of an open file takes the lock of its slot alone.
//! 3. Only files that are opened to be read have slots: layers. Beside these the engine has open
//!    one file a memory layer, the file that a job writes, the lock, and what calls in flight
//!    hold.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::Arc;

use super::Io;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How often a call that the system refuses for want of open files is made again.
pub const OUT_OF_FILES_RETRIES_MAX: u32 = 4;

/// The part of the open files that each such refusal closes: one in this many.
const CLOSED_AT_ONCE: usize = 4;

/// `EMFILE` of Linux: the process has as many open files as it may have.
const PROCESS_LIMIT: i32 = 24;
/// `ENFILE`: the system has.
const SYSTEM_LIMIT: i32 = 23;

/// The open files of an engine that are kept for their next read.
pub struct OpenFiles<I: Io> {
    count_max: usize,
    slot_count: AtomicU64,
    clock: Mutex<Clock<I::File>>,
}

/// The slots with an open file, by number, and where the hand is.
struct Clock<F> {
    open: BTreeMap<u64, Arc<Slot<F>>>,
    hand: u64,
}

/// The place for the open file of one owner. Dropping it closes the file.
pub struct OpenSlot<I: Io> {
    files: Arc<OpenFiles<I>>,
    number: u64,
    slot: Arc<Slot<I::File>>,
}

/// Filled and emptied under the clock's lock.
struct Slot<F> {
    file: Mutex<Option<Arc<F>>>,
    is_used: AtomicBool,
}

/// Whether the system refused a call since too many files are open.
pub fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(PROCESS_LIMIT | SYSTEM_LIMIT))
}

impl<I: Io> OpenFiles<I> {
    /// A cache of at most `count_max` open files.
    pub fn new(count_max: usize) -> OpenFiles<I> {
        OpenFiles {
            count_max,
            slot_count: AtomicU64::new(0),
            clock: Mutex::new(Clock {
                open: BTreeMap::new(),
                hand: 0,
            }),
        }
    }

    /// The number of files that are kept open.
    pub fn count(&self) -> usize {
        self.clock().open.len()
    }

    /// An empty slot.
    pub fn slot(self: &Arc<Self>) -> OpenSlot<I> {
        OpenSlot {
            files: self.clone(),
            number: self.slot_count.fetch_add(1, Ordering::Relaxed),
            slot: Arc::new(Slot {
                file: Mutex::new(None),
                is_used: AtomicBool::new(false),
            }),
        }
    }

    /// Makes a call that opens something. As often as the system is out of open files, closes the
    /// coldest and makes it again, up to [`OUT_OF_FILES_RETRIES_MAX`] times.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn retry<T, R>(&self, io: &I, call: impl Fn() -> R) -> io::Result<T>
    where
        R: Future<Output = io::Result<T>>,
    {
        for _ in 0..OUT_OF_FILES_RETRIES_MAX {
            match call().await {
                Err(error) if is_out_of_files(&error) => {
                    let closed = self.clock().take_coldest_part();
                    if !closed.is_empty() {
                        io.probe("a call closes open files to make room for its own");
                    }
                }
                done => return done,
            }
        }
        call().await
    }

    fn clock(&self) -> MutexGuard<'_, Clock<I::File>> {
        // Slots are dropped also while a panic unwinds, so a poisoned lock is taken too.
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Clock<F> {
    /// Takes out a part of the open files, one at least. The caller closes them, without the lock.
    fn take_coldest_part(&mut self) -> Vec<Arc<F>> {
        let count = self.open.len().div_ceil(CLOSED_AT_ONCE);
        (0..count).filter_map(|_| self.take_coldest()).collect()
    }

    /// Takes out the first open file behind the hand that was not used since the hand was there.
    fn take_coldest(&mut self) -> Option<Arc<F>> {
        // After one turn no slot is marked, unless it is used just now: so two turns find one, and
        // the second takes what it comes to.
        for step in 0..2 * self.open.len() {
            let mut behind = self.open.range(self.hand..).chain(&self.open);
            let (number, slot) = behind.next().map(|(number, slot)| (*number, slot))?;
            let was_used = slot.is_used.swap(false, Ordering::Relaxed);
            self.hand = number + 1;
            if !was_used || self.open.len() <= step {
                let slot = self.open.remove(&number).expect("it was just found");
                return slot.file().take();
            }
        }
        None
    }
}

impl<F> Slot<F> {
    fn file(&self) -> MutexGuard<'_, Option<Arc<F>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I: Io> OpenSlot<I> {
    /// The file, if it is open. The caller drops it when its read is done.
    pub fn get(&self) -> Option<Arc<I::File>> {
        let file = self.slot.file().clone()?;
        self.slot.is_used.store(true, Ordering::Relaxed);
        Some(file)
    }

    /// Keeps a file open that was just opened, and returns it. If there are more than there may be,
    /// the coldest is closed; then `closed` is called.
    pub fn fill(&self, file: I::File, closed: impl FnOnce()) -> Arc<I::File> {
        let (file, coldest) = {
            let mut clock = self.files.clock();
            let mut place = self.slot.file();
            // Of two that open it together the first one's file stays, and both use that.
            let file = place.get_or_insert_with(|| Arc::new(file)).clone();
            drop(place);
            self.slot.is_used.store(true, Ordering::Relaxed);
            clock.open.insert(self.number, self.slot.clone());
            let is_full = self.files.count_max < clock.open.len();
            (file, is_full.then(|| clock.take_coldest()).flatten())
        };
        if coldest.is_some() {
            closed();
        }
        file
    }
}

impl<I: Io> Drop for OpenSlot<I> {
    fn drop(&mut self) {
        let slot = self.files.clock().open.remove(&self.number);
        // Closes the file, without the lock.
        drop(slot);
    }
}
